/**
 * What is written as a response is read again by the wire: the same answer, whole and streamed, however it is cut.
 *
 * @module
 */
import { type JsonValue, type Part, Result } from "@plugline/core"
import { Arbitrary } from "@plugline/testing"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { responses } from "../../../src/dialects/responses/index.ts"
import { batches, call, chatOf, cuts, decoded, events, gist, isWoven, type Loose, objects, request, same, written } from "../exchange.ts"

const wire = responses.wires.chat!
const own = call({ provider: "openai" })
const question = request("openai", "chat")
const streamed = request("openai", "stream")

const anyText = fc.string({ unit: "binary", maxLength: 12 })
const id = fc.stringMatching(/^[a-z0-9]{1,6}$/)

const annotation = fc.oneof(
  fc.record({ type: fc.constant("url_citation"), url: fc.webUrl(), title: anyText, start_index: fc.nat(), end_index: fc.nat() }),
  fc.record({ type: fc.constant("file_citation"), file_id: id, filename: fc.constant("a.pdf"), index: fc.nat() })
)
const block = fc.oneof(
  fc.record({
    type: fc.constant("output_text"),
    text: anyText,
    annotations: fc.array(annotation, { maxLength: 2 }),
    logprobs: fc.array(fc.record({ token: anyText, logprob: fc.constant(-0.5) }), { maxLength: 2 })
  }),
  fc.record({ type: fc.constant("refusal"), refusal: anyText })
)
const args = fc.oneof(
  fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }).map((value) => JSON.stringify(value)),
  fc.constantFrom("{}", "{\"a\":", "12")
)
const item: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.tuple(id, fc.array(block, { minLength: 1, maxLength: 3 }), fc.boolean()).map(([id, content, phase]) => ({
    id: `msg_${id}`, type: "message", role: "assistant", status: "completed", content, ...(phase && { phase: "final" })
  })),
  fc.tuple(id, fc.array(anyText, { maxLength: 2 }), fc.array(anyText, { maxLength: 1 })).map(([id, summary, content]) => ({
    id: `rs_${id}`,
    type: "reasoning",
    summary: summary.map((text) => ({ type: "summary_text", text })),
    ...(content.length > 0 && { content: content.map((text) => ({ type: "reasoning_text", text })) }),
    encrypted_content: "secret"
  })),
  fc.tuple(id, args).map(([id, args]) => ({
    id: `fc_${id}`, type: "function_call", status: "completed", call_id: `call_${id}`, name: "f", arguments: args, namespace: "n"
  })),
  fc.tuple(id, anyText).map(([id, input]) => ({
    id: `ctc_${id}`, type: "custom_tool_call", status: "completed", call_id: `call_${id}`, name: "g", input: `x${input}`
  })),
  id.map((id) => ({
    id: `cc_${id}`, type: "computer_call", status: "completed", call_id: `call_${id}`, action: { type: "click", x: 1 },
    pending_safety_checks: [{ id: "s" }]
  })),
  id.map((id) => ({ id: `ws_${id}`, type: "web_search_call", status: "completed", action: { type: "search", query: "q" } })),
  id.map((id) => ({ id: `ig_${id}`, type: "image_generation_call", status: "completed", output_format: "webp", result: "aGk=" })),
  id.map((id) => ({ id: `x_${id}`, type: "compaction", encrypted_content: "secret" }))
)

const usage = fc.tuple(fc.nat(1000), fc.nat(1000), fc.nat(1000)).map(([input, output, thought]) => ({
  input_tokens: input,
  input_tokens_details: { cached_tokens: input >> 1 },
  output_tokens: output + thought,
  output_tokens_details: { reasoning_tokens: thought },
  total_tokens: input + output + thought
}))

const answer = fc.record({
  output: fc.uniqueArray(item, { maxLength: 5, selector: (item) => (item as { call_id?: string; id: string }).call_id ?? (item as { id: string }).id }),
  usage: fc.option(usage, { nil: null }),
  status: fc.constantFrom("completed", "incomplete", "in_progress"),
  why: fc.constantFrom("max_output_tokens", "content_filter"),
  extra: fc.dictionary(fc.constantFrom("service_tier", "x", "__proto__"), fc.string({ minLength: 1 }), { maxKeys: 2 })
}).map(({ extra, output, status, usage, why }): JsonValue => ({
  id: "resp_1",
  object: "response",
  created_at: 1_700_000_000,
  status,
  model: "m-1",
  incomplete_details: status === "incomplete" ? { reason: why } : null,
  output,
  usage,
  ...extra
}))

describe("an answer of a service that speaks the same", () => {
  it("is read again as it was, whole", () => {
    fc.assert(fc.property(answer, (body) => {
      const first = chatOf(wire, body, question)
      same(chatOf(wire, responses.encode(first, own), question), first)
    }), { numRuns: 700 })
  })

  it("is read again as it was, streamed and cut anywhere", () => {
    fc.assert(fc.property(answer, cuts, (body, cuts) => {
      const first = chatOf(wire, body, question)
      const stream = written(responses, Result.parts(first), own)
      same(Result.fold(decoded(wire, stream, streamed, cuts)), first)
    }), { numRuns: 700 })
  })

  it("keeps everything but the ids of items where its parts come one by one", () => {
    fc.assert(fc.property(answer, (body) => {
      // That a text is a refusal, or a thought more than a summary, is not known before its end here.
      fc.pre(!/"(refusal|reasoning_text)"/.test(JSON.stringify(body)))
      const first = chatOf(wire, body, question)
      const tools = [{ type: "custom", name: "g" }, { type: "computer_use_preview" }]
      const stream = written(responses, Result.parts(first), call({ ...own, asked: { tools } }), [1])
      same(anonymous(Result.fold(decoded(wire, stream, streamed))), anonymous(first))
    }), { numRuns: 500 })
  })
})

describe("any answer", () => {
  it("is read as what the format can say of it, and then stays", () => {
    fc.assert(fc.property(Arbitrary.chatResult(), (result) => {
      fc.pre(result.finishReason !== "error")
      const once = chatOf(wire, responses.encode(result, own), question)
      expect(said(once)).toEqual(said(result))
      same(chatOf(wire, responses.encode(once, own), question), once)
    }), { numRuns: 700 })
  })

  it("streams as it is written whole, however its parts come", () => {
    fc.assert(fc.property(Arbitrary.parts({ end: "finish" }), Arbitrary.chunks(), cuts, (parts, sizes, cuts) => {
      const end = parts.at(-1)!
      fc.pre(!isWoven(parts) && end.type === "finish" && end.reason !== "error")
      const read = Result.fold(decoded(wire, written(responses, parts, own, sizes), streamed, cuts))
      const whole = chatOf(wire, responses.encode(Result.fold(parts), own), question)
      expect(said(read)).toEqual(said(whole))
      expect({ id: read.id, model: read.model, usage: read.usage }).toEqual({ id: whole.id, model: whole.model, usage: whole.usage })
    }), { numRuns: 700 })
  })

  it("goes on where parts were skipped as if it had written them", () => {
    fc.assert(fc.property(Arbitrary.parts(), Arbitrary.chunks(), fc.nat(), (parts, sizes, at) => {
      const cut = at % (parts.length + 1)
      const writing = responses.encoder(own)
      const skipping = responses.encoder(own)
      for (const batch of batches(parts.slice(0, cut), sizes)) {
        writing.push(batch)
        skipping.skip(batch)
      }
      for (const batch of batches(parts.slice(cut), sizes)) expect(skipping.push(batch)).toBe(writing.push(batch))
    }), { numRuns: 500 })
  })

  it("keeps the rules of a stream", () => {
    fc.assert(fc.property(Arbitrary.parts(), Arbitrary.chunks(), (parts, sizes) => {
      legal(written(responses, parts, call(), sizes), parts.at(-1)!)
    }), { numRuns: 500 })
    fc.assert(fc.property(Arbitrary.oddParts(), Arbitrary.chunks(), (parts, sizes) => {
      const text = written(responses, parts, own, sizes)
      expect(objects(text).map(({ sequence_number: number }) => number)).toEqual(objects(text).map((_, index) => index))
    }), { numRuns: 300 })
  })
})

/** What the format can say of an answer. */
const said = (result: Result & { readonly type: "chat" | "completion" }) => {
  const { calls, images, texts, thoughts } = gist(result)
  // A text as arguments is read as broken: it would go back as another.
  return { images, texts, thoughts, calls: calls.map((call) => typeof call.params === "string" ? { ...call, params: "" } : call) }
}

/** An answer without the ids of its items. */
const anonymous = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (name, field: unknown) => {
    if (name !== "item" || typeof field !== "object" || field === null || Array.isArray(field)) return field
    const { id: _, ...rest } = field as Record<string, unknown>
    return rest
  }))

/** The rules that clients rely on. */
const legal = (text: string, end: Part): void => {
  const all = objects(text)
  events(text).forEach(({ name }, index) => {
    expect(all[index]).toMatchObject({ type: name, sequence_number: index })
  })
  if (all.length > 2) expect(all.slice(0, 2).map(({ type }) => type)).toEqual(["response.created", "response.in_progress"].slice(0, 2))
  const open = new Map<number, Loose>()
  const texts = new Map<string, string>()
  let next = 0
  for (const event of all) {
    const { output_index: index, type } = event
    const key = `${index} ${event.content_index} ${event.summary_index}`
    switch (type) {
      case "response.output_item.added":
        expect(index).toBe(next++)
        open.set(index, event.item)
        break
      case "response.output_item.done":
        expect(event.item.type).toBe(open.get(index)?.type)
        if (event.item.id !== undefined) expect(event.item.id).toBe(open.get(index)?.id)
        open.delete(index)
        break
      case "response.output_text.delta":
      case "response.function_call_arguments.delta":
      case "response.reasoning_summary_text.delta":
        expect(event.item_id).toBe(open.get(index)?.id)
        texts.set(key, (texts.get(key) ?? "") + event.delta)
        break
      case "response.output_text.done":
      case "response.reasoning_summary_text.done":
        expect(event.text).toBe(texts.get(key) ?? "")
        break
      case "response.function_call_arguments.done":
        expect(event.arguments).toBe(texts.get(key) ?? "")
    }
  }
  const last = all.at(-1)!
  if (end.type === "error") {
    expect(all.at(-2)).toMatchObject({ type: "error", message: expect.any(String) })
    expect(last).toMatchObject({ type: "response.failed", response: { status: "failed", error: { message: expect.any(String) } } })
    return
  }
  expect(open.size).toBe(0)
  expect(last.type).toMatch(/^response\.(completed|incomplete|failed|cancelled)$/)
  const done = all.filter(({ type }) => type === "response.output_item.done")
  expect(last.response.output).toEqual(done.sort((a, b) => a.output_index - b.output_index).map(({ item }) => item))
}
