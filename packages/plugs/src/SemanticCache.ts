/**
 * Answers a question with the answer that was given to one that is very much alike.
 *
 * Only the last thing the person said is compared, and only where it is text. All before it (system prompt, turns,
 * tools, files), the model and all its options must be the same, as must numbers, signs and negations in the text
 * itself; tenants and credentials stay apart. A wrong answer that looks right is the price of this plug: use it where
 * questions repeat and a near answer does no harm.
 *
 * With `embed` texts are compared by meaning. Without it they are compared by their letters (`lexical`), which finds
 * the same question typed another way, and no other.
 *
 * @example
 * ```ts
 * import { Pipeline, Request, Result } from "@plugline/core"
 * import { Cache, SemanticCache } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const provider = Mock.make(["Paris"])
 * const line = [SemanticCache.plug(), ...provider.pipeline]
 * const ask = (messages: string) => Pipeline.run(line, Request.make({ provider: "openai", messages }))
 * const twice = Effect.andThen(ask("What is the capital of France?"), ask("what is  the capital of france"))
 * const final = Effect.runSync(Effect.provide(twice, SemanticCache.memory()))
 * Result.text(final.result) // => "Paris"
 * Cache.of(final)?.measure // => "lexical"
 * ```
 *
 * @module
 */
import type { Catalog } from "@plugline/catalog"
import {
  type Answer, type FinishReason, type Handler, type JsonObject, LlmError, type Message, type Next, Plug, Reply, Request
} from "@plugline/core"
import { Clock, Effect, Metric, Schema } from "effect"
import { hash } from "node:crypto"
import { duration, millis } from "./cache/duration.ts"
import { type Entry, of as entryOf, refusal, wholeByDefault } from "./cache/Entry.ts"
import { dividers, type KeyOptions, text as keyText } from "./cache/key.ts"
import { fixed, lexical, lexicalThreshold, type Unit, unit } from "./cache/likeness.ts"
import { isServed, mark, order } from "./cache/status.ts"
import { type Near, VectorStore } from "./cache/Vectors.ts"
import { Prices } from "./cost/charge.ts"
import { andThen, effect, type Now } from "./cost/now.ts"
import { providerLabel } from "./retry/count.ts"
import { orElse, type StoreError } from "./store/patience.ts"

export { memory, sqlite } from "./store/VectorStore.ts"

/** Texts to vectors, one each, in order: what any provider's embeddings give. */
export type Embed = (texts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<ReadonlyArray<number>>, unknown>

/** The lowest likeness that may be asked for. Below it questions merely have the same subject. */
export const floor = 0.8

/** Options of {@link plug}. */
export const Options = Schema.Struct({
  /** How alike two questions must be: the cosine of their vectors, 0.8 to 1. Default: 0.95. */
  threshold: Schema.optionalKey(
    Schema.Number.check(Schema.makeFilter((value: number) => value >= floor && value <= 1, {
      expected: "a number from 0.8 to 1: questions less alike have other answers"
    }))
  ),
  /** Texts to vectors. Default: none, texts are compared by their letters. */
  embed: Schema.optionalKey(
    Schema.declare<Embed>((value): value is Embed => typeof value === "function", {
      expected: "a function from texts to an Effect of vectors"
    })
  ),
  /** The name of the model that makes the vectors. Those of two models are never compared. Default: `embedding`. */
  space: Schema.optionalKey(Schema.String),
  /** How long making a vector may take; then the provider is asked. Default: 2 seconds. */
  embedTimeout: Schema.optionalKey(duration),
  /** Longer questions, in characters, pass by; without `embed` never more than 500. Default: 4,000. */
  maxLength: Schema.optionalKey(Schema.Int),
  /** How long an answer is given again. Default: 1 hour. */
  ttl: Schema.optionalKey(duration),
  /** Who shares no answers: `tenant`, `team`, `user`, `key`, `tier`, `credential`. Default: tenant and credential. */
  apart: Schema.optionalKey(Schema.Array(Schema.Literals(dividers))),
  /** A new text forgets all that was kept under another. */
  version: Schema.optionalKey(Schema.String)
})

const counters = new Map<string, Metric.Counter<number>>()

/** Counts questions by provider and outcome: `hit`, `miss`. */
export const calls = (status: "hit" | "miss", provider: string): Metric.Counter<number> => {
  const name = `${status} ${provider}`
  const known = counters.get(name)
  if (known !== undefined) return known
  const counter = Metric.counter("plugline.semantic_cache.calls", {
    description: "Questions compared with earlier ones, by outcome",
    incremental: true,
    attributes: { status, provider }
  })
  counters.set(name, counter)
  return counter
}

interface Desk {
  readonly store: VectorStore["Service"]
  readonly catalog: Catalog
  readonly now: () => number
  readonly count: (status: "hit" | "miss", provider: string) => void
  readonly threshold: number
  readonly embed: Embed | undefined
  readonly measure: string
  readonly embedTimeout: number
  readonly maxLength: number
  readonly ttl: number
  readonly finish: ReadonlyArray<FinishReason>
  readonly key: KeyOptions
}

/** What a hit must not have gone through. */
const placed = {
  before: {
    retry: "an answer that is there needs no second try",
    fallback: "an answer that is there needs nobody else, and that of somebody else would be kept as its own",
    cascade: "an answer that is there needs no better one",
    hedge: "questions that are asked side by side would wait for each other"
  }
}

/** See the module. */
export const plug: (options?: typeof Options.Encoded) => Plug<VectorStore> = Plug.configurable(
  "semanticCache",
  Options,
  (options) => Plug.of({
    name: "semanticCache",
    make: Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const context = yield* Effect.context<never>()
      return handler({
        store: yield* VectorStore,
        catalog: yield* Prices,
        now: () => clock.currentTimeMillisUnsafe(),
        count: (status, provider) => calls(status, providerLabel(provider)).updateUnsafe(1, context),
        threshold: options.threshold ?? 0.95,
        embed: options.embed,
        measure: options.embed === undefined ? "lexical" : options.space ?? "embedding",
        embedTimeout: millis(options.embedTimeout, 2_000),
        maxLength: options.maxLength ?? 4_000,
        ttl: millis(options.ttl, 3_600_000),
        finish: wholeByDefault,
        key: {
          ...(options.apart !== undefined && { apart: options.apart }),
          ...(options.version !== undefined && { version: options.version })
        }
      })
    })
  }),
  { order: placed }
)

const handler = (desk: Desk): Handler => (request, next) => {
  if (request.state !== "pending" && request.state !== "executing") return next(request)
  const asked = Request.get(request, order)
  const bypass = (): Answer => asked === "only-if-cached" ? none(request) : next(note(request, { status: "bypass" }))
  const question = asked === "skip" ? undefined : questionOf(request, desk)
  if (question === undefined) return bypass()
  const { measure, store } = desk
  const compare = (vector: Unit): Answer => {
    const miss = () => ask(note(request, { status: "miss", measure }), next, desk, question, vector)
    if (asked === "refresh") return miss()
    const now = desk.now()
    const least = desk.embed === undefined ? lexicalThreshold(question.text, desk.threshold) : desk.threshold
    const found = store.nearest(question.partition, vector, least, now)
    return andThen(Effect.isEffect(found) ? open(found, undefined) : found, (near) => {
      if (near !== undefined && now - near.entry.at < desk.ttl) {
        desk.count("hit", request.provider)
        return serve(request, near, now, measure)
      }
      desk.count("miss", request.provider)
      return asked === "only-if-cached" ? none(request) : miss()
    })
  }
  const vector = vectorOf(question.text, desk)
  const go = (vector: Unit | undefined): Answer => vector === undefined ? bypass() : compare(vector)
  return Effect.isEffect(vector) ? Effect.flatMap(vector, (vector) => asEffect(go(vector))) : go(vector)
}

const serve = (request: Request, { entry, similarity }: Near, now: number, measure: string): Request => {
  const said = {
    status: "hit",
    age: Math.max(0, now - entry.at),
    measure,
    similarity: Math.round(similarity * 1e4) / 1e4
  } as const
  return Request.halt(note(mark(request, said), said), entry.result)
}

/** What this cache says for people; what it says for plugs is `Cache.status`, as of any cache. */
const note = (request: Request, said: JsonObject): Request => Request.putMetadata(request, "semanticCache", said)

/** Asks the provider, and keeps its answer once it is whole. */
const ask = (request: Request, next: Next, desk: Desk, question: Question, vector: Unit): Effect.Effect<Request> =>
  Effect.flatMap(next(request), (answer) =>
    effect(Reply.atEnd(answer, {
      _tag: "Finisher",
      plug: "semanticCache",
      content: true,
      always: true,
      done: (final) => {
        const entry = keptOf(final, desk)
        if (entry === undefined) return final
        const added = desk.store.add(question.partition, question.id, vector, entry, entry.at)
        return Effect.isEffect(added) ? Effect.as(open(added, false), final) : final
      }
    })))

const keptOf = (final: Request, desk: Desk): Entry | undefined => {
  if (isServed(final) || refusal(final, desk.finish) !== undefined) return undefined
  try {
    return entryOf(final, final.result!, { at: desk.now(), keep: desk.ttl, catalog: desk.catalog })
  } catch {
    // An answer that has no text of its own is not kept, and not lost.
    return undefined
  }
}

/** A question as it is compared. */
interface Question {
  readonly text: string
  /** What must be the same: a fingerprint of all but the wording. */
  readonly partition: string
  readonly id: string
}

const questionOf = (request: Request, desk: Desk): Question | undefined => {
  const { messages, operation } = request
  if (operation !== "chat" && operation !== "stream" && operation !== "completion") return undefined
  const last = messages.at(-1)
  if (last?.role !== "user" || last.content.length === 0) return undefined
  let text = ""
  for (const part of last.content) {
    if (part.type !== "text") return undefined
    text += `${text === "" ? "" : "\n"}${part.text}`
    if (text.length > desk.maxLength) return undefined
  }
  const wordless: Message = { ...last, content: last.content.map((part) => ({ ...part, text: "" }) as typeof part) }
  try {
    const all = keyText(request, desk.key, [...messages.slice(0, -1), wordless])
    const partition = sha256(`semantic 1 ${JSON.stringify([desk.measure, fixed(text)])} ${all}`)
    return { text, partition, id: sha256(text) }
  } catch {
    return undefined
  }
}

const sha256 = (text: string): string => hash("sha256", text, "hex")

const vectorOf = (text: string, desk: Desk): Now<Unit | undefined> => {
  const { embed } = desk
  if (embed === undefined) return lexical(text)
  const vectors = Effect.map(
    Effect.suspend(() => embed([text])),
    ([vector]) => vector === undefined ? undefined : unit(vector)
  )
  return orElse(vectors, {
    store: "embedding",
    way: "open",
    limit: desk.embedTimeout,
    instead: () => Effect.succeed(undefined)
  })
}

const none = (request: Request): Request =>
  Request.fail(request, LlmError.make({
    _tag: "Halted",
    message: "the cache has no answer to such a question, and the caller wants none from the provider (only-if-cached)"
  }))

const asEffect = (answer: Answer): Effect.Effect<Request, unknown> =>
  Effect.isEffect(answer) ? answer : Effect.succeed(answer)

const open = <A, B>(answer: Effect.Effect<A, StoreError>, instead: B): Effect.Effect<A | B> =>
  orElse(answer, { store: "vectors", way: "open", instead: () => Effect.succeed(instead) })
