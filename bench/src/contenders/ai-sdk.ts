/**
 * The exchange through Vercel's AI SDK, `ai` with `@ai-sdk/openai`.
 *
 * @module
 */
import { createOpenAI } from "@ai-sdk/openai"
import { generateText, type LanguageModel, streamText } from "ai"
import { chunks, question, text } from "../exchange.ts"
import { inTurn, together, type Upstream } from "../repeat.ts"
import type { Contenders } from "../worker.ts"

const modelOf = ({ how, origin }: Upstream): LanguageModel =>
  createOpenAI({ apiKey: "sk-bench", baseURL: `${origin}/${how}/v1` }).chat(question.model)

const asked = (model: LanguageModel) => ({ model, instructions: question.system, prompt: question.user, maxRetries: 0 })

const call = async (model: LanguageModel): Promise<string> => (await generateText(asked(model))).text

const stream = async (model: LanguageModel): Promise<number> => {
  let seen = 0
  for await (const _ of streamText(asked(model)).textStream) seen++
  return seen
}

export const contenders: Contenders<Upstream> = {
  call: (upstream) => {
    const model = modelOf(upstream)
    return inTurn(() => call(model), text)
  },
  stream: (upstream) => {
    const model = modelOf(upstream)
    return inTurn(() => stream(model), chunks)
  },
  streams: (upstream) => {
    const model = modelOf(upstream)
    return together(() => stream(model), chunks)
  }
}
