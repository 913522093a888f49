/**
 * Random responses as Google writes them, whole and as the events of a stream.
 *
 * @module
 */
import { Arbitrary } from "@plugline/testing"
import * as fc from "fast-check"

/** A part: whole, and in pieces. */
interface Piece {
  readonly whole: object
  readonly events: ReadonlyArray<object>
}

const anyText = Arbitrary.text()
const plain = <A>(value: A): A => JSON.parse(JSON.stringify(value)) as A

const said: fc.Arbitrary<Piece> = fc.record({
  pieces: fc.array(anyText, { minLength: 1, maxLength: 4 }),
  thought: fc.boolean()
}).map(({ pieces, thought }) => {
  const part = (text: string) => ({ text, ...(thought && { thought }) })
  return { whole: part(pieces.join("")), events: pieces.map(part) }
})

const atOnce: fc.Arbitrary<Piece> = fc.oneof(
  fc.record({ text: anyText, thoughtSignature: fc.base64String({ minLength: 4, maxLength: 8 }) }),
  fc.record({ text: anyText, thoughtSignature: fc.constant("c2ln"), thought: fc.constant(true) }),
  fc.record({
    functionCall: fc.record({
      id: fc.constantFrom("a", "b", "c"),
      name: fc.constantFrom("f", "g", "ünï"),
      args: Arbitrary.jsonObject(),
      unheardOf: fc.constant(1)
    }, { requiredKeys: ["name"] }),
    thoughtSignature: fc.constant("c2ln")
  }, { requiredKeys: ["functionCall"] }),
  fc.record({ inlineData: fc.record({ mimeType: fc.constant("image/png"), data: Arbitrary.base64() }) }),
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
  fc.record({
    toolResponse: fc.record({
      toolType: fc.constant("GOOGLE_SEARCH_WEB"),
      id: fc.constant("t1"),
      response: Arbitrary.jsonObject()
    }, { requiredKeys: ["toolType", "id"] })
  }),
  fc.record({ somethingNew: Arbitrary.json() })
).map((whole) => ({ whole: plain(whole), events: [plain(whole)] }))

const grounding = fc.record({
  groundingChunks: fc.array(fc.oneof(
    fc.record({ web: fc.record({ uri: fc.webUrl(), title: anyText, domain: anyText }) }),
    fc.record({ retrievedContext: fc.record({ title: anyText, documentName: anyText }) })
  ), { minLength: 1, maxLength: 3 }),
  webSearchQueries: fc.array(anyText, { minLength: 1, maxLength: 2 })
})

/** One candidate. */
export interface CandidateModel {
  readonly pieces: ReadonlyArray<Piece>
  readonly more: object
}

const candidate: fc.Arbitrary<CandidateModel> = fc.record({
  pieces: fc.array(fc.oneof(said, said, atOnce), { maxLength: 6 }),
  more: fc.record({
    finishReason: fc.constantFrom("STOP", "MAX_TOKENS", "SAFETY", "UNEXPECTED_TOOL_CALL", "SOMETHING_NEW"),
    finishMessage: fc.constant("why"),
    avgLogprobs: fc.constant(-0.5),
    groundingMetadata: grounding,
    citationMetadata: fc.record({
      citationSources: fc.array(fc.record({ uri: fc.webUrl(), startIndex: fc.nat() }), { minLength: 1, maxLength: 2 })
    })
  }, { requiredKeys: ["finishReason"] })
})

/** What a response says beside its candidates. */
export interface Frame {
  readonly usageMetadata?: object
  readonly [name: string]: unknown
}

const frame: fc.Arbitrary<Frame> = fc.record({
  usageMetadata: fc.record({
    promptTokenCount: fc.nat(1000),
    candidatesTokenCount: fc.nat(1000),
    thoughtsTokenCount: fc.nat(1000),
    totalTokenCount: fc.nat(4000),
    cachedContentTokenCount: fc.nat(1000),
    toolUsePromptTokenCount: fc.nat(100)
  }, { requiredKeys: ["promptTokenCount"] }),
  modelVersion: fc.constant("gemini-9"),
  responseId: fc.constant("r1"),
  createTime: fc.constant("2026-08-19T14:38:23.916396Z"),
  promptFeedback: fc.constant({ safetyRatings: [{ category: "X" }] })
  // A word that nobody knows counts as Google's own beside Google's own numbers.
}, { requiredKeys: ["modelVersion", "responseId", "usageMetadata"] })

/** A response. */
export const responses = fc.tuple(fc.array(candidate, { minLength: 1, maxLength: 2 }), frame)

/** The response in one document. */
export const whole = (candidates: ReadonlyArray<CandidateModel>, frame: Frame): object => ({
  candidates: candidates.map(({ more, pieces }, index) => ({
    content: { parts: pieces.map(({ whole }) => whole), role: "model" },
    ...more,
    index
  })),
  ...frame
})

/** The response as its events, one part each. */
export const frames = (candidates: ReadonlyArray<CandidateModel>, frame: Frame): ReadonlyArray<string> => {
  const { usageMetadata, ...head } = frame
  const parts = candidates.flatMap(({ pieces }, index) =>
    pieces.flatMap(({ events }) => events.map((part) => ({ index, content: { parts: [part], role: "model" } }))))
  const last = {
    ...frame,
    candidates: candidates.map(({ more }, index) => ({ ...more, index })),
    usageMetadata
  }
  return [...parts.map((candidate) => ({ ...head, candidates: [candidate] })), last]
    .map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`)
}
