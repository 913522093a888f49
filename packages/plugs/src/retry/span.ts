/**
 * Lengths of time as people write them in options: a number of ms, or a text such as `"30 seconds"`.
 *
 * @module
 */
import { Duration, Option, Schema } from "effect"

/** The longest a timer can wait, in ms: 24 days. */
const longest = 2_147_483_647

/** A length of time above 0: a number of ms, or a text such as `"30 seconds"`. */
export const Span = Schema.declare(
  (value): value is Duration.Input => {
    const found = Option.map(Duration.fromInput(value as Duration.Input), Duration.toMillis)
    return Option.isSome(found) && found.value > 0 && found.value <= longest
  },
  { expected: "a length of time above 0 and below 24 days, in ms or as in \"30 seconds\"" }
)

/** A length of time in ms, or what stands for one that was not given. */
export const ms = <Otherwise>(given: Duration.Input | undefined, otherwise: Otherwise): number | Otherwise =>
  given === undefined ? otherwise : Duration.toMillis(given)
