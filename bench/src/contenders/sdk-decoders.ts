/**
 * The same streamed answer read by the decoders of the `openai` SDK and of the AI SDK, from bytes that are there already.
 *
 * @module
 */
import { createOpenAI } from "@ai-sdk/openai"
import { Stream } from "openai/streaming"
import type { ChatCompletionChunk } from "openai/resources/chat/completions"
import { chunks, events, question } from "../exchange.ts"
import type { Contenders } from "../worker.ts"

const bytes = new TextEncoder().encode(events.join(""))

const answer = (): Response => new Response(bytes, { headers: { "content-type": "text/event-stream" } })

const repeat = (read: () => Promise<number>) => async (count: number): Promise<void> => {
  for (let run = 0; run < count; run++) {
    const seen = await read()
    if (seen !== chunks) throw new Error(`${seen} pieces of text were read, not ${chunks}`)
  }
}

export const contenders: Contenders<null> = {
  openai: () =>
    repeat(async () => {
      let seen = 0
      for await (const chunk of Stream.fromSSEResponse<ChatCompletionChunk>(answer(), new AbortController())) {
        if (chunk.choices[0]?.delta.content) seen++
      }
      return seen
    }),
  "ai-sdk": () => {
    const model = createOpenAI({ apiKey: "k", fetch: () => Promise.resolve(answer()) }).chat(question.model)
    return repeat(async () => {
      const { stream } = await model.doStream({ prompt: [{ role: "user", content: [{ type: "text", text: question.user }] }] })
      let seen = 0
      for await (const part of stream) if (part.type === "text-delta" && part.delta !== "") seen++
      return seen
    })
  }
}
