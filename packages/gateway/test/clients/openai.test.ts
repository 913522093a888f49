/** OpenAI's own client, by chat completions: every flow over every service. */
import OpenAI, { APIError } from "openai"
import { describe, expect } from "vitest"
import {
  expectPieces, expectTokens, expectVectors, failing, jsonQuestion, jsonSaid, question, said, schema, texts,
  thought, tool, toolArgs, toolQuestion, toolResult, toolSaid
} from "./questions.ts"
import { type At, cases, key } from "./setting.ts"

type Message = OpenAI.ChatCompletionMessageParam

const clientOf = ({ address }: At, apiKey = key) => new OpenAI({ baseURL: `${address}/v1`, apiKey, maxRetries: 0 })
const user = (content: string): Array<Message> => [{ role: "user", content }]
const tools: Array<OpenAI.ChatCompletionTool> = [{ type: "function", function: tool }]

const ask = async (at: At, content: string, more: object = {}): Promise<OpenAI.ChatCompletion> =>
  await clientOf(at).chat.completions.create({ model: at.model, messages: user(content), ...more })

/** Asks the tool's question, and goes on with what `turn` reads. */
const round = async (turn: (messages: Array<Message>) => Promise<OpenAI.ChatCompletionMessage>) => {
  const first = await turn(user(toolQuestion))
  const [call] = first.tool_calls ?? []
  if (call?.type !== "function") throw new Error("the tool was not called")
  expect(call.function.name).toBe("weather")
  expect(JSON.parse(call.function.arguments)).toEqual(toolArgs)
  const last = await turn([...user(toolQuestion), first, { role: "tool", tool_call_id: call.id, content: toolResult }])
  expect(last.content).toMatch(toolSaid)
  expect(last.tool_calls).toBeUndefined()
}

/** A thought, in the field that has become usual, or in that of Ollama's own interface. */
const thoughtOf = (said: object | undefined): string => {
  const { reasoning, reasoning_content: content } = (said ?? {}) as {
    readonly reasoning?: string; readonly reasoning_content?: string
  }
  return content ?? reasoning ?? ""
}

const fails = (at: At, text: string): Promise<void> => ask(at, text).then(() => {})

describe("OpenAI's client", () => {
  cases("openai", {
    chat: async (at) => {
      const { choices: [choice], object, usage } = await ask(at, question)
      expect({ object, finish: choice!.finish_reason, content: choice!.message.content })
        .toEqual({ object: "chat.completion", finish: "stop", content: said })
      expectTokens(at, usage?.prompt_tokens, usage?.completion_tokens)
    },
    stream: async (at) => {
      const stream = clientOf(at).chat.completions.stream(
        { model: at.model, messages: user(question), stream_options: { include_usage: true } }
      )
      const pieces: Array<string> = []
      stream.on("content", (delta) => pieces.push(delta))
      const { choices: [choice], usage } = await stream.finalChatCompletion()
      expectPieces(pieces, said)
      expect(choice).toMatchObject({ finish_reason: "stop", message: { role: "assistant", content: said } })
      expectTokens(at, usage?.prompt_tokens, usage?.completion_tokens)
    },
    tools: (at) => round(async (messages) => {
      const { choices: [choice] } = await clientOf(at).chat.completions.create({ model: at.model, messages, tools })
      expect(choice!.finish_reason).toBe(choice!.message.tool_calls === undefined ? "stop" : "tool_calls")
      return choice!.message
    }),
    "streamed tools": (at) => round(async (messages) => {
      const { choices: [choice] } = await clientOf(at).chat.completions.stream(
        { model: at.model, messages, tools }
      ).finalChatCompletion()
      const { content, role, tool_calls } = choice!.message
      const calls = tool_calls?.flatMap((call) => call.type !== "function" ? [] : [{
        id: call.id, type: call.type, function: { name: call.function.name, arguments: call.function.arguments }
      }])
      return { role, content, refusal: null, ...(calls !== undefined && { tool_calls: calls }) }
    }),
    JSON: async (at) => {
      const answer = await clientOf(at).chat.completions.parse({
        model: at.model, messages: user(jsonQuestion), response_format: {
          type: "json_schema", json_schema: { name: "weather", strict: true, schema }
        }
      })
      expect(answer.choices[0]!.message.parsed).toEqual(jsonSaid)
    },
    thinking: async (at) => {
      const { choices: [choice] } = await ask(at, question, { reasoning_effort: "low" })
      const stream = await clientOf(at).chat.completions.create(
        { model: at.model, messages: user(question), reasoning_effort: "low", stream: true }
      )
      let [streamed, text] = ["", ""]
      for await (const { choices: [choice] } of stream) {
        streamed += thoughtOf(choice?.delta)
        text += choice?.delta.content ?? ""
      }
      expect([choice!.message.content, text]).toEqual([said, said])
      for (
        const each of [thoughtOf(choice!.message), streamed]
      ) expect(each).toMatch(at.note === "hidden" ? /^$/ : thought)
    },
    completion: async (at) => {
      const { choices: [choice], usage } = await clientOf(at).completions.create({ model: at.model, prompt: question })
      expect([choice!.text, choice!.finish_reason]).toEqual([said, "stop"])
      if (at.note === "uncounted") expect(usage).toBeUndefined()
      else expectTokens(at, usage?.prompt_tokens, usage?.completion_tokens)
      const pieces: Array<string> = []
      for await (
        const { choices: [choice] } of await clientOf(at).completions.create(
          { model: at.model, prompt: question, stream: true }
        )
      ) {
        if (choice?.text) pieces.push(choice.text)
      }
      if (at.note === "in one") expect(pieces).toEqual([said])
      else expectPieces(pieces, said)
    },
    embeddings: async (at) => {
      const one = await clientOf(at).embeddings.create({ model: at.embedder, input: texts[0]! })
      expectVectors(at, one.data.map(({ embedding }) => embedding), texts.slice(0, 1))
      const two = await clientOf(at).embeddings.create({ model: at.embedder, input: texts, encoding_format: "float" })
      expectVectors(at, two.data.map(({ embedding }) => embedding), texts)
      expect(two.data.map(({ index }) => index)).toEqual([0, 1])
    },
    moderations: async (at) => {
      const model = at.upstream === "openai" ? "openai/omni-moderation-latest" : at.model
      const one = await clientOf(at).moderations.create({ model, input: texts[0]! })
      expect(one).toMatchObject({ model: "omni-moderation-latest", results: [{ flagged: false, categories: { violence: false } }] })
      const two = await clientOf(at).moderations.create({ model, input: [texts[0]!, "I will hurt you"] })
      expect(two.results.map(({ flagged }) => flagged)).toEqual([false, true])
      expect(two.results[1]!.category_scores.violence).toBe(0.9)
    },
    models: async (at) => {
      const ids: Array<string> = []
      for await (const { id, object } of clientOf(at).models.list()) {
        expect(object).toBe("model")
        ids.push(id)
      }
      expect(ids).toContain("smart")
      const own = ids.filter((id) => id.startsWith(`${at.upstream}/`))
      expect(own.length).toBeGreaterThan(0)
      expect(await clientOf(at).models.retrieve(own[0]!)).toMatchObject(
        { id: own[0], object: "model", owned_by: at.upstream }
      )
      await expect(clientOf(at).models.retrieve("nobody/has")).rejects.toBeInstanceOf(OpenAI.NotFoundError)
    },
    "wrong key": async (at) => {
      await clientOf(at, `${key}x`).chat.completions.create({ model: at.model, messages: user(question) })
    },
    "wrong request": async (at) => {
      const asked = ask(at, question, { temperature: "hot" })
      await expect(asked).rejects.toMatchObject({ param: "temperature", type: "invalid_request_error" })
      await asked
    },
    "unknown model": async (at) => {
      const { choices, model } = await clientOf(at).chat.completions.create(
        { model: `${at.upstream}/nobody-has-it`, messages: user(question) }
      )
      expect([at.note, model, choices[0]!.message.content]).toEqual(["any model", "rules-1", said])
    },
    refused: async (at) => at.note === "never" ? void await ask(at, failing(400)) : fails(at, failing(400)),
    limited: async (at) => {
      const asked = ask(at, failing(429))
      await asked.catch((error: APIError) => {
        expect(Number(error.headers!.get("retry-after"))).toBeGreaterThan(0)
        expect(error.code).toBe("rate_limit_exceeded")
      })
      await asked
    },
    broken: (at) => fails(at, failing(500)),
    leaving: async (at) => {
      if (at.note === "at once") return void await ask(at, "hold")
      await at.leaves(
        false, (text, signal) => clientOf(at).chat.completions.create(
          { model: at.model, messages: user(text) }, { signal }
        )
      )
    },
    "leaving a stream": (at) => at.leaves(true, async (text, signal, begun, model) => {
      const stream = await clientOf(at).chat.completions.create(
        { model, messages: user(text), stream: true }, { signal }
      )
      for await (const { choices: [choice] } of stream) if (choice?.delta.content) begun()
      throw new Error("was left")
    })
  }, (thrown) => {
    const { name, status } = thrown as APIError
    const error = (thrown as object).constructor.name
    expect(thrown, name).toBeInstanceOf(OpenAI[error as "APIError"])
    return { error, status }
  })
})
