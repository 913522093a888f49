/** Anthropic's own client: every flow over every service. */
import Anthropic, { APIError } from "@anthropic-ai/sdk"
import { describe, expect } from "vitest"
import {
  expectPieces, expectTokens, failing, jsonQuestion, jsonSaid, question, said, schema, thought, tool, toolArgs,
  toolQuestion, toolResult, toolSaid
} from "./questions.ts"
import { type At, cases, key } from "./setting.ts"

type Message = Anthropic.MessageParam

const clientOf = ({ address }: At, apiKey = key) => new Anthropic({ baseURL: address, apiKey, maxRetries: 0 })
const body = ({ model }: At, content: string) => (
  { model, max_tokens: 4096, messages: [{ role: "user", content } satisfies Message] }
)
const ask = async (at: At, content: string, more: object = {}): Promise<Anthropic.Message> =>
  await clientOf(at).messages.create({ ...body(at, content), ...more })

const textOf = ({ content }: Anthropic.Message): string => content.map(
  (block) => block.type === "text" ? block.text : ""
).join("")
const thoughtOf = ({ content }: Anthropic.Message): string => content.map(
  (block) => block.type === "thinking" ? block.thinking : ""
).join("")
const tools: Array<Anthropic.Tool> = [{ name: tool.name, description: tool.description, input_schema: tool.parameters }]
const thinking = { type: "enabled", budget_tokens: 1024 } as const

const round = async (turn: (messages: Array<Message>) => Promise<Anthropic.Message>) => {
  const question: Message = { role: "user", content: toolQuestion }
  const first = await turn([question])
  expect(first.stop_reason).toBe("tool_use")
  const call = first.content.find((block) => block.type === "tool_use")
  if (call?.type !== "tool_use") throw new Error("the tool was not called")
  expect([call.name, call.input]).toEqual(["weather", toolArgs])
  const last = await turn([
    question,
    // Everything that was said goes back, signed thoughts too.
    { role: "assistant", content: first.content },
    { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: toolResult }] }
  ])
  expect(textOf(last)).toMatch(toolSaid)
  expect(last.stop_reason).toBe("end_turn")
}

const more = { tools, max_tokens: 4096, thinking }

describe("Anthropic's client", () => {
  cases("anthropic", {
    chat: async (at) => {
      const answer = await ask(at, question)
      expect(answer).toMatchObject(
        { type: "message", role: "assistant", content: [{ type: "text", text: said }], stop_reason: "end_turn" }
      )
      expectTokens(at, answer.usage.input_tokens, answer.usage.output_tokens)
      const { input_tokens } = await clientOf(at).messages.countTokens(
        { model: at.model, messages: body(at, question).messages }
      )
      expect(input_tokens).toBeGreaterThan(3)
    },
    stream: async (at) => {
      const pieces: Array<string> = []
      const stream = clientOf(at).messages.stream(body(at, question)).on("text", (text) => pieces.push(text))
      const answer = await stream.finalMessage()
      expectPieces(pieces, said)
      expect(answer).toMatchObject({ content: [{ type: "text", text: said }], stop_reason: "end_turn" })
      expectTokens(at, answer.usage.input_tokens, answer.usage.output_tokens)
    },
    tools: (at) => round((messages) => clientOf(at).messages.create({ model: at.model, messages, ...more })),
    "streamed tools": (at) => round(
      (messages) => clientOf(at).messages.stream({ model: at.model, messages, ...more }).finalMessage()
    ),
    JSON: async (at) => {
      const answer = await clientOf(at).messages.parse({
        ...body(at, jsonQuestion), output_config: { format: { type: "json_schema", schema } }
      })
      expect(JSON.parse(textOf(answer))).toEqual(jsonSaid)
    },
    thinking: async (at) => {
      const whole = await ask(at, question, { thinking })
      const streamed = await clientOf(at).messages.stream({ ...body(at, question), thinking }).finalMessage()
      for (const answer of [whole, streamed]) {
        if (at.note === "hidden") expect(thoughtOf(answer)).toBe("")
        else expect(thoughtOf(answer)).toMatch(thought)
        expect(textOf(answer)).toBe(said)
      }
    },
    models: async (at) => {
      const ids: Array<string> = []
      for await (const { id, type } of clientOf(at).models.list()) {
        expect(type).toBe("model")
        ids.push(id)
      }
      expect(ids).toContain("smart")
      const own = ids.filter((id) => id.startsWith(`${at.upstream}/`))
      expect(own.length).toBeGreaterThan(0)
      expect(await clientOf(at).models.retrieve(own[0]!)).toMatchObject({ id: own[0], type: "model" })
      await expect(clientOf(at).models.retrieve("nobody/has")).rejects.toBeInstanceOf(Anthropic.NotFoundError)
    },
    "wrong key": async (at) => {
      await clientOf(at, `${key}x`).messages.create(body(at, question))
    },
    "wrong request": async (at) => void await ask(at, question, { temperature: "hot" }),
    "unknown model": async (at) => {
      const answer = await ask({ ...at, model: `${at.upstream}/nobody-has-it` }, question)
      expect([at.note, answer.model, textOf(answer)]).toEqual(["any model", "rules-1", said])
    },
    refused: async (at) => void await ask(at, failing(400)),
    limited: async (at) => {
      const asked = ask(at, failing(429))
      await asked.catch((error: APIError) => {
        expect(Number(error.headers!.get("retry-after"))).toBeGreaterThan(0)
        expect(error.type).toBe("rate_limit_error")
      })
      await asked
    },
    broken: async (at) => void await ask(at, failing(500)),
    leaving: async (at) => {
      if (at.note === "at once") return void await ask(at, "hold")
      await at.leaves(false, (text, signal) => clientOf(at).messages.create(body(at, text), { signal }))
    },
    "leaving a stream": (at) => at.leaves(true, async (text, signal, begun, model) => {
      const stream = await clientOf(at).messages.create({ ...body(at, text), model, stream: true }, { signal })
      for await (const { type } of stream) if (type === "content_block_delta") begun()
      throw new Error("was left")
    })
  }, (thrown) => {
    const error = (thrown as object).constructor.name
    expect(thrown).toBeInstanceOf(Anthropic[error as "APIError"])
    return { error, status: (thrown as APIError).status }
  })
})
