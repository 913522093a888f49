/**
 * Answers that mean harm: nothing they hold makes reading throw, hang, grow without bound or reach a prototype.
 *
 * @module
 */
import { Part, Result } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/google/index.ts"
import { answer, decoded, failure, parsed, request, response, sse } from "./support.ts"

const errorOf = (parts: ReadonlyArray<Part>) => {
  const last = parts.at(-1)
  return last?.type === "error" ? Part.errorOf(last).reason : undefined
}

describe("a stream", () => {
  it("with an event that never ends, ends in an error as soon as the bound is passed", () => {
    const decoder = wires("gemini").chat.parts!(request({ operation: "stream" }))
    const piece = Buffer.from("x".repeat(64 * 1024))
    let last = decoder.push(Buffer.from("data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\""))
    let fed = 0
    while (last.length === 0 && fed < 160) {
      last = decoder.push(piece)
      fed++
    }
    expect(errorOf(last)).toMatchObject({ _tag: "MalformedResponse" })
    expect(fed).toBeLessThan(130)
    expect(decoder.push(piece)).toEqual([])
    expect(decoder.end()).toEqual([])
  })

  it("cannot forge an event from within a text", () => {
    const text = "a\n\ndata: [DONE]\n\nevent: error\r\ndata: {}\u2028\u2029\u0085: x"
    expect(Result.text(Result.fold(decoded([sse([answer([{ text }])])])))).toBe(text)
  })

  it("reaches no prototype", () => {
    const event = `{"__proto__":{"polluted":1},"usageMetadata":{"__proto__":{"polluted":1}},"candidates":[{`
      + `"__proto__":{"polluted":1},"finishReason":"STOP","groundingMetadata":{"__proto__":{"polluted":1}},`
      + `"logprobsResult":{"__proto__":[1]},"content":{"parts":[`
      + `{"text":"Hi","__proto__":{"polluted":1}},`
      + `{"functionCall":{"name":"__proto__","args":{"__proto__":{"polluted":1}},"__proto__":{"polluted":1}}},`
      + `{"functionCall":{"name":"f","partialArgs":[{"jsonPath":"$.__proto__.polluted","numberValue":1},`
      + `{"jsonPath":"$.constructor.prototype.polluted","numberValue":1}]}},`
      + `{"toolCall":{"toolType":"__proto__","__proto__":{"polluted":1}}}]}}]}`
    const streamed = Result.fold(decoded([sse([event])]))
    expect(JSON.stringify(streamed)).toBe(JSON.stringify(parsed(event)))
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    expect(Result.toolCalls(streamed).map(({ params }) => JSON.stringify(params))).toEqual([
      "{\"__proto__\":{\"polluted\":1}}",
      "{\"__proto__\":{\"polluted\":1},\"constructor\":{\"prototype\":{\"polluted\":1}}}"
    ])
  })

  it("with paths of arguments that lead nowhere is malformed, and names them", () => {
    const of = (...fragments: ReadonlyArray<object>) => decoded([sse([answer([
      { functionCall: { name: "f", partialArgs: fragments, willContinue: true } }
    ])])])
    for (const jsonPath of [
      "",
      "$",
      "a",
      "$.",
      "$..a",
      "$[",
      "$[-1]",
      "$.a[1]",
      "$[999999999]",
      "$.a[0].b[1e9]",
      "$['a",
      7,
      null
    ]) {
      expect(errorOf(of({ jsonPath, numberValue: 1 })), String(jsonPath)).toMatchObject({
        _tag: "MalformedResponse",
        message: expect.stringContaining("candidates[0].functionCall.partialArgs")
      })
    }
    expect(errorOf(of({ jsonPath: `$${".a".repeat(5000)}`, numberValue: 1 }))?._tag).toBe("MalformedResponse")
    expect(errorOf(of({ jsonPath: "$.a", numberValue: 1 }, { jsonPath: "$.a.b", numberValue: 1 }))?._tag)
      .toBe("MalformedResponse")
    expect(errorOf(of({ jsonPath: "$[0]", numberValue: 1 }, { jsonPath: "$.a", numberValue: 1 }))?._tag)
      .toBe("MalformedResponse")
    expect(errorOf(of({ jsonPath: "$.a", numberValue: 1 }, { jsonPath: "$[0]", numberValue: 1 }))?._tag)
      .toBe("MalformedResponse")
  })

  it("with numbers beyond any measure counts nothing with them", () => {
    const event = `{"createTime":7,"usageMetadata":{"promptTokenCount":1e999,"candidatesTokenCount":-5,"totalTokenCount":"7"},`
      + `"candidates":[{"index":-1,"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"},{"index":1e9}]}`
    const result = parsed(event)
    expect(result.usage).toMatchObject({ inputTokens: {}, outputTokens: {} })
    expect(Object.keys(result.usage.outputTokens)).toEqual([])
    expect(result.timestamp).toBeUndefined()
    expect(result.choices?.map(({ index }) => index)).toEqual([1])
  })

  it("with candidates beyond any measure is malformed", () => {
    const reason = failure(() => parsed({ candidates: Array.from({ length: 200_000 }, () => ({})) })).reason
    expect(reason).toMatchObject({ _tag: "MalformedResponse", message: expect.stringContaining("200000 candidates") })
  })

  it("that nests without end is refused before it is parsed", () => {
    const deep = `{"candidates":[{"content":${"[".repeat(400_000)}${"]".repeat(400_000)}}]}`
    expect(errorOf(decoded([sse([deep])]))).toMatchObject({ _tag: "MalformedResponse" })
    expect(errorOf(decoded([`[${deep}]`]))).toMatchObject({ _tag: "MalformedResponse" })
    expect(failure(() => parsed(deep)).reason._tag).toBe("MalformedResponse")
  })

  it("of any JSON in any place never throws, and ends in one finish or error", () => {
    const junk = fc.jsonValue({ maxDepth: 3 })
    const fields = (...names: ReadonlyArray<string>) =>
      fc.record(Object.fromEntries(names.map((name) => [name, junk])), { requiredKeys: [] })
    const call = fc.record({
      name: fc.constantFrom("f", "", null),
      args: junk,
      willContinue: fc.boolean(),
      partialArgs: fc.oneof(junk, fc.array(fc.record({
        jsonPath: fc.constantFrom("$.a", "$.a.b", "$.a[0]", "$[0]", "$"),
        stringValue: fc.constantFrom("x", 1),
        willContinue: fc.boolean()
      })))
    }, { requiredKeys: [] })
    const part = fc.oneof(
      junk,
      fields(
        "text",
        "thought",
        "thoughtSignature",
        "inlineData",
        "executableCode",
        "codeExecutionResult",
        "toolCall",
        "toolResponse"
      ),
      fc.record({ functionCall: call }),
      fc.constant({ text: "x" })
    )
    const candidate = fc.record({
      index: fc.oneof(junk, fc.nat(3)),
      content: fc.oneof(junk, fc.record({ parts: fc.oneof(junk, fc.array(part)) })),
      finishReason: fc.oneof(junk, fc.constant("STOP")),
      groundingMetadata: fc.oneof(
        junk,
        fc.record({ groundingChunks: fc.oneof(junk, fc.array(fields("web", "retrievedContext"))) })
      ),
      citationMetadata: fc.oneof(junk, fields("citationSources", "citations")),
      logprobsResult: junk
    }, { requiredKeys: [] })
    const event = fc.oneof(junk, fc.record({
      candidates: fc.oneof(junk, fc.array(fc.oneof(junk, candidate, candidate))),
      usageMetadata: fc.oneof(junk, fields("promptTokenCount", "totalTokenCount")),
      promptFeedback: fc.oneof(junk, fields("blockReason", "blockReasonMessage")),
      responseId: junk,
      modelVersion: junk
    }, { requiredKeys: [] }))
    fc.assert(fc.property(fc.array(event, { maxLength: 4 }), fc.boolean(), (events, asList) => {
      const parts = decoded([asList ? JSON.stringify(events) : sse(events)])
      expect(parts.filter(Part.isTerminal).length).toBe(1)
      expect(Part.isTerminal(parts.at(-1)!)).toBe(true)
      Result.toMessage(Result.fold(parts))
      for (const body of events) {
        for (const operation of ["chat", "embeddings", "list_models", "validate"] as const) {
          try {
            wires("gemini")[operation].parse(response(body), request({ operation }))
          } catch (error) {
            expect(error).toHaveProperty("_tag", "LlmError")
          }
        }
      }
    }), { numRuns: 600 })
  })
})
