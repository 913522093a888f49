/**
 * What is written as chat completions is read again by the wire: the same answer, whole and streamed, however it is
 * cut.
 *
 * @module
 */
import { type ChatResult, type JsonValue, type Part, Result } from "@plugline/core"
import { Arbitrary } from "@plugline/testing"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { openai } from "../../../src/dialects/openai/index.ts"
import { batches, call, chatOf, cuts, decoded, events, gist, isWoven, objects, request, same, written } from "../exchange.ts"

const wire = openai.wires.chat!
const asked = { stream: true, stream_options: { include_usage: true } }
const own = call({ provider: "openai", asked })
const question = request("openai", "chat")
const streamed = request("openai", "stream")

const anyText = fc.string({ unit: "binary", maxLength: 12 })
const name = fc.constantFrom("x", "content_filter_results", "stop_reason", "__proto__", "reasoning_opaque")
const extra = fc.dictionary(name, fc.oneof(fc.constant({ a: 1 }), fc.string({ minLength: 1 }), fc.nat()), { maxKeys: 2 })

const args = fc.oneof(
  fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }).map((value) => JSON.stringify(value)),
  fc.constantFrom("", "{}", "{}{\"a\":1}", "null", "{\"a\":", "12", "\"text\"")
)
const toolCall = fc.record({
  name: fc.constantFrom("f", "g", "ünï"),
  args,
  kind: fc.constantFrom("function", "custom"),
  extra: fc.dictionary(fc.constantFrom("extra_content", "x"), fc.constant({ google: 1 }), { maxKeys: 2 })
})

const message = fc.record({
  content: fc.oneof(anyText, fc.constant(null)),
  refusal: fc.oneof({ weight: 3, arbitrary: fc.constant("") }, anyText),
  thought: anyText,
  form: fc.constantFrom("text", "details", "block"),
  calls: fc.array(toolCall, { maxLength: 3 }),
  annotations: fc.array(
    fc.record({ type: fc.constant("url_citation"), url_citation: fc.record({ url: fc.webUrl(), title: anyText, start_index: fc.nat() }) }),
    { maxLength: 2 }
  ),
  image: fc.boolean(),
  audio: fc.boolean(),
  logprobs: fc.boolean(),
  extra,
  finish: fc.constantFrom("stop", "length", "tool_calls", "content_filter", "eos", "something_new")
})
type Message = typeof message extends fc.Arbitrary<infer A> ? A : never

const choiceOf = (it: Message, index: number): JsonValue => ({
  index,
  finish_reason: it.finish,
  logprobs: it.logprobs ? { content: [{ token: "a", logprob: -0.5 }] } : null,
  ...it.extra,
  message: {
    role: "assistant",
    content: it.form === "block"
      ? [
        { type: "thinking", thinking: [{ type: "text", text: it.thought }], signature: "s" },
        ...it.content ? [{ type: "text", text: it.content }, { type: "reference", reference_ids: [1] }] : []
      ]
      : it.content,
    refusal: it.refusal || null,
    ...(it.form !== "block" && { reasoning_content: it.thought }),
    ...(it.form === "details" && {
      reasoning_details: [{ type: "reasoning.text", text: it.thought, index: 0, signature: "s" }]
    }),
    tool_calls: it.calls.map(({ args, extra, kind, name }, position) => ({
      id: `id_${index}_${position}`,
      type: kind,
      ...extra,
      ...(kind === "custom" ? { custom: { name, input: args } } : { function: { name, arguments: args } })
    })),
    annotations: it.annotations,
    ...(it.image && { images: [{ type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } }] }),
    ...(it.audio && { audio: { id: "a", data: "aGk=", transcript: "hi", expires_at: 1 } })
  }
})

const answer = fc.record({
  choices: fc.array(message, { minLength: 1, maxLength: 3 }),
  usage: fc.option(fc.record({
    prompt_tokens: fc.nat(1000),
    completion_tokens: fc.nat(1000),
    total_tokens: fc.nat(1000),
    prompt_tokens_details: fc.record({ cached_tokens: fc.nat(1000) }),
    completion_tokens_details: fc.record({ reasoning_tokens: fc.nat(1000), audio_tokens: fc.nat(3) })
  }), { nil: undefined }),
  extra: fc.dictionary(fc.constantFrom("service_tier", "system_fingerprint", "x", "__proto__"), fc.string({ minLength: 1 }), { maxKeys: 3 })
}).map(({ choices, extra, usage }): JsonValue => ({
  id: "r1",
  object: "chat.completion",
  created: 1_700_000_000,
  model: "m-1",
  ...extra,
  choices: choices.map(choiceOf),
  // Whole numbers that belong together: others are counted anew.
  ...(usage !== undefined && {
    usage: {
      ...usage,
      completion_tokens: usage.completion_tokens + usage.completion_tokens_details.reasoning_tokens,
      total_tokens: usage.prompt_tokens + usage.completion_tokens + usage.completion_tokens_details.reasoning_tokens
    }
  })
}))

/** Calls whose arguments were blank are written as an empty object, which they are read as. */
describe("an answer of a service that speaks the same", () => {
  it("is read again as it was, whole", () => {
    fc.assert(fc.property(answer, (body) => {
      const first = chatOf(wire, body, question)
      same(chatOf(wire, openai.encode(first, own), question), first)
    }), { numRuns: 700 })
  })

  it("is read again as it was, streamed and cut anywhere", () => {
    fc.assert(fc.property(answer, cuts, (body, cuts) => {
      const first = chatOf(wire, body, question)
      const stream = written(openai, Result.parts(first), own)
      same(Result.fold(decoded(wire, stream, streamed, cuts)), first)
    }), { numRuns: 700 })
  })
})

describe("any answer", () => {
  it("is read as what the format can say of it, and then stays", () => {
    fc.assert(fc.property(Arbitrary.chatResult(), (result) => {
      const once = chatOf(wire, openai.encode(result, own), question)
      expect(said(once)).toEqual(said(result))
      same(chatOf(wire, openai.encode(once, own), question), once)
    }), { numRuns: 700 })
  })

  it("streams as it is written whole, however its parts come", () => {
    fc.assert(fc.property(Arbitrary.parts({ end: "finish" }), Arbitrary.chunks(), cuts, (parts, sizes, cuts) => {
      // The format has one text, in the order of its pieces.
      fc.pre(!isWoven(parts))
      const stream = written(openai, parts, own, sizes)
      const read = Result.fold(decoded(wire, stream, streamed, cuts))
      const whole = chatOf(wire, openai.encode(Result.fold(parts), own), question)
      expect(said(read)).toEqual(said(whole))
      expect(read.choices?.map(said)).toEqual(whole.choices?.map(said))
      expect({ id: read.id, model: read.model, usage: read.usage }).toEqual({ id: whole.id, model: whole.model, usage: whole.usage })
    }), { numRuns: 700 })
  })

  it("goes on where parts were skipped as if it had written them", () => {
    fc.assert(fc.property(Arbitrary.parts(), Arbitrary.chunks(), fc.nat(), (parts, sizes, at) => {
      const cut = at % (parts.length + 1)
      const [first, rest] = [parts.slice(0, cut), parts.slice(cut)]
      const writing = openai.encoder(own)
      const skipping = openai.encoder(own)
      for (const batch of batches(first, sizes)) {
        writing.push(batch)
        skipping.skip(batch)
      }
      for (const batch of batches(rest, sizes)) expect(skipping.push(batch)).toBe(writing.push(batch))
    }), { numRuns: 500 })
  })

  it("keeps the rules of a stream", () => {
    fc.assert(fc.property(Arbitrary.parts(), Arbitrary.chunks(), fc.boolean(), (parts, sizes, counts) => {
      const text = written(openai, parts, call({ asked: counts ? asked : {} }), sizes)
      legal(text, parts.at(-1)!, counts)
    }), { numRuns: 500 })
    fc.assert(fc.property(Arbitrary.oddParts(), Arbitrary.chunks(), (parts, sizes) => {
      for (const chunk of objects(written(openai, parts, own, sizes))) expect(chunk).toBeTypeOf("object")
    }), { numRuns: 300 })
  })
})

/** What the format can say of some content. */
const said = (result: Pick<ChatResult, "content" | "finishReason"> & Partial<ChatResult>) => {
  const whole: ChatResult = { type: "chat", usage: { inputTokens: {}, outputTokens: {} }, ...result }
  const { calls, images, texts, thoughts } = gist(whole)
  const sources = whole.content.flatMap((part) => part.type === "source" && part.sourceType === "url" ? [part.url] : [])
  return { images, calls, texts, thoughts, sources }
}

/** The rules that clients rely on. */
const legal = (text: string, end: Part, counts: boolean): void => {
  const all = events(text)
  const chunks = objects(text)
  const ended = new Set<number>()
  const begun = new Set<number>()
  const calls = new Map<string, number>()
  let usage = 0
  for (const chunk of chunks) {
    if (chunk.error !== undefined || chunk.choices === undefined) continue
    expect(chunk).toMatchObject({ id: chunks.find(({ id }) => id !== undefined)!.id, object: "chat.completion.chunk" })
    if (chunk.choices.length === 0) {
      usage++
      expect(chunk.usage.total_tokens).toBe(chunk.usage.prompt_tokens + chunk.usage.completion_tokens)
    }
    for (const { delta, finish_reason: reason, index } of chunk.choices) {
      expect(ended.has(index)).toBe(false)
      expect(delta.role).toBe(begun.has(index) ? undefined : "assistant")
      begun.add(index)
      if (reason !== null) ended.add(index)
      for (const piece of delta.tool_calls ?? []) {
        const key = `${index} ${piece.index}`
        expect(piece.id === undefined).toBe(calls.has(key))
        if (!calls.has(key)) {
          expect(piece.index).toBe([...calls.keys()].filter((other) => other.startsWith(`${index} `)).length)
          calls.set(key, 0)
        }
      }
    }
  }
  if (end.type === "finish") {
    expect(all.at(-1)?.data).toBe("[DONE]")
    expect(all.filter(({ data }) => data === "[DONE]").length).toBe(1)
    expect([...ended].sort()).toEqual([...begun].sort())
    const known = end.usage.inputTokens.total !== undefined || end.usage.outputTokens.total !== undefined
    expect(usage).toBe(counts && known ? 1 : 0)
  } else {
    expect(JSON.parse(all.at(-1)!.data)).toMatchObject({ error: { message: expect.any(String), type: expect.any(String) } })
    expect(text).not.toContain("[DONE]\n\n")
    expect(ended.size).toBe(0)
    expect(usage).toBe(0)
  }
}
