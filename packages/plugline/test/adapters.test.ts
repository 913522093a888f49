/** Our calls as models of the AI SDK and of `effect/ai`, under those libraries' own functions. */
import type { LanguageModelV4 } from "@ai-sdk/provider"
import { Mock } from "@plugline/testing"
import { aiSdk } from "@plugline/providers/ai-sdk"
import { effectAi } from "@plugline/providers/effect-ai"
import { generateText, isStepCount, jsonSchema, Output, streamText, tool } from "ai"
import { Effect, Schema, Stream } from "effect"
import { LanguageModel, Tool, Toolkit } from "effect/ai"
import { build, layer, LlmError, Message, type Options, type Part, plugline, type Request, Result } from "plugline"
import { aiSdkModel } from "plugline/ai-sdk"
import { languageModel, languageModelLayer } from "plugline/effect-ai"
import { describe, expect, it } from "vitest"

const usage = { inputTokens: { total: 10, uncached: 6, cacheRead: 4 }, outputTokens: { total: 5, text: 3, reasoning: 2 } }
const answer: Result = {
  type: "chat",
  id: "r1",
  model: "m-1",
  timestamp: "1970-01-01T00:00:00.000Z",
  content: [
    { type: "reasoning", text: "hm", metadata: { example: { signature: "s1" } } },
    { type: "text", text: "Hé 😀" },
    { type: "source", sourceType: "url", id: "s1", url: "https://a.example/b", title: "B" },
    { type: "tool-call", id: "t1", name: "look", params: { at: "wörld" } }
  ],
  finishReason: "tool-calls",
  rawFinishReason: "tools",
  usage
}
const done: Result = { type: "chat", content: [{ type: "text", text: "It is blue." }], finishReason: "stop", usage }

/** A call whose provider plays a script, and what that provider was asked. */
const scripted = (...script: Parameters<typeof Mock.make>[0] & ReadonlyArray<unknown>) => {
  const mock = Mock.make(script as never)
  return { builder: build("local").withPipeline(mock.pipeline).withTemperature(0.3), asked: (): Request => mock.calls.at(-1)!.request, mock }
}

const look = tool({
  description: "looks",
  inputSchema: jsonSchema<{ at: string }>({ type: "object", properties: { at: { type: "string" } } }),
  execute: ({ at }) => ({ seen: at })
})

describe("as a model of the AI SDK", () => {
  it("is one, to its types", () => {
    const model: LanguageModelV4 = aiSdkModel(scripted("x").builder.withModel("m"))
    expect(model).toMatchObject({ specificationVersion: "v4", provider: "plugline", modelId: "m" })
  })

  it("generates text with tools over several turns", async () => {
    const { asked, builder, mock } = scripted(answer, done)
    const result = await generateText({
      model: aiSdkModel(builder), system: "Be brief.", prompt: "Look!", tools: { look }, stopWhen: isStepCount(3), seed: 4, maxRetries: 0
    })
    expect(result.text).toBe("It is blue.")
    expect(result.steps[0]).toMatchObject({ reasoningText: "hm", finishReason: "tool-calls" })
    expect(result.steps[0]!.toolResults[0]).toMatchObject({ toolName: "look", output: { seen: "wörld" } })
    expect(result.steps[0]!.sources[0]).toMatchObject({ url: "https://a.example/b" })
    expect(result.totalUsage).toMatchObject({ inputTokens: 20, outputTokens: 10 })
    expect(mock.calls.length).toBe(2)
    expect(asked().options).toMatchObject({ temperature: 0.3, seed: 4, tools: [{ name: "look", description: "looks" }] })
    // What the provider said of its thinking goes back to it.
    expect(asked().messages.map(({ role }) => role)).toEqual(["system", "user", "assistant", "tool"])
    expect(asked().messages[2]).toMatchObject({ content: [{ type: "reasoning", text: "hm", options: { example: { signature: "s1" } } }, { type: "text" }, { type: "tool-call", params: { at: "wörld" } }] })
    expect(asked().messages[3]).toMatchObject({ content: [{ type: "tool-result", id: "t1", name: "look", isFailure: false, result: { seen: "wörld" } }] })
  })

  it("streams the same", async () => {
    const { builder } = scripted(Mock.result(answer, { cut: 2 }))
    const result = streamText({ model: aiSdkModel(builder), prompt: "Look!", maxRetries: 0 })
    let text = ""
    for await (const delta of result.textStream) text += delta
    expect(text).toBe("Hé 😀")
    expect(await result.reasoningText).toBe("hm")
    expect((await result.toolCalls)[0]).toMatchObject({ toolCallId: "t1", input: { at: "wörld" } })
    expect(await result.finishReason).toBe("tool-calls")
    expect((await result.response).id).toBe("r1")
  })

  it("gives objects", async () => {
    const { asked, builder } = scripted(`{"n":4}`)
    const schema = jsonSchema<{ n: number }>({ type: "object", properties: { n: { type: "number" } }, required: ["n"] })
    const { output } = await generateText({ model: aiSdkModel(builder), prompt: "4?", output: Output.object({ schema }), maxRetries: 0 })
    expect(output).toEqual({ n: 4 })
    expect(asked().options.responseFormat).toMatchObject({ type: "json", schema: { type: "object", required: ["n"] } })
  })

  it("fails with the AI SDK's error, once, ours as its cause", async () => {
    const { builder, mock } = scripted(Mock.fail({ _tag: "RateLimit", message: "slow down", status: 429, retryAfter: 7000 }), "late")
    const thrown: unknown = await generateText({ model: aiSdkModel(builder), prompt: "Hi" }).catch((error: unknown) => error)
    expect(thrown).toMatchObject({ name: "AI_APICallError", statusCode: 429, isRetryable: false, responseHeaders: { "retry-after-ms": "7000" } })
    expect((thrown as Error).cause).toBeInstanceOf(LlmError.LlmError)
    expect(mock.calls.length).toBe(1)
  })

  it("ends when its reader leaves, and when it is aborted", async () => {
    const { builder, mock } = scripted(Mock.result(answer, { cut: 1, between: 5 }), Mock.never())
    const { stream } = await aiSdkModel(builder).doStream({ prompt: [{ role: "user", content: [{ type: "text", text: "Hi" } as never] }] })
    const reader = stream.getReader()
    await reader.read()
    await reader.cancel()
    expect(mock.calls[0]!.closed).toBeGreaterThan(0)
    const controller = new AbortController()
    setTimeout(() => controller.abort(new Error("enough")), 20)
    await expect(generateText({ model: aiSdkModel(builder), prompt: "Hi", abortSignal: controller.signal })).rejects.toThrow("enough")
    expect(mock.calls[1]!.interrupted).toBe(true)
  })
})

const kit = Toolkit.make(Tool.make("look", {
  description: "looks",
  parameters: Schema.Struct({ at: Schema.String }),
  success: Schema.Struct({ seen: Schema.String })
}))
const handlers = kit.toLayer({ look: ({ at }) => Effect.succeed({ seen: at }) })

describe("as a model of effect/ai", () => {
  const run = <A, E>(effect: Effect.Effect<A, E, never>) => Effect.runPromise(effect)

  it("generates text with a toolkit", async () => {
    const { asked, builder } = scripted(answer)
    const response = await run(LanguageModel.generateText({ prompt: "Look!", toolkit: kit }).pipe(
      Effect.provide(handlers), Effect.provide(languageModelLayer(builder)), Effect.provide(layer)
    ))
    expect(response.text).toBe("Hé 😀")
    expect(response.toolResults[0]).toMatchObject({ name: "look", result: { seen: "wörld" } })
    expect(response.finishReason).toBe("tool-calls")
    expect(response.usage.inputTokens).toMatchObject({ total: 10, cacheRead: 4 })
    expect(asked().options).toMatchObject({ temperature: 0.3, toolChoice: "auto", tools: [{ name: "look", description: "looks", parameters: { type: "object" } }] })
    expect(asked().messages).toMatchObject([{ role: "user", content: [{ type: "text", text: "Look!" }] }])
  })

  it("gives objects", async () => {
    const { asked, builder } = scripted(`{"n":4}`)
    const { value } = await run(LanguageModel.generateObject({ prompt: "4?", schema: Schema.Struct({ n: Schema.Number }), objectName: "it" })
      .pipe(Effect.provide(languageModelLayer(builder)), Effect.provide(layer)))
    expect(value).toEqual({ n: 4 })
    expect(asked().options.responseFormat).toMatchObject({ type: "json", name: "it", schema: { type: "object", required: ["n"] } })
  })

  it("streams the same", async () => {
    const { builder } = scripted(Mock.result(answer, { cut: 2 }))
    const parts = await run(LanguageModel.streamText({ prompt: "Look!", toolkit: kit, disableToolCallResolution: true }).pipe(
      Stream.runCollect, Effect.provide(handlers), Effect.provide(languageModelLayer(builder)), Effect.provide(layer)
    ))
    expect(parts.flatMap((part) => part.type === "text-delta" ? [part.delta] : []).join("")).toBe("Hé 😀")
    expect(parts.find(({ type }) => type === "tool-call")).toMatchObject({ id: "t1", params: { at: "wörld" } })
    expect(parts.at(-1)?.type).toBe("finish")
  })

  it("fails with an AiError", async () => {
    const { builder } = scripted(Mock.fail({ _tag: "RateLimit", message: "slow down", status: 429, retryAfter: 7000 }))
    const error = await run(LanguageModel.generateText({ prompt: "Hi" }).pipe(
      Effect.provide(languageModelLayer(builder)), Effect.provide(layer), Effect.flip
    ))
    expect(error.reason).toMatchObject({ _tag: "RateLimitError" })
    expect(error.isRetryable).toBe(true)
  })
})

describe("there and back", () => {
  const options: Options = { tools: [{ name: "look", parameters: { type: "object", properties: {} } }] }
  const conversation = [Message.system("Be brief."), Message.user("Look!")]
  const bare = { ...answer, content: answer.content } as Result & { type: "chat" }

  it("an answer that goes through the AI SDK's form is the same answer", async () => {
    const { builder } = scripted(bare, Mock.result(bare, { cut: 3 }))
    const { chat, stream } = plugline.register(aiSdk({ name: "loop", model: aiSdkModel(builder) }))
    expect((await chat("loop", conversation, options)).result).toEqual(bare)
    const parts: Array<Part> = []
    for await (const part of stream("loop", conversation, options)) parts.push(part)
    expect(Result.fold(parts)).toEqual(bare)
  })

  it("an answer that goes through effect/ai's form is the same answer", async () => {
    const { builder } = scripted(bare, Mock.result(bare, { cut: 3 }))
    const model = await Effect.runPromise(Effect.provide(languageModel(builder), layer))
    const { chat, stream } = plugline.register(effectAi({ name: "loop", model: Effect.succeed(model) }))
    const { rawFinishReason: _, ...expected } = bare
    expect((await chat("loop", conversation, options)).result).toEqual(expected)
    const parts: Array<Part> = []
    for await (const part of stream("loop", conversation, options)) parts.push(part)
    expect(Result.fold(parts)).toEqual(expected)
  })
})
