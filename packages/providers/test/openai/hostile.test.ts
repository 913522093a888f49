/**
 * Answers that mean harm: nothing they hold makes reading throw, hang, grow without bound or reach a prototype.
 *
 * @module
 */
import { Part, Result } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/openai/index.ts"
import * as Sse from "../../src/Sse.ts"
import { answer, chunk, decoded, failure, parsed, request, sse } from "./support.ts"

const errorOf = (parts: ReadonlyArray<Part>) => {
  const last = parts.at(-1)
  return last?.type === "error" ? Part.errorOf(last).reason : undefined
}

describe("a stream", () => {
  it("with a line of 10 MB ends in an error as soon as the bound is passed", () => {
    const decoder = wires().chat.parts!(request({ operation: "stream" }))
    const piece = Buffer.from("x".repeat(64 * 1024))
    let fed = 0
    let last: ReadonlyArray<Part> = decoder.push(Buffer.from("data: {\"choices\":[{\"delta\":{\"content\":\""))
    while (last.length === 0 && fed < 160) {
      last = decoder.push(piece)
      fed++
    }
    expect(errorOf(last)).toMatchObject({
      _tag: "MalformedResponse",
      message: "an event of the stream is larger than 8388608 characters"
    })
    expect(fed).toBeLessThan(130)
    for (let more = 0; more < 140; more++) expect(decoder.push(piece)).toEqual([])
    expect(decoder.end()).toEqual([])
  })

  it("with endless events that are never closed is bounded too", () => {
    const events: Array<string> = []
    const reader = Sse.make({ maxEventSize: 1000, onEvent: (data) => events.push(data) })
    expect(failure(() => {
      for (let line = 0; line < 1000; line++) reader.push(Buffer.from("data: 0123456789\n"))
    }).reason._tag).toBe("MalformedResponse")
    const document = Sse.make({ maxEventSize: 1000, onEvent: () => {} })
    expect(failure(() => {
      for (let line = 0; line < 1000; line++) document.push(Buffer.from("{\"a\": 0123456789\n"))
    }).reason._tag).toBe("MalformedResponse")
    expect(events).toEqual([])
  })

  it("cannot forge an event from within a text", () => {
    const text = "a\n\ndata: [DONE]\n\nevent: error\r\ndata: {}\u2028\u2029\u0085: x"
    const parts = decoded([sse([chunk({ content: text }, { finish_reason: "stop" })])])
    expect(Result.text(Result.fold(parts))).toBe(text)
    expect(parts.at(-1)?.type).toBe("finish")
  })

  it("keeps lone surrogates, control characters and the empty text", () => {
    const text = "\ud800 \udfff \u0000 \ufeff"
    const result = Result.fold(
      decoded([sse([chunk({ content: "" }), chunk({ content: text }, { finish_reason: "stop" })])])
    )
    expect(Result.text(result)).toBe(text)
  })

  it("with a broken UTF-8 sequence still ends", () => {
    const bytes = Buffer.from(sse([chunk({ content: "x" }, { finish_reason: "stop" })]))
    const broken = Buffer.from(bytes)
    broken[bytes.indexOf("\"x\"") + 1] = 0xff
    expect(Result.text(Result.fold(decoded([broken])))).toBe("\ufffd")
  })

  it("reaches no prototype", () => {
    const event = `{"id":"1","__proto__":{"polluted":1},`
      + `"choices":[{"index":0,"__proto__":{"polluted":1},"finish_reason":"stop",`
      + `"delta":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"content":"Hi",`
      + `"tool_calls":[{"index":0,"id":"a","__proto__":{"polluted":1},`
      + `"function":{"name":"__proto__","arguments":"{\\"__proto__\\":{\\"polluted\\":1}}"}}],`
      + `"reasoning_details":[{"type":"x","index":0,"__proto__":{"polluted":1}},`
      + `{"type":"x","index":1,"__proto__":{"polluted":2}}]},"logprobs":{"__proto__":[1]}}]}`
    const streamed = Result.fold(decoded([sse([event])]))
    const whole = parsed(event.replace("\"delta\"", "\"message\""))
    expect(JSON.stringify(streamed)).toBe(JSON.stringify(whole))
    expect(Result.text(streamed)).toBe("Hi")
    const thought = (text: string) => sse([
      `{"choices":[{"delta":{"reasoning_details":[`
        + `{"type":"x","index":0,"__proto__":{"polluted":1},"text":"${text}"}]}}]}`
    ], "")
    decoded([thought("a"), thought("b")])
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    // The fields are still there, as fields.
    expect(JSON.stringify(streamed.metadata)).toBe(
      "{\"openai\":{\"__proto__\":{\"polluted\":1},\"choice\":{\"__proto__\":{\"polluted\":1},"
        + "\"constructor\":{\"prototype\":{\"polluted\":1}}}}}"
    )
    for (const part of streamed.content) expect(Object.getPrototypeOf(part.metadata ?? {})).toBe(Object.prototype)
    expect(JSON.stringify(Result.toolCalls(streamed)[0]?.params)).toBe("{\"__proto__\":{\"polluted\":1}}")
  })

  it("with numbers beyond any measure counts nothing with them", () => {
    const usage = `{"prompt_tokens":1e999,"completion_tokens":-5,"total_tokens":"7",`
      + `"completion_tokens_details":{"reasoning_tokens":null}}`
    const event = `{"created":1e300,"usage":${usage},"choices":[`
      + `{"index":-1,"delta":{"content":"a"},"finish_reason":"stop"},{"index":1e9,"delta":{"content":"b"}}]}`
    const result = Result.fold(decoded([sse([event])]))
    expect(result.usage).toMatchObject({ inputTokens: {}, outputTokens: {} })
    expect(Object.keys(result.usage.inputTokens)).toEqual([])
    expect(result.timestamp).toBeUndefined()
    expect(result.choices).toBeUndefined()
  })

  it("that nests without end is refused before it is parsed", () => {
    const deep = `{"choices":[{"delta":{"content":${"[".repeat(400_000)}${"]".repeat(400_000)}}}]}`
    expect(errorOf(decoded([sse([deep])]))).toMatchObject({ _tag: "MalformedResponse" })
    expect(failure(() => parsed(deep)).reason._tag).toBe("MalformedResponse")
    const args = "[".repeat(400_000)
    const call = Result.toolCalls(
      parsed(answer({ tool_calls: [{ id: "a", function: { name: "f", arguments: args } }] }))
    )[0]
    expect(call).toMatchObject({ invalid: true, params: args })
  })

  it("of any JSON in any place never throws, and ends in one finish or error", () => {
    const junk = fc.jsonValue({ maxDepth: 3 })
    const fields = (...names: ReadonlyArray<string>) =>
      fc.record(Object.fromEntries(names.map((name) => [name, junk])), { requiredKeys: [] })
    const delta = fields(
      "content",
      "reasoning",
      "reasoning_content",
      "reasoning_details",
      "tool_calls",
      "function_call",
      "audio",
      "images",
      "annotations",
      "executed_tools",
      "refusal",
      "extra_content"
    )
    const choice = fc.record(
      {
        index: junk,
        delta: fc.oneof(junk, delta),
        message: fc.oneof(junk, delta),
        finish_reason: junk,
        logprobs: junk,
        text: junk
      },
      { requiredKeys: [] }
    )
    const event = fc.oneof(
      junk,
      fc.record({
        id: junk,
        model: junk,
        created: junk,
        choices: fc.oneof(junk, fc.array(fc.oneof(junk, choice))),
        usage: fc.oneof(junk, fields("prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details")),
        citations: junk,
        search_results: junk,
        x_groq: junk
      }, { requiredKeys: [] })
    )
    fc.assert(fc.property(fc.array(event, { maxLength: 4 }), (events) => {
      const parts = decoded([sse(events)])
      expect(parts.filter(Part.isTerminal).length).toBe(1)
      expect(Part.isTerminal(parts.at(-1)!)).toBe(true)
      Result.fold(parts)
      for (const whole of events) {
        try {
          parsed(whole)
        } catch (error) {
          expect(error).toHaveProperty("_tag", "LlmError")
        }
      }
    }), { numRuns: 400 })
  })
})

describe("the framing", () => {
  const read = (pieces: ReadonlyArray<Uint8Array>): ReadonlyArray<readonly [string, string, boolean]> => {
    const events: Array<readonly [string, string, boolean]> = []
    const reader = Sse.make({ onEvent: (data, name, whole) => events.push([data, name, whole]) })
    for (const piece of pieces) reader.push(piece)
    reader.end()
    return events
  }

  it("is the same however the bytes are cut", () => {
    const bytes = Buffer.from(
      "\uFEFF: c\r\n\r\nretry: 10\r\n\r\nevent: a\r\ndata: 1\r\ndata: 2\r\n\r\n"
        + "id: 3\rdata:ü👋\r\r\ndata: x\n\ndata\n\ndata: tail"
    )
    const expected = [
      ["1\n2", "a", true],
      ["ü👋", "message", true],
      ["x", "message", true],
      ["", "message", true],
      ["tail", "message", false]
    ]
    expect(read([bytes])).toEqual(expected)
    for (let a = 0; a <= bytes.length; a++) {
      for (let b = a; b <= bytes.length; b++) {
        expect(read([bytes.subarray(0, a), bytes.subarray(a, b), bytes.subarray(b)])).toEqual(expected)
      }
    }
  })

  it("hands a document over whole, however it is cut", () => {
    const bytes = Buffer.from("\uFEFF \r\n{\"error\": \"Größe\"}\n")
    for (let cut = 0; cut <= bytes.length; cut++) {
      const documents: Array<string> = []
      const reader = Sse.make({ onEvent: () => expect.fail("no event"), onDocument: (text) => documents.push(text) })
      reader.push(bytes.subarray(0, cut))
      reader.push(bytes.subarray(cut))
      reader.end()
      expect(documents.map((text) => JSON.parse(text.trim().replace(/^\uFEFF/, "")))).toEqual([{ error: "Größe" }])
    }
  })
})
