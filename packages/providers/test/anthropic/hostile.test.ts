/**
 * Answers and requests that mean harm: nothing they hold makes reading throw anything but an `LlmError`, hang, grow
 * without bound or reach a prototype.
 *
 * @module
 */
import { Json, LlmError, Part, Request, Result } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { asked, block, decoded, failure, message, own, parsed, request, response, sse, stream } from "./support.ts"

const errorOf = (parts: ReadonlyArray<Part>) => {
  const last = parts.at(-1)
  return last?.type === "error" ? Part.errorOf(last).reason : undefined
}

const junk = fc.jsonValue({ maxDepth: 3 })
const fields = (...names: ReadonlyArray<string>) => fc.record(
  Object.fromEntries(names.map((name) => [name, junk])),
  { requiredKeys: [] }
)
const typed = (types: ReadonlyArray<string>, more: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record({ type: fc.oneof(fc.constantFrom(...types), junk), ...more }, { requiredKeys: [] })

const loose = (names: ReadonlyArray<string>) => Object.fromEntries(names.map((name) => [name, junk]))
const many = <A>(item: fc.Arbitrary<A>) => fc.oneof(junk, fc.array(fc.oneof(junk, item), { maxLength: 3 }))

const anyBlock = typed(
  [
    "text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "mcp_tool_use", "web_search_tool_result",
    "tool_result", "compaction", "image", "document"
  ],
  {
    ...loose(["text", "thinking", "signature", "data", "id", "name", "input", "is_error"]),
    citations: many(junk),
    content: many(junk),
    tool_use_id: fc.oneof(junk, fc.string()),
    source: fc.oneof(junk, fields("type", "data", "url", "media_type"))
  }
)
const anyMessage = typed(["message", "error"], {
  ...loose(["id", "model", "stop_reason", "container"]),
  content: many(anyBlock),
  usage: fc.oneof(junk, fields("input_tokens", "output_tokens", "cache_creation", "output_tokens_details"))
})
const anyEvent = fc.oneof(
  junk,
  typed(
    [
      "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
      "message_stop", "ping", "error"
    ],
    {
      ...loose(["usage", "error"]),
      index: fc.oneof(fc.nat(1), junk),
      message: fc.oneof(junk, anyMessage),
      content_block: fc.oneof(junk, anyBlock),
      delta: fc.oneof(
        junk,
        typed(
          [
            "text_delta", "thinking_delta", "signature_delta", "input_json_delta", "citations_delta", "compaction_delta"
          ],
          loose(["text", "thinking", "signature", "partial_json", "citation", "content", "stop_reason"])
        )
      )
    }
  )
)

const onlyLlmErrors = (f: () => unknown): void => {
  try {
    f()
  } catch (error) {
    if (!LlmError.isLlmError(error)) throw error
  }
}

describe("an answer", () => {
  it("of any JSON in any place never throws, and ends in one finish or error", () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 8 }), anyMessage, (events, whole) => {
        const parts = decoded([events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("")])
        expect(parts.filter(Part.isTerminal).length).toBe(1)
        expect(Part.isTerminal(parts.at(-1)!)).toBe(true)
        Result.fold(parts)
        onlyLlmErrors(() => {
          const answer = parsed(whole)
          // And what was read can be written.
          own.body(Request.make({
            provider: "anthropic",
            messages: [{ role: "user", content: "Hi" }, Result.toMessage(answer)],
            options: { model: "m" }
          }))
        })
        onlyLlmErrors(() => own.list_models.parse(response(whole), request({ operation: "list_models" })))
        onlyLlmErrors(() => own.chat.reason({ status: 400, headers: {}, body: JSON.stringify(whole) }, request()))
      }),
      { numRuns: 500 }
    )
  })

  it("of any bytes never throws either", () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 4 }), (pieces) => {
      const parts = decoded(pieces)
      expect(parts.filter(Part.isTerminal).length).toBe(1)
      expect(Part.isTerminal(parts.at(-1)!)).toBe(true)
    }))
  })

  it("with a line of 10 MB ends in an error as soon as the bound is passed", () => {
    const decoder = own.chat.parts!(request({ operation: "stream" }))
    const piece = Buffer.from("x".repeat(64 * 1024))
    let fed = 0
    let last: ReadonlyArray<Part> = decoder.push(Buffer.from("data: {\"type\":\""))
    while (last.length === 0 && fed < 160) {
      last = decoder.push(piece)
      fed++
    }
    expect(errorOf(last)).toMatchObject({
      _tag: "MalformedResponse",
      message: "an event of the stream is larger than 8388608 characters"
    })
    expect(fed).toBeLessThan(130)
    expect(decoder.push(piece)).toEqual([])
    expect(decoder.end()).toEqual([])
  })

  it("cannot forge an event from within a text, and is not read past its end", () => {
    const text = "a\n\nevent: error\r\ndata: {}\u2028\u2029\u0085: x \ud800 \u0000 \ufeff"
    const events = stream(block(0, { type: "text", text: "" }, [{ type: "text_delta", text }]))
    expect(
      Result.text(Result.fold(decoded([sse([...events, { type: "error", error: { message: "late" } }])])))
    ).toBe(text)
  })

  it("reaches no prototype", () => {
    const bad = JSON.parse(`{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}`) as object
    const content = [
      { ...bad, type: "text", text: "Hi", citations: [bad] },
      Object.assign(JSON.parse(`{"__proto__":{"polluted":1}}`), { type: "thinking", thinking: "t", signature: "s" }),
      { type: "tool_use", id: "__proto__", name: "__proto__", input: bad }
    ]
    const whole = JSON.stringify(message(content)).replace(`"id":"msg_1"`, `"id":"msg_1","__proto__":{"polluted":1}`)
    const result = parsed(whole)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    expect(Result.text(result)).toBe("Hi")
    expect(JSON.stringify(result.metadata)).toBe(`{"anthropic":{"__proto__":{"polluted":1}}}`)
    for (const part of result.content) expect(Object.getPrototypeOf(part.metadata ?? {})).toBe(Object.prototype)
    const written = own.body(Request.make({
      provider: "anthropic",
      messages: [{ role: "user", content: "Hi" }, Result.toMessage(result)],
      options: { model: "m" }
    }))
    expect(JSON.stringify(written.body.messages)).toContain("\"polluted\"")
    const body = JSON.parse(
      `{"model":"m","__proto__":{"polluted":1},"messages":[{"role":"user","__proto__":{"polluted":1},"content":"a"}]}`
    ) as object
    const { messages, options } = asked(body)
    expect(JSON.stringify(messages)).toContain("__proto__")
    expect(JSON.stringify(options.providerOptions)).toBe(`{"anthropic":{"__proto__":{"polluted":1}}}`)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })

  it("that nests without end is refused before it is parsed", () => {
    const deep = "[".repeat(400_000) + "]".repeat(400_000)
    expect(errorOf(decoded([`data: {"type":"message_start","message":${deep}}\n\n`]))).toMatchObject({
      _tag: "MalformedResponse"
    })
    expect(failure(() => parsed(`{"content":${deep}}`)).reason._tag).toBe("MalformedResponse")
    const call = block(
      0,
      { type: "tool_use", id: "a", name: "f", input: {} },
      [{ type: "input_json_delta", partial_json: deep }]
    )
    expect(Result.toolCalls(Result.fold(decoded([sse(stream(call))])))[0]).toMatchObject({
      invalid: true,
      params: deep
    })
  })

  it("with numbers beyond any measure counts nothing with them", () => {
    const usage = `{"input_tokens":1e999,"output_tokens":-5,"cache_read_input_tokens":"7",`
      + `"output_tokens_details":{"thinking_tokens":null}}`
    const { usage: counted } = parsed(`{"content":[],"usage":${usage}}`)
    expect(counted).toMatchObject({ inputTokens: {}, outputTokens: {} })
    expect(Object.keys(counted.inputTokens)).toEqual([])
    expect(parsed(message(
      [],
      { usage: { output_tokens: 3, output_tokens_details: { thinking_tokens: 9 } } }
    )).usage.outputTokens)
      .toEqual({ total: 3, reasoning: 3, text: 0 })
    for (const index of ["1e999", "-1", "0.5", "\"0\"", "null"]) {
      const parts = decoded([
        `data: {"type":"content_block_start","index":${index},"content_block":{"type":"text","text":"a"}}\n\n`
          + `data: {"type":"message_stop"}\n\n`
      ])
      expect(Part.isTerminal(parts.at(-1)!)).toBe(true)
    }
  })
})

describe("a request", () => {
  it("of any JSON in any place is read, or refused with a word about where", () => {
    const turn = fc.record({
      role: fc.oneof(fc.constantFrom("user", "assistant", "system"), junk),
      content: many(anyBlock),
      x: junk
    }, { requiredKeys: [] })
    const body = fc.record({
      ...loose(["output_format", "metadata", "stream", "max_tokens", "temperature", "stop_sequences", "x"]),
      model: fc.oneof(fc.constant("m"), junk),
      messages: many(turn),
      system: many(anyBlock),
      tools: many(fields("type", "name", "input_schema")),
      tool_choice: fc.oneof(junk, fields("type", "name")),
      thinking: fc.oneof(junk, fields("type", "budget_tokens", "display")),
      output_config: fc.oneof(junk, fields("effort", "format"))
    }, { requiredKeys: [] })
    fc.assert(
      fc.property(body, (body) => {
        onlyLlmErrors(() => {
          const read = asked(JSON.parse(JSON.stringify(body)) as object)
          const written = own.chat.prepare(Request.make({ provider: "anthropic", ...read }))
          expect(Json.equals(JSON.parse(JSON.stringify(written.request.body)), written.request.body)).toBe(true)
        })
      }),
      { numRuns: 1000 }
    )
  })
})
