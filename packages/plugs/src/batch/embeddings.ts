/**
 * Makes one call of the embedding calls that many callers make at about the same time, and gives each its own vectors
 * and its part of the usage. Reached as `Batch.embeddings`.
 *
 * `RequestResolver` of `effect` gathers requests too, but runs them apart from any caller; the rest of the line belongs
 * to a caller's run, which closes what was opened in it. Here one of the callers leads: the call is made in its run,
 * and it stays until the call is over as long as others wait for it.
 *
 * @module
 */
import { type EmbeddingsResult, type Handler, Key, type LlmError, Message, type Next, Plug, Request } from "@plugline/core"
import { Context, Deferred, Duration, Effect, Fiber, Layer, Metric, Redacted, Schema } from "effect"
import * as Canonical from "../canonical.ts"
import * as Identity from "../identity.ts"
import { estimate, estimateText } from "../Tokens.ts"
import { type Share, split } from "./share.ts"

/** Options of {@link embeddings}. */
export const EmbeddingsOptions = Schema.Struct({
  /** How long the first call waits for others: `"10 millis"`, or ms. Default: 10 ms. */
  window: Schema.optionalKey(Schema.Union([Schema.DurationFromString, Schema.DurationFromMillis])),
  /** Most inputs in one call. Default: 256. */
  maxItems: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0))),
  /** Most tokens in one call, as estimated. Default: 100,000. */
  maxTokens: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0))),
  /** Whether calls of different tenants may become one. Default: false. */
  acrossTenants: Schema.optionalKey(Schema.Boolean),
  /**
   * Calls are put together within a group: two pipelines that end differently need different ones. Default: `default`.
   */
  group: Schema.optionalKey(Schema.String)
})

/** What {@link embeddings} writes: how many callers shared the call. */
export const batched: Key<{ readonly callers: number; readonly inputs: number }> = Key.make("batch.embeddings")

/** Counts calls that were made, by how many callers shared them: `one` or `many`. */
export const calls = Metric.counter("plugline.batch.calls", {
  description: "Embedding calls made, for one caller or many",
  incremental: true
})
const many = Metric.withAttributes(calls, { callers: "many" })
const one = Metric.withAttributes(calls, { callers: "one" })

/** The calls that wait for others, of all pipelines of a process. */
export class Collector extends Context.Service<Collector, { readonly windows: Map<string, Window> }>()("@plugline/plugs/Collector") {}

/** A {@link Collector}. */
export const collecting: Layer.Layer<Collector> = Layer.sync(Collector, () => ({ windows: new Map<string, Window>() }))

/**
 * See the module. It stands behind caches and whatever counts or limits by caller, and in front of retries: a call is
 * tried again as a whole.
 */
export const embeddings: (options?: typeof EmbeddingsOptions.Encoded) => Plug<Collector> = Plug.configurable(
  "embeddings",
  EmbeddingsOptions,
  ({ acrossTenants = false, group = "default", maxItems = 256, maxTokens = 100_000, window = Duration.millis(10) }) =>
    Plug.of({
      name: "embeddings",
      make: Effect.map(Collector, ({ windows }): Handler => (request, next) => {
        if (request.operation !== "embeddings" || request.state !== "pending") return next(request)
        const inputs = request.messages.length
        const weight = weightOf(request)
        // Nothing to share, or too much for company.
        if (inputs === 0 || inputs >= maxItems || weight >= maxTokens) return alone(request, next)
        return Effect.suspend(() => {
          const key = keyOf(request, group, acrossTenants)
          let open = windows.get(key)
          if (open !== undefined && (open.inputs + inputs > maxItems || open.weight + weight > maxTokens)) {
            open.close()
            open = undefined
          }
          const isNew = open === undefined
          const joined = open ?? new Window(windows, key)
          const member = joined.join(request, next, { inputs, weight })
          if (joined.inputs >= maxItems || joined.weight >= maxTokens) joined.close()
          const start = isNew && joined.isOpen
            ? Effect.flatMap(
              Effect.forkDetach(Effect.andThen(Effect.sleep(window), Effect.sync(() => joined.close()))),
              (timer) => Effect.sync(() => joined.keep(timer))
            )
            : Effect.void
          return Effect.onInterrupt(Effect.andThen(start, joined.answer(member)), () => joined.leave(member))
        })
      })
    })
)

/**
 * Tokens, as estimated: of the texts alone, because an embedding has nothing around them; of anything else as the
 * request counts.
 */
const weightOf = (request: Request): number => {
  const text = Message.text(request.messages)
  return Math.max(1, text === "" ? estimate(request).tokens : estimateText(text, request.options.model).tokens)
}

const alone = (request: Request, next: Next): Effect.Effect<Request> => Effect.andThen(Metric.update(one, 1), next(request))

/** What a caller is told: to make the call for all, its part of the answer, why there is none, or to ask for itself. */
type Word =
  | { readonly _tag: "Lead" }
  | { readonly _tag: "Answered"; readonly results: ReadonlyArray<EmbeddingsResult>; readonly errors: ReadonlyArray<LlmError> }
  | { readonly _tag: "Failed"; readonly errors: ReadonlyArray<LlmError> }
  | { readonly _tag: "Alone" }

interface Member {
  readonly request: Request
  readonly next: Next
  readonly share: Share
  readonly word: Deferred.Deferred<Word>
  left: boolean
}

/** Calls that are made together: open for a while, then one of them leads. */
class Window {
  inputs = 0
  weight = 0
  readonly #windows: Map<string, Window>
  readonly #key: string
  readonly #members: Array<Member> = []
  /** Those who were there when it closed: the order of the inputs. */
  #together: ReadonlyArray<Member> = []
  #timer: Fiber.Fiber<unknown, unknown> | undefined
  #leader: Member | undefined
  #call: Fiber.Fiber<Word> | undefined
  #open = true

  constructor(windows: Map<string, Window>, key: string) {
    this.#windows = windows
    this.#key = key
    windows.set(key, this)
  }

  get isOpen(): boolean {
    return this.#open
  }

  keep(timer: Fiber.Fiber<unknown, unknown>): void {
    this.#timer = timer
    if (!this.#open) timer.interruptUnsafe()
  }

  join(request: Request, next: Next, share: Share): Member {
    const member: Member = { request, next, share, word: Deferred.makeUnsafe<Word>(), left: false }
    this.#members.push(member)
    this.inputs += share.inputs
    this.weight += share.weight
    return member
  }

  /** Nobody joins any more, and the call is made. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    if (this.#windows.get(this.#key) === this) this.#windows.delete(this.#key)
    this.#timer?.interruptUnsafe()
    this.#elect()
  }

  #elect(): void {
    const there = this.#members.filter(({ left }) => !left)
    this.#together = there
    this.#leader = there[0]
    if (there.length === 1) tell(there[0]!, { _tag: "Alone" })
    else if (there.length > 1) tell(there[0]!, { _tag: "Lead" })
  }

  answer(member: Member): Effect.Effect<Request> {
    return Effect.flatMap(Deferred.await(member.word), (word) => {
      if (word._tag !== "Lead") return this.#heard(member, word)
      return Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(Effect.forkDetach(Effect.interruptible(this.#ask(member))), (call) => {
          this.#call = call
          return Effect.flatMap(restore(Fiber.join(call)), (word) => restore(this.#heard(member, word)))
        }))
    })
  }

  /** A caller goes away. The last one ends the call; one that leads stays until those who wait have their answer. */
  leave(member: Member): Effect.Effect<void> {
    return Effect.suspend(() => {
      member.left = true
      const others = this.#members.some(({ left }) => !left)
      if (this.#open) {
        this.inputs -= member.share.inputs
        this.weight -= member.share.weight
        if (!others) this.close()
        return Effect.void
      }
      if (this.#call === undefined) {
        if (this.#leader === member) this.#elect()
        return Effect.void
      }
      if (!others) return Fiber.interrupt(this.#call)
      return this.#leader === member ? Effect.asVoid(Fiber.await(this.#call)) : Effect.void
    })
  }

  #ask({ next, request }: Member): Effect.Effect<Word> {
    const together = this.#together
    const asked = Effect.suspend(() =>
      next(Request.mapMessages(request, () => together.flatMap(({ request }) => request.messages))))
    const word = Effect.map(asked, (answer) => wordOf(answer, request.errors.length, together.map(({ share }) => share)))
    return Effect.andThen(
      Metric.update(many, 1),
      // Whatever breaks, nobody is left waiting.
      Effect.map(Effect.catchDefect(word, () => Effect.succeed<Word>({ _tag: "Alone" })), (word) => {
        for (const member of together) tell(member, word)
        return word
      })
    )
  }

  #heard({ next, request, ...member }: Member, word: Word): Effect.Effect<Request> {
    if (word._tag === "Alone" || word._tag === "Lead") return alone(request, next)
    const last = word._tag === "Failed" ? word.errors.length - 1 : -1
    const told = word.errors.reduce((told, error, index) =>
      index === last ? Request.fail(told, error) : Request.addError(told, error), request)
    if (word._tag === "Failed") return Effect.succeed(told)
    const index = this.#together.findIndex(({ word }) => word === member.word)
    const inputs = this.#together.reduce((sum, { share }) => sum + share.inputs, 0)
    const shared = { callers: this.#together.length, inputs }
    return Effect.succeed(
      Request.complete(Request.putMetadata(Request.assign(told, batched, shared), "embeddings", shared), word.results[index]!)
    )
  }
}

const tell = (member: Member, word: Word): void => {
  Deferred.doneUnsafe(member.word, Effect.succeed(word))
}

/** Faults of one caller's input: the others must not suffer from it, so each asks for itself. */
const faultsOfOne: ReadonlySet<string> = new Set(["InvalidRequest", "ContextLength", "ContentPolicy"])

const wordOf = (answer: Request, known: number, shares: ReadonlyArray<Share>): Word => {
  const errors = answer.errors.slice(known)
  const error = Request.failure(answer)
  if (error !== undefined) return faultsOfOne.has(error.reason._tag) ? { _tag: "Alone" } : { _tag: "Failed", errors }
  if (answer.result?.type !== "embeddings") return { _tag: "Alone" }
  const results = split(answer.result, shares)
  return "reason" in results ? { _tag: "Alone" } : { _tag: "Answered", results, errors }
}

/** What calls must have in common to be made as one: everything but their inputs, the credential included. */
const keyOf = (request: Request, group: string, acrossTenants: boolean): string =>
  Canonical.fingerprint([
    group, request.provider, plain(request.options), plain(request.config), acrossTenants ? null : Identity.of(request).tenant ?? null
  ])

const ids = new WeakMap<object, number>()
let count = 0

/** A value that is equal only for equal values: secrets by what they hide, functions and instances by what they are. */
const plain = (value: unknown, depth = 0): unknown => {
  if (typeof value !== "object" && typeof value !== "function") return typeof value === "bigint" ? `${value}n` : value
  if (value === null) return null
  if (Redacted.isRedacted(value)) return ["secret", Redacted.value(value)]
  const prototype: unknown = Object.getPrototypeOf(value)
  if (depth < 64) {
    if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1))
    if (prototype === Object.prototype || prototype === null) {
      return Object.entries(value)
        .map(([name, field]) => [name, plain(field, depth + 1)] as const)
        .sort(([a], [b]) => a < b ? -1 : 1)
    }
  }
  let id = ids.get(value)
  if (id === undefined) ids.set(value, id = ++count)
  return ["instance", id]
}
