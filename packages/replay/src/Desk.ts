/**
 * Who writes down, or plays, what comes into a run from outside. It stands in the context of the fiber that runs the
 * request, so that a pipeline which was compiled once serves every run, whether it is recorded or not.
 *
 * @module
 */
import { Clock, Context, Duration, Effect, Exit, Fiber, Random } from "effect"
import type { Log } from "./Log.ts"

/** Writes down what comes in. */
export interface Desk {
  readonly log: Log
  /** The clock and the random numbers of the run, which write down what they give. */
  readonly clock: Clock.Clock
  readonly random: Random.Random
  readonly outside: Outside
  /** ms since the run began. */
  readonly now: () => number
  /** So many bytes more are held, roughly. */
  readonly weigh: (bytes: number) => void
  /** Whether it holds too much to go on: then nothing is written down any more. */
  readonly isOver: () => boolean
}

/** The clock and the random numbers of the world outside: what an edge reads of them is no part of the record. */
export interface Outside {
  readonly clock: Clock.Clock
  readonly random: Random.Random
}

/** Where it stands; `undefined` where nobody records. */
export const Desk = Context.Reference<Desk | undefined>("@plugline/replay/Desk", { defaultValue: () => undefined })

/** That of the run which is going on. */
export const here = (): Desk | undefined => {
  const fiber = Fiber.getCurrent()
  const desk = fiber === undefined ? undefined : Context.get(fiber.context, Desk)
  return desk === undefined || desk.isOver() ? undefined : desk
}

/** A desk that writes into a log. */
export const recording = (log: Log, outside: Outside, bounds: Pick<Desk, "isOver" | "now" | "weigh">): Desk => ({
  ...bounds,
  log,
  outside,
  clock: loggedClock(outside.clock, log, bounds),
  random: loggedRandom(log, outside.random, bounds.isOver)
})

/** Runs something whose time and random numbers are written down at a desk. */
export const at = <A, E, R>(desk: Desk, run: () => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.updateContext(Effect.suspend(run), (context: Context.Context<R>) =>
    Context.add(Context.add(Context.add(context, Desk, desk), Clock.Clock, desk.clock), Random.Random, desk.random))

/** Runs what an edge does in the world outside, where nobody records. */
export const from = <A, E, R>({ clock, random }: Outside, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  // A stream is mostly pulled in one and the same context.
  let before: Context.Context<R> | undefined
  let outside: Context.Context<R> | undefined
  return Effect.updateContext(effect, (context: Context.Context<R>) => {
    if (context !== before || outside === undefined) {
      before = context
      outside = Context.add(Context.add(Context.add(context, Desk, undefined), Clock.Clock, clock), Random.Random, random)
    }
    return outside
  })
}

// --- clocks and random numbers ----------------------------------------------------------------------------------------

/** A clock for plugs that take one when they are made: it shows the time of the run that asks, or else that of `base`. */
export const clockOfRun = (base: Clock.Clock): Clock.Clock => {
  const of = (): Clock.Clock => here()?.clock ?? base
  return clockFrom({
    millis: () => of().currentTimeMillisUnsafe(),
    nanos: () => of().currentTimeNanosUnsafe(),
    monotonic: () => of().monotonicTimeNanosUnsafe()
  }, (duration) => Effect.suspend(() => of().sleep(duration)))
}

/** The same for random numbers. */
export const randomOfRun = (base: Random.Random): Random.Random => {
  const of = (): Random.Random => here()?.random ?? base
  return { nextIntUnsafe: () => of().nextIntUnsafe(), nextDoubleUnsafe: () => of().nextDoubleUnsafe() }
}

/** What a clock shows. */
export interface ShownTimes {
  readonly millis: () => number
  readonly nanos: () => bigint
  readonly monotonic: () => bigint
}

/** A clock that writes down what it shows, and how long it let sleep. */
const loggedClock = (base: Clock.Clock, log: Log, { isOver, now }: Pick<Desk, "isOver" | "now">): Clock.Clock => {
  const kept = <A>(list: Array<A>, value: A): A => isOver() ? value : keep(list, value)
  return clockFrom({
    millis: () => kept(log.millis, base.currentTimeMillisUnsafe()),
    nanos: () => kept(log.nanos, base.currentTimeNanosUnsafe()),
    monotonic: () => kept(log.monotonic, base.monotonicTimeNanosUnsafe())
  }, (duration) => {
    const asked = Duration.toMillis(duration)
    if (asked <= 0 || !Number.isFinite(asked)) return base.sleep(duration)
    return Effect.suspend(() => {
      if (isOver()) return base.sleep(duration)
      const slept = keep(log.naps, { at: now(), asked, took: 0, over: false })
      return Effect.onExit(base.sleep(duration), (exit) => {
        slept.took = now() - slept.at
        slept.over = Exit.isSuccess(exit)
        return Effect.void
      })
    })
  })
}

/** A clock that shows and sleeps in its own way. */
export const clockFrom = ({ millis, monotonic, nanos }: ShownTimes, sleep: Clock.Clock["sleep"]): Clock.Clock => ({
  currentTimeMillisUnsafe: millis,
  currentTimeNanosUnsafe: nanos,
  monotonicTimeNanosUnsafe: monotonic,
  currentTimeMillis: Effect.sync(millis),
  currentTimeNanos: Effect.sync(nanos),
  monotonicTimeNanos: Effect.sync(monotonic),
  sleep
})

/** A source of random numbers that writes down what it gives. */
export const loggedRandom = (log: Log, draw: Random.Random, isOver: () => boolean): Random.Random => ({
  nextIntUnsafe: () => isOver() ? draw.nextIntUnsafe() : keep(log.integers, draw.nextIntUnsafe()),
  nextDoubleUnsafe: () => isOver() ? draw.nextDoubleUnsafe() : keep(log.doubles, draw.nextDoubleUnsafe())
})

/** The value, at the end of a list too. */
export const keep = <A>(list: Array<A>, value: A): A => {
  list.push(value)
  return value
}

/** A clock's time in ms, for measuring. */
export const elapsed = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
