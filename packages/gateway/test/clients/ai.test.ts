/** The AI SDK with OpenAI's provider, by both of its interfaces: every flow over every service. */
import { createOpenAI } from "@ai-sdk/openai"
import {
  APICallError, embed, embedMany, generateText, jsonSchema, type ModelMessage, Output, streamText, tool as toolOf
} from "ai"
import { describe, expect } from "vitest"
import {
  expectPieces, expectTokens, expectVectors, failing, jsonQuestion, jsonSaid, question, said, schema, texts,
  thought, tool, toolArgs, toolQuestion, toolResult, toolSaid
} from "./questions.ts"
import { type At, cases, key } from "./setting.ts"

const providerOf = ({ address }: At, apiKey = key) => createOpenAI({ baseURL: `${address}/v1`, apiKey })

const tools = {
  weather: toolOf({ description: tool.description, inputSchema: jsonSchema<{ city: string }>(tool.parameters) })
}
const maxRetries = 0

// Of what a service cannot do the tests say themselves.
Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })

for (const name of ["ai", "ai chat"] as const) {
  const modelOf = (
    at: At, id = at.model, apiKey = key
  ) => name === "ai" ? providerOf(at, apiKey)(id) : providerOf(at, apiKey).chat(id)
  const ask = (at: At, prompt: string, more: object = {}) => generateText(
    { model: modelOf(at), prompt, maxRetries, ...more }
  )
  const providerOptions = {
    openai: {
      reasoningEffort: "low", forceReasoning: true, ...(name === "ai" && { reasoningSummary: "auto", store: false })
    }
  }

  /** A stream's errors are events; here they are thrown. */
  const streamed = (options: object) => {
    let failed: unknown
    const result = streamText(
      { maxRetries, ...options, onError: ({ error }: { readonly error: unknown }) => void (failed = error) } as never
    )
    return { result, check: () => { if (failed !== undefined) throw failed } }
  }

  interface Turn {
    readonly calls: ReadonlyArray<{ readonly toolCallId: string; readonly toolName: string; readonly input: unknown }>
    readonly text: string
    readonly messages: ReadonlyArray<ModelMessage>
  }

  const round = async (turn: (messages: Array<ModelMessage>) => Promise<Turn>) => {
    const asked: ModelMessage = { role: "user", content: toolQuestion }
    const first = await turn([asked])
    const [call] = first.calls
    expect([call?.toolName, call?.input]).toEqual(["weather", toolArgs])
    const { toolCallId } = call!
    const result: ModelMessage = {
      role: "tool",
      content: [{ type: "tool-result", toolCallId, toolName: "weather", output: { type: "text", value: toolResult } }]
    }
    const last = await turn([asked, ...first.messages, result])
    expect(last.text).toMatch(toolSaid)
  }

  describe("the AI SDK", () => {
    cases(name, {
      chat: async (at) => {
        const { finishReason, text, usage } = await ask(at, question)
        expect({ finishReason, text }).toEqual({ finishReason: "stop", text: said })
        expectTokens(at, usage.inputTokens, usage.outputTokens)
      },
      stream: async (at) => {
        const { check, result } = streamed({ model: modelOf(at), prompt: question })
        const pieces: Array<string> = []
        for await (const piece of result.textStream) pieces.push(piece)
        check()
        expectPieces(pieces, said)
        expect(await result.finishReason).toBe("stop")
        const usage = await result.usage
        expectTokens(at, usage.inputTokens, usage.outputTokens)
      },
      tools: (at) => round(async (messages) => {
        const { response, text, toolCalls } = await generateText(
          { model: modelOf(at), messages, tools, maxRetries, providerOptions } as never
        )
        return { calls: toolCalls as Turn["calls"], text, messages: response.messages }
      }),
      "streamed tools": (at) => round(async (messages) => {
        const { check, result } = streamed({ model: modelOf(at), messages, tools, providerOptions })
        await result.consumeStream()
        check()
        return {
          calls: await result.toolCalls as Turn["calls"],
          text: await result.text,
          messages: (await result.response).messages
        }
      }),
      JSON: async (at) => {
        const output = Output.object({ schema: jsonSchema<typeof jsonSaid>(schema), name: "weather" })
        expect(
          (await generateText({ model: modelOf(at), prompt: jsonQuestion, output, maxRetries })).output
        ).toEqual(jsonSaid)
      },
      thinking: async (at) => {
        const whole = await ask(at, question, { providerOptions })
        const { check, result } = streamed({ model: modelOf(at), prompt: question, providerOptions })
        await result.consumeStream()
        check()
        for (const thoughts of [whole.reasoningText, await result.reasoningText]) {
          if (at.note === "unread") expect(thoughts ?? "").toBe("")
          else expect(thoughts).toMatch(thought)
        }
        expect([whole.text, await result.text]).toEqual([said, said])
      },
      embeddings: async (at) => {
        const model = providerOf(at).embedding(at.embedder)
        expectVectors(at, [(await embed({ model, value: texts[0]!, maxRetries })).embedding], texts.slice(0, 1))
        expectVectors(at, (await embedMany({ model, values: texts, maxRetries })).embeddings, texts)
      },
      "wrong key": async (at) => {
        await generateText({ model: modelOf(at, at.model, `${key}x`), prompt: question, maxRetries })
      },
      "wrong request": async (at) => void await ask(
        at, question, { providerOptions: { openai: { user: "x" } }, temperature: "hot" as never }
      ),
      "unknown model": async (at) => {
        const { response, text } = await generateText(
          { model: modelOf(at, `${at.upstream}/nobody-has-it`), prompt: question, maxRetries }
        )
        expect([at.note, response.modelId, text]).toEqual(["any model", "rules-1", said])
      },
      refused: async (at) => void await ask(at, failing(400)),
      limited: async (at) => {
        const asked = ask(at, failing(429))
        await asked.then(() => {}, (error: APICallError) => {
          expect(Number(error.responseHeaders!["retry-after"])).toBeGreaterThan(0)
          expect(error.isRetryable).toBe(true)
        })
        await asked
      },
      broken: async (at) => void await ask(at, failing(500)),
      leaving: async (at) => {
        if (at.note === "at once") return void await ask(at, "hold")
        await at.leaves(false, (text, abortSignal) => ask(at, text, { abortSignal }).then(() => {}))
      },
      "leaving a stream": (at) => at.leaves(true, async (prompt, abortSignal, begun, id) => {
        const { check, result } = streamed({ model: modelOf(at, id), prompt, abortSignal })
        for await (const _ of result.textStream) begun()
        check()
        throw new Error("was left")
      })
    }, (thrown) => {
      expect(APICallError.isInstance(thrown), String(thrown)).toBe(true)
      return { error: (thrown as APICallError).name, status: (thrown as APICallError).statusCode }
    })
  })
}
