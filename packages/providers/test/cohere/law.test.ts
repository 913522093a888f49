/**
 * The law of every provider: a streamed answer, folded, is the whole answer, parsed, however it was cut.
 *
 * @module
 */
import { Json, Part, Result } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { answer, cutBytes, decoded, end, event, lines, parsed, sse, v1 } from "./support.ts"

const anyText = fc.string({ unit: "binary", maxLength: 12 })
const pieces = fc.array(anyText, { maxLength: 4 })
const cuts = fc.array(fc.nat(100_000), { maxLength: 12 })

const args = fc.oneof(
  fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), {
    maxKeys: 3
  }).map((it) => JSON.stringify(it)),
  fc.constantFrom("", "{}", "{broken", "null")
)

const usage = fc.record({
  billed_units: fc.record({ input_tokens: fc.nat(100) }),
  tokens: fc.record(
    { input_tokens: fc.nat(100), output_tokens: fc.nat(100), reasoning_tokens: fc.nat(100) },
    { requiredKeys: [] }
  ),
  cached_tokens: fc.nat(200)
}, { requiredKeys: [] })

const block = fc.record({ kind: fc.constantFrom("text", "thinking", "text", "unheard"), pieces })

const model = fc.record({
  blocks: fc.array(block, { maxLength: 4 }),
  plan: pieces,
  calls: fc.array(
    fc.record({ name: fc.constantFrom("f", "ünï"), args, at: fc.nat(20), hasId: fc.boolean() }),
    { maxLength: 3 }
  ),
  citations: fc.array(
    fc.record({ start: fc.nat(9), text: anyText, sources: fc.constantFrom([], [{ type: "document", id: "d1" }]) }),
    { maxLength: 3 }
  ),
  logprobs: fc.array(
    fc.record({
      token_ids: fc.array(fc.nat(9)),
      logprobs: fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }))
    }),
    { maxLength: 2 }
  ),
  finish: fc.constantFrom("COMPLETE", "MAX_TOKENS", "TOOL_CALL", "STOP_SEQUENCE", "NEW"),
  usage: fc.option(usage, { nil: undefined })
})

describe("a streamed answer, folded, is the whole answer, parsed", () => {
  it("whatever was said and however it was cut", () => {
    fc.assert(fc.property(model, cuts, fc.boolean(), fc.boolean(), (it, cuts, done, early) => {
      const field = (kind: string) => kind === "text" ? "text" : "thinking"
      const calls = it.calls.map(({ args, hasId, name }, index) => ({
        ...(hasId && { id: `id_${index}` }),
        type: "function",
        function: { name, arguments: args }
      }))
      const cited = it.citations.map((citation, index) => event("citation-start", { citations: citation }, { index }))
      const tail = { finish_reason: it.finish, ...(it.usage !== undefined && { usage: it.usage }) }
      const events = [
        event(
          "message-start",
          { role: "assistant", content: [], tool_plan: "", tool_calls: [], citations: [] },
          { id: "r1" }
        ),
        ...(early ? cited : []),
        ...it.blocks.flatMap(({ kind, pieces }, index) => [
          event("content-start", { content: { type: kind, [field(kind)]: "" } }, { index }),
          ...pieces.map((text) => event("content-delta", { content: { [field(kind)]: text } }, { index })),
          event("content-end", undefined, { index })
        ]),
        ...it.logprobs.map((logprobs) => event("content-delta", { content: { text: "" } }, { logprobs })),
        ...it.plan.map((tool_plan) => event("tool-plan-delta", { tool_plan })),
        ...it.calls.flatMap(({ args, at, name }, index) => [
          event("tool-call-start", { tool_calls: { ...calls[index], function: { name, arguments: "" } } }, { index }),
          event("tool-call-delta", { tool_calls: { function: { arguments: args.slice(0, at) } } }, { index }),
          event("tool-call-delta", { tool_calls: { function: { arguments: args.slice(at) } } }, { index }),
          event("tool-call-end", undefined, { index })
        ]),
        ...(early ? [] : cited),
        { ...end(), delta: tail }
      ]
      const whole = answer({
        content: it.blocks.map(({ kind, pieces }) => ({ type: kind, [field(kind)]: pieces.join("") })),
        tool_plan: it.plan.join(""),
        tool_calls: calls,
        citations: it.citations
      }, { logprobs: it.logprobs, ...tail })
      const parts = decoded(cutBytes(Buffer.from(sse(events, done ? undefined : "")), cuts))
      const expected = parsed(whole)
      expect(Result.fold(parts)).toStrictEqual(expected)
      expect(parts.filter(Part.isTerminal).length).toBe(1)
      expect(Json.equals(Result.fold(Result.parts(expected)), expected)).toBe(true)
    }), { numRuns: 1000 })
  })

  it("over the first interface, as lines and as events", () => {
    const v1Model = fc.record({
      text: pieces,
      calls: fc.array(
        fc.record({ name: fc.constantFrom("f", "g"), parameters: fc.dictionary(fc.constantFrom("a", "b"), fc.nat(9)) }),
        { maxLength: 3 }
      ),
      citations: fc.array(fc.record({ text: anyText, document_ids: fc.constantFrom(["d1"], []) }), { maxLength: 2 }),
      chunks: fc.boolean(),
      full: fc.boolean()
    })
    fc.assert(fc.property(v1Model, cuts, fc.boolean(), (it, cuts, asEvents) => {
      const documents = [{ id: "d1", title: "T", url: "https://x.test" }]
      const whole = {
        generation_id: "g1", response_id: "r1", text: it.text.join(""), finish_reason: "COMPLETE",
        ...(it.calls.length > 0 && { tool_calls: it.calls }), citations: it.citations, documents,
        meta: { warnings: ["old"], tokens: { input_tokens: 1, output_tokens: 2 } }
      }
      const events = [
        { event_type: "stream-start", generation_id: "g1", is_finished: false },
        { event_type: "search-results", documents },
        ...it.text.map((text) => ({ event_type: "text-generation", text })),
        { event_type: "citation-generation", citations: it.citations },
        ...(it.chunks
          ? it.calls.flatMap(({ name, parameters }, index) => [
            { event_type: "tool-calls-chunk", tool_call_delta: { name, index } },
            { event_type: "tool-calls-chunk", tool_call_delta: { index, parameters: JSON.stringify(parameters) } }
          ])
          : []),
        ...(it.calls.length > 0 ? [{ event_type: "tool-calls-generation", tool_calls: it.calls }] : []),
        {
          event_type: "stream-end", is_finished: true, finish_reason: "COMPLETE",
          response: it.full ? whole : {
            response_id: "r1",
            meta: whole.meta,
            documents,
            citations: it.citations,
            text: whole.text
          }
        }
      ]
      const text = asEvents ? sse(events, "") : lines(events)
      const parts = decoded(cutBytes(Buffer.from(text), cuts), { operation: "stream", config: v1 })
      expect(Result.fold(parts)).toStrictEqual(parsed(whole, { config: v1 }))
      expect(
        Result.fold(decoded([JSON.stringify(whole, null, 2)], { operation: "stream", config: v1 }))
      ).toStrictEqual(parsed(whole, { config: v1 }))
    }), { numRuns: 500 })
  })

  it("of several generations", () => {
    fc.assert(fc.property(fc.array(pieces, {
      minLength: 1,
      maxLength: 3
    }), cuts, fc.boolean(), (texts, cuts, asEvents) => {
      const generations = texts.map(
        (pieces, index) => ({ id: `g${index}`, index, text: pieces.join(""), finish_reason: "MAX_TOKENS" })
      )
      const body = { id: "r1", generations, prompt: "p", meta: { billed_units: { input_tokens: 1 } } }
      const events = [
        ...texts.flatMap(
          (pieces, index) => pieces.map((text) => ({ event_type: "text-generation", text, index, is_finished: false }))
        ),
        { event_type: "stream-end", is_finished: true, finish_reason: "MAX_TOKENS", response: body }
      ]
      const init = { operation: "completion" as const }
      const streamed = Result.fold(
        decoded(cutBytes(Buffer.from(asEvents ? sse(events, "") : lines(events)), cuts), init),
        "completion"
      )
      // The id comes at the end of a stream, behind the text.
      const { id, ...expected } = parsed(body, init)
      expect({
        ...streamed,
        ...(streamed.id !== undefined && { id })
      }).toStrictEqual({ ...expected, ...(streamed.id !== undefined && { id }) })
    }), { numRuns: 300 })
  })
})
