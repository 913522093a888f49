/**
 * Durations among the options of a plug: a number of ms, or a text such as `"1 hour"`.
 *
 * @module
 */
import { Duration, Option, Schema } from "effect"

/** A duration that is not negative. */
export const duration = Schema.declare<Duration.Input>(
  (value): value is Duration.Input => {
    const read = Duration.fromInput(value as Duration.Input)
    return Option.isSome(read) && Duration.toMillis(read.value) >= 0
  },
  { expected: "a duration, in ms or as in \"1 hour\"" }
)

/** A duration in ms, or what is taken where there is none. */
export const millis = (value: Duration.Input | undefined, otherwise: number): number =>
  value === undefined ? otherwise : Duration.toMillis(Duration.fromInputUnsafe(value))
