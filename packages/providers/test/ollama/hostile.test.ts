/**
 * Answers and requests that mean harm: nothing they hold makes reading throw anything but an `LlmError`, hang, grow
 * without bound or reach a prototype.
 *
 * @module
 */
import { type JsonObject, LlmError, Part, Request, Result } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Ndjson from "../../src/Ndjson.ts"
import { wires } from "../../src/ollama/index.ts"
import { answer, decoded, failure, line, lines, parsed, request, response } from "./support.ts"

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

describe("a stream", () => {
  it("with a line of 10 MB ends in an error as soon as the bound is passed", () => {
    const decoder = wires().chat.parts!(request({ operation: "stream" }))
    const piece = Buffer.from("x".repeat(64 * 1024))
    let fed = 0
    let last: ReadonlyArray<Part> = decoder.push(Buffer.from("{\"message\":{\"content\":\""))
    while (last.length === 0 && fed < 160) {
      last = decoder.push(piece)
      fed++
    }
    expect(errorOf(last)).toMatchObject({
      _tag: "MalformedResponse",
      message: "a line of the stream is larger than 8388608 characters"
    })
    expect(fed).toBeLessThan(130)
    expect(decoder.push(piece)).toEqual([])
    expect(decoder.end()).toEqual([])
  })

  it("that is a document without end is bounded too", () => {
    const reader = Ndjson.make({ maxLineSize: 1000, onLine: () => {} })
    expect(failure(() => {
      for (let index = 0; index < 1000; index++) reader.push(Buffer.from("<p>never ends</p>\n"))
    }).reason._tag).toBe("MalformedResponse")
    // Lines that are shorter than the bound may go on for ever.
    let count = 0
    const endless = Ndjson.make({ maxLineSize: 100, onLine: () => count++ })
    for (let index = 0; index < 1000; index++) endless.push(Buffer.from("{\"a\":1}\n"))
    endless.end()
    expect(count).toBe(1000)
  })

  it("cannot forge a line from within a text, and keeps odd characters", () => {
    const text = "a\n{\"done\":true}\r\n\u2028\u2029\u0085 \ud800 \u0000"
    expect(Result.text(Result.fold(decoded([lines([line({ content: text }), answer({})])])))).toBe(text)
  })

  it("that begins with a byte order mark is read", () => {
    expect(Result.text(Result.fold(decoded([`\ufeff${lines([answer({ content: "Hi" })])}`])))).toBe("Hi")
  })

  it("that nests without end is refused before it is parsed", () => {
    const deep = `{"message":{"content":${"[".repeat(400_000)}${"]".repeat(400_000)}},"done":true}`
    expect(errorOf(decoded([`${deep}\n`]))).toMatchObject({ _tag: "MalformedResponse" })
    expect(failure(() => parsed(deep)).reason._tag).toBe("MalformedResponse")
    const args = "[".repeat(400_000)
    const calls = Result.toolCalls(
      parsed(answer({ tool_calls: [{ id: "a", function: { name: "f", arguments: args } }] }))
    )
    expect(calls[0]).toMatchObject({ invalid: true, params: args })
  })

  it("reaches no prototype", () => {
    const source = "{\"model\":\"m\",\"__proto__\":{\"polluted\":1},\"done\":true,\"message\":{\"__proto__\":{\"polluted\":1},\"content\":\"Hi\","
      + "\"tool_calls\":[{\"id\":\"a\",\"__proto__\":{\"polluted\":1},\"function\":{\"name\":\"__proto__\",\"arguments\":{\"__proto__\":{\"polluted\":1}}}}]}}"
    const result = parsed(source)
    expect(JSON.stringify(Result.fold(decoded([source])))).toBe(JSON.stringify(result))
    expect(JSON.stringify(result.metadata)).toBe("{\"ollama\":{\"__proto__\":{\"polluted\":1}}}")
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    expect(Object.getPrototypeOf(result.metadata?.ollama)).toBe(Object.prototype)
    const body = JSON.parse(
      "{\"model\":\"m\",\"__proto__\":{\"x\":1},\"messages\":[{\"role\":\"user\",\"content\":\"\",\"__proto__\":{\"y\":1}}],\"options\":{\"__proto__\":{\"z\":1}}}"
    ) as JsonObject
    const asked = wires().chat.decode!({ url: "/api/chat", body }, "ollama")
    const sent = wires().chat.prepare(Request.make({ provider: "ollama", ...asked })).request.body
    expect(({} as { x?: number }).x).toBeUndefined()
    expect(JSON.stringify(sent)).toContain("\"__proto__\":{\"x\":1}")
  })

  it("of any JSON in any place never throws, and ends in one finish or error", () => {
    const message = fields("content", "thinking", "tool_calls", "images", "role", "x")
    const call = fc.record({ id: junk, function: fc.oneof(junk, fields("name", "arguments")) }, { requiredKeys: [] })
    const event = fc.oneof(
      junk,
      fc.record({
        model: junk, created_at: junk, done: fc.oneof(junk, fc.boolean()), done_reason: junk, error: fc.oneof(
          fc.constant(null),
          junk
        ),
        message: fc.oneof(junk, message, fc.record({ content: fc.constant("a"), tool_calls: fc.array(call) })),
        response: junk, logprobs: junk, eval_count: junk, total_duration: junk
      }, { requiredKeys: [] })
    )
    fc.assert(fc.property(fc.array(event, { maxLength: 4 }), (events) => {
      const parts = decoded([lines(events)])
      expect(parts.filter(Part.isTerminal).length).toBe(1)
      for (const one of events) tame(() => parsed(one))
    }), { numRuns: 2000 })
  })

  it("of any bytes never throws", () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (pieces) => {
      expect(decoded(pieces).filter(Part.isTerminal).length).toBe(1)
    }), { numRuns: 500 })
  })
})

describe("any JSON", () => {
  it("as an answer of any operation throws nothing but an LlmError", () => {
    fc.assert(fc.property(fc.oneof(
      junk,
      fields("models", "embeddings", "embedding", "error", "prompt_eval_count")
    ), (body) => {
      for (const operation of ["embeddings", "list_models", "validate", "completion"] as const) {
        tame(() => wires()[operation].parse(response(body), request({ operation })))
        tame(() => wires()[operation].reason({ ...response(body), status: 500 }, request({ operation })))
      }
    }), { numRuns: 500 })
  })

  it("as a request is read or refused by name, and what is read can be written", () => {
    const message = fc.record({
      role: fc.constantFrom("user", "assistant", "system", "tool"),
      content: fc.oneof(fc.string(), junk), images: junk, thinking: junk, tool_calls: fc.oneof(
        junk,
        fc.array(fields("id", "function"))
      ), tool_name: junk
    }, { requiredKeys: ["role"] })
    const body = fc.oneof(junk, fc.record({
      model: fc.oneof(fc.constant("m"), junk), messages: fc.oneof(
        junk,
        fc.array(message)
      ), prompt: junk, input: junk, options: fc.oneof(junk, fields("stop", "seed", "num_predict", "x")),
      tools: fc.oneof(
        junk,
        fc.array(fc.record({ type: fc.constant("function"), function: fields("name", "parameters") }))
      ), format: junk, think: junk, stream: junk, images: junk, system: junk, logprobs: junk, dimensions: junk
    }, { requiredKeys: ["model"] }))
    fc.assert(fc.property(body, fc.constantFrom("/api/chat", "/api/generate", "/api/embed"), (body, path) => {
      tame(() => {
        const asked = wires().chat.decode!({ url: path, body: body as JsonObject }, "ollama")
        wires()[asked.operation as "chat"].prepare(Request.make({ provider: "ollama", ...asked }))
      })
    }), { numRuns: 2000 })
  })
})
