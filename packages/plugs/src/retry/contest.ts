/**
 * Runs the same attempt again beside one that is slow; the first to answer wins.
 *
 * @module
 */
import type { Request } from "@plugline/core"
import { type Clock, Deferred, Effect, Fiber, Option } from "effect"

/** How attempts are started. */
export interface Contest {
  /** One attempt. Never fails. */
  readonly attempt: Effect.Effect<Request>
  /** How long to wait for an answer before each further attempt, in ms. */
  readonly delay: number
  /** Most further attempts. */
  readonly max: number
  /** Whether one more may be started now. */
  readonly may: () => boolean
  readonly clock: Clock.Clock
}

/** How a contest ended. */
export interface Outcome {
  readonly request: Request
  /** Which attempt it is that answered, counted from 1; of those that all failed, the last. */
  readonly winner: number
  /** How many were started. */
  readonly started: number
  /** How long the first took, in ms, or was waited for. `undefined` where it failed. */
  readonly first: number | undefined
  /** What failed beside the winner, in the order in which it did. */
  readonly failed: ReadonlyArray<Request>
}

/**
 * The first attempt that does not fail. One that fails while no other runs ends the contest: to try again after a
 * failure is another's to decide. The losers are interrupted; what they had opened is closed by the runner.
 */
export const contest = ({ attempt, clock, delay, max, may }: Contest): Effect.Effect<Outcome> =>
  Effect.suspend(() => {
    const done = Deferred.makeUnsafe<Outcome>()
    const begun = clock.currentTimeMillisUnsafe()
    const failed: Array<Request> = []
    const fibers: Array<Fiber.Fiber<void>> = []
    let first: number | undefined
    let firstFailed = false
    let started = 0
    let over = false

    const arrive = (request: Request, number: number): void => {
      if (over) return
      if (number === 1) {
        firstFailed = request.state === "error"
        if (!firstFailed) first = clock.currentTimeMillisUnsafe() - begun
      }
      if (request.state === "error") {
        failed.push(request)
        if (failed.length < started) return
      }
      over = true
      if (!firstFailed) first ??= clock.currentTimeMillisUnsafe() - begun
      Deferred.doneUnsafe(done, Effect.succeed({
        request,
        winner: number,
        started,
        first,
        failed: failed.filter((other) => other !== request)
      }))
    }

    const start = (number: number): Effect.Effect<void> => {
      started++
      return Effect.map(Effect.forkChild(Effect.map(attempt, (request) => arrive(request, number)), { startImmediately: true }), (fiber) => {
        fibers.push(fiber)
      })
    }

    return Effect.onExit(
      Effect.gen(function*() {
        yield* start(1)
        for (let extra = 1; extra <= max; extra++) {
          // It may have answered at once: then there is no need to wait with a timer.
          if (over) break
          const settled = yield* Effect.timeoutOption(Deferred.await(done), delay)
          if (Option.isSome(settled)) return settled.value
          if (!may()) break
          yield* start(extra + 1)
        }
        return yield* Deferred.await(done)
      }),
      () => {
        over = true
        return Fiber.interruptAll(fibers)
      }
    )
  })
