/**
 * Time that passes only while everything waits: a sleep of an hour is over at once, sleepers wake in the order of their
 * times, and the same program reads the same times in every run. The laws and replays run on it.
 *
 * @module
 */
import { Clock, Duration, Effect } from "effect"

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

/**
 * A clock of its own. `start`: what it shows at first, ms since 1970. Default: 0.
 *
 * Only for programs that wait for nothing outside: time does not stand still while a socket is slow.
 *
 * @example
 * ```ts
 * import { VirtualClock } from "@plugline/testing"
 * import { Clock, Effect } from "effect"
 *
 * const nap = Effect.andThen(Effect.sleep("1 hour"), Clock.currentTimeMillis)
 * await Effect.runPromise(VirtualClock.provide(nap)) // => 3600000
 * ```
 */
export const make = (start = 0): Clock.Clock => {
  // Kept apart from `start`, beside which fractions of a ms would be lost.
  let now = 0
  let pumping = false
  const sleepers: Array<Sleeper> = []

  const pump = (): void => {
    const next = sleepers.shift()
    if (next === undefined) {
      pumping = false
      return
    }
    now = Math.max(now, next.at)
    next.wake()
    later(pump)
  }

  const currentTimeMillisUnsafe = () => Math.floor(start + now)
  const whole = Math.floor(start)
  const currentTimeNanosUnsafe = () => BigInt(whole) * 1_000_000n + BigInt(Math.round((start - whole + now) * 1e6))
  const monotonicTimeNanosUnsafe = () => BigInt(Math.round(now * 1e6))
  return {
    currentTimeMillisUnsafe,
    currentTimeNanosUnsafe,
    monotonicTimeNanosUnsafe,
    currentTimeMillis: Effect.sync(currentTimeMillisUnsafe),
    currentTimeNanos: Effect.sync(currentTimeNanosUnsafe),
    monotonicTimeNanos: Effect.sync(monotonicTimeNanosUnsafe),
    sleep: (duration) => {
      const ms = Duration.toMillis(duration)
      if (ms <= 0) return Effect.yieldNow
      if (!Number.isFinite(ms)) return Effect.never
      return Effect.callback<void>((resume) => {
        const sleeper: Sleeper = { at: now + ms, wake: () => resume(Effect.void) }
        const behind = sleepers.findIndex(({ at }) => at > sleeper.at)
        sleepers.splice(behind < 0 ? sleepers.length : behind, 0, sleeper)
        if (!pumping) {
          pumping = true
          later(pump)
        }
        return Effect.sync(() => {
          const index = sleepers.indexOf(sleeper)
          if (index >= 0) sleepers.splice(index, 1)
        })
      })
    }
  }
}

/** Runs an effect on a clock of its own. `start`: what it shows at first, ms since 1970. Default: 0. */
export const provide = <A, E, R>(effect: Effect.Effect<A, E, R>, start?: number): Effect.Effect<A, E, R> =>
  Effect.suspend(() => Effect.provideService(effect, Clock.Clock, make(start)))

/** After what fibers have scheduled by now, and what that schedules in turn. */
const later = (f: () => void): void => {
  setImmediate(() => setImmediate(f))
}
