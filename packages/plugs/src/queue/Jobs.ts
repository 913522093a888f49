/**
 * One queue in this process: takes jobs in, tells what became of them, and keeps those that wait for an answer and
 * those that work in touch, so that neither has to wait for the other's next look at the store.
 *
 * @module
 */
import { LlmError, type Request } from "@plugline/core"
import { Clock, Context, Deferred, Duration, Effect, type Fiber, Latch, Layer, Metric, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import * as Identity from "../identity.ts"
import { orElse, type StoreError } from "../store/patience.ts"
import { QueueStore, type QueueStoreShape, type Stats } from "../store/QueueStore.ts"
import { type Ended, isEnded, payloadOf, sameWork, type Ticket, ticketOf } from "./job.ts"
import { type Class, type PerClass, retryAfter } from "./turns.ts"

const duration = Schema.Union([Schema.DurationFromString, Schema.DurationFromMillis])
const positive = Schema.Int.check(Schema.isGreaterThan(0))
const weight = Schema.Finite.check(Schema.isGreaterThan(0))

/** Options of a queue. Durations: `"30 seconds"`, or ms. */
export const Options = Schema.Struct({
  /** Letters, digits, `.`, `_` and `-`. Default: `default`. */
  name: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[\w.-]{1,64}$/))),
  /** Most jobs of each class that have not ended. Default: 10,000 each. */
  depth: Schema.optionalKey(Schema.Struct({
    high: Schema.optionalKey(positive),
    normal: Schema.optionalKey(positive),
    batch: Schema.optionalKey(positive)
  })),
  /** How the classes share the workers. Default: 16, 4 and 1. */
  weights: Schema.optionalKey(Schema.Struct({
    high: Schema.optionalKey(weight),
    normal: Schema.optionalKey(weight),
    batch: Schema.optionalKey(weight)
  })),
  /** How often a job is tried before it is dead. Default: 5. */
  deliveries: Schema.optionalKey(positive),
  /**
   * How long a job is lent; a worker that lives renews it. What a killed worker held is delivered again after it.
   * Default: 30 s.
   */
  lease: Schema.optionalKey(duration),
  /** How long an ended job and its answer are kept. Default: 1 day. */
  keep: Schema.optionalKey(duration),
  /** How long a failed job rests: doubled from `base` up to `max`, of that a random part. Default: 1 s and 5 min. */
  rest: Schema.optionalKey(Schema.Struct({ base: Schema.optionalKey(duration), max: Schema.optionalKey(duration) })),
  /** How often another process's doings are looked for. Default: 250 ms. */
  poll: Schema.optionalKey(duration),
  /** How long the store may take. Default: 5 s. */
  patience: Schema.optionalKey(duration)
})

/** Options with every default filled in; durations in ms. */
export interface Settings {
  readonly name: string
  readonly depth: PerClass
  readonly weights: PerClass
  readonly deliveries: number
  readonly lease: number
  readonly keep: number
  readonly rest: { readonly base: number; readonly max: number }
  readonly poll: number
  readonly patience: number
}

/** How one job is taken in. */
export interface Offer {
  /** Default: a random one. The same id with the same request is the same job; with another request it is refused. */
  readonly id?: string
  /** Default: `normal`. */
  readonly class?: Class
  /** Whom it is taken in turns for. Default: the tenant of the request's identity, else its key, else nobody. */
  readonly tenant?: string
  /** Not before this time has passed. Default: none. */
  readonly delay?: Duration.Input
}

/** Counts jobs by queue, class and what happened. */
export const counter = Metric.counter("plugline.queue.jobs", { description: "Jobs by what happened to them", incremental: true })

/** A job that is being worked on in this process. */
export interface Running {
  readonly fence: number
  readonly fiber: Fiber.Fiber<unknown, unknown>
  /** It is no longer ours: it is left without giving it back. */
  lost: boolean
}

/** A queue, with its store. */
export class Jobs extends Context.Service<Jobs, {
  readonly settings: Settings
  readonly store: QueueStoreShape
  readonly offer: (request: Request, offer?: Offer) => Effect.Effect<string, LlmError>
  readonly find: (id: string) => Effect.Effect<Ticket | undefined, LlmError>
  readonly wait: (id: string) => Effect.Effect<Ended, LlmError>
  readonly cancel: (id: string) => Effect.Effect<boolean, LlmError>
  readonly dead: (limit?: number) => Effect.Effect<ReadonlyArray<Ticket>, LlmError>
  readonly redrive: (id: string) => Effect.Effect<boolean, LlmError>
  readonly stats: Effect.Effect<Stats, LlmError>
  /** Open where there may be something to do. */
  readonly work: Latch.Latch
  /** Every job this process works on. */
  readonly running: Map<string, Running>
  /** Tells those who wait here that a job has ended. */
  readonly ended: (id: string) => void
  readonly count: (name: Class, outcome: string) => Effect.Effect<void>
}>()("@plugline/plugs/Jobs") {}

const decode = Schema.decodeUnknownEffect(Options)

/** A queue on the store of {@link QueueStore}. Fails with `Configuration` where an option does not fit. */
export const layer = (options: typeof Options.Encoded = {}): Layer.Layer<Jobs, LlmError, QueueStore> =>
  Layer.effect(
    Jobs,
    Effect.gen(function*() {
      const decoded = yield* Effect.mapError(decode(options, { onExcessProperty: "error" }), (error) =>
        LlmError.make({ _tag: "Configuration", option: "queue", message: `the queue's options do not fit: ${error.message}` }))
      return make(settingsOf(decoded), yield* QueueStore)
    })
  )

const settingsOf = (given: typeof Options.Type): Settings => {
  const ms = (value: Duration.Duration | undefined, otherwise: number) =>
    value === undefined ? otherwise : Math.max(1, Duration.toMillis(value))
  return {
    name: given.name ?? "default",
    depth: { high: 10_000, normal: 10_000, batch: 10_000, ...given.depth },
    weights: { high: 16, normal: 4, batch: 1, ...given.weights },
    deliveries: given.deliveries ?? 5,
    lease: ms(given.lease, 30_000),
    keep: ms(given.keep, 86_400_000),
    rest: { base: ms(given.rest?.base, 1_000), max: ms(given.rest?.max, 300_000) },
    poll: ms(given.poll, 250),
    patience: ms(given.patience, 5_000)
  }
}

const make = (settings: Settings, store: QueueStoreShape): Jobs["Service"] => {
  const { depth, keep, name, patience, poll } = settings
  const work = Latch.makeUnsafe(false)
  const running = new Map<string, Running>()
  const waiting = new Map<string, Deferred.Deferred<void>>()
  const ask = <A>(asked: Effect.Effect<A, StoreError>): Effect.Effect<A, LlmError> =>
    orElse(asked, { store: "queue", way: "closed", limit: patience, instead: () => Effect.fail(unreachable(name)) })
  const count = (class_: Class, outcome: string) =>
    Metric.update(Metric.withAttributes(counter, { queue: name, class: class_, outcome }), 1)
  const ended = (id: string): void => {
    const signal = waiting.get(id)
    waiting.delete(id)
    if (signal !== undefined) Deferred.doneUnsafe(signal, Effect.void)
  }
  const find = (id: string) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      Effect.map(ask(store.find(name, id, now)), (job) => job === undefined ? undefined : ticketOf(job)))
  const offer = Effect.fnUntraced(function*(request: Request, { class: class_ = "normal", delay, id: given, tenant }: Offer = {}) {
    const payload = yield* Effect.try({ try: () => payloadOf(request), catch: (thrown) => LlmError.fromUnknown(thrown) })
    const wait = Duration.toMillis(Duration.fromInputUnsafe(delay ?? 0))
    if (!Number.isFinite(wait)) return yield* Effect.fail(refused("delay", "a delay must be finite"))
    // An id is all that is needed to read an answer, so nobody must be able to guess it.
    const id = given ?? SecureRandom.uuidV4Unsafe()
    if (id === "" || id.length > 256) return yield* Effect.fail(refused("id", "a job's id is a text of 1 to 256 characters"))
    const { key, tenant: whose } = Identity.of(request)
    const now = yield* Clock.currentTimeMillis
    const pushed = yield* ask(store.push({
      queue: name, id, class: class_, tenant: tenant ?? whose ?? key ?? "", payload, now,
      runAt: now + Math.max(0, wait),
      depth: depth[class_]
    }))
    switch (pushed._tag) {
      case "Full":
        yield* count(class_, "refused")
        return yield* Effect.fail(LlmError.make({
          _tag: "Overloaded",
          status: 503,
          retryAfter: retryAfter(pushed.oldest, now),
          message: `the queue ${JSON.stringify(name)} holds ${depth[class_]} jobs of class ${class_} already; try again later`
        }))
      case "Known":
        return sameWork(pushed.payload, payload) ? id : yield* Effect.fail(LlmError.make({
          _tag: "InvalidRequest",
          status: 409,
          parameter: "id",
          message: `the queue ${JSON.stringify(name)} has a job ${JSON.stringify(id)} with another request`
        }))
      default:
        work.openUnsafe()
        yield* count(class_, "accepted")
        return id
    }
  })
  const wait = (id: string): Effect.Effect<Ended, LlmError> =>
    Effect.suspend(() => {
      let signal = waiting.get(id)
      if (signal === undefined) waiting.set(id, signal = Deferred.makeUnsafe<void>())
      const told = Deferred.await(signal)
      const look = (pause: number): Effect.Effect<Ended, LlmError> =>
        Effect.flatMap(find(id), (ticket) => {
          if (ticket === undefined) return Effect.fail(unknown(name, id))
          if (isEnded(ticket)) return Effect.succeed(ticket)
          // What ends here is told at once; what ends in another process is looked for, the longer it takes the less
          // often.
          return Effect.andThen(Effect.raceFirst(told, Effect.sleep(pause)), Effect.suspend(() => look(Math.min(pause * 2, poll * 8))))
        })
      return Effect.onExit(look(poll), () => Effect.sync(() => waiting.delete(id)))
    })
  return {
    settings, store, offer, find, wait, work, running, ended, count,
    cancel: (id) =>
      Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        if (!(yield* ask(store.cancel(name, id, now + keep)))) return false
        ended(id)
        const here = running.get(id)
        if (here !== undefined) {
          here.lost = true
          here.fiber.interruptUnsafe()
        }
        return true
      }),
    dead: (limit = 100) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.map(ask(store.dead(name, now, limit)), (jobs) => jobs.map(ticketOf))),
    redrive: (id) =>
      Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        const job = yield* ask(store.find(name, id, now))
        const said = job === undefined ? "missing" : yield* ask(store.redrive(name, id, now, depth[job.class]))
        if (said === "full") {
          return yield* Effect.fail(LlmError.make({
            _tag: "Overloaded",
            status: 503,
            retryAfter: retryAfter(now, now),
            message: `the queue ${JSON.stringify(name)} is full; try again later`
          }))
        }
        work.openUnsafe()
        return said === "redriven"
      }),
    stats: Effect.flatMap(Clock.currentTimeMillis, (now) => ask(store.stats(name, now)))
  }
}

const unreachable = (name: string): LlmError =>
  LlmError.make({
    _tag: "Overloaded",
    status: 503,
    retryAfter: 1_000,
    message: `the store of the queue ${JSON.stringify(name)} does not answer; try again, with the same id`
  })

const refused = (parameter: string, message: string): LlmError => LlmError.make({ _tag: "InvalidRequest", parameter, message })

const unknown = (name: string, id: string): LlmError =>
  LlmError.make({
    _tag: "NotFound",
    status: 404,
    message: `the queue ${JSON.stringify(name)} has no job ${JSON.stringify(id)}, or no longer`
  })
