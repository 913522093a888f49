/** Ollama's own client: every flow over every service. */
import { type ChatResponse, type Message, Ollama } from "ollama"
import { describe, expect } from "vitest"
import {
  expectPieces, expectTokens, expectVectors, failing, jsonQuestion, jsonSaid, question, said, schema, texts,
  thought, tool, toolArgs, toolQuestion, toolResult, toolSaid
} from "./questions.ts"
import { type At, cases, key } from "./setting.ts"

const clientOf = ({ address }: At, apiKey = key) => new Ollama(
  { host: address, headers: { Authorization: `Bearer ${apiKey}` } }
)
const user = (content: string): Array<Message> => [{ role: "user", content }]
const ask = (at: At, content: string, more: object = {}): Promise<ChatResponse> =>
  clientOf(at).chat({ model: at.model, messages: user(content), ...more })
const tools = [{ type: "function", function: { ...tool, parameters: { ...tool.parameters } } }]

const streamed = async (asked: Promise<AsyncIterable<ChatResponse>>): Promise<ReadonlyArray<ChatResponse>> => {
  const lines: Array<ChatResponse> = []
  for await (const line of await asked) lines.push(line)
  expect(lines.map(({ done }) => done)).toEqual([...lines.slice(1).map(() => false), true])
  return lines
}

const joined = (lines: ReadonlyArray<ChatResponse>): Message => {
  const calls = lines.flatMap(({ message }) => message.tool_calls ?? [])
  return {
    role: "assistant",
    content: lines.map(({ message }) => message.content).join(""),
    thinking: lines.map(({ message }) => message.thinking ?? "").join(""),
    ...(calls.length > 0 && { tool_calls: calls })
  }
}

const round = async (turn: (messages: Array<Message>) => Promise<Message>) => {
  const first = await turn(user(toolQuestion))
  const [call] = first.tool_calls ?? []
  expect([call?.function.name, call?.function.arguments]).toEqual(["weather", toolArgs])
  const last = await turn([...user(toolQuestion), first, { role: "tool", tool_name: "weather", content: toolResult }])
  expect(last.content).toMatch(toolSaid)
}

describe("Ollama's client", () => {
  cases("ollama", {
    chat: async (at) => {
      const answer = await ask(at, question)
      expect(answer).toMatchObject({ message: { role: "assistant", content: said }, done: true, done_reason: "stop" })
      expectTokens(at, answer.prompt_eval_count, answer.eval_count)
    },
    stream: async (at) => {
      const lines = await streamed(clientOf(at).chat({ model: at.model, messages: user(question), stream: true }))
      expectPieces(lines.map(({ message }) => message.content).filter((text) => text !== ""), said)
      expectTokens(at, lines.at(-1)!.prompt_eval_count, lines.at(-1)!.eval_count)
    },
    tools: (at) => round(
      async (messages) => (await clientOf(at).chat({ model: at.model, messages, tools, think: true })).message
    ),
    "streamed tools": (at) => round(
      async (messages) => joined(
        await streamed(clientOf(at).chat({ model: at.model, messages, tools, think: true, stream: true }))
      )
    ),
    JSON: async (at) => {
      expect(JSON.parse((await ask(at, jsonQuestion, { format: schema })).message.content)).toEqual(jsonSaid)
    },
    thinking: async (at) => {
      const whole = (await ask(at, question, { think: true })).message
      const pieces = joined(
        await streamed(clientOf(at).chat({ model: at.model, messages: user(question), think: true, stream: true }))
      )
      for (const { content, thinking } of [whole, pieces]) {
        if (at.note === "hidden") expect(thinking ?? "").toBe("")
        else expect(thinking).toMatch(thought)
        expect(content).toBe(said)
      }
    },
    completion: async (at) => {
      const answer = await clientOf(at).generate({ model: at.model, prompt: question })
      expect(answer).toMatchObject({ response: said, done: true, done_reason: "stop" })
      if (at.note === "uncounted") expect(answer.eval_count).toBeUndefined()
      else expectTokens(at, answer.prompt_eval_count, answer.eval_count)
      const pieces: Array<string> = []
      for await (
        const { response } of await clientOf(at).generate({ model: at.model, prompt: question, stream: true })
      ) {
        if (response) pieces.push(response)
      }
      if (at.note === "in one") expect(pieces).toEqual([said])
      else expectPieces(pieces, said)
    },
    embeddings: async (at) => {
      const one = await clientOf(at).embed({ model: at.embedder, input: texts[0]! })
      expectVectors(at, one.embeddings, texts.slice(0, 1))
      expectVectors(at, (await clientOf(at).embed({ model: at.embedder, input: texts })).embeddings, texts)
      expectVectors(
        at, [(await clientOf(at).embeddings({ model: at.embedder, prompt: texts[0]! })).embedding], texts.slice(0, 1)
      )
    },
    models: async (at) => {
      const names = (await clientOf(at).list()).models.map(({ name }) => name)
      expect(names).toContain("smart")
      const own = names.filter((name) => name.startsWith(`${at.upstream}/`))
      expect(own.length).toBeGreaterThan(0)
      const shown = await clientOf(at).show({ model: own.includes(at.model) ? at.model : own[0]! })
      expect(shown.details.family).toBe(at.upstream)
      expect(shown.capabilities.some((one) => one === "completion" || one === "embedding")).toBe(true)
      await expect(clientOf(at).show({ model: "nobody/has" })).rejects.toMatchObject(
        { name: "ResponseError", status_code: 404 }
      )
      expect(await clientOf(at).version()).toMatchObject({ version: expect.stringMatching(/^\d+\.\d+\.\d+$/) })
      expect(await clientOf(at).ps()).toEqual({ models: [] })
      // What is not there is said in Ollama's words too.
      await expect(clientOf(at).copy({ source: "a", destination: "b" })).rejects.toMatchObject(
        { name: "ResponseError", status_code: 404, error: expect.stringContaining("/api/copy") }
      )
    },
    "wrong key": async (at) => {
      await clientOf(at, `${key}x`).chat({ model: at.model, messages: user(question) })
    },
    "wrong request": async (at) => void await ask(at, question, { options: { temperature: "hot" } }),
    "unknown model": async (at) => {
      const { message, model } = await ask({ ...at, model: `${at.upstream}/nobody-has-it` }, question)
      expect([at.note, model, message.content]).toEqual(["any model", "rules-1", said])
    },
    refused: async (at) => void await ask(at, failing(400)),
    limited: async (at) => void await ask(at, failing(429)),
    broken: async (at) => void await ask(at, failing(500)),
    leaving: async (at) => {
      if (at.note === "at once") return void await ask(at, "hold")
      await at.leaves(false, (text, signal) => {
        // The client itself can only leave streams; a `fetch` of one's own leaves whatever it likes.
        const client = new Ollama({
          host: at.address,
          headers: { Authorization: `Bearer ${key}` },
          fetch: (input, init) => fetch(input, { ...init, signal })
        })
        return client.chat({ model: at.model, messages: user(text) })
      })
    },
    "leaving a stream": (at) => at.leaves(true, async (text, signal, begun, model) => {
      const stream = await clientOf(at).chat({ model, messages: user(text), stream: true })
      signal.addEventListener("abort", () => stream.abort())
      for await (const { message } of stream) if (message.content !== "") begun()
      throw new Error("was left")
    })
  }, (thrown) => {
    const { name, status_code } = thrown as Error & { readonly status_code: number }
    return { error: name, status: status_code }
  })
})
