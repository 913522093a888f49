/**
 * What is written as Ollama writes it is read again by the wire: the same answer, whole and streamed, however it is
 * cut.
 *
 * @module
 */
import { type JsonValue, Result } from "@plugline/core"
import { Arbitrary } from "@plugline/testing"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { ollama } from "../../../src/dialects/ollama/index.ts"
import { batches, call, chatOf, cuts, decoded, gist, isWoven, request, same, written } from "../exchange.ts"

const wire = ollama.wires.chat!
const own = call({ provider: "ollama" })
const question = request("ollama", "chat")
const streamed = request("ollama", "stream")

const anyText = fc.string({ unit: "binary", maxLength: 12 })
const toolCall = fc.record({
  id: fc.option(fc.constantFrom("call_a", "call_b"), { nil: undefined }),
  name: fc.constantFrom("f", "ünï"),
  args: fc.oneof(
    fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
    fc.constantFrom("{\"a\":1}", "{broken", "[1]")
  )
}).map(({ args, id, name }) => ({ ...(id !== undefined && { id }), function: { name, arguments: args } }))

const answer = fc.record({
  text: anyText,
  thinking: anyText,
  calls: fc.array(toolCall, { maxLength: 3 }),
  image: fc.boolean(),
  inside: fc.dictionary(fc.constantFrom("x", "done_reason", "__proto__"), fc.string({ minLength: 1 }), { maxKeys: 2 }),
  metrics: fc.record({
    total_duration: fc.nat(1e9), load_duration: fc.nat(), prompt_eval_count: fc.nat(1000), eval_count: fc.nat(1000)
  }, { requiredKeys: [] }),
  logprobs: fc.array(fc.record({ token: anyText, logprob: fc.constant(-1) }), { maxLength: 2 }),
  extra: fc.dictionary(fc.constantFrom("remote_model", "context", "__proto__"), fc.constantFrom("a", 1, [1]), { maxKeys: 2 }),
  reason: fc.constantFrom("stop", "length", "load")
}).map((it): JsonValue => ({
  model: "m:1b",
  created_at: "2025-01-02T03:04:05.678901234Z",
  message: {
    role: "assistant",
    content: it.text,
    thinking: it.thinking,
    ...it.inside,
    ...(it.image && { images: ["iVBORw0KGgo="] }),
    ...(it.calls.length > 0 && { tool_calls: it.calls })
  },
  ...it.extra,
  logprobs: it.logprobs,
  ...it.metrics,
  done: true,
  done_reason: it.reason
}))

describe("an answer of a service that speaks the same", () => {
  it("is read again as it was, whole", () => {
    fc.assert(fc.property(answer, (body) => {
      const first = chatOf(wire, body, question)
      same(chatOf(wire, ollama.encode(first, own), question), first)
    }), { numRuns: 700 })
  })

  it("is read again as it was, streamed and cut anywhere", () => {
    fc.assert(fc.property(answer, cuts, fc.boolean(), (body, cuts, single) => {
      const first = chatOf(wire, body, question)
      const stream = written(ollama, Result.parts(first), own, [single ? 1 : 1000])
      same(Result.fold(decoded(wire, stream, streamed, cuts)), first)
    }), { numRuns: 700 })
  })

  it("is read again as it was where it goes on from a text", () => {
    const wire = ollama.wires.completion!
    const prompt = request("ollama", "completion")
    fc.assert(fc.property(anyText, anyText, cuts, (response, thinking, cuts) => {
      const body = { model: "m", created_at: "2025-01-02T03:04:05.678Z", response, thinking, done: true, done_reason: "stop", context: [1] }
      const first = chatOf(wire, body, prompt)
      const going = { ...own, operation: "completion" as const }
      same(chatOf(wire, ollama.encode(first, going), prompt), first)
      same(Result.fold(decoded(wire, written(ollama, Result.parts(first), going), prompt, cuts), "completion"), first)
    }), { numRuns: 300 })
  })
})

describe("any answer", () => {
  it("is read as what the format can say of it, and then stays", () => {
    fc.assert(fc.property(Arbitrary.chatResult(), (result) => {
      const once = chatOf(wire, ollama.encode(result, own), question)
      expect(said(once)).toEqual(said(result))
      same(chatOf(wire, ollama.encode(once, own), question), once)
    }), { numRuns: 700 })
  })

  it("streams as it is written whole, however its parts come", () => {
    fc.assert(fc.property(Arbitrary.parts({ end: "finish" }), Arbitrary.chunks(), cuts, (parts, sizes, cuts) => {
      fc.pre(!isWoven(parts))
      const text = written(ollama, parts, own, sizes)
      const read = Result.fold(decoded(wire, text, streamed, cuts))
      const whole = chatOf(wire, ollama.encode(Result.fold(parts), own), question)
      expect(said(read)).toEqual(said(whole))
      expect({ model: read.model, usage: read.usage }).toEqual({ model: whole.model, usage: whole.usage })
      const lines = text.split(/\r\n|[\n\r\u0085\u2028\u2029]/)
      expect(lines.pop()).toBe("")
      expect(lines.map((line) => JSON.parse(line).done)).toEqual(lines.map((_, index) => index === lines.length - 1))
    }), { numRuns: 700 })
  })

  it("goes on where parts were skipped as if it had written them", () => {
    fc.assert(fc.property(Arbitrary.parts(), Arbitrary.chunks(), fc.nat(), (parts, sizes, at) => {
      const cut = at % (parts.length + 1)
      const writing = ollama.encoder(own)
      const skipping = ollama.encoder(own)
      for (const batch of batches(parts.slice(0, cut), sizes)) {
        writing.push(batch)
        skipping.skip(batch)
      }
      for (const batch of batches(parts.slice(cut), sizes)) expect(skipping.push(batch)).toBe(writing.push(batch))
    }), { numRuns: 300 })
  })

  it("stays who it was where that is said again after a skipped word", () => {
    const encoder = ollama.encoder(call())
    encoder.skip([{ type: "text-delta", id: "0", delta: "Hi" }, { type: "response-metadata", modelId: "late" }])
    expect(JSON.parse(encoder.push([{ type: "text-delta", id: "0", delta: "!" }]))).toMatchObject({ model: "asked" })
    encoder.skip([{ type: "finish", reason: "stop", usage: { inputTokens: {}, outputTokens: {} } }])
    expect(encoder.push([{ type: "text-delta", id: "0", delta: "!" }])).toBe("")
  })

  it("says nothing behind an error", () => {
    fc.assert(fc.property(Arbitrary.parts({ end: "error" }), (parts) => {
      const encoder = ollama.encoder(own)
      const last = encoder.push(parts).trimEnd().split("\n").at(-1)!
      expect(JSON.parse(last)).toEqual({ error: expect.any(String) })
      expect(encoder.push(parts)).toBe("")
    }), { numRuns: 200 })
  })
})

/** What the format can say of an answer. */
const said = (result: Result & { readonly type: "chat" | "completion" }) => {
  const { calls, images, texts, thoughts } = gist(result)
  // Arguments that are no object are read as broken.
  const isObject = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value)
  return { texts, thoughts, images, calls: calls.map((call) => isObject(call.params) ? call : { ...call, params: "none" }) }
}
