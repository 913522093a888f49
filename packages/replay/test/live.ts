/**
 * Services that are in use, for tests: each of the plugs' stores, and every call of one of them is counted, so that a
 * replay can be shown to leave them alone.
 *
 * @module
 */
import type { Pipeline, Request } from "@plugline/core"
import { memory, type Providers, type Stores, Taped } from "@plugline/plugs"
import { Replay } from "@plugline/replay"
import { Context, Effect, Layer, Metric, Scope } from "effect"
import { expect } from "vitest"

export type Needs = Stores | Providers.Providers

/** A line, the services it runs in, and what was asked of them. */
export interface Live {
  readonly context: Context.Context<Needs>
  /** Calls of stores so far. */
  readonly touched: () => number
  /** The metrics, as text. */
  readonly metrics: () => string
  readonly run: <A, E>(effect: Effect.Effect<A, E, Needs>) => Promise<A>
}

/** Calls of a service, and of its parts, go through `on`. */
const watch = <A extends object>(service: A, on: () => void): A =>
  new Proxy(service, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member === "function") {
        return (...given: ReadonlyArray<unknown>) => {
          on()
          return member.apply(target, given) as unknown
        }
      }
      const isPart = (name === "store" || name === "lock" || name === "paces" || name === "lines" || name === "underWay")
        && typeof member === "object" && member !== null
      return isPart ? watch(member, on) : member
    }
  })

/** `stores`: in place of those in memory. */
export const live = async <A extends Stores = never>(
  providers: Layer.Layer<Providers.Providers>,
  stores: Layer.Layer<A> = Layer.empty as Layer.Layer<never> as Layer.Layer<A>
): Promise<Live> => {
  let calls = 0
  const registry = new Map()
  const layer = Layer.mergeAll(memory, stores, providers)
  const built = await Effect.runPromise(Effect.flatMap(Scope.make(), (scope) =>
    Effect.provideService(Layer.buildWithScope(layer, scope), Metric.MetricRegistry, registry)))
  let context: Context.Context<Needs> = Context.add(built, Metric.MetricRegistry, registry)
  for (const { service } of Taped.stores) {
    const found = Context.getOrUndefined(context, service)
    if (typeof found === "object" && found !== null) {
      context = Context.add(context, service as never, watch(found, () => calls++) as never) as Context.Context<Needs>
    }
  }
  return {
    context,
    touched: () => calls,
    metrics: () => JSON.stringify(Metric.snapshotUnsafe(context), (_, value: unknown) =>
      typeof value === "bigint" ? `${value}` : value),
    run: (effect) => Effect.runPromise(Effect.provideContext(effect, context))
  }
}

export const tape = { edge: ["mock", "send", "other", "slow", "fast"], strict: false, stores: Taped.stores } satisfies Replay.Tape

/** Records a run in services that are in use. */
export const record = (live: Live, line: Pipeline<Needs>, request: Request, options: Replay.Tape = tape) =>
  live.run(Replay.record(line, request, options))

/** As it comes back from a file. */
export const stored = (recording: Replay.Recording): Replay.Recording =>
  Replay.decode(JSON.parse(JSON.stringify(Replay.encode(recording))))

/** Replays what was recorded and came back from a file, amidst the services in use, which must not notice. */
export const again = async (live: Live, line: Pipeline<Needs>, recording: Replay.Recording, options: Replay.Tape = tape) => {
  const read = stored(recording)
  const touched = live.touched()
  const metrics = live.metrics()
  const replayed = await live.run(Taped.apart(Replay.replay(line, read, options)))
  expect(live.touched() - touched).toBe(0)
  expect(live.metrics()).toBe(metrics)
  expect(Replay.equal(recording, replayed)).toEqual([])
  expect(Replay.equal(read, replayed)).toEqual([])
  return replayed
}
