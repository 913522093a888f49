/** Google's own client: every flow over every service. */
import { ApiError, type Content, type GenerateContentResponse, GoogleGenAI } from "@google/genai"
import { describe, expect } from "vitest"
import {
  expectPieces, expectTokens, expectVectors, failing, jsonQuestion, jsonSaid, question, said, schema, texts,
  thought, tool, toolArgs, toolQuestion, toolResult, toolSaid
} from "./questions.ts"
import { type At, cases, key } from "./setting.ts"

const clientOf = ({ address }: At, apiKey = key) =>
  new GoogleGenAI({ apiKey, httpOptions: { baseUrl: address, retryOptions: { attempts: 1 } } })
const ask = (at: At, contents: string, config: object = {}): Promise<GenerateContentResponse> =>
  clientOf(at).models.generateContent({ model: at.model, contents, config })

const { additionalProperties: _, ...parameters } = tool.parameters
const tools = [
  { functionDeclarations: [{ name: tool.name, description: tool.description, parametersJsonSchema: parameters }] }
]
const thinkingConfig = { includeThoughts: true, thinkingBudget: 1024 }

const partsOf = (answers: ReadonlyArray<GenerateContentResponse>) => answers.flatMap(
  ({ candidates }) => candidates?.[0]?.content?.parts ?? []
)
const textOf = (answers: ReadonlyArray<GenerateContentResponse>): string =>
  partsOf(answers).map(({ text, thought }) => thought === true ? "" : text ?? "").join("")
const thoughtOf = (answers: ReadonlyArray<GenerateContentResponse>): string =>
  partsOf(answers).map(({ text, thought }) => thought === true ? text ?? "" : "").join("")

const streamed = async (
  asked: Promise<AsyncGenerator<GenerateContentResponse>>
): Promise<ReadonlyArray<GenerateContentResponse>> => {
  const answers: Array<GenerateContentResponse> = []
  for await (const answer of await asked) answers.push(answer)
  return answers
}

const round = async (turn: (contents: Array<Content>) => Promise<ReadonlyArray<GenerateContentResponse>>) => {
  const question: Content = { role: "user", parts: [{ text: toolQuestion }] }
  const first = await turn([question])
  const call = partsOf(first).find(({ functionCall }) => functionCall !== undefined)?.functionCall
  expect([call?.name, call?.args]).toEqual(["weather", toolArgs])
  const last = await turn([
    question,
    // Everything that was said goes back, signatures too.
    { role: "model", parts: partsOf(first) },
    {
      role: "user", parts: [
        {
          functionResponse: {
            ...(call?.id !== undefined && { id: call.id }), name: "weather", response: { output: toolResult }
          }
        }
      ]
    }
  ])
  expect(textOf(last)).toMatch(toolSaid)
}

describe("Google's client", () => {
  cases("google", {
    chat: async (at) => {
      const answer = await ask(at, question)
      expect([answer.text, answer.candidates?.[0]?.finishReason]).toEqual([said, "STOP"])
      expectTokens(at, answer.usageMetadata?.promptTokenCount, answer.usageMetadata?.candidatesTokenCount)
      const { totalTokens } = await clientOf(at).models.countTokens({ model: at.model, contents: question })
      expect(totalTokens).toBeGreaterThan(3)
      // The other form of the same question, which the client does not use.
      const counted = await fetch(`${at.address}/v1beta/models/${at.model}:countTokens`, {
        method: "POST",
        headers: { "x-goog-api-key": key },
        body: JSON.stringify({ generateContentRequest: { contents: [{ role: "user", parts: [{ text: question }] }] } })
      })
      expect(await counted.json()).toEqual({ totalTokens })
    },
    stream: async (at) => {
      const answers = await streamed(clientOf(at).models.generateContentStream({ model: at.model, contents: question }))
      expectPieces(answers.map(({ text }) => text ?? "").filter((text) => text !== ""), said)
      const last = answers.at(-1)!
      expect(
        answers.map(({ candidates }) => candidates?.[0]?.finishReason).filter((reason) => reason !== undefined)
      ).toEqual(["STOP"])
      expectTokens(at, last.usageMetadata?.promptTokenCount, last.usageMetadata?.candidatesTokenCount)
    },
    tools: (at) => round(
      async (contents) => [
        await clientOf(at).models.generateContent({ model: at.model, contents, config: { tools, thinkingConfig } })
      ]
    ),
    "streamed tools": (at) => round(
      (contents) => streamed(
        clientOf(at).models.generateContentStream({ model: at.model, contents, config: { tools, thinkingConfig } })
      )
    ),
    JSON: async (at) => {
      const answer = await ask(at, jsonQuestion, { responseMimeType: "application/json", responseJsonSchema: schema })
      expect(JSON.parse(answer.text!)).toEqual(jsonSaid)
    },
    thinking: async (at) => {
      const whole = [await ask(at, question, { thinkingConfig })]
      const pieces = await streamed(
        clientOf(at).models.generateContentStream({ model: at.model, contents: question, config: { thinkingConfig } })
      )
      for (const answers of [whole, pieces]) {
        if (at.note === "hidden") expect(thoughtOf(answers)).toBe("")
        else expect(thoughtOf(answers)).toMatch(thought)
        expect(textOf(answers)).toBe(said)
      }
    },
    embeddings: async (at) => {
      const one = await clientOf(at).models.embedContent({ model: at.embedder, contents: texts[0]! })
      expectVectors(at, one.embeddings!.map(({ values }) => values!), texts.slice(0, 1))
      const two = await clientOf(at).models.embedContent({ model: at.embedder, contents: texts })
      expectVectors(at, two.embeddings!.map(({ values }) => values!), texts)
    },
    models: async (at) => {
      const names: Array<string> = []
      for await (const { name } of await clientOf(at).models.list()) names.push(name!)
      expect(names).toContain("models/smart")
      const own = names.filter((name) => name.startsWith(`models/${at.upstream}/`))
      expect(own.length).toBeGreaterThan(0)
      expect(await clientOf(at).models.get({ model: own[0]! })).toMatchObject({ name: own[0] })
      await expect(
        clientOf(at).models.get({ model: "nobody/has" })
      ).rejects.toMatchObject({ name: "ApiError", status: 404 })
    },
    "wrong key": async (at) => {
      await clientOf(at, `${key}x`).models.generateContent({ model: at.model, contents: question })
    },
    "wrong request": async (at) => void await ask(at, question, { temperature: "hot" }),
    "unknown model": async (at) => {
      const { modelVersion, text } = await ask({ ...at, model: `${at.upstream}/nobody-has-it` }, question)
      expect([at.note, modelVersion, text]).toEqual(["any model", "rules-1", said])
    },
    refused: async (at) => void await ask(at, failing(400)),
    limited: async (at) => {
      const asked = ask(at, failing(429))
      // The client keeps no headers; the wait stands in the body too.
      await asked.catch((error: ApiError) => {
        const { details, status } = JSON.parse(error.message).error
        expect(status).toBe("RESOURCE_EXHAUSTED")
        expect(
          details.find((each: { "@type": string }) => each["@type"].endsWith("RetryInfo")).retryDelay
        ).toMatch(/^\d+(\.\d+)?s$/)
      })
      await asked
    },
    broken: async (at) => void await ask(at, failing(500)),
    leaving: async (at) => {
      if (at.note === "at once") return void await ask(at, "hold")
      await at.leaves(false, (text, abortSignal) => ask(at, text, { abortSignal }))
    },
    "leaving a stream": (at) => at.leaves(true, async (contents, abortSignal, begun, model) => {
      for await (
        const { text } of await clientOf(at).models.generateContentStream({ model, contents, config: { abortSignal } })
      ) if (text) begun()
      throw new Error("was left")
    })
  }, (thrown) => {
    expect(thrown).toBeInstanceOf(ApiError)
    return { error: (thrown as ApiError).name, status: (thrown as ApiError).status }
  })
})
