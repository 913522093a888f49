/**
 * The law of every provider: a streamed answer, folded, is the whole answer, parsed, however it was cut.
 *
 * @module
 */
import { Json, Part, Result } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { cutBytes, decoded, parsed, sse } from "./support.ts"

/** A part as the model gives it: as it is in a whole answer, and as the events of a stream bring it. */
interface Piece {
  readonly whole: object
  readonly events: ReadonlyArray<object>
}

const anyText = fc.string({ unit: "binary", maxLength: 12 })

/** Unsigned text arrives in pieces; neighbours of one kind are one text. */
const said: fc.Arbitrary<Piece> = fc.record({
  pieces: fc.array(anyText, { minLength: 1, maxLength: 4 }),
  thought: fc.boolean()
}).map(({ pieces, thought }) => {
  const part = (text: string) => ({ text, ...(thought && { thought }) })
  return { whole: part(pieces.join("")), events: pieces.map(part) }
})

/** What arrives as it is. */
const atOnce: fc.Arbitrary<Piece> = fc.oneof(
  fc.record({ text: anyText, thoughtSignature: fc.base64String({ minLength: 4, maxLength: 8 }) }),
  fc.record({ text: anyText, thoughtSignature: fc.constant("c2ln"), thought: fc.constant(true) }),
  fc.record({ thoughtSignature: fc.constant("c2ln") }),
  fc.record({
    functionCall: fc.record({
      id: fc.constantFrom("a", "b", "c"),
      name: fc.constantFrom("f", "g", "ünï"),
      args: fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
    }, { requiredKeys: ["name"] }),
    thoughtSignature: fc.constant("c2ln")
  }, { requiredKeys: ["functionCall"] }),
  fc.record({ inlineData: fc.record({ mimeType: fc.constant("image/png"), data: fc.base64String() }) }),
  fc.record({ executableCode: fc.record({ language: fc.constant("PYTHON"), code: anyText }) }),
  fc.record({
    codeExecutionResult: fc.record({ outcome: fc.constantFrom("OUTCOME_OK", "OUTCOME_FAILED"), output: anyText })
  }),
  fc.record({
    toolCall: fc.record({
      toolType: fc.constant("GOOGLE_SEARCH_WEB"),
      id: fc.constant("t1"),
      args: fc.constant({ q: "x" })
    })
  }),
  fc.record({ toolResponse: fc.record({ toolType: fc.constant("GOOGLE_SEARCH_WEB"), id: fc.constant("t1") }) }),
  fc.record({ somethingNew: fc.jsonValue({ maxDepth: 2 }) })
).map((whole) => ({ whole, events: [whole] }))

type Args = { readonly [name: string]: Args | string | number | boolean | null | ReadonlyArray<string> }

const args: fc.Arbitrary<Args> = fc.letrec<{ args: Args }>((tie) => ({
  args: fc.dictionary(
    fc.oneof(
      fc.constantFrom("a", "b", "c", "it's", "x.y", "__proto__", "a\"b", "a\\"),
      fc.string({ minLength: 1, maxLength: 3 })
    ),
    fc.oneof(
      { depthSize: "small" },
      anyText,
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value === 0 ? 0 : value),
      fc.boolean(),
      fc.constant(null),
      fc.array(anyText, { minLength: 1, maxLength: 3 }),
      tie("args")
    ),
    { minKeys: 1, maxKeys: 3, noNullPrototype: true }
  )
})).args

/** The values of some arguments, each with the path of its place, texts in two pieces. */
const fragments = (value: unknown, path: string): ReadonlyArray<object> => {
  const place = { jsonPath: path }
  if (typeof value === "string") {
    const middle = value.length >> 1
    return [
      { ...place, stringValue: value.slice(0, middle), willContinue: true },
      { ...place, stringValue: value.slice(middle) }
    ]
  }
  if (typeof value === "number") return [{ ...place, numberValue: value }]
  if (typeof value === "boolean") return [{ ...place, boolValue: value }]
  if (value === null) return [{ ...place, nullValue: "NULL_VALUE" }]
  if (Array.isArray(value)) return value.flatMap((item, index) => fragments(item, `${path}[${index}]`))
  return Object.entries(value as object).flatMap(([name, item]) => {
    const quoted = name.replace(/[\\']/g, "\\$&")
    return fragments(item, /^[a-z]+$/.test(name) ? `${path}.${name}` : `${path}['${quoted}']`)
  })
}

/** A call whose arguments arrive value by value. */
const inFragments: fc.Arbitrary<Piece> = fc.record({ args, signed: fc.boolean(), last: fc.boolean() })
  .map(({ args, last, signed }) => {
    const signature = signed ? { thoughtSignature: "c2ln" } : {}
    const all = fragments(args, "$")
    const middle = last ? all.slice(0, -1) : all
    const events = middle.map((fragment) => ({ functionCall: { partialArgs: [fragment], willContinue: true } }))
    return {
      whole: { functionCall: { name: "f", args }, ...signature },
      events: [
        { functionCall: { name: "f", willContinue: true }, ...signature },
        ...events,
        { functionCall: last ? { partialArgs: [all.at(-1)] } : {} }
      ]
    }
  })

interface CandidateModel {
  readonly pieces: ReadonlyArray<Piece>
  readonly finishReason: string
  readonly grounding: ReadonlyArray<string>
  readonly tokens: ReadonlyArray<string>
}

const candidate: fc.Arbitrary<CandidateModel> = fc.record({
  pieces: fc.array(fc.oneof(said, said, atOnce, inFragments), { maxLength: 6 }),
  finishReason: fc.constantFrom("STOP", "MAX_TOKENS", "SAFETY", "UNEXPECTED_TOOL_CALL", "SOMETHING_NEW"),
  grounding: fc.uniqueArray(fc.webUrl(), { maxLength: 3 }),
  tokens: fc.array(anyText, { maxLength: 3 })
})

const usage = fc.record({
  promptTokenCount: fc.nat(1000),
  candidatesTokenCount: fc.nat(1000),
  thoughtsTokenCount: fc.nat(1000),
  totalTokenCount: fc.nat(4000),
  cachedContentTokenCount: fc.nat(1000),
  toolUsePromptTokenCount: fc.nat(100)
}, { requiredKeys: ["promptTokenCount"] })

const head = { modelVersion: "gemini-9", responseId: "r1", createTime: "2026-08-19T14:38:23.916396Z" }

const endOf = ({ finishReason, grounding, tokens }: CandidateModel): object => ({
  finishReason,
  ...(grounding.length > 0 && { groundingMetadata: { groundingChunks: grounding.map((uri) => ({ web: { uri } })) } }),
  ...(tokens.length > 0 && { logprobsResult: { chosenCandidates: tokens.map((token) => ({ token })) } })
})

const wholeOf = (candidates: ReadonlyArray<CandidateModel>, usageMetadata: object): object => ({
  ...head,
  candidates: candidates.map((candidate, index) => ({
    index,
    content: { role: "model", parts: candidate.pieces.map(({ whole }) => whole) },
    ...endOf(candidate)
  })),
  usageMetadata
})

/** The answer as events: each candidate in its own order, the candidates dealt into each other by `deal`. */
const eventsOf = (
  candidates: ReadonlyArray<CandidateModel>,
  usageMetadata: object,
  deal: ReadonlyArray<number>
): ReadonlyArray<object> => {
  const queues = candidates.map((candidate, index) => {
    const events: Array<object> = candidate.pieces.flatMap(({ events }) => events)
      .map((part) => ({ index, content: { role: "model", parts: [part] } }))
    const tokens = candidate.tokens.map((token) => ({ index, logprobsResult: { chosenCandidates: [{ token }] } }))
    return [...events, ...tokens, { index, ...endOf({ ...candidate, tokens: [] }) }]
  })
  const out: Array<object> = []
  for (let turn = 0; queues.some((queue) => queue.length > 0); turn++) {
    const waiting = queues.filter((queue) => queue.length > 0)
    const queue = waiting[(deal[turn % deal.length] ?? 0) % waiting.length]!
    out.push({ ...head, candidates: [queue.shift()], usageMetadata: { promptTokenCount: 1 } })
  }
  Object.assign(out.at(-1)!, { usageMetadata })
  return out
}

const isText = (part: object): boolean => {
  const { text, thoughtSignature } = part as { text?: unknown; thoughtSignature?: unknown }
  return typeof text === "string" && thoughtSignature === undefined
}

describe("a streamed answer, folded, is the whole answer, parsed", () => {
  it("whatever was said and however it was cut", () => {
    const run = fc.tuple(
      fc.array(candidate, { minLength: 1, maxLength: 3 }),
      usage,
      fc.array(fc.nat(9), { minLength: 1, maxLength: 20 }),
      fc.array(fc.nat(100_000), { maxLength: 12 }),
      fc.boolean()
    )
    fc.assert(fc.property(run, ([candidates, used, deal, cuts, asList]) => {
      const events = eventsOf(candidates, used, deal)
      const source = asList ? `[${events.map((event) => JSON.stringify(event)).join(",\r\n")}]` : sse(events)
      const parts = decoded(cutBytes(Buffer.from(source), cuts))
      const streamed = Result.fold(parts)
      const expected = parsed(wholeOf(candidates, used))
      expect(streamed).toStrictEqual(expected)
      expect(parts.filter(Part.isTerminal).length).toBe(1)
      // And the parts of the whole answer lead back to it.
      expect(Json.equals(Result.fold(Result.parts(expected)), expected)).toBe(true)
      // Every text that arrived is there.
      const texts = candidates[0]!.pieces.filter(({ whole }) => isText(whole))
        .map(({ whole }) => whole as { text: string; thought?: true })
      expect(Result.reasoning(expected))
        .toContain(texts.filter(({ thought }) => thought).map(({ text }) => text).at(-1) ?? "")
    }), { numRuns: 800 })
  })

  it("and the text of arguments that arrive in pieces is their JSON", () => {
    fc.assert(fc.property(inFragments, ({ events, whole }) => {
      const parts = decoded([sse([...events.map((part) => ({ candidates: [{ content: { parts: [part] } }] })), {
        candidates: [{ finishReason: "STOP" }]
      }])])
      const text = parts.map((part) => part.type === "tool-params-delta" ? part.delta : "").join("")
      const { args } = (whole as { functionCall: { args: object } }).functionCall
      expect(JSON.parse(text)).toEqual(args)
      expect(JSON.stringify(Result.toolCalls(Result.fold(parts))[0]?.params)).toBe(JSON.stringify(args))
    }), { numRuns: 500 })
  })
})
