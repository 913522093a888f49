/**
 * OpenAI's and Ollama's own clients read what is written for them.
 *
 * @module
 */
import { LlmError, Part, type Parts, Result, type Usage } from "@plugline/core"
import { Ollama } from "ollama"
import OpenAI, { APIError } from "openai"
import { describe, expect, it } from "vitest"
import { ollama } from "../../src/dialects/ollama/index.ts"
import { openai } from "../../src/dialects/openai/index.ts"
import { responses } from "../../src/dialects/responses/index.ts"
import type { Dialect } from "../../src/Dialect.ts"
import { call, type Loose } from "./exchange.ts"

const usage: Usage = { inputTokens: { total: 12, cacheRead: 5, uncached: 7 }, outputTokens: { total: 9, reasoning: 4, text: 5 } }
const parts: Parts = [
  { type: "response-metadata", id: "a-1", modelId: "m-1" },
  { type: "reasoning-start", id: "0" },
  { type: "reasoning-delta", id: "0", delta: "Think" },
  { type: "reasoning-end", id: "0" },
  { type: "text-start", id: "1" },
  { type: "text-delta", id: "1", delta: "Grüße\u2028" },
  { type: "text-delta", id: "1", delta: "\n\ndata: [DONE]\n\n" },
  { type: "source", sourceType: "url", id: "s", url: "https://a.example/", title: "A" },
  { type: "tool-params-start", id: "call_1", name: "weather" },
  { type: "tool-params-delta", id: "call_1", delta: "{\"city\":" },
  { type: "tool-params-start", id: "call_2", name: "time" },
  { type: "tool-params-delta", id: "call_2", delta: "{\"zone\":1}" },
  { type: "tool-params-delta", id: "call_1", delta: "\"Bonn\"}" },
  { type: "text-end", id: "1" },
  { type: "tool-params-end", id: "call_1" },
  { type: "tool-call", id: "call_1", name: "weather", params: { city: "Bonn" } },
  { type: "tool-params-end", id: "call_2" },
  { type: "tool-call", id: "call_2", name: "time", params: { zone: 1 } },
  { type: "tool-call", id: "call_3", name: "added", params: {} },
  { type: "finish", reason: "tool-calls", usage }
]
const said = "Grüße\u2028\n\ndata: [DONE]\n\n"
const args = ["{\"city\":\"Bonn\"}", "{\"zone\":1}", "{}"]
const whole = Result.fold(parts)
const failure = LlmError.make({ _tag: "RateLimit", message: "slow down" })

/** A `fetch` that answers with what the dialect writes: each part a piece of its own, or all as a body. */
const fetching = (dialect: Dialect, parts: Parts, result: Result = whole) => async (_: unknown, init?: { readonly body?: unknown }) => {
  const asked: Loose = JSON.parse(String(init?.body ?? "{}"))
  const it = call({ asked, model: asked.model })
  const isStream = asked.stream === true
  if (!isStream) return Response.json(dialect.encode(result, it))
  const encoder = dialect.encoder(it)
  const bytes = parts.map((part) => Buffer.from(encoder.push([part])))
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      if (dialect.keepAlive !== undefined) controller.enqueue(Buffer.from(dialect.keepAlive))
      for (const piece of bytes) controller.enqueue(piece)
      controller.close()
    }
  })
  return new Response(body, { headers: { "content-type": dialect.streamType } })
}

const clientOf = (dialect: Dialect, given = parts, result: Result = whole) =>
  new OpenAI({ apiKey: "sk-test", baseURL: "http://localhost/v1", maxRetries: 0, fetch: fetching(dialect, given, result) as never })

const broken: Parts = [...parts.slice(0, 7), Part.error(failure)]

describe("OpenAI's client", () => {
  const question = { model: "m", messages: [{ role: "user" as const, content: "Hi" }] }

  it("reads a chat", async () => {
    const answer = await clientOf(openai).chat.completions.create(question)
    expect(answer).toMatchObject({ id: "a-1", model: "m-1", usage: { total_tokens: 21 } })
    expect(answer.choices[0]).toMatchObject({ finish_reason: "tool_calls", message: { content: said } })
    expect(answer.choices[0]!.message.tool_calls!.map((call) => call.type === "function" ? call.function.arguments : "")).toEqual(args)
    expect(answer.choices[0]!.message.annotations).toEqual([{ type: "url_citation", url_citation: { url: "https://a.example/", title: "A" } }])
  })

  it("reads a streamed chat", async () => {
    const stream = clientOf(openai).chat.completions.stream({ ...question, stream_options: { include_usage: true } })
    const answer = await stream.finalChatCompletion()
    const [choice] = answer.choices
    expect(choice).toMatchObject({ finish_reason: "tool_calls", message: { role: "assistant", content: said } })
    expect(choice!.message.tool_calls!.map(({ id, type }) => [id, type]))
      .toEqual([["call_1", "function"], ["call_2", "function"], ["call_3", "function"]])
    expect(choice!.message.tool_calls!.map((call) => call.type === "function" ? call.function.arguments : "")).toEqual(args)
    expect(await stream.totalUsage()).toMatchObject({ prompt_tokens: 12, completion_tokens: 9 })
  })

  it("reads a chat that breaks off as one", async () => {
    const stream = await clientOf(openai, broken).chat.completions.create({ ...question, stream: true })
    let text = ""
    const reading = (async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ""
    })()
    await expect(reading).rejects.toThrow(APIError)
    await expect(reading).rejects.toMatchObject({ code: "rate_limit_exceeded" })
    expect(text).toBe(said)
  })

  it("reads vectors, which it asks for in base64", async () => {
    const result: Result = { type: "embeddings", embeddings: [[0.5, -1.25]], usage: { inputTokens: { total: 1 }, outputTokens: {} } }
    const answer = await clientOf(openai, parts, result).embeddings.create({ model: "e", input: "x" })
    expect(answer).toMatchObject({ model: "e", data: [{ index: 0, embedding: [0.5, -1.25] }], usage: { prompt_tokens: 1 } })
  })

  it("reads models", async () => {
    const list = await clientOf(openai, parts, { type: "list_models", models: [{ id: "m" }] }).models.list()
    expect(list.data.map(({ id, object }) => [id, object])).toEqual([["m", "model"]])
  })

  it("reads the continuation of a text", async () => {
    const result: Result = { ...whole, type: "completion" }
    const answer = await clientOf(openai, parts, result).completions.create({ model: "m", prompt: "x" })
    expect(answer.choices[0]!.text).toBe(said)
  })

  it("reads a response", async () => {
    const answer = await clientOf(responses).responses.create({ model: "m", input: "Hi" })
    expect(answer).toMatchObject({ id: "a-1", status: "completed", output_text: said, usage: { total_tokens: 21 } })
    expect(answer.output.map(({ type }) => type)).toEqual(["reasoning", "message", "function_call", "function_call", "function_call"])
    expect(answer.output.flatMap((item) => item.type === "function_call" ? [item.arguments] : [])).toEqual(args)
  })

  it("reads a streamed response", async () => {
    const stream = clientOf(responses).responses.stream({ model: "m", input: "Hi" })
    let text = ""
    stream.on("response.output_text.delta", ({ delta }) => text += delta)
    const answer = await stream.finalResponse()
    expect(text).toBe(said)
    expect(answer.output_text).toBe(said)
    expect(answer.output.flatMap((item) => item.type === "function_call" ? [item.arguments] : [])).toEqual(args)
    expect(answer.output[1]).toMatchObject({ type: "message", content: [{ annotations: [{ type: "url_citation", url: "https://a.example/" }] }] })
    const events = await clientOf(responses).responses.create({ model: "m", input: "Hi", stream: true })
    let number = 0
    for await (const event of events) expect(event.sequence_number).toBe(number++)
    expect(number).toBeGreaterThan(20)
  })

  it("reads a response that breaks off as one", async () => {
    const events = await clientOf(responses, broken).responses.create({ model: "m", input: "Hi", stream: true })
    const reading = (async () => {
      for await (const _ of events);
    })()
    await expect(reading).rejects.toThrow(/slow down/)
  })
})

describe("Ollama's client", () => {
  const clientOf = (given = parts, result: Result = whole) => new Ollama({ fetch: fetching(ollama, given, result) as never })
  const question = { model: "m", messages: [{ role: "user", content: "Hi" }] }
  const calls = [{ city: "Bonn" }, { zone: 1 }, {}]

  it("reads a chat", async () => {
    const answer = await clientOf().chat(question)
    expect(answer).toMatchObject({ model: "m-1", done: true, done_reason: "stop", prompt_eval_count: 12, eval_count: 9 })
    expect(answer.message).toMatchObject({ role: "assistant", content: said, thinking: "Think" })
    expect(answer.message.tool_calls!.map((call) => call.function.arguments)).toEqual(calls)
  })

  it("reads a streamed chat", async () => {
    let [text, thinking] = ["", ""]
    const seen: Array<object> = []
    const ends: Array<string> = []
    for await (const line of await clientOf().chat({ ...question, stream: true })) {
      text += line.message.content
      thinking += line.message.thinking ?? ""
      seen.push(...(line.message.tool_calls ?? []).map((call) => call.function.arguments))
      if (line.done) ends.push(line.done_reason)
    }
    expect({ text, thinking, seen, ends }).toEqual({ text: said, thinking: "Think", seen: calls, ends: ["stop"] })
  })

  it("reads a chat that breaks off as one", async () => {
    const reading = (async () => {
      for await (const _ of await clientOf(broken).chat({ ...question, stream: true }));
    })()
    await expect(reading).rejects.toThrow("slow down")
  })

  it("reads vectors, models and the continuation of a text", async () => {
    const vectors: Result = { type: "embeddings", embeddings: [[1, 2]], usage: { inputTokens: { total: 3 }, outputTokens: {} } }
    expect(await clientOf(parts, vectors).embed({ model: "e", input: "x" }))
      .toEqual({ model: "e", embeddings: [[1, 2]], prompt_eval_count: 3 })
    expect(await clientOf(parts, vectors).embeddings({ model: "e", prompt: "x" })).toEqual({ embedding: [1, 2] })
    const list = await clientOf(parts, { type: "list_models", models: [{ id: "m" }] }).list()
    expect(list.models).toMatchObject([{ name: "m", model: "m", size: 0 }])
    const going = await clientOf(parts, { ...whole, type: "completion" }).generate({ model: "m", prompt: "x" })
    expect(going).toMatchObject({ response: said, thinking: "Think", done: true })
  })
})
