/**
 * Answers that mean harm: nothing they hold makes reading throw, hang, grow without bound or reach a prototype.
 *
 * @module
 */
import { Part, Result } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decoder } from "../../src/responses/decoder.ts"
import { answer, asked, completed, created, decoded, failure, parsed, prepared, request, says, sse } from "./support.ts"

const errorOf = (parts: ReadonlyArray<Part>) => {
  const last = parts.at(-1)
  return last?.type === "error" ? Part.errorOf(last).reason : undefined
}

const junk = fc.jsonValue({ maxDepth: 3 })
const fields = (...names: ReadonlyArray<string>) =>
  fc.record(Object.fromEntries(names.map((name) => [name, junk])), { requiredKeys: [] })
const itemTypes = fc.constantFrom(
  "message", "reasoning", "function_call", "custom_tool_call", "computer_call", "web_search_call", "image_generation_call", "mcp_call", "shell_call", "new"
)
const item = fc.tuple(
  itemTypes,
  fields("id", "call_id", "name", "arguments", "input", "action", "content", "summary", "status", "result", "error", "output_format", "environment")
).map(([type, rest]) => ({ ...rest, type }))
const types = [
  "response.created", "response.completed", "response.output_item.added", "response.output_item.done", "response.content_part.added",
  "response.content_part.done", "response.output_text.delta", "response.output_text.done", "response.output_text.annotation.added",
  "response.refusal.delta", "response.refusal.done", "response.reasoning_text.delta", "response.reasoning_text.done",
  "response.reasoning_summary_text.delta", "response.reasoning_summary_part.added", "response.function_call_arguments.delta",
  "response.function_call_arguments.done", "response.custom_tool_call_input.delta", "response.custom_tool_call_input.done", "new"
]
const event = fc.oneof(
  junk,
  fc.record({
    type: fc.constantFrom(...types),
    item: fc.oneof(junk, item),
    delta: fc.oneof(fc.string(), junk),
    text: fc.oneof(fc.string(), junk),
    refusal: fc.string(),
    arguments: fc.string(),
    input: fc.string(),
    part: fc.oneof(junk, fc.record({ type: fc.constantFrom("output_text", "refusal", "reasoning_text", "new"), text: junk })),
    annotation: junk,
    logprobs: junk,
    item_id: junk,
    output_index: fc.constantFrom(0, 1, 2, -1, 1e9, 0.5, undefined),
    content_index: fc.constantFrom(0, 1, -1, 1e9, 5, undefined),
    summary_index: fc.constantFrom(0, 1, -1, 1e9, undefined),
    response: fc.oneof(junk, fc.array(fc.oneof(junk, item), { maxLength: 4 }).map((output) => answer(output as never)))
  }, { requiredKeys: ["type"] })
)

describe("a stream", () => {
  it("of any JSON in any place never throws, and ends in one finish or error", () => {
    fc.assert(fc.property(fc.array(event, { maxLength: 8 }), (events) => {
      const parts = decoded([sse(events.map((event) => JSON.stringify(event)))])
      expect(parts.filter(Part.isTerminal).length).toBe(1)
      expect(Part.isTerminal(parts.at(-1)!)).toBe(true)
      const result = Result.fold(parts)
      // What was read can be sent again, or is refused in words.
      try {
        prepared({ messages: [Result.toMessage(result)] })
      } catch (error) {
        expect(error).toHaveProperty("_tag", "LlmError")
      }
    }), { numRuns: 1500 })
  })

  it("of any bytes never throws", () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 }), (pieces) => {
      expect(decoded(pieces).filter(Part.isTerminal).length).toBe(1)
    }))
  })

  it("with an event without an end is bounded", () => {
    const reader = decoder(request({ operation: "stream" }), {}, 1000)
    let last: ReadonlyArray<Part> = []
    for (let fed = 0; fed < 20 && last.length === 0; fed++) last = reader.push(Buffer.from(`data: ${"x".repeat(100)}`))
    expect(errorOf(last)?._tag).toBe("MalformedResponse")
  })

  it("that nests without end is refused before it is parsed", () => {
    const deep = `{"type":"response.completed","response":${"[".repeat(400_000)}${"]".repeat(400_000)}}`
    expect(errorOf(decoded([`data: ${deep}\n\n`]))).toMatchObject({ _tag: "MalformedResponse" })
    expect(failure(() => parsed(deep)).reason._tag).toBe("MalformedResponse")
    const args = "[".repeat(400_000)
    const call = { type: "function_call", call_id: "a", name: "f", arguments: args }
    expect(Result.toolCalls(parsed(answer([call])))[0]).toMatchObject({ invalid: true, params: args })
    expect(asked({ input: [call] }).messages[0]?.content[0]).toMatchObject({ params: args })
  })

  it("reaches no prototype", () => {
    const polluted = `"__proto__":{"polluted":1}`
    const whole = `{"object":"response",${polluted},"output":[{"type":"message",${polluted},"content":[{"type":"output_text","text":"Hi",${polluted}}]},`
      + `{"type":"function_call","call_id":"a","name":"__proto__","arguments":"{\\"__proto__\\":{\\"polluted\\":1}}",${polluted}},`
      + `{"type":"reasoning",${polluted},"summary":[]},{"type":"__proto__",${polluted}}]}`
    const result = parsed(whole)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    expect(JSON.stringify(result.metadata)).toBe("{\"openai\":{\"__proto__\":{\"polluted\":1}}}")
    for (const part of result.content) expect(Object.getPrototypeOf(part.metadata ?? {})).toBe(Object.prototype)
    expect(JSON.stringify(prepared({ messages: [Result.toMessage(result)] }).request.body)).toContain("\"__proto__\":{\"polluted\":1}")
    asked(JSON.parse(`{"input":[{"role":"user","content":"x",${polluted}}],${polluted},"text":{${polluted}}}`) as object)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })

  it("with numbers beyond any measure counts nothing with them", () => {
    const events = [
      created,
      { type: "response.output_text.delta", output_index: 1e15, content_index: 1e15, delta: "a" },
      { type: "response.output_text.delta", output_index: -1, content_index: -1, delta: "b" }
    ]
    const usage = `{"input_tokens":1e999,"output_tokens":-5,"output_tokens_details":{"reasoning_tokens":null}}`
    const end = `data: {"type":"response.completed","response":{"object":"response","created_at":1e300,"usage":${usage},"output":[]}}\n\n`
    const result = Result.fold(decoded([sse(events) + end]))
    expect(Result.text(result)).toBe("ab")
    expect([result.usage.inputTokens, result.usage.outputTokens]).toEqual([{}, {}])
  })

  it("of many items and texts takes time in proportion", () => {
    const items = Array.from({ length: 5000 }, (_, index) => says("x", {}, { id: `m${index}` }))
    const events = items.flatMap((item, output_index) => [
      { type: "response.output_item.added", output_index, item: { ...item, content: [] } },
      { type: "response.output_item.done", output_index, item }
    ])
    const start = process.hrtime.bigint()
    expect(Result.text(Result.fold(decoded([sse([created, ...events, completed(items)])]))).length).toBe(5000)
    expect(Number(process.hrtime.bigint() - start) / 1e6).toBeLessThan(3000)
  })

  it("of more items than any answer has is refused", () => {
    const items = Array.from({ length: 10_001 }, (_, index) => ({ type: "new", id: `n${index}` }))
    expect(failure(() => parsed(answer(items))).reason).toMatchObject({ message: "the answer holds more than 10000 items" })
  })

  it("cannot say what looks like progress in a way that takes long to tell", () => {
    const type = `response.${"_call".repeat(50_000)}`
    expect(decoded([sse([created, { type }, completed([])])]).filter((part) => part.type === "raw")).toHaveLength(1)
  })
})
