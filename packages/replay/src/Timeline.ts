/**
 * The time of a run on a recording: what took its time then comes at the very same moment, so that things happen in the
 * order in which they did, however late a busy machine was at the time.
 *
 * @module
 */
import { LlmError } from "@plugline/core"
import { type Clock, Deferred, Duration, Effect } from "effect"
import { clockFrom, elapsed, keep, type ShownTimes } from "./Desk.ts"
import type { Log, Slept } from "./Log.ts"
import * as VirtualClock from "./VirtualClock.ts"
import type { World } from "./World.ts"

/** Something that began `at` so many ms since the run began, and ended so many ms later. */
interface Timed {
  readonly at?: number
  readonly took: number
}

/** See the module. */
export interface Timeline {
  /** Shows the times of the recording, and sleeps as long as was slept then. */
  readonly clock: Clock.Clock
  /** ms since the run began. */
  readonly now: () => number
  /** Waits until what was recorded was over; at least until all others have had their turn, where it took any time at all. */
  readonly wait: (recorded: Timed) => Effect.Effect<void>
  /** Waits so many ms. */
  readonly sleep: (ms: number) => Effect.Effect<void>
  /** Fails where the run has waited so often that it will not end. */
  readonly endless: Effect.Effect<never, LlmError>
  /** Waits for what was not recorded, because somebody left meanwhile. Where nobody leaves, it dies with an error. */
  readonly standstill: (plug: string) => Effect.Effect<never>
}

/** How a timeline is made. */
export interface Means {
  readonly world: World
  readonly startedAt: number
  readonly log: Log
  /**
   * How many ms earlier than then something may begin and still end when it ended. What begins at another time altogether takes
   * as long as it took.
   */
  readonly tolerance: number
  /** The clock of whoever waits for the run. */
  readonly outside: Clock.Clock
}

/** A timeline. */
export const make = ({ log, outside, startedAt, tolerance, world }: Means): Timeline => {
  const virtual = VirtualClock.make(startedAt)
  const now = () => elapsed(virtual)
  let waits = most(world)
  const endless = Deferred.makeUnsafe<never, LlmError>()
  const sleep = (ms: number): Effect.Effect<void> => {
    if (--waits > 0) return ms > 0 ? virtual.sleep(Duration.millis(ms)) : Effect.yieldNow
    Deferred.doneUnsafe(endless, Effect.fail(goesRound(now())))
    return Effect.never
  }
  const left = ({ at, took }: Timed): number => {
    const early = at === undefined ? Infinity : at - now()
    return early >= 0 && early <= tolerance ? early + took : took
  }
  const gone = world.left ?? -Infinity
  const naps = [...world.clock.naps ?? []]
  const nap = (asked: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const place = naps.findIndex((nap) => nap.asked === asked)
      const found = place < 0 ? undefined : naps.splice(place, 1)[0]
      const slept: Slept = keep(log.naps, { at: found?.at ?? now(), asked, took: found?.took ?? asked, over: false })
      // One that was cut short lasts at least until then: what cut it short comes first, and be it that whoever asked left.
      const ms = found === undefined ? asked : found.over ? left(found) : Math.max(asked, left(found) + 1e-3, gone - now() + 1)
      return Effect.map(sleep(ms), () => {
        slept.over = true
      })
    })
  const shown = timesOf(world.clock, virtual, log)
  return {
    clock: clockFrom(shown, (duration) => napOf(duration, nap)),
    now,
    sleep: (ms) => Effect.suspend(() => sleep(ms)),
    endless: Deferred.await(endless),
    wait: (recorded) => Effect.suspend(() => sleep(left(recorded))),
    standstill: (plug) => still(outside, () => `${now()} ${Object.values(log).map(({ length }) => length).join(" ")}`, plug)
  }
}

/** Most waits of a run: some more than were recorded, for a run that goes another way. */
const most = ({ clock: { naps = [] }, exchanges, stores = [] }: World): number => {
  const pulls = exchanges.reduce((sum, { bytes = [], parts = [] }) => sum + bytes.length + parts.length, 0)
  return 10_000 + 4 * (naps.length + exchanges.length + stores.length + pulls)
}

const goesRound = (ms: number): LlmError =>
  LlmError.make({
    _tag: "Configuration",
    option: "recording",
    message: `the run on this recording does not come to an end: it has waited ${Math.round(ms)} ms of its time by now`
  })

/** Sleeps in a way of its own where there is anything to sleep. */
export const napOf = (duration: Duration.Duration, nap: (ms: number) => Effect.Effect<void>): Effect.Effect<void> => {
  const ms = Duration.toMillis(duration)
  return ms <= 0 ? Effect.yieldNow : Number.isFinite(ms) ? nap(ms) : Effect.never
}

const timesOf = ({ millis, monotonic, nanos }: World["clock"], clock: Clock.Clock, log: Log): ShownTimes => {
  const shown = {
    millis: player(millis, () => clock.currentTimeMillisUnsafe()),
    nanos: player(nanos.map(BigInt), () => clock.currentTimeNanosUnsafe()),
    monotonic: player(monotonic.map(BigInt), () => clock.monotonicTimeNanosUnsafe())
  }
  return {
    millis: () => keep(log.millis, shown.millis()),
    nanos: () => keep(log.nanos, shown.nanos()),
    monotonic: () => keep(log.monotonic, shown.monotonic())
  }
}

/** Gives what was recorded, one after the other; then something, which `equal` will show as added. */
export const player = <A>(recorded: ReadonlyArray<A>, then: () => A): () => A => {
  let at = 0
  return () => {
    const value = recorded[at++]
    return value === undefined ? then() : value
  }
}

/** How long nothing at all may happen, by the clock outside: so often, so many ms. */
const looks = 30
const pause = 100

const still = (outside: Clock.Clock, progress: () => string, plug: string): Effect.Effect<never> => {
  const look = (before: string, times: number): Effect.Effect<never> =>
    Effect.flatMap(outside.sleep(Duration.millis(pause)), () => {
      const after = progress()
      if (after !== before) return look(after, 0)
      return times < looks ? look(before, times + 1) : Effect.die(LlmError.make({
        _tag: "Configuration",
        option: "recording",
        message: `plug ${JSON.stringify(plug)} was left before it answered when this was recorded, and nobody leaves it now`
      }))
    })
  return Effect.suspend(() => look(progress(), 0))
}
