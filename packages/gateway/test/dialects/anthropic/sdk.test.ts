/**
 * What the vendor's own client makes of what this dialect writes.
 *
 * @module
 */
import Anthropic, { APIError, NotFoundError, RateLimitError } from "@anthropic-ai/sdk"
import { LlmError, Part, type Parts, Result } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { anthropic, encodeCount, encodeModel } from "../../../src/dialects/anthropic/index.ts"
import { call, parsed, streamed } from "./support.ts"
import { blocks, ends, whole } from "./model.ts"

/** A client whose every call is answered with this. */
const client = (body: unknown, status = 200): Anthropic =>
  new Anthropic({
    apiKey: "none",
    maxRetries: 0,
    fetch: async () => {
      const streams = typeof body === "string"
      return new Response(streams ? body : JSON.stringify(body), {
        status,
        headers: { "content-type": streams ? anthropic.streamType : "application/json" }
      })
    }
  })

const params = { model: "m", max_tokens: 1, messages: [{ role: "user" as const, content: "Hi" }] }

const parts: Parts = [
  { type: "response-metadata", id: "msg_1", modelId: "gpt-5" },
  { type: "reasoning-start", id: "0" },
  { type: "reasoning-delta", id: "0", delta: "Hm" },
  { type: "reasoning-end", id: "0", metadata: { anthropic: { signature: "sig" } } },
  { type: "text-start", id: "1" },
  { type: "text-delta", id: "1", delta: "Hello " },
  { type: "text-delta", id: "1", delta: "wörld\u2028" },
  { type: "text-end", id: "1" },
  { type: "source", sourceType: "url", id: "s", url: "https://a.example", title: "A" },
  { type: "tool-params-start", id: "c1", name: "f" },
  { type: "tool-params-delta", id: "c1", delta: "{\"a\":" },
  { type: "tool-params-delta", id: "c1", delta: "1}" },
  { type: "tool-params-end", id: "c1" },
  { type: "tool-call", id: "c1", name: "f", params: { a: 1 } },
  { type: "tool-call", id: "c2", name: "g", params: { b: [2] } },
  {
    type: "finish",
    reason: "tool-calls",
    usage: { inputTokens: { total: 9, cacheRead: 4 }, outputTokens: { total: 3 } }
  }
]

const content = [
  { type: "thinking", thinking: "Hm", signature: "sig" },
  { type: "text", text: "Hello wörld\u2028", citations: [expect.objectContaining({ source: "https://a.example" })] },
  { type: "tool_use", id: "c1", name: "f", input: { a: 1 } },
  { type: "tool_use", id: "c2", name: "g", input: { b: [2] } }
]
const ended = {
  id: "msg_1",
  model: "gpt-5",
  stop_reason: "tool_use",
  usage: { input_tokens: 5, cache_read_input_tokens: 4, output_tokens: 3 }
}

describe("the vendor's client", () => {
  it("reads a message", async () => {
    const message = await client(anthropic.encode(Result.fold(parts), call)).messages.create(params)
    expect(message).toMatchObject({ ...ended, content })
  })

  it("gathers a stream", async () => {
    const stream = client(streamed(parts, [1])).messages.stream(params)
    let text = ""
    stream.on("text", (delta) => text += delta)
    const message = await stream.finalMessage()
    expect(message).toMatchObject({ ...ended, content })
    expect(text).toBe("Hello wörld\u2028")
  })

  it("gathers from a stream what it reads whole, whatever was said", async () => {
    await fc.assert(
      fc.asyncProperty(blocks, ends, async (blocks, end) => {
        const result = parsed(whole(blocks, end))
        const { beta } = client(anthropic.encode(result, call))
        const expected = await beta.messages.create(params)
        const stream = client(`${anthropic.keepAlive}${streamed(Result.parts(result))}`).beta.messages.stream(params)
        const { container, content, id, model, stop_reason, usage } = await stream.finalMessage()
        const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null))
        expect(plain(content)).toEqual(plain(expected.content))
        expect(plain({ container, id, model, stop_reason })).toEqual(plain({
          container: expected.container,
          id: expected.id,
          model: expected.model,
          stop_reason: expected.stop_reason
        }))
        const { input_tokens, output_tokens } = expected.usage
        expect([usage.input_tokens, usage.output_tokens]).toEqual([input_tokens, output_tokens])
      }),
      { numRuns: 150 }
    )
  })

  it("sees an error for what it is, also in a stream", async () => {
    const error = (tag: "NotFound" | "RateLimit" | "Server", status: number) =>
      client(anthropic.encodeError(LlmError.make({ _tag: tag, message: "no" }), status, call), status)
    await expect(error("NotFound", 404).messages.create(params)).rejects.toThrow(NotFoundError)
    await expect(error("RateLimit", 429).messages.create(params)).rejects.toThrow(RateLimitError)
    const cut = streamed([...parts.slice(0, 6), Part.error(LlmError.make({ _tag: "Overloaded", message: "busy" }))])
    const thrown: unknown = await client(cut).messages.stream(params).finalMessage().catch((thrown: unknown) => thrown)
    expect(thrown).toBeInstanceOf(APIError)
    expect((thrown as APIError).error).toMatchObject({ error: { type: "overloaded_error", message: "busy" } })
  })

  it("reads models and counts", async () => {
    const models = [{ id: "a" }, { id: "b", name: "B" }]
    const page = await client(anthropic.encode({ type: "list_models", models, next: "p2" }, call)).models.list()
    expect(page.data.map(({ display_name, id }) => [id, display_name])).toEqual([["a", "a"], ["b", "B"]])
    expect(page.nextPageRequestOptions()).toMatchObject({ query: { after_id: "p2" } })
    expect(await client(encodeModel(models[1]!)).models.retrieve("b")).toMatchObject({ id: "b", type: "model" })
    expect(await client(encodeCount(7)).messages.countTokens(params)).toMatchObject({ input_tokens: 7 })
  })
})
