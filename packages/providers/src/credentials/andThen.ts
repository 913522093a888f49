/**
 * Goes on at once with a value that is there already: most keys are, and a call should not pay for waiting for them.
 *
 * @module
 */
import { Effect, Exit } from "effect"

/** `Effect.flatMap`, without its cost where the first Effect is a value. */
export const andThen = <A, B, E1, E2>(
  effect: Effect.Effect<A, E1>,
  next: (value: A) => Effect.Effect<B, E2>
): Effect.Effect<B, E1 | E2> => {
  const exit = Exit.isExit(effect) ? effect as Exit.Exit<A, E1> : undefined
  return exit !== undefined && Exit.isSuccess(exit) ? next(exit.value) : Effect.flatMap(effect, next)
}
