/** OpenAI's own client, by its Responses API: every flow over every service. */
import OpenAI, { type APIError } from "openai"
import { describe, expect } from "vitest"
import {
  expectPieces, expectTokens, failing, jsonQuestion, jsonSaid, question, said, schema, thought, tool, toolArgs,
  toolQuestion, toolResult, toolSaid
} from "./questions.ts"
import { type At, cases, key } from "./setting.ts"

type Response = OpenAI.Responses.Response
type Input = OpenAI.Responses.ResponseInputItem

const clientOf = ({ address }: At, apiKey = key) => new OpenAI({ baseURL: `${address}/v1`, apiKey, maxRetries: 0 })
const ask = async (
  at: At, input: string, more: object = {}
): Promise<Response> => await clientOf(at).responses.create({ model: at.model, input, ...more })
const tools: Array<OpenAI.Responses.FunctionTool> = [{ type: "function", strict: true, ...tool }]
const reasoning = { effort: "low", summary: "auto" } as const

const round = async (turn: (input: Array<Input>) => Promise<Response>) => {
  const question: Input = { role: "user", content: toolQuestion }
  const first = await turn([question])
  const call = first.output.find((item) => item.type === "function_call")
  if (call?.type !== "function_call") throw new Error("the tool was not called")
  expect(call.name).toBe("weather")
  expect(JSON.parse(call.arguments)).toEqual(toolArgs)
  // Everything that was said goes back, thoughts too.
  const last = await turn(
    [
      question, ...first.output as Array<Input>, {
        type: "function_call_output", call_id: call.call_id, output: toolResult
      }
    ]
  )
  expect(last.output_text).toMatch(toolSaid)
}

const more = { tools, store: false, include: ["reasoning.encrypted_content" as const], reasoning }
const thoughtOf = ({ output }: Response): string =>
  output.map((item) => item.type === "reasoning" ? item.summary.map(({ text }) => text).join("") : "").join("")

describe("OpenAI's client", () => {
  cases("responses", {
    chat: async (at) => {
      const answer = await ask(at, question)
      expect(answer).toMatchObject({ object: "response", status: "completed", output_text: said })
      expectTokens(at, answer.usage?.input_tokens, answer.usage?.output_tokens)
    },
    stream: async (at) => {
      const stream = clientOf(at).responses.stream({ model: at.model, input: question })
      const pieces: Array<string> = []
      stream.on("response.output_text.delta", ({ delta }) => pieces.push(delta))
      const answer = await stream.finalResponse()
      expectPieces(pieces, said)
      expect(answer).toMatchObject({ status: "completed", output_text: said })
      expectTokens(at, answer.usage?.input_tokens, answer.usage?.output_tokens)
    },
    tools: (at) => round(async (input) => await clientOf(at).responses.create({ model: at.model, input, ...more })),
    "streamed tools": (at) => round(
      (input) => clientOf(at).responses.stream({ model: at.model, input, ...more }).finalResponse()
    ),
    JSON: async (at) => {
      const format = { type: "json_schema" as const, name: "weather", strict: true, schema }
      const answer = await clientOf(at).responses.parse({ model: at.model, input: jsonQuestion, text: { format } })
      expect(answer.output_parsed).toEqual(jsonSaid)
    },
    thinking: async (at) => {
      const whole = await ask(at, question, { reasoning })
      const stream = clientOf(at).responses.stream({ model: at.model, input: question, reasoning })
      let streamed = ""
      stream.on("response.reasoning_summary_text.delta", ({ delta }) => streamed += delta)
      const last = await stream.finalResponse()
      for (const text of [thoughtOf(whole), streamed, thoughtOf(last)]) expect(text).toMatch(thought)
      expect([whole.output_text, last.output_text]).toEqual([said, said])
    },
    "wrong key": async (at) => {
      await clientOf(at, `${key}x`).responses.create({ model: at.model, input: question })
    },
    "wrong request": async (at) => {
      const asked = ask(at, question, { temperature: "hot" })
      await expect(asked).rejects.toMatchObject({ param: "temperature" })
      await asked
    },
    "unknown model": async (at) => {
      const { model, output_text } = await clientOf(at).responses.create(
        { model: `${at.upstream}/nobody-has-it`, input: question }
      )
      expect([at.note, model, output_text]).toEqual(["any model", "rules-1", said])
    },
    refused: async (at) => void await ask(at, failing(400)),
    limited: async (at) => {
      const asked = ask(at, failing(429))
      await asked.catch((error: APIError) => expect(Number(error.headers!.get("retry-after"))).toBeGreaterThan(0))
      await asked
    },
    broken: async (at) => void await ask(at, failing(500)),
    leaving: async (at) => {
      if (at.note === "at once") return void await ask(at, "hold")
      await at.leaves(false, (input, signal) => clientOf(at).responses.create({ model: at.model, input }, { signal }))
    },
    "leaving a stream": (at) => at.leaves(true, async (input, signal, begun, model) => {
      const stream = await clientOf(at).responses.create({ model, input, stream: true }, { signal })
      for await (const { type } of stream) if (type === "response.output_text.delta") begun()
      throw new Error("was left")
    })
  }, (thrown) => {
    const error = (thrown as object).constructor.name
    expect(thrown).toBeInstanceOf(OpenAI[error as "APIError"])
    return { error, status: (thrown as APIError).status }
  })
})
