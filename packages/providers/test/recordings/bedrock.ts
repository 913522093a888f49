/**
 * The recordings in Bedrock's formats: Converse, InvokeModel, vectors and the list of models.
 *
 * @module
 */
import { Json, Message, Request } from "@plugline/core"
import { expect } from "vitest"
import { bedrock as provider } from "../../src/bedrock.ts"
import { wires } from "../../src/bedrock/index.ts"
import { read } from "../../src/bedrock/model.ts"
import type { Wire } from "../../src/Wire.ts"
import { operationOf } from "./check.ts"
import type { Family } from "./family.ts"
import type { Recording } from "./read.ts"

const all = wires()

/** The facts count the tokens that the body tells; where it tells none, the headers of the same answer do. */
const usageOfHeaders = (wire: Wire): Wire => ({
  ...wire,
  parse: (response, request) => {
    const headers = Object.fromEntries(
      Object.entries(response.headers).filter(([name]) => !name.endsWith("-token-count"))
    )
    const result = wire.parse(response, request)
    if ("usage" in result && response.headers["x-amzn-bedrock-input-token-count"] !== undefined) {
      expect(result.usage.inputTokens.total).toBe(Number(response.headers["x-amzn-bedrock-input-token-count"]))
    }
    return wire.parse({ ...response, headers }, request)
  }
})

/** Converse's events of a whole answer, each in Amazon's framing, are written by the tests of the wire itself. */
export const bedrock: Family = {
  apis: ["bedrock-converse", "bedrock-invoke", "bedrock-embed", "bedrock-models"],
  wire: (recording) => {
    expect(provider.wires.chat).toBeDefined()
    const wire = all[operationOf(recording) as "chat"]
    const told = recording.expect.usage !== undefined || recording.expect.error !== undefined
    return told || recording.stream ? wire : usageOfHeaders(wire)
  },
  request: (recording) => requestOf(recording),
  usage: (sent) => {
    const { cache_write_tokens: cacheWrite, cached_input_tokens: cacheRead, input_tokens: uncached, output_tokens: output } = sent
    return {
      inputTokens: {
        ...(uncached !== undefined && { total: uncached + (cacheRead ?? 0) + (cacheWrite ?? 0), uncached }),
        ...(cacheRead !== undefined && { cacheRead }),
        ...(cacheWrite !== undefined && { cacheWrite })
      },
      outputTokens: { ...(output !== undefined && { total: output }) }
    }
  },
  also: (result, recording) => {
    const { guardrail_action, other_blocks, reasoning_signature, redacted_thinking, text_parts } = recording.expect
    const own = (part: { readonly metadata?: unknown }) => (part.metadata as Record<string, Record<string, unknown>> | undefined)?.bedrock
    const reasoning = result.content.filter(({ type }) => type === "reasoning")
    if (reasoning_signature !== undefined) expect(typeof own(reasoning[0]!)?.signature).toBe("string")
    if (redacted_thinking !== undefined) {
      expect(reasoning.filter((part) => own(part)?.redactedContent !== undefined).length).toBe(redacted_thinking)
    }
    if (Array.isArray(text_parts)) {
      const texts = result.content.flatMap((part) => part.type === "text" && part.text !== "" ? [part.text] : [])
      expect(texts).toEqual(text_parts)
    }
    if (Array.isArray(other_blocks)) {
      expect(result.content.filter(({ type }) => type === "tool-result").length).toBe(other_blocks.length)
    }
    if (guardrail_action !== undefined) {
      expect(own(result)?.["amazon-bedrock-guardrailAction"]).toBe(guardrail_action)
      expect(result.finishReason).toBe("content-filter")
    }
  },
  events: (bytes) => {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const starts: Array<number> = []
    for (let at = 0; at < view.length; at += view.readUInt32BE(at)) starts.push(at)
    return starts
  },
  normal: (body, recording) => recording.api === "bedrock-converse" ? normal(body) : plainText(body)
}

/** What may differ between a Converse body and the same read and written again. */
const normal = (body: unknown): unknown => {
  const it = body as { [name: string]: unknown }
  // An empty list of rules and an empty configuration say nothing.
  if (Array.isArray(it.system) && it.system.length === 0) delete it.system
  if (Json.equals(it.inferenceConfig, {})) delete it.inferenceConfig
  const seen = JSON.stringify(it, (key, value: unknown) => {
    // A result is a success where nothing else is said.
    if (key === "status" && value === "success") return undefined
    // A schema stands in a text, however that is spaced.
    if (key === "schema" && typeof value === "string") return JSON.parse(value)
    return value
  })
  return JSON.parse(seen)
}

/** For Claude, a text alone may stand as it is or in a list. */
const plainText = (body: unknown): unknown =>
  JSON.parse(JSON.stringify(body, (key, value: unknown) => {
    const only: unknown = key === "content" && Array.isArray(value) && value.length === 1 ? value[0] : undefined
    return Json.isRecord(only) && only.type === "text" && Object.keys(only).length === 2 ? only.text : value
  }))

const requestOf = (recording: Recording): Request => {
  const { api, provider: name, request: { body, url } } = recording
  const texts = api === "bedrock-embed" ? (body as { readonly texts: ReadonlyArray<string> }).texts : ["x"]
  const model = read(url)?.model
  return Request.make({
    provider: name,
    operation: operationOf(recording),
    messages: texts.map(Message.user),
    config: { baseUrl: "https://bedrock-runtime.us-east-1.amazonaws.com", ...(api === "bedrock-invoke" && { api: "invoke" }) },
    options: { ...(model !== undefined && { model }) }
  })
}
