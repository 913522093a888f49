/**
 * Stops calling what does not work: a service that keeps failing is left alone for a while, and calls to it fail at
 * once, so that a fallback can take over and the service can recover. After that time a few calls try whether it works
 * again.
 *
 * There is one circuit per provider and model, unless told otherwise. A circuit opens after failures in a row, or when
 * too large a share of the calls within a time failed or began too late. What counts as a failure is the service's
 * failure alone ({@link classify}): a call that was refused for what it asked, a rate limit or a call that was given up
 * says nothing about the service's health.
 *
 * @example
 * ```ts
 * import { Pipeline, Request } from "@plugline/core"
 * import { CircuitBreaker } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const mock = Mock.make(() => Mock.fail({ _tag: "Server", message: "broken", status: 500 }))
 * const line = [CircuitBreaker.plug({ consecutive: 2 }), ...mock.pipeline]
 * const request = Request.make({ provider: "mock", messages: "Hi", options: { model: "m" } })
 * const program = Effect.gen(function*() {
 *   for (let call = 1; call <= 3; call++) yield* Pipeline.run(line, request)
 *   return yield* CircuitBreaker.state("mock/m")
 * })
 * const state = await Effect.runPromise(Effect.provide(program, CircuitBreaker.memory()))
 * state?.state // => "open"
 * mock.calls.length // => 2
 * ```
 *
 * @module
 */
import { type Handler, Key, LlmError, Plug, Reply, Request } from "@plugline/core"
import { Clock, type Duration, Effect, PubSub, Schema, Stream } from "effect"
import { classify } from "./breaker/classify.ts"
import { openTime, type Policy, type Report, trips } from "./breaker/policy.ts"
import { effect, type Now } from "./cost/now.ts"
import { counter } from "./observe/series.ts"
import { count, providerLabel } from "./retry/count.ts"
import { ms, Span } from "./retry/span.ts"
import { BreakerStore, memory, type Order, type Permit, type Refusal, type Snapshot, type State, type Transition } from "./store/BreakerStore.ts"
import { redis } from "./store/BreakerStore.redis.ts"
import { orElse, type StoreError } from "./store/patience.ts"

export { BreakerStore, classify, memory, openTime, redis, trips }
export type { Counts, Policy, Report, Why } from "./breaker/policy.ts"
export type { MemoryBreakerOptions, Order, Permit, Refusal, Snapshot, State, Transition } from "./store/BreakerStore.ts"
export type { RedisBreakerOptions } from "./store/BreakerStore.redis.ts"

/** How a request met its circuit. Plain JSON. */
export interface Status {
  readonly circuit: string
  /** `unknown`: the store could not be asked, and the call passed. */
  readonly state: State | "unknown"
  /** Whether the request was one of those that try whether the service works again. */
  readonly probe: boolean
}

/** Where {@link Status} is written. */
export const status: Key<Status> = Key.make<Status>("circuitBreaker.status")

/** Names the circuit of a request. Requests of the same name share one. */
export type KeyOf = (request: Request) => string

const Whole = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))
const Rate = Schema.Number.check(Schema.isGreaterThan(0), Schema.isLessThanOrEqualTo(1))

/** Options of {@link plug}. Of the first three, those given count; if none is, `consecutive` is 5. */
export const Options = Schema.Struct({
  /** Opens after so many failures in a row. */
  consecutive: Schema.optionalKey(Whole),
  /** Opens when this share of the calls in the window failed, above 0 and up to 1. */
  failureRate: Schema.optionalKey(Rate),
  /** A healthy call is slow when its first token, or the whole answer if it is not streamed, takes longer than this. */
  slowCall: Schema.optionalKey(Span),
  /** Opens when this share of the calls in the window was slow. Default, where `slowCall` is given: 0.5. */
  slowRate: Schema.optionalKey(Rate),
  /** How many calls the window must hold before a share counts. Default: 10. */
  minimumCalls: Schema.optionalKey(Whole),
  /** The time over which calls are counted. It slides by a tenth of itself. Default: 30 seconds. */
  window: Schema.optionalKey(Span),
  /** How long a circuit stays open. A longer time the service asks for counts. Default: 30 seconds. */
  openFor: Schema.optionalKey(Span),
  /** How many times longer each time it opens again before it was well for as long as it was open. Default: 1. */
  growth: Schema.optionalKey(Schema.Number.check(Schema.isBetween({ minimum: 1, maximum: 100 }))),
  /** The longest a circuit stays open, whoever asks. Default: 5 minutes, or `openFor` where that is longer. */
  maxOpenFor: Schema.optionalKey(Span),
  /** How many calls try whether it works again; all must succeed. Default: 1. */
  probes: Schema.optionalKey(Whole),
  /** After how long such a call counts as lost, and another may try. Default: 2 minutes. */
  probeLease: Schema.optionalKey(Span),
  /** Names the circuit of a request. Default: {@link key} of its provider and model. */
  key: Schema.optionalKey(Schema.declare((value): value is KeyOf => typeof value === "function", { expected: "a function" })),
  /** How long the store may take, each time; then the call passes. Default: 250 ms. */
  storeTimeout: Schema.optionalKey(Span)
})

/** Circuits that moved, by what to and why. */
export const moves = counter("plugline.circuit_breaker.transitions", { description: "Circuits that moved" })

/** Calls that were refused, by provider and by the circuit's state. */
export const refused = counter("plugline.circuit_breaker.refused", { description: "Calls refused by a circuit" })

/** The name of the circuit of a provider and a model. */
export const key = (provider: string, model?: string): string => model === undefined ? provider : `${provider}/${model}`

interface Settings {
  readonly policy: Policy
  readonly slowCall: number
  readonly keyOf: KeyOf
  readonly storeTimeout: number
}

/** See the module. */
export const plug: (options?: typeof Options.Encoded) => Plug<BreakerStore> = Plug.configurable("circuitBreaker", Options, (given) => {
  const openFor = ms(given.openFor, 30_000)
  const none = given.consecutive === undefined && given.failureRate === undefined && given.slowCall === undefined
  const settings: Settings = {
    policy: {
      consecutive: given.consecutive ?? (none ? 5 : 0),
      failureRate: given.failureRate ?? 0,
      slowRate: given.slowCall === undefined ? 0 : given.slowRate ?? 0.5,
      minimum: given.minimumCalls ?? 10,
      window: ms(given.window, 30_000),
      openFor,
      growth: given.growth ?? 1,
      maxOpenFor: Math.max(openFor, ms(given.maxOpenFor, 300_000)),
      probes: given.probes ?? 1,
      lease: ms(given.probeLease, 120_000)
    },
    slowCall: ms(given.slowCall, Infinity),
    keyOf: given.key ?? ((request) => key(request.provider, request.options.model)),
    storeTimeout: ms(given.storeTimeout, 250)
  }
  return Plug.of({ name: "circuitBreaker", make: Effect.map(BreakerStore, (store) => handler(settings, store)) })
})

const handler = (settings: Settings, store: BreakerStore["Service"]): Handler => (request, next) => {
  if (request.state !== "pending") return next(request)
  const circuit = settings.keyOf(request)
  return Effect.clockWith((clock) => {
    const admitted = store.admit(circuit, settings.policy, clock.currentTimeMillisUnsafe())
    const go = (admission: Permit | Refusal | undefined): Effect.Effect<Request> => {
      if (admission === undefined) return Effect.map(next(request), (answer) => written(answer, { circuit, state: "unknown", probe: false }))
      if (admission._tag === "Refusal") return refuse(request, circuit, admission)
      const call = new Call(settings, store, clock, circuit, admission)
      return admission.moved === undefined ? call.run(request, next(request)) : Effect.andThen(tell(store, admission.moved), call.run(request, next(request)))
    }
    return Effect.isEffect(admitted) ? Effect.flatMap(orOpen(admitted, settings.storeTimeout), go) : go(admitted)
  })
}

/** One call that may pass. */
class Call {
  readonly #settings: Settings
  readonly #store: BreakerStore["Service"]
  readonly #clock: Clock.Clock
  readonly #circuit: string
  readonly #permit: Permit

  constructor(settings: Settings, store: BreakerStore["Service"], clock: Clock.Clock, circuit: string, permit: Permit) {
    this.#settings = settings
    this.#store = store
    this.#clock = clock
    this.#circuit = circuit
    this.#permit = permit
  }

  run(request: Request, asked: Effect.Effect<Request>): Effect.Effect<Request> {
    return Effect.suspend(() => {
      const begun = this.#clock.currentTimeMillisUnsafe()
      return Effect.flatMap(Effect.onInterrupt(asked, () => Effect.asVoid(effect(this.#settle(request, false)))), (answer) => {
        const slow = this.#clock.currentTimeMillisUnsafe() - begun > this.#settings.slowCall
        const { probe, state } = this.#permit
        const noted = written(answer, { circuit: this.#circuit, state, probe: probe > 0 })
        return effect<Request, never>(Reply.atEnd(noted, {
          _tag: "Finisher",
          plug: "circuitBreaker",
          content: false,
          always: true,
          done: (final) => this.#settle(final, slow)
        }))
      })
    })
  }

  /** Tells the circuit how it went. */
  #settle(final: Request, slow: boolean): Now<Request> {
    const outcome = classify(final)
    const report: Report = { outcome, slow: slow && outcome === "healthy", retryAfter: Request.failure(final)?.retryAfter }
    const reported = this.#store.report(this.#circuit, this.#settings.policy, this.#permit, report, this.#clock.currentTimeMillisUnsafe())
    if (reported === undefined) return final
    const moved = Effect.isEffect(reported) ? orOpen(reported, this.#settings.storeTimeout) : Effect.succeed(reported)
    return Effect.flatMap(moved, (moved) => moved === undefined ? Effect.succeed(final) : Effect.as(tell(this.#store, moved), final))
  }
}

/** What the store says, or `undefined` where it cannot: then calls pass. */
const orOpen = <A>(asked: Effect.Effect<A, StoreError>, limit: number): Effect.Effect<A | undefined> =>
  orElse(asked, { store: "breaker", way: "open", limit, instead: () => Effect.succeed(undefined) })

const written = (request: Request, met: Status): Request => {
  const noted = Request.assign(request, status, met)
  return met.state === "closed" ? noted : Request.putMetadata(noted, "circuitBreaker", { ...met })
}

const refuse = (request: Request, circuit: string, { retryAfter, state }: Refusal): Effect.Effect<Request> => {
  const name = JSON.stringify(circuit)
  const when = retryAfter === undefined ? "until somebody closes it" : `for ${Math.ceil(retryAfter / 1000)} s more`
  const error = LlmError.make({
    _tag: "Overloaded",
    message: state === "open"
      ? `circuit ${name} is open ${when}: the service has been failing; use another provider or try again later`
      : `circuit ${name} is half open: a few calls try whether the service works again; use another provider or try again later`,
    ...(retryAfter !== undefined && { retryAfter })
  }, { provider: request.provider, plug: "circuitBreaker" })
  return Effect.as(
    count(refused, { provider: providerLabel(request.provider), state }),
    Request.fail(written(request, { circuit, state, probe: false }), error)
  )
}

const tell = (store: BreakerStore["Service"], moved: Transition): Effect.Effect<void> =>
  Effect.andThen(PubSub.publish(store.transitions, moved), count(moves, { to: moved.to, why: moved.why }))

// --- by hand ----------------------------------------------------------------------------------------------------------

/** A circuit as it stands, or `undefined` where it was never used. */
export const state = (circuit: string): Effect.Effect<Snapshot | undefined, StoreError, BreakerStore> =>
  inStore((store, now) => store.read(circuit, now))

/** All circuits as they stand, by name. */
export const states: Effect.Effect<ReadonlyArray<Snapshot>, StoreError, BreakerStore> = Effect.flatMap(BreakerStore, (store) =>
  Effect.flatMap(effect(store.circuits()), (names) =>
    Effect.map(
      Effect.forEach(names.toSorted(), (name) => inStore((store, now) => store.read(name, now)), { concurrency: 16 }),
      (found) => found.filter((snapshot) => snapshot !== undefined)
    )))

/** Opens a circuit: for some time, or until it is closed by hand. */
export const open = (circuit: string, time?: Duration.Input): Effect.Effect<void, StoreError, BreakerStore> =>
  order(circuit, { to: "open", for: ms(time, undefined) })

/** Closes a circuit, however it was opened. How often it had opened is remembered for `growth`. */
export const close = (circuit: string): Effect.Effect<void, StoreError, BreakerStore> => order(circuit, { to: "closed" })

/** Makes a circuit as if it were new. */
export const reset = (circuit: string): Effect.Effect<void, StoreError, BreakerStore> => order(circuit, { to: "reset" })

/** What circuits do from now on, as far as calls and orders of this process move them. Slow readers miss the oldest. */
export const transitions: Stream.Stream<Transition, never, BreakerStore> = Stream.unwrap(
  Effect.map(BreakerStore, ({ transitions }) => Stream.fromPubSub(transitions))
)

const order = (circuit: string, told: Order): Effect.Effect<void, StoreError, BreakerStore> =>
  Effect.flatMap(BreakerStore, (store) =>
    Effect.flatMap(inStore((store, now) => store.order(circuit, told, now)), (moved) => moved === undefined ? Effect.void : tell(store, moved)))

const inStore = <A>(
  ask: (store: BreakerStore["Service"], now: number) => Now<A, StoreError>
): Effect.Effect<A, StoreError, BreakerStore> =>
  Effect.flatMap(BreakerStore, (store) => Effect.flatMap(Clock.currentTimeMillis, (now) => effect(ask(store, now))))
