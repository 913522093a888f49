/**
 * Answers and requests that mean harm: nothing they hold makes reading throw anything but an `LlmError`, hang, grow
 * without bound or reach a prototype.
 *
 * @module
 */
import { type JsonObject, LlmError, Part, Request, Result } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/cohere/index.ts"
import { answer, decoded, end, event, failure, lines, parsed, request, response, sse, v1 } from "./support.ts"

const errorOf = (parts: ReadonlyArray<Part>) => {
  const last = parts.at(-1)
  return last?.type === "error" ? Part.errorOf(last).reason : undefined
}

const junk = fc.jsonValue({ maxDepth: 3 })
const fields = (...names: ReadonlyArray<string>) =>
  fc.record(Object.fromEntries(names.map((name) => [name, junk])), { requiredKeys: [] })
const tame = (f: () => unknown): void => {
  try {
    f()
  } catch (error) {
    if (!LlmError.isLlmError(error)) throw error
  }
}
const first = { operation: "stream" as const, config: v1 }

describe("a stream", () => {
  it.each([
    ["events", "data: {\"type\":\"content-delta\",\"x\":\"", undefined],
    ["lines", "{\"event_type\":\"text-generation\",\"text\":\"", v1]
  ])(
    "with %s of 10 MB ends in an error as soon as the bound is passed",
    (_, start, config) => {
      const decoder = wires().chat.parts!(request({ operation: "stream", config: config === v1 ? v1 : {} }))
      const piece = Buffer.from("x".repeat(64 * 1024))
      let fed = 0
      let last: ReadonlyArray<Part> = decoder.push(Buffer.from(start as string))
      while (last.length === 0 && fed < 160) {
        last = decoder.push(piece)
        fed++
      }
      expect(errorOf(last)).toMatchObject({ _tag: "MalformedResponse" })
      expect(fed).toBeLessThan(130)
      expect(decoder.push(piece)).toEqual([])
      expect(decoder.end()).toEqual([])
    }
  )

  it("cannot forge an event from within a text, and keeps odd characters", () => {
    const text = "a\n\ndata: [DONE]\n\nevent: message-end\r\ndata: {}\u2028 \ud800 \u0000"
    const parts = decoded([sse([event("content-delta", { content: { text } }), end()])])
    expect(Result.text(Result.fold(parts))).toBe(text)
    expect(parts.at(-1)?.type).toBe("finish")
  })

  it("that nests without end is refused before it is parsed", () => {
    const deep = `{"id":"1","message":{"content":${"[".repeat(400_000)}${"]".repeat(400_000)}}}`
    expect(errorOf(decoded([`data: ${deep}\n\n`]))).toMatchObject({ _tag: "MalformedResponse" })
    expect(failure(() => parsed(deep)).reason._tag).toBe("MalformedResponse")
    const args = "[".repeat(400_000)
    expect(Result.toolCalls(parsed(answer({ tool_calls: [{ id: "a", function: { name: "f", arguments: args } }] })))[0])
      .toMatchObject({ invalid: true, params: args })
  })

  it("reaches no prototype", () => {
    const source = "{\"id\":\"1\",\"__proto__\":{\"polluted\":1},\"finish_reason\":\"COMPLETE\",\"message\":{\"__proto__\":{\"polluted\":2},"
      + "\"content\":[{\"type\":\"odd\",\"__proto__\":{\"polluted\":1}}],\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"__proto__\\\":{\\\"polluted\\\":1}}\"}}]}}"
    const result = parsed(source)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    expect(JSON.stringify(result.metadata)).toContain("\"__proto__\":{\"polluted\":")
    expect(Object.getPrototypeOf(result.metadata?.cohere)).toBe(Object.prototype)
    expect(JSON.stringify(Result.toolCalls(result)[0]?.params)).toBe("{\"__proto__\":{\"polluted\":1}}")
    const body = JSON.parse(
      "{\"model\":\"m\",\"__proto__\":{\"x\":1},\"messages\":[{\"role\":\"user\",\"content\":\"\",\"__proto__\":{\"y\":1}}]}"
    ) as JsonObject
    const asked = wires().chat.decode!({ url: "/v2/chat", body }, "cohere")
    const sent = JSON.stringify(wires().chat.prepare(Request.make({ provider: "cohere", ...asked })).request.body)
    expect(({} as { x?: number }).x).toBeUndefined()
    expect(sent).toContain("\"__proto__\":{\"x\":1}")
    expect(sent).toContain("\"__proto__\":{\"y\":1}")
  })

  it("with numbers beyond any measure counts nothing with them", () => {
    const usage = "{\"tokens\":{\"input_tokens\":1e999,\"output_tokens\":-5,\"reasoning_tokens\":\"7\"},\"cached_tokens\":null}"
    expect(parsed(`{"id":"1","message":{"content":"a"},"finish_reason":"COMPLETE","usage":${usage}}`).usage)
      .toMatchObject({ inputTokens: {}, outputTokens: {} })
    const { usage: odd } = parsed(
      answer({ content: "a" }, {
        usage: { tokens: { input_tokens: 5, output_tokens: 2, reasoning_tokens: 9 }, cached_tokens: 9 }
      })
    )
    expect(odd).toMatchObject({
      inputTokens: { total: 5, cacheRead: 5, uncached: 0 },
      outputTokens: { total: 2, reasoning: 2, text: 0 }
    })
  })

  it("of any JSON in any place never throws, and ends in one finish or error", () => {
    const message = fields("content", "tool_plan", "tool_calls", "citations", "role", "x")
    const piece = fc.record({
      content: fc.oneof(junk, fields("type", "text", "thinking", "x")),
      tool_calls: fc.oneof(junk, fc.record({ id: junk, function: fields("name", "arguments") })),
      citations: fc.oneof(junk, fc.array(fields("sources", "text"))),
      tool_plan: junk
    }, { requiredKeys: [] })
    const type = fc.constantFrom("message-start", "content-start", "content-delta", "content-end", "tool-plan-delta", "tool-call-start", "tool-call-delta",
      "tool-call-end", "citation-start", "citation-end", "message-end", "odd")
    const one = fc.oneof(
      junk,
      fc.record(
        {
          type: fc.oneof(type, junk),
          index: junk,
          id: junk,
          logprobs: junk,
          delta: fc.oneof(
            junk,
            fc.record({ message: fc.oneof(junk, message, piece) }),
            fields("finish_reason", "usage", "error")
          )
        },
        { requiredKeys: ["type"] }
      ),
      fc.record(
        { id: junk, message: fc.oneof(junk, message, piece), finish_reason: junk, usage: junk, logprobs: junk },
        { requiredKeys: [] }
      )
    )
    fc.assert(fc.property(fc.array(one, { maxLength: 5 }), (events) => {
      expect(decoded([sse(events)]).filter(Part.isTerminal).length).toBe(1)
      for (const body of events) tame(() => parsed(body))
    }), { numRuns: 2000 })
  })

  it("of any JSON over the first interface neither", () => {
    const type = fc.constantFrom("stream-start", "text-generation", "citation-generation", "search-results", "search-queries-generation", "tool-calls-chunk",
      "tool-calls-generation", "stream-end", "stream-error", "odd")
    const whole = fields(
      "text",
      "tool_calls",
      "citations",
      "documents",
      "meta",
      "finish_reason",
      "generation_id",
      "generations",
      "id"
    )
    const call = fc.record(
      { name: fc.oneof(fc.constant("f"), junk), parameters: junk, index: junk, text: junk },
      { requiredKeys: [] }
    )
    const one = fc.oneof(junk, fc.record({
      event_type: fc.oneof(type, junk), text: junk, index: junk, finish_reason: junk, response: fc.oneof(junk, whole), citations: junk, documents: junk,
      tool_call_delta: fc.oneof(junk, call), tool_calls: fc.oneof(junk, fc.array(call)), is_finished: junk, err: junk
    }, { requiredKeys: [] }))
    fc.assert(fc.property(fc.array(one, { maxLength: 5 }), (events) => {
      for (const init of [first, { operation: "completion" as const, config: { stream: true } }]) {
        expect(decoded([lines(events)], init).filter(Part.isTerminal).length).toBe(1)
        expect(decoded([sse(events)], init).filter(Part.isTerminal).length).toBe(1)
        for (const body of events) tame(() => parsed(body, init))
      }
    }), { numRuns: 1000 })
  })

  it("of any bytes never throws", () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (pieces) => {
      expect(decoded(pieces).filter(Part.isTerminal).length).toBe(1)
      expect(decoded(pieces, first).filter(Part.isTerminal).length).toBe(1)
    }), { numRuns: 500 })
  })
})

describe("any JSON", () => {
  it("as an answer of any operation throws nothing but an LlmError", () => {
    const vectors = fields("float", "int8", "base64")
    fc.assert(fc.property(fc.oneof(
      junk,
      fields("models", "message", "meta"),
      fc.record({ embeddings: fc.oneof(junk, vectors), meta: junk })
    ), (body) => {
      for (const operation of ["embeddings", "list_models", "validate", "completion"] as const) {
        tame(() => wires()[operation].parse(response(body), request({ operation })))
        tame(() => wires()[operation].reason({ ...response(body), status: 500 }, request({ operation })))
      }
    }), { numRuns: 500 })
  })

  it("as a request is read or refused by name, and what is read can be written", () => {
    const message = fc.record({
      role: fc.constantFrom("user", "assistant", "system", "tool", "USER", "CHATBOT", "TOOL"),
      content: fc.oneof(
        fc.string(),
        junk,
        fc.array(
          fc.record(
            {
              type: fc.constantFrom("text", "image_url", "document", "thinking"),
              text: junk,
              image_url: junk,
              document: junk
            },
            { requiredKeys: ["type"] }
          )
        )
      ),
      tool_plan: junk, tool_calls: fc.oneof(
        junk,
        fc.array(fields("id", "function", "name", "parameters"))
      ), tool_call_id: fc.oneof(fc.constant("a"), junk), message: junk, tool_results: junk
    }, { requiredKeys: ["role"] })
    const body = fc.oneof(junk, fc.record({
      model: fc.oneof(fc.constant("m"), junk), messages: fc.oneof(
        junk,
        fc.array(message)
      ), message: fc.oneof(fc.string(), junk), chat_history: fc.oneof(junk, fc.array(message)),
      tools: fc.oneof(
        junk,
        fc.array(fields("type", "function", "name", "parameter_definitions"))
      ), tool_choice: junk, thinking: junk, response_format: junk, p: junk, k: junk,
      stop_sequences: junk, prompt: junk, texts: junk, inputs: junk, images: junk, connectors: junk, tool_results: junk, strict_tools: junk, preamble: junk
    }, { requiredKeys: ["model"] }))
    fc.assert(fc.property(body, fc.constantFrom(
      "/v2/chat",
      "/v1/chat",
      "/v1/generate",
      "/v2/embed",
      "/v1/embed"
    ), (body, path) => {
      const wire = path.endsWith("embed") ? wires().embeddings : path.endsWith("generate") ? wires().completion : wires().chat
      tame(() => {
        const asked = wire.decode!({ url: path, body: body as JsonObject }, "cohere")
        wires()[asked.operation as "chat"].prepare(
          Request.make({ provider: "cohere", ...asked, config: path.startsWith("/v1") ? v1 : {} })
        )
      })
    }), { numRuns: 2000 })
  })
})
