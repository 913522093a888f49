/**
 * What OpenAI's own client reads from each recorded answer of a Responses API is what we read. Where the recordings are
 * missing this is skipped, and says so.
 *
 * @module
 */
import { type ChatResult, LlmError, Part, Request, Result } from "@plugline/core"
import OpenAI from "openai"
import type { Response as Answer, ResponseStreamEvent } from "openai/resources/responses/responses"
import { describe, expect, it } from "vitest"
import { responses } from "../../src/responses/index.ts"
import { clientOf } from "../openai/client.ts"
import { bodyOf, bytesOf, type Recording, recordings } from "../recordings/read.ts"
import { failure, quirksOf } from "./support.ts"

const every = recordings().filter(({ api }) => api === "openai-responses")
if (every.length === 0) console.log("skipped: what OpenAI's client reads, because there are no recorded exchanges")

const requestOf = ({ provider, stream }: Recording) =>
  Request.make({ provider, operation: stream ? "stream" : "chat", messages: "Hi", options: { model: "m" } })

const ours = (recording: Recording): ChatResult => {
  const wire = responses(quirksOf(recording.provider))
  const request = requestOf(recording)
  if (!recording.stream) {
    const result = wire.parse({ status: 200, headers: recording.response.headers, body: bodyOf(recording) }, request)
    if (!Result.isChat(result)) throw new Error("a chat answers with a chat")
    return result
  }
  const decoder = wire.parts!(request)
  const parts = [...decoder.push(bytesOf(recording)), ...decoder.end()]
  expect(parts.filter(Part.isTerminal).map(({ type }) => type)).toEqual(["finish"])
  return Result.fold(parts)
}

const theirs = async (recording: Recording): Promise<{ readonly answer: Answer; readonly said: string }> => {
  const client = clientOf(recording)
  if (!recording.stream) {
    const answer = await client.responses.create({ model: "m", input: "Hi" })
    return { answer, said: answer.output_text }
  }
  let said = ""
  let answer: Answer | undefined
  const items: Array<Answer["output"][number]> = []
  const events: AsyncIterable<ResponseStreamEvent> = await client.responses.create({ model: "m", input: "Hi", stream: true })
  for await (const event of events) {
    if (event.type === "response.output_text.delta") said += event.delta
    if (event.type === "response.output_item.done") items.push(event.item)
    if (event.type === "response.completed" || event.type === "response.incomplete") answer = event.response
  }
  // OpenAI encrypts anew for the last event: what came first counts, the rest is the same.
  return { answer: { ...answer!, output: answer!.output.map((item, index) => items[index]?.id === item.id ? items[index]! : item) }, said }
}

/** A client's view of the items, in the words of parts. */
const read = (answer: Answer) => ({
  id: answer.id,
  model: answer.model,
  status: answer.status,
  reasoning: answer.output.flatMap((item) =>
    item.type === "reasoning" ? [...item.summary ?? [], ...item.content ?? []].map(({ text }) => text) : []
  ).join(""),
  encrypted: answer.output.flatMap((item) => item.type === "reasoning" && item.encrypted_content ? [item.encrypted_content] : []),
  calls: answer.output.flatMap((item) => {
    if (item.type === "function_call") return [{ id: item.call_id, name: item.name, params: JSON.parse(item.arguments || "{}") as unknown }]
    return item.type === "custom_tool_call" ? [{ id: item.call_id, name: item.name, params: item.input as unknown }] : []
  }),
  items: answer.output.flatMap((item) => item.type === "message" || item.type === "reasoning" ? [item.id] : []),
  annotations: answer.output.flatMap((item) =>
    item.type === "message" ? item.content.flatMap((part) => part.type === "output_text" ? part.annotations : []) : []
  ),
  input: answer.usage?.input_tokens,
  cached: answer.usage?.input_tokens_details?.cached_tokens,
  output: answer.usage?.output_tokens,
  thought: answer.usage?.output_tokens_details?.reasoning_tokens
})

const own = (part: { readonly metadata?: unknown }, provider: string) =>
  (part.metadata as { readonly [name: string]: { readonly [name: string]: unknown } } | undefined)?.[provider]
const itemOf = (part: { readonly metadata?: unknown }, provider: string) =>
  own(part, provider)?.item as { readonly id?: string; readonly encrypted_content?: string } | undefined

const mine = (result: ChatResult, provider: string): ReturnType<typeof read> => ({
  id: result.id!,
  model: result.model!,
  status: result.rawFinishReason as Answer["status"],
  reasoning: Result.reasoning(result),
  encrypted: result.content.flatMap((part) => part.type === "reasoning" ? itemOf(part, provider)?.encrypted_content ?? [] : []),
  calls: Result.toolCalls(result).map(({ id, name, params }) => ({ id, name, params })),
  items: result.content.flatMap((part) => part.type === "text" || part.type === "reasoning" ? itemOf(part, provider)?.id ?? [] : []),
  annotations: result.content.flatMap((part) => part.type === "text" ? own(part, provider)?.annotations as never ?? [] : []),
  input: result.usage.inputTokens.total,
  cached: result.usage.inputTokens.cacheRead,
  output: result.usage.outputTokens.total,
  thought: result.usage.outputTokens.reasoning
})

describe.skipIf(every.length === 0)("OpenAI's client reads what we read", () => {
  const answers = every.filter(({ response }) => response.status < 300)
  it.each(answers.map((recording) => [recording.id, recording] as const))("%s", async (_, recording) => {
    const { answer, said } = await theirs(recording)
    const result = ours(recording)
    expect(Result.text(result)).toBe(said)
    const expected = read(answer)
    // OpenRouter names its items anew in the last event.
    const isRenamed = recording.provider === "openrouter" && recording.stream
    const actual = mine(result, recording.provider)
    expect(isRenamed ? { ...actual, items: expected.items } : actual).toEqual(expected)
  })

  const refusals = every.filter(({ response }) => response.status >= 300)
  it.each(refusals.map((recording) => [recording.id, recording] as const))("%s", async (_, recording) => {
    const thrown: unknown = await clientOf(recording).responses.create({ model: "m", input: "Hi" }).catch((error: unknown) => error)
    if (!(thrown instanceof OpenAI.APIError)) throw new Error("the client was not refused")
    const error = failure(() => {
      throw responses().reason({ status: recording.response.status, headers: {}, body: bodyOf(recording) }, requestOf(recording))
    })
    expect(LlmError.isLlmError(error)).toBe(true)
    expect(error.reason.status).toBe(thrown.status)
    // The client reads the text of an error only where it is an object.
    if (thrown.error !== undefined && typeof thrown.error === "object") {
      expect(error.reason.code).toBe(thrown.code ?? thrown.type)
      expect(thrown.message).toContain(error.reason.message)
    }
  })
})
