/**
 * What OpenAI's own client reads from each recorded answer of OpenAI, in chat completions, completions, embeddings and model
 * lists, is what we read. Where the recordings are missing this is skipped, and says so.
 *
 * @module
 */
import { type ChatResult, Part, Request, Result } from "@plugline/core"
import OpenAI from "openai"
import type { ChatCompletion } from "openai/resources/chat/completions"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/openai/index.ts"
import { operationOf } from "../recordings/check.ts"
import { bodyOf, bytesOf, type Recording, recordings } from "../recordings/read.ts"
import { clientOf } from "./client.ts"

const apis = ["openai-chat", "openai-completions", "openai-embeddings", "openai-models"]
const every = recordings().filter(({ api, provider }) => provider === "openai" && apis.includes(api))
if (every.length === 0) console.log("skipped: what OpenAI's client reads, because there are no recorded exchanges")

const requestOf = (recording: Recording) => {
  const { input } = (recording.request.body ?? {}) as { readonly input?: string | ReadonlyArray<string> }
  const messages = input === undefined ? "Hi" : [input].flat().map((content) => ({ role: "user" as const, content }))
  return Request.make({ provider: "openai", operation: operationOf(recording), messages, options: { model: "m" } })
}

const wireOf = (recording: Recording) => wires()[operationOf(recording)]
const answerOf = (recording: Recording) => ({ status: recording.response.status, headers: recording.response.headers, body: bodyOf(recording) })

const ours = (recording: Recording): Result => {
  const request = requestOf(recording)
  const wire = wireOf(recording)
  if (!recording.stream) return wire.parse(answerOf(recording), request)
  const decoder = wire.parts!(request)
  const parts = [...decoder.push(bytesOf(recording)), ...decoder.end()]
  expect(parts.filter(Part.isTerminal).length).toBe(1)
  return Result.fold(parts, request.operation === "completion" ? "completion" : "chat")
}

const question = { model: "m", messages: [{ role: "user" as const, content: "Hi" }] }

const theirs = async (recording: Recording): Promise<ChatCompletion> => {
  const client = clientOf(recording)
  if (!recording.stream) return client.chat.completions.create(question)
  return client.chat.completions.stream(question).finalChatCompletion()
}

const calls = (choice: ChatCompletion["choices"][number]) => [
  ...(choice.message.tool_calls ?? []).map((call) =>
    call.type === "function" ? { name: call.function.name, args: call.function.arguments } : { name: call.custom.name, args: call.custom.input }
  ),
  ...(choice.message.function_call ? [{ name: choice.message.function_call.name, args: choice.message.function_call.arguments }] : [])
]

/** The text of arguments as ours are; broken JSON stays the text it is. */
const params = (text: string): unknown => {
  try {
    return JSON.parse(text || "{}")
  } catch {
    return text
  }
}

const compare = (result: ChatResult, answer: ChatCompletion): void => {
  const [first, ...others] = answer.choices
  expect(Result.text(result)).toBe((first?.message.content ?? "") + (first?.message.refusal ?? ""))
  expect(Result.toolCalls(result).map(({ name, params }) => ({ name, params })))
    .toEqual(calls(first!).map(({ args, name }) => ({ name, params: params(args) })))
  expect(result.rawFinishReason).toBe(first?.finish_reason)
  expect(result.id).toBe(answer.id)
  expect(result.model).toBe(answer.model)
  expect(result.choices?.length ?? 0).toBe(others.length)
  others.forEach((choice, index) => {
    expect(result.choices![index]!.content.flatMap((part) => part.type === "text" ? [part.text] : []).join("")).toBe(choice.message.content ?? "")
  })
  expect(result.usage.inputTokens.total).toBe(answer.usage?.prompt_tokens)
  expect(result.usage.outputTokens.total).toBe(answer.usage?.completion_tokens)
  expect(result.usage.inputTokens.cacheRead).toBe(answer.usage?.prompt_tokens_details?.cached_tokens)
  expect(result.usage.outputTokens.reasoning).toBe(answer.usage?.completion_tokens_details?.reasoning_tokens)
}

describe.skipIf(every.length === 0)("OpenAI's client reads what we read", () => {
  const answers = every.filter(({ expect: { error } }) => error === undefined)
  it.each(answers.map((recording) => [recording.id, recording] as const))("%s", async (_, recording) => {
    const result = ours(recording)
    switch (result.type) {
      case "chat":
        return compare(result, await theirs(recording))
      case "completion": {
        if (recording.stream) {
          let said = ""
          for await (const { choices } of await clientOf(recording).completions.create({ model: "m", prompt: "Hi", stream: true })) {
            said += choices[0]?.text ?? ""
          }
          return expect(Result.text(result)).toBe(said)
        }
        const answer = await clientOf(recording).completions.create({ model: "m", prompt: "Hi" })
        expect(Result.text(result)).toBe(answer.choices[0]?.text)
        expect(result.rawFinishReason).toBe(answer.choices[0]?.finish_reason)
        expect(result.usage.inputTokens.total).toBe(answer.usage?.prompt_tokens)
        return expect(result.usage.outputTokens.total).toBe(answer.usage?.completion_tokens)
      }
      case "embeddings": {
        const answer = await clientOf(recording).embeddings.create({ model: "m", input: "Hi" })
        const asNumbers = result.embeddings.map((vector) => vector.map((number) => Math.fround(number)))
        expect(asNumbers).toEqual(answer.data.map(({ embedding }) => Array.from(embedding, (number) => Math.fround(number))))
        return expect(result.model).toBe(answer.model)
      }
      case "list_models": {
        const answer = await clientOf(recording).models.list()
        return expect(result.models.map(({ id }) => id)).toEqual(answer.data.map(({ id }) => id))
      }
      default:
        throw new Error(`nothing answers with ${result.type}`)
    }
  })

  const refusals = every.filter(({ expect: { error }, response }) => error !== undefined && response.status >= 300)
  it.each(refusals.map((recording) => [recording.id, recording] as const))("%s", async (_, recording) => {
    const thrown: unknown = await clientOf(recording).chat.completions.create(question).catch((error: unknown) => error)
    if (!(thrown instanceof OpenAI.APIError)) throw new Error("the client was not refused")
    const { reason } = wireOf(recording).reason(answerOf(recording), requestOf(recording))
    expect(reason.status).toBe(thrown.status)
    if (thrown.code ?? thrown.type) expect(reason.code).toBe(thrown.code ?? thrown.type)
    expect(thrown.message.replace(/\s+/g, " ")).toContain(reason.message.slice(0, 60))
  })
})
