/**
 * Errors of the library as what is told to a person.
 *
 * @module
 */
import { Effect } from "effect"
import { LlmError, Mask } from "plugline"
import { Failed } from "./Failed.ts"

/** An Effect of a command: its error as what is told to a person, without credentials. */
export const told = <A, R>(effect: Effect.Effect<A, LlmError, R>): Effect.Effect<A, Failed, R> =>
  Effect.mapError(effect, (error) => new Failed(Mask.text(sentence(error)), { cause: error }))

/** A value, or what was thrown instead of it. */
export const attempt = <A>(f: () => A): Effect.Effect<A, LlmError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(f())
    } catch (thrown) {
      return Effect.fail(LlmError.fromUnknown(thrown))
    }
  })

/** What is wrong with a configuration says so itself; of any other error its kind matters. */
const sentence = (error: LlmError): string =>
  error.reason._tag === "Configuration" ? error.reason.message : error.message
