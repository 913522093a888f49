/**
 * Goes on with a value at once where it is there already, so that a store in memory costs no fiber.
 *
 * @module
 */
import { Effect } from "effect"
import { StoreError } from "../store/patience.ts"

/** A value now or later. */
export type Now<A, E = never> = A | Effect.Effect<A, E>

/** Goes on with a value, at once or when it has come. */
export const andThen = <A, B, E, E2>(value: Now<A, E>, f: (value: A) => Now<B, E2>): Now<B, E | E2> =>
  Effect.isEffect(value) ? Effect.flatMap(value, (value) => effect(f(value))) : f(value)

/** The value as an Effect. */
export const effect = <A, E>(value: Now<A, E>): Effect.Effect<A, E> =>
  (Effect.isEffect(value) ? value : Effect.succeed(value)) as Effect.Effect<A, E>

/** What a store answers; what it throws is a failure like any other. */
export const attempt = <A, E>(ask: () => Now<A, E>): Now<A, E | StoreError> => {
  try {
    return ask()
  } catch (thrown) {
    return Effect.fail(thrown instanceof StoreError ? thrown : new StoreError("memory", "the store failed", thrown))
  }
}
