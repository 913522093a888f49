/**
 * Random replies: streams of parts, cut in any way, and finished answers of every operation.
 *
 * @module
 */
import type {
  ChatResult, EmbeddingsResult, ErrorPart, FinishPart, FinishReason, ModelsResult, ModerationsResult, Part, Parts, Result, ValidateResult,
  Warning
} from "@plugline/core"
import { Part as PartModule, Result as ResultModule } from "@plugline/core"
import fc from "fast-check"
import { base64, json, jsonObject, llmError, perProvider, text, usage } from "./data.ts"

const reasons: ReadonlyArray<FinishReason> =
  ["stop", "length", "content-filter", "tool-calls", "error", "pause", "other", "unknown"]

const maybe = <A>(arbitrary: fc.Arbitrary<A>): fc.Arbitrary<A | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 2 })

const warning = (): fc.Arbitrary<Warning> =>
  fc.record({
    type: fc.constantFrom("unsupported-option" as const, "changed-option" as const, "other" as const),
    message: text()
  })

/** The parts of one piece of content; `id` tells it from the others. */
type Block = (id: string) => Parts

const texts = (kind: "text" | "reasoning"): fc.Arbitrary<Block> =>
  fc.tuple(fc.array(text(), { maxLength: 3 }), maybe(perProvider())).map(([deltas, metadata]) => (id): Parts => [
    { type: `${kind}-start`, id },
    ...deltas.map((delta): Part => ({ type: `${kind}-delta`, id, delta })),
    { type: `${kind}-end`, id, ...(metadata !== undefined && { metadata }) }
  ])

const toolCall = (): fc.Arbitrary<Block> =>
  fc.record({
    name: fc.constantFrom("weather", "search"),
    params: json(),
    broken: fc.boolean(),
    executed: fc.boolean()
  }).map(({ broken, executed, name, params }) => (id): Parts => {
      const written = JSON.stringify(params)
      const half = written.length >> 1
      const who = executed ? { providerExecuted: true } : {}
      return [
        { type: "tool-params-start", id, name, ...who },
        { type: "tool-params-delta", id, delta: written.slice(0, half) },
        { type: "tool-params-delta", id, delta: broken ? "" : written.slice(half) },
        { type: "tool-params-end", id },
        broken
          ? { type: "tool-call", id, name, params: written.slice(0, half), invalid: true, ...who }
          : { type: "tool-call", id, name, params, ...who }
      ]
    })

const single = (): fc.Arbitrary<Block> =>
  fc.oneof<fc.Arbitrary<Block>[]>(
    warning().map((warning) => () => [{ type: "warning", warning }]),
    base64().map((data) => () => [{ type: "file", mediaType: "image/png", data }]),
    text().map((title) => (id) => [{ type: "source", sourceType: "url", id, title, url: "https://example.com/" }]),
    json().map((value) => () => [{ type: "raw", provider: "openai", value }]),
    json().map((result) =>
      (id) => [{ type: "tool-result", id, name: "search", result, isFailure: false, providerExecuted: true }]),
    // A type that we have no word for: it must survive untouched.
    jsonObject().map((fields) => () => [{ ...fields, type: "thing-of-tomorrow" } as unknown as Part])
  )

const block = (): fc.Arbitrary<Block> =>
  fc.oneof(
    { weight: 5, arbitrary: texts("text") },
    { weight: 2, arbitrary: texts("reasoning") },
    { weight: 2, arbitrary: toolCall() },
    { weight: 2, arbitrary: single() }
  )

const head = (): fc.Arbitrary<Part> =>
  fc.record({ id: text(), modelId: text(), timestamp: fc.constant("2025-01-01T00:00:00.000Z") }, { requiredKeys: [] })
    .map((fields) => ({ type: "response-metadata", ...fields }))

/** The end of an answer that went well. */
export const finishPart = (): fc.Arbitrary<FinishPart> =>
  fc.tuple(
    fc.constantFrom(...reasons),
    usage(),
    maybe(text()),
    maybe(perProvider())
  ).map(([reason, usage, rawReason, metadata]) => ({
    type: "finish",
    reason,
    usage,
    ...(rawReason !== undefined && { rawReason }),
    ...(metadata !== undefined && { metadata })
  }))

/** The end of an answer that failed. */
export const errorPart = (): fc.Arbitrary<ErrorPart> => llmError().map((error) => PartModule.error(error))

/**
 * What a reply says before its end: whole blocks, sometimes two woven into each other, sometimes of a second choice.
 */
const body = (): fc.Arbitrary<Parts> =>
  fc.tuple(
    maybe(head()),
    fc.array(fc.tuple(block(), fc.constantFrom("alone", "alone", "alone", "woven", "second")), { maxLength: 4 })
  ).map(([head, blocks]) => {
    let out: Array<Part> = head === undefined ? [] : [head]
    let previous: Parts = []
    blocks.forEach(([block, place], index) => {
      const parts = block(String(index))
      if (place === "woven" && previous.length > 0) {
        out = [...out.slice(0, out.length - previous.length), ...weave(previous, parts)]
        previous = []
        return
      }
      const placed = place === "second"
        ? parts.map((part) => part.type === "warning" ? part : ({ ...part, choice: 1 }) as Part)
        : parts
      out.push(...placed)
      previous = placed
    })
    return out
  })

const weave = (a: Parts, b: Parts): Parts =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, index) => [a[index], b[index]])
    .flat()
    .filter((part): part is Part => part !== undefined)

/**
 * A well-formed stream: every text and tool call is begun, written and ended, and one part ends it all. `end`: how it
 * ends. Default: mostly well.
 */
export const parts = (options: { readonly end?: "finish" | "error" } = {}): fc.Arbitrary<Parts> =>
  fc.tuple(
    body(),
    options.end === "finish"
      ? finishPart()
      : options.end === "error"
      ? errorPart()
      : fc.oneof<[fc.WeightedArbitrary<Part>, fc.WeightedArbitrary<Part>]>(
        { weight: 4, arbitrary: finishPart() },
        { weight: 1, arbitrary: errorPart() }
      )
  ).map(([parts, end]) => [...parts, end])

/**
 * Streams no provider should send: deltas of texts never begun, two ends, parts behind the end, no end, nothing at all.
 */
export const oddParts = (): fc.Arbitrary<Parts> =>
  fc.tuple(fc.array(fc.oneof(parts(), body()), { maxLength: 3 }), fc.nat(), fc.nat()).map(([streams, from, length]) => {
    const all = streams.flat()
    const start = all.length === 0 ? 0 : from % all.length
    return all.slice(start, start + 1 + length % 20)
  })

/** Where to cut deltas, for {@link Cut.recut}: how many characters each piece holds. */
export const cuts = (): fc.Arbitrary<ReadonlyArray<number>> => fc.array(fc.nat(7), { minLength: 1, maxLength: 6 })

/** How many parts come at a time. */
export const chunks = (): fc.Arbitrary<ReadonlyArray<number>> =>
  fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 })

/** A finished answer to a chat, with every kind of content. */
export const chatResult = (): fc.Arbitrary<ChatResult> =>
  parts({ end: "finish" }).map((parts) => ResultModule.fold(parts))

const vector = (): fc.Arbitrary<ReadonlyArray<number>> =>
  fc.array(fc.integer({ min: -8, max: 8 }).map((eighths) => eighths / 8 + 0), { minLength: 2, maxLength: 4 })

const embeddings = (): fc.Arbitrary<EmbeddingsResult> =>
  fc.record({
    type: fc.constant("embeddings" as const),
    model: text(),
    embeddings: fc.array(vector(), { maxLength: 3 }),
    usage: usage()
  })

const moderations = (): fc.Arbitrary<ModerationsResult> =>
  fc.record({
    type: fc.constant("moderations" as const),
    id: text(),
    model: text(),
    moderations: fc.array(
      fc.record({
        flagged: fc.boolean(),
        categories: fc.dictionary(fc.constantFrom("hate", "violence", "self-harm"), fc.option(fc.boolean())),
        scores: fc.dictionary(fc.constantFrom("hate", "violence", "self-harm"), fc.integer({ min: 0, max: 8 }).map((eighths) => eighths / 8))
      }),
      { maxLength: 3 }
    )
  }, { requiredKeys: ["type", "moderations"] })

const models = (): fc.Arbitrary<ModelsResult> =>
  fc.record({
    type: fc.constant("list_models" as const),
    models: fc.array(
      fc.record({ id: text(), ownedBy: text(), contextWindow: fc.nat(), raw: json() }, { requiredKeys: ["id"] }),
      { maxLength: 3 }
    )
  })

const validation = (): fc.Arbitrary<ValidateResult> =>
  fc.oneof(
    fc.constant<ValidateResult>({ type: "validate", usable: true }),
    llmError().map((error): ValidateResult => ({ type: "validate", usable: false, problem: error.toJSON() }))
  )

/** A finished answer to any operation. */
export const result = (): fc.Arbitrary<Result> =>
  fc.oneof<fc.Arbitrary<Result>[]>(chatResult(), chatResult(), embeddings(), moderations(), models(), validation())
