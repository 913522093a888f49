/**
 * Layers of the AI SDK's middleware around a model in memory: such as pass everything on as it is, and such as write a
 * value under a key of their own on the way.
 *
 * @module
 */
import { wrapLanguageModel } from "ai"
import type { Contender, Contenders } from "../worker.ts"

type Wrapped = Parameters<typeof wrapLanguageModel>[0]
type Model = Exclude<Wrapped["model"], string>
type Middleware = Exclude<Wrapped["middleware"], ReadonlyArray<unknown>>
type Answer = Awaited<ReturnType<ReturnType<typeof wrapLanguageModel>["doGenerate"]>>

const answer: Answer = {
  content: [{ type: "text", text: "Hello" }],
  finishReason: { unified: "stop", raw: "stop" },
  usage: {
    inputTokens: { total: 3, noCache: 3, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 1, text: 1, reasoning: 0 }
  },
  warnings: []
}

const model: Model = {
  specificationVersion: "v4",
  provider: "memory",
  modelId: "memory",
  supportedUrls: {},
  doGenerate: async () => answer,
  doStream: async () => {
    throw new Error("this model does not stream")
  }
}

const passes: Middleware = {
  specificationVersion: "v4",
  transformParams: async ({ params }) => params,
  wrapGenerate: ({ doGenerate }) => doGenerate()
}

const writes = (number: number): Middleware => ({
  specificationVersion: "v4",
  transformParams: async ({ params }) => ({
    ...params,
    providerOptions: { ...params.providerOptions, [`bench.${number}`]: { number } }
  }),
  wrapGenerate: ({ doGenerate }) => doGenerate()
})

const around = (middleware: Array<Middleware>): Contender => {
  const wrapped = wrapLanguageModel({ model, middleware })
  return async (count) => {
    let last: Answer | undefined
    for (let run = 0; run < count; run++) {
      last = await wrapped.doGenerate({ prompt: [{ role: "user", content: [{ type: "text", text: "Hello" }] }] })
    }
    if (last !== answer) throw new Error("the model's answer was lost")
  }
}

export const contenders: Contenders<number> = {
  passing: (layers) => around(Array.from({ length: layers }, () => passes)),
  writing: (layers) => around(Array.from({ length: layers }, (_, number) => writes(number)))
}
