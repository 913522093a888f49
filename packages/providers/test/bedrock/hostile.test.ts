/**
 * Answers and requests that mean harm: nothing they hold makes reading throw, hang, grow without bound or reach a prototype.
 *
 * @module
 */
import { type JsonObject, LlmError, Part, Result } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/bedrock/index.ts"
import { decoder } from "../../src/bedrock/decoder.ts"
import { answer, chunks, decoded, ending, event, failure, parsed, request, response, stream } from "./support.ts"

const errorOf = (parts: ReadonlyArray<Part>) => {
  const last = parts.at(-1)
  return last?.type === "error" ? Part.errorOf(last).reason : undefined
}
const junk = fc.jsonValue({ maxDepth: 3 })
const some = (...names: ReadonlyArray<string>) => fc.record(Object.fromEntries(names.map((name) => [name, junk])), { requiredKeys: [] })

const inner = fc.oneof(junk, some("text", "signature", "redactedContent", "reasoningText", "content", "citations", "toolUseId", "name", "input", "type", "status", "format", "source"))
const block = fc.oneof(junk, fc.record({
  text: inner, reasoningContent: inner, toolUse: inner, toolResult: fc.oneof(inner, fc.array(inner)), citationsContent: inner, citation: inner, image: inner, audio: inner
}, { requiredKeys: [] }))
const events = fc.tuple(
  fc.constantFrom("messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata", "other", "__proto__"),
  fc.oneof(junk, fc.record({ contentBlockIndex: fc.oneof(fc.nat(2), junk), start: block, delta: block, stopReason: junk, usage: junk, trace: junk }, { requiredKeys: [] }))
)

const oneEnd = (parts: ReadonlyArray<Part>): void => {
  expect(parts.filter(Part.isTerminal).length).toBe(1)
  expect(Part.isTerminal(parts.at(-1)!)).toBe(true)
  Result.fold(parts)
}
const onlyOurs = (f: () => unknown): void => {
  try {
    f()
  } catch (error) {
    if (!LlmError.isLlmError(error)) throw error
  }
}

describe("of any JSON in any place", () => {
  it("a stream ends in one finish or error, and an answer is read or refused", () => {
    fc.assert(fc.property(fc.array(events, { maxLength: 6 }), fc.array(block, { maxLength: 4 }), junk, (events, blocks, beside) => {
      oneEnd(decoded([stream(events)]))
      oneEnd(decoded([stream([...events, ...ending()])]))
      onlyOurs(() => parsed(answer(blocks as ReadonlyArray<unknown>, { usage: beside, stopReason: beside })))
      onlyOurs(() => parsed(beside))
    }), { numRuns: 200 })
  })

  it("so do the streams and answers of invoked models", () => {
    const models = [
      "anthropic.claude-3-haiku-20240307-v1:0", "anthropic.claude-v2:1", "amazon.titan-text-express-v1", "amazon.nova-lite-v1:0", "meta.llama3-8b-instruct-v1:0",
      "mistral.mistral-7b-instruct-v0:2", "mistral.mistral-large-2407-v1:0", "cohere.command-text-v14", "cohere.command-r-v1:0", "ai21.jamba-1-5-large-v1:0", "ai21.j2-ultra-v1"
    ]
    const said = fc.oneof(junk, some(
      "completion", "stop_reason", "outputText", "results", "inputTextTokenCount", "generation", "outputs", "generations", "text", "event_type", "is_finished", "finish_reason",
      "choices", "type", "completions", "messageStop", "contentBlockDelta", "metadata", "amazon-bedrock-invocationMetrics", "amazon-bedrock-guardrailAction"
    ))
    fc.assert(fc.property(fc.constantFrom(...models), fc.array(said, { maxLength: 4 }), (model, events) => {
      const init = { options: { model }, config: { api: "invoke" } }
      if (!model.includes("j2")) oneEnd(decoded([chunks(events)], init))
      for (const event of events) onlyOurs(() => parsed(event, init))
    }), { numRuns: 250 })
  })

  it("so is a list of models, and the vectors of a text", () => {
    fc.assert(fc.property(fc.oneof(junk, some("modelSummaries", "embeddings", "embedding", "embeddingsByType", "inputTextTokenCount")), (body) => {
      for (const model of ["cohere.embed-english-v3", "amazon.titan-embed-text-v2:0", "amazon.nova-2-multimodal-embeddings-v1:0"]) {
        onlyOurs(() => wires().embeddings.parse(response(body), request({ options: { model } })))
      }
      onlyOurs(() => wires().list_models.parse(response(body), request()))
    }), { numRuns: 150 })
  })

  it("so is a request of a client", () => {
    const turn = fc.oneof(junk, fc.record({ role: fc.constantFrom("user", "assistant", "x"), content: fc.oneof(junk, fc.array(fc.oneof(block, some("document", "cachePoint", "guardContent", "video")))) }))
    const body = fc.oneof(junk, fc.record({
      messages: fc.oneof(junk, fc.array(turn)), system: fc.oneof(junk, fc.array(block)), inferenceConfig: inner, toolConfig: fc.oneof(inner, some("tools", "toolChoice")),
      outputConfig: some("textFormat"), additionalModelRequestFields: some("thinking", "top_k", "output_config"), requestMetadata: junk, serviceTier: junk
    }, { requiredKeys: [] }))
    const urls = ["/model/anthropic.claude-opus-4-6-v1/converse", "/model/amazon.nova-lite-v1:0/invoke", "/model/anthropic.claude-3/invoke", "/model/meta.llama3/invoke", "/model/mistral.x/invoke", "/x"]
    fc.assert(fc.property(fc.constantFrom(...urls), body, (url, body) => {
      onlyOurs(() => wires().chat.decode!({ url, body: body as JsonObject }, "bedrock"))
      onlyOurs(() => wires().embeddings.decode!({ url, body: body as JsonObject }, "bedrock"))
    }), { numRuns: 400 })
  })
})

describe("a stream", () => {
  it("of random bytes ends in one error", () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), (pieces) => oneEnd(decoded(pieces))), { numRuns: 150 })
  })

  it("with a message that outgrows its bound ends in an error, and nothing is read after it", () => {
    const reader = decoder(request({ operation: "stream" }), 1000)
    const large = event("contentBlockDelta", { delta: { text: "x".repeat(2000) } })
    const first = reader.push(large.subarray(0, 12))
    expect(errorOf(first)).toMatchObject({ _tag: "MalformedResponse", message: /larger than 1000 bytes/ })
    expect(reader.push(large)).toEqual([])
    expect(reader.end()).toEqual([])
  })

  it("with a known event that is no object, or no JSON, names it", () => {
    expect(errorOf(decoded([event("contentBlockDelta", "[1]")]))).toMatchObject({ _tag: "MalformedResponse", message: /contentBlockDelta\) is no object/ })
    expect(errorOf(decoded([event("metadata", "{")]))).toMatchObject({ _tag: "MalformedResponse", message: /metadata\) is no JSON/ })
    const deep = `{"delta":${"[".repeat(400_000)}${"]".repeat(400_000)}}`
    expect(errorOf(decoded([event("contentBlockDelta", deep)]))).toMatchObject({ _tag: "MalformedResponse" })
    expect(failure(() => parsed(deep)).reason._tag).toBe("MalformedResponse")
  })

  it("keeps a broken message after the end out of a finished answer", () => {
    const broken = event("metadata", {})
    broken[broken.length - 1]! ^= 1
    expect(decoded([Buffer.concat([stream(ending()), broken])]).map(({ type }) => type)).toEqual(["finish"])
  })

  it("reaches no prototype", () => {
    const block = "{\"contentBlockIndex\":0,\"__proto__\":{\"polluted\":1},\"start\":{\"toolUse\":{\"toolUseId\":\"__proto__\",\"name\":\"__proto__\",\"__proto__\":{\"polluted\":1}}}}"
    const parts = decoded([
      event("contentBlockStart", block),
      event("contentBlockDelta", "{\"contentBlockIndex\":0,\"delta\":{\"toolUse\":{\"input\":\"{\\\"__proto__\\\":{\\\"polluted\\\":1}}\"}}}"),
      event("messageStop", { stopReason: "tool_use" }),
      event("metadata", "{\"usage\":{},\"__proto__\":{\"polluted\":1}}")
    ])
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    const result = Result.fold(parts)
    expect(JSON.stringify(result.metadata)).toBe("{\"bedrock\":{\"__proto__\":{\"polluted\":1}}}")
    expect(JSON.stringify(Result.toolCalls(result)[0]?.params)).toBe("{\"__proto__\":{\"polluted\":1}}")
  })
})
