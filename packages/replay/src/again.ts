/**
 * One run on a recording: its time passes only while everything waits, and whatever it asks of the world outside is
 * answered from the recording. For `Replay.ts` and `Fork.ts`.
 *
 * @module
 */
import { Json, Pipeline, type Plug, type Request, Trace } from "@plugline/core"
import type { Compiled, LlmError, Observer, RunOptions } from "@plugline/core"
import { Clock, Context, Effect, Random } from "effect"
import { Desk, loggedRandom } from "./Desk.ts"
import { played as playedEdge, type Player as EdgePlayer } from "./Edge.ts"
import { copy, empty, type Log } from "./Log.ts"
import { played as playedStore, fits, type Player as StorePlayer } from "./Stores.ts"
import { namesOf, type Recording, recordingOf, type Tape, withStores } from "./Tape.ts"
import * as Timeline from "./Timeline.ts"
import type { StoreCall, World } from "./World.ts"

/** Puts other plugs in places of a pipeline. */
export type Rewriting = (plug: Plug<unknown>, path: string) => Plug<unknown>

/** What else is another way. */
export interface Otherwise {
  /** Puts other plugs in places of the pipeline. */
  readonly remake?: Rewriting
  /** Puts something around what runs there, edges too. */
  readonly wrap?: Rewriting
  /** Puts something in front of who watches. */
  readonly observe?: (observer: Observer) => Observer
  /** How many ms early something may begin and still end when it ended in the recording. Default: as many as it likes. */
  readonly tolerance?: number
}

/** Runs a request on a recording. */
export const again = <R>(
  pipeline: Pipeline<R>,
  request: Request,
  { trace, world }: Recording,
  { edge, stores = [] }: Tape,
  { observe = (observer) => observer, remake = (plug) => plug, tolerance = Infinity, wrap = (plug) => plug }: Otherwise = {}
): Effect.Effect<Recording, LlmError, R> =>
  Clock.clockWith((outside) => {
    const log = empty()
    const left = world.left !== undefined
    const { startedAt } = trace
    const timeline = Timeline.make({ world, startedAt, log, tolerance, outside })
    const player: EdgePlayer = { log, timeline, left, take: exchangeTaker(world) }
    const keeper: StorePlayer = { log, timeline, methods: methodsOf(world), take: callTaker(world) }
    const names = namesOf(edge)
    const { observer, trace: seen } = Trace.recorder({ now: timeline.now, startedAt })
    const options = { observer: observe(observer), ...(world.spans === true && { spans: true }) }
    const run = Effect.flatMap(Pipeline.compile(pipeline) as Effect.Effect<Compiled, LlmError, R>, (compiled) =>
      left ? leaving(compiled, request, options, timeline.sleep(world.left)) : Pipeline.runCompiled(compiled, request, options))
    const last = lastOf(world)
    // What went on behind the answer goes as far as it had gone when the recording was looked at.
    const caughtUp = Effect.suspend(() => {
      const left = last - timeline.now()
      return left > 0 && isBehind(log, world) ? timeline.sleep(left + 1e-3) : Effect.void
    })
    const more = { ...(left && { left: world.left }), ...(world.spans === true && { spans: true }) }
    return Effect.map(
      Effect.raceFirst(Effect.tap(Effect.updateContext(run, (context: Context.Context<R>) => {
        const before = Context.get(context, Pipeline.Rewrite)
        return withStores(context, stores, (store, service) => playedStore(store, service, keeper)).pipe(
          Context.add(Clock.Clock, timeline.clock),
          Context.add(Random.Random, loggedRandom(log, randomOf(world), () => false)),
          Context.add(Desk, undefined),
          Context.add(Pipeline.Rewrite, (plug, path) => {
            const here = before(remake(plug, path), path)
            return wrap(names.has(here.name) ? playedEdge(here, player) : here, path)
          })
        )
      }), caughtUp), timeline.endless),
      (outcome) => recordingOf(request, seen(outcome), outcome, copy(log), more)
    )
  })

/** When the last answer from outside was there that was waited for, in ms since the run began. */
const lastOf = ({ exchanges, stores = [] }: World): number => {
  let last = 0
  const see = ({ at, sync = false, took }: { readonly at?: number; readonly sync?: boolean; readonly took: number }): void => {
    if (at !== undefined && !sync) last = Math.max(last, at + took)
  }
  for (const exchange of exchanges) {
    see(exchange)
    exchange.bytes?.forEach(see)
    exchange.parts?.forEach(see)
  }
  stores.forEach(see)
  return last
}

/** Whether more was asked or answered in the recording than was by now. */
const isBehind = ({ calls, exchanges }: Log, world: World): boolean => {
  const isOpen = ({ ending }: { readonly ending: unknown }): boolean => ending === undefined
  return exchanges.length < world.exchanges.length || calls.length < (world.stores?.length ?? 0) || calls.some(isOpen)
    || exchanges.some((asked) => isOpen(asked) || asked.bytes?.some(isOpen) === true || asked.parts?.some(isOpen) === true)
}

/** Reads the reply and goes away when it is time. */
const leaving = (
  compiled: Compiled,
  request: Request,
  options: RunOptions,
  left: Effect.Effect<void>
): Effect.Effect<undefined> =>
  Effect.raceFirst(
    Effect.andThen(left, Effect.undefined),
    Effect.scoped(Effect.flatMap(Pipeline.openCompiled(compiled, request, options), ({ pull }) => {
      const read: Effect.Effect<never> = Effect.flatMap(pull, (parts) => parts === undefined ? Effect.never : read)
      return read
    }))
  )

/** The answer to a request: of those not yet given the first to an equal request, else the first of all. */
const exchangeTaker = ({ exchanges }: World): EdgePlayer["take"] => {
  const left = [...exchanges]
  return (plug, request) => {
    const equal = left.findIndex((exchange) => exchange.plug === plug && Json.equals(exchange.request, request))
    const at = equal >= 0 ? equal : left.findIndex((exchange) => exchange.plug === plug)
    return at < 0 ? undefined : left.splice(at, 1)[0]
  }
}

/** The answer of a store, in the same way. */
const callTaker = ({ stores = [] }: World): StorePlayer["take"] => {
  const left = [...stores]
  return (store, method, given, mode) => {
    const isOf = (call: StoreCall): boolean => call.store === store && call.method === method
    const equal = left.findIndex((call) => isOf(call) && Json.equals(call.arguments, given))
    const at = equal >= 0 ? equal : left.findIndex((call) => isOf(call) && fits(mode, call.arguments, given))
    return at < 0 ? undefined : left.splice(at, 1)[0]
  }
}

/** What each store was asked. */
const methodsOf = ({ stores = [] }: World): StorePlayer["methods"] => (store) =>
  new Set(stores.filter((call) => call.store === store).map(({ method }) => method))

const randomOf = ({ random: { doubles, integers } }: World): Random.Random => ({
  nextIntUnsafe: Timeline.player(integers, () => 0),
  nextDoubleUnsafe: Timeline.player(doubles, () => 0)
})
