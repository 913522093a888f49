/** Models of the AI SDK as providers: the real ones of its packages, and one that does what a test says. */
import { createOpenAI } from "@ai-sdk/openai"
import type { EmbeddingModelV4, LanguageModelV4 as RealModel } from "@ai-sdk/provider"
import { aiSdk, type LanguageModelV4 } from "@plugline/providers/ai-sdk"
import { Laws } from "@plugline/testing"
import { LlmError, Message, type Options, Part, plugline, RequestFailed, Result } from "plugline"
import { describe, expect, it } from "vitest"

const usage = {
  inputTokens: { total: 10, noCache: 6, cacheRead: 4, cacheWrite: undefined },
  outputTokens: { total: 5, text: 3, reasoning: 2 },
  raw: { in: 10 }
}
const finish = { unified: "stop", raw: "end_turn" } as const

type Given = Partial<Pick<RealModel, "doGenerate" | "doStream" | "supportedUrls">>

/** A model of the real type, so that its types and ours are held together. */
const model = (given: Given): RealModel => ({
  specificationVersion: "v4",
  provider: "example",
  modelId: "m-1",
  supportedUrls: {},
  doGenerate: () => Promise.reject(new Error("not asked for")),
  doStream: () => Promise.reject(new Error("not asked for")),
  ...given
})

const face = (it: LanguageModelV4) => plugline.register(aiSdk({ name: "mine", model: it }))

const streamOf = <A>(parts: ReadonlyArray<A>): ReadableStream<A> =>
  new ReadableStream({
    start: (controller) => {
      for (const part of parts) controller.enqueue(part)
      controller.close()
    }
  })

const failure = async (run: Promise<unknown>): Promise<LlmError> => {
  const thrown = await run.then(() => undefined, (error: unknown) => error)
  if (thrown instanceof LlmError.LlmError) return thrown
  throw new Error(`no LlmError was thrown: ${String(thrown)}`)
}

const tool = { name: "look", description: "looks", parameters: { type: "object", properties: { at: { type: "string" } } }, strict: true }

describe("a whole answer", () => {
  it("carries everything there is a word for, and keeps the rest", async () => {
    const it = model({
      doGenerate: () => Promise.resolve({
        content: [
          { type: "reasoning", text: "hm", providerMetadata: { example: { signature: "s1" } } },
          { type: "text", text: "Hé 😀" },
          { type: "tool-call", toolCallId: "t1", toolName: "look", input: `{"at":"wörld"}` },
          { type: "tool-call", toolCallId: "t2", toolName: "look", input: "{broken" },
          { type: "tool-call", toolCallId: "t3", toolName: "search", input: "{}", providerExecuted: true },
          { type: "tool-result", toolCallId: "t3", toolName: "search", result: { hits: 1 } },
          { type: "source", sourceType: "url", id: "s1", url: "https://a.example/b" },
          { type: "file", mediaType: "image/png", data: { type: "data", data: new Uint8Array([1, 2, 3]) } },
          { type: "custom", kind: "example.compaction" }
        ],
        finishReason: { unified: "tool-calls", raw: "tools" },
        usage,
        providerMetadata: { example: { tier: "flex" } },
        response: { id: "r1", modelId: "m-1-2026", timestamp: new Date(0) },
        warnings: [{ type: "unsupported", feature: "seed" }, { type: "deprecated", setting: "x", message: "use y" }]
      })
    })
    const answer = await face(it).chat("mine", "Hi")
    expect(answer.result).toEqual({
      type: "chat",
      id: "r1",
      model: "m-1-2026",
      timestamp: "1970-01-01T00:00:00.000Z",
      content: [
        { type: "reasoning", text: "hm", metadata: { example: { signature: "s1" } } },
        { type: "text", text: "Hé 😀" },
        { type: "tool-call", id: "t1", name: "look", params: { at: "wörld" } },
        { type: "tool-call", id: "t2", name: "look", params: "{broken", invalid: true },
        { type: "tool-call", id: "t3", name: "search", params: {}, providerExecuted: true },
        { type: "tool-result", id: "t3", name: "search", result: { hits: 1 }, isFailure: false, providerExecuted: true },
        { type: "source", sourceType: "url", id: "s1", url: "https://a.example/b", title: "https://a.example/b" },
        { type: "file", mediaType: "image/png", data: "AQID" },
        { type: "raw", provider: "mine", value: { type: "custom", kind: "example.compaction" } }
      ],
      finishReason: "tool-calls",
      rawFinishReason: "tools",
      usage: {
        inputTokens: { total: 10, uncached: 6, cacheRead: 4 },
        outputTokens: { total: 5, text: 3, reasoning: 2 },
        raw: { in: 10 }
      },
      warnings: [
        { type: "unsupported-option", option: "seed", message: "this model takes no seed" },
        { type: "other", message: "use y" }
      ],
      metadata: { example: { tier: "flex" } }
    })
  })

  it("is asked for with every option there is a word for; the rest is a warning", async () => {
    let asked: unknown
    const it = model({
      supportedUrls: { "image/*": [/^https:\/\/img\.example\//] },
      doGenerate: (options) => {
        const { abortSignal: _, ...rest } = options
        asked = rest
        return Promise.resolve({ content: [], finishReason: finish, usage, warnings: [] })
      }
    })
    const options: Options = {
      temperature: 0.5, maxTokens: 9, topP: 0.9, topK: 3, frequencyPenalty: 0.1, presencePenalty: 0.2, stop: "END", seed: 4,
      tools: [tool, { type: "provider", id: "example.search", args: { n: 1 } }], toolChoice: { tool: "look" },
      responseFormat: { type: "json", schema: { type: "object" }, name: "it" }, reasoning: { effort: "high", budgetTokens: 5 },
      user: "u", logitBias: { 1: 1 }, providerOptions: { example: { a: 1 } }
    }
    const answer = await face(it).chat("mine", [
      Message.system("Be brief."),
      {
        role: "user",
        content: [
          { type: "text", text: "What is this?" },
          { type: "file", mediaType: "image/png", data: { _tag: "URL", href: "https://img.example/a.png" } },
          { type: "file", mediaType: "application/pdf", fileName: "a.pdf", data: "AQID", options: { example: { cite: true } } }
        ]
      },
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "hm", options: { example: { signature: "s1" } } },
          { type: "tool-call", id: "t1", name: "look", params: { at: "x" } },
          { type: "raw", provider: "mine", value: { type: "custom", kind: "example.compaction" } },
          { type: "raw", provider: "other", value: { type: "custom", kind: "other.thing" } }
        ]
      },
      Message.toolResult({ id: "t1", name: "look" }, { seen: true }),
      Message.toolResult({ id: "t1", name: "look" }, "blind", true)
    ], options)
    expect(asked).toEqual({
      prompt: [
        { role: "system", content: "Be brief." },
        {
          role: "user",
          content: [
            { type: "text", text: "What is this?" },
            { type: "file", mediaType: "image/png", data: { type: "url", url: new URL("https://img.example/a.png") } },
            {
              type: "file", mediaType: "application/pdf", filename: "a.pdf", data: { type: "data", data: "AQID" },
              providerOptions: { example: { cite: true } }
            }
          ]
        },
        {
          role: "assistant",
          content: [
            { type: "reasoning", text: "hm", providerOptions: { example: { signature: "s1" } } },
            { type: "tool-call", toolCallId: "t1", toolName: "look", input: { at: "x" } },
            { type: "custom", kind: "example.compaction" }
          ]
        },
        { role: "tool", content: [{ type: "tool-result", toolCallId: "t1", toolName: "look", output: { type: "json", value: { seen: true } } }] },
        { role: "tool", content: [{ type: "tool-result", toolCallId: "t1", toolName: "look", output: { type: "error-text", value: "blind" } }] }
      ],
      temperature: 0.5, maxOutputTokens: 9, topP: 0.9, topK: 3, frequencyPenalty: 0.1, presencePenalty: 0.2, stopSequences: ["END"], seed: 4,
      tools: [
        { type: "function", name: "look", description: "looks", inputSchema: tool.parameters, strict: true },
        { type: "provider", id: "example.search", name: "search", args: { n: 1 } }
      ],
      toolChoice: { type: "tool", toolName: "look" },
      responseFormat: { type: "json", schema: { type: "object" }, name: "it" },
      reasoning: "high",
      providerOptions: { example: { a: 1 } }
    })
    expect(answer.warnings.map(({ option }) => option)).toEqual(["reasoning", "logitBias", "user"])
  })

  it("is refused where the meaning would change", async () => {
    const it = model({ doGenerate: () => Promise.resolve({ content: [], finishReason: finish, usage, warnings: [] }) })
    expect((await failure(face(it).chat("mine", "Hi", { n: 2 }))).reason._tag).toBe("Unsupported")
    const image = { role: "user" as const, content: [{ type: "image" as const, image: "https://elsewhere.example/a.png" }] }
    expect((await failure(face(it).chat("mine", [image]))).message).toContain("fetches no image/* from https://elsewhere.example")
  })
})

describe("a stream", () => {
  const pieces = [
    { type: "stream-start", warnings: [] },
    { type: "response-metadata", id: "r1", modelId: "m-1", timestamp: new Date(0) },
    { type: "ping" },
    { type: "reasoning-start", id: "0" },
    { type: "reasoning-delta", id: "0", delta: "hm" },
    { type: "reasoning-end", id: "0", providerMetadata: { example: { signature: "s" } } },
    { type: "text-start", id: "1" },
    { type: "text-delta", id: "1", delta: "Hé " },
    { type: "text-delta", id: "1", delta: "😀" },
    { type: "text-end", id: "1" },
    { type: "tool-input-start", id: "t1", toolName: "look" },
    { type: "tool-input-delta", id: "t1", delta: `{"at":` },
    { type: "tool-input-delta", id: "t1", delta: `"x"}` },
    { type: "tool-input-end", id: "t1" },
    { type: "tool-call", toolCallId: "t1", toolName: "look", input: `{"at":"x"}` }
  ] as const
  const end = { type: "finish", finishReason: { unified: "tool-calls", raw: "tools" }, usage } as const

  const read = async (parts: ReadonlyArray<unknown>) => {
    const all: Array<Part> = []
    const it = model({ doStream: () => Promise.resolve({ stream: streamOf(parts) as never }) })
    const stream = face(it).stream("mine", "Hi")
    try {
      for await (const part of stream) all.push(part)
    } catch (error) {
      return { all, error: error as LlmError }
    }
    return { all, error: undefined }
  }

  it("folds to what was said", async () => {
    const { all, error } = await read([...pieces, end])
    expect(error).toBeUndefined()
    expect(Result.fold(all)).toMatchObject({
      id: "r1",
      model: "m-1",
      content: [
        { type: "reasoning", text: "hm", metadata: { example: { signature: "s" } } },
        { type: "text", text: "Hé 😀" },
        { type: "tool-call", id: "t1", name: "look", params: { at: "x" } }
      ],
      finishReason: "tool-calls",
      usage: { inputTokens: { total: 10 } }
    })
  })

  it("that ends early, or says that it failed, is no clean end", async () => {
    expect((await read(pieces)).error?.reason._tag).toBe("CutStream")
    const { all, error } = await read([...pieces.slice(0, 8), { type: "error", error: new Error("boom") }, end])
    expect(error?.reason).toMatchObject({ _tag: "Server", message: "boom" })
    expect(Result.text(Result.fold(all))).toBe("Hé ")
  })

  it("is cancelled when its reader leaves", async () => {
    let cancelled = false
    const it = model({
      doStream: () => Promise.resolve({
        stream: new ReadableStream({
          pull: (controller) => void controller.enqueue(pieces[6] as never),
          cancel: () => void (cancelled = true)
        })
      })
    })
    for await (const part of face(it).stream("mine", "Hi")) if (part.type === "text-start") break
    expect(cancelled).toBe(true)
  })
})

describe("failures", () => {
  const api = (fields: object): Error =>
    Object.assign(new Error("over the limit"), { [Symbol.for("vercel.ai.error.AI_APICallError")]: true, ...fields })
  const failing = (thrown: unknown) => failure(face(model({ doGenerate: () => Promise.reject(thrown) })).chat("mine", "Hi"))

  it("of a service say what they say without the AI SDK", async () => {
    const error = await failing(api({
      statusCode: 429,
      responseHeaders: { "Retry-After": "7" },
      responseBody: JSON.stringify({ error: { message: "slow down", code: "rate_limit_exceeded" } })
    }))
    expect(error.reason).toMatchObject({ _tag: "RateLimit", status: 429, code: "rate_limit_exceeded", message: "slow down", retryAfter: 7000 })
    expect(error).toBeInstanceOf(RequestFailed)
  })

  it("of other kinds have a reason too", async () => {
    expect((await failing(api({}))).reason._tag).toBe("Network")
    expect((await failing(Object.assign(new Error("no key"), { name: "AI_LoadAPIKeyError" }))).reason._tag).toBe("Authentication")
    expect((await failing(Object.assign(new Error("what"), { name: "AI_NoSuchModelError" }))).reason._tag).toBe("NotFound")
    expect((await failing("just text")).reason).toMatchObject({ _tag: "Server", message: "just text" })
    expect((await failing(undefined)).reason._tag).toBe("Server")
  })

  it("abort reaches the model", async () => {
    let aborted = false
    const controller = new AbortController()
    const it = model({
      doGenerate: ({ abortSignal }) =>
        new Promise((_, reject) => abortSignal!.addEventListener("abort", () => {
          aborted = true
          reject(abortSignal!.reason)
        }))
    })
    const run = face(it).chat("mine", "Hi", { signal: controller.signal })
    await new Promise((resolve) => setTimeout(resolve, 20))
    controller.abort(new Error("enough"))
    await expect(run).rejects.toThrow("enough")
    expect(aborted).toBe(true)
  })
})

describe("the AI SDK's own packages", () => {
  const reply = {
    id: "c1", object: "chat.completion", created: 1_700_000_000, model: "gpt-5-mini",
    choices: [{
      index: 0, finish_reason: "tool_calls",
      message: {
        role: "assistant", content: "Looking.",
        tool_calls: [{ id: "t1", type: "function", function: { name: "look", arguments: `{"at":"x"}` } }]
      }
    }],
    usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13, prompt_tokens_details: { cached_tokens: 3 } }
  }
  const openai = createOpenAI({
    apiKey: "k",
    fetch: () => Promise.resolve(new Response(JSON.stringify(reply), { headers: { "content-type": "application/json" } }))
  })
  const embedding: EmbeddingModelV4 = {
    specificationVersion: "v4", provider: "e", modelId: "v-1", maxEmbeddingsPerCall: 2, supportsParallelCalls: false,
    doEmbed: ({ values }) =>
      Promise.resolve({ embeddings: values.map((text) => [text.length]), usage: { tokens: values.length }, warnings: [] })
  }
  const models = aiSdk({ name: "through", model: (id) => openai.chat(id), embedding })
  const { chat, embed } = plugline.register(models)

  it("serve as upstream, chosen by the option model", async () => {
    const answer = await chat("through", "Hi", { model: "gpt-5-mini", tools: [tool] })
    expect(answer.text).toBe("Looking.")
    expect(answer.toolCalls).toMatchObject([{ id: "t1", name: "look", params: { at: "x" } }])
    expect(answer.usage.inputTokens).toEqual({ total: 9, uncached: 6, cacheRead: 3 })
    expect(answer.result.model).toBe("gpt-5-mini")
    expect((await failure(chat("through", "Hi"))).message).toContain("set the option model")
  })

  it("vectors come in as many calls as the model's limit makes necessary", async () => {
    const result = await embed("through", ["a", "bb", "ccc"])
    expect(result.embeddings).toEqual([[1], [2], [3]])
    expect(result.usage.inputTokens).toEqual({ total: 3 })
    expect(result.model).toBe("v-1")
  })
})

describe("its pipelines", () => {
  const said = [{ type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: "Hé 😀" }, { type: "text-end", id: "0" }]
  const { pipelines } = aiSdk({
    name: "mine",
    model: model({
      doGenerate: () => Promise.resolve({ content: [{ type: "text", text: "Hé 😀" }], finishReason: finish, usage, warnings: [] }),
      doStream: () => Promise.resolve({ stream: streamOf([...said, { type: "finish", finishReason: finish, usage }]) as never })
    })
  })
  for (const operation of ["chat", "stream"] as const) {
    Laws.pipeline(pipelines[operation], { numRuns: 8 }).forEach(({ check, law }) => it(`${operation}: ${law}`, check))
  }
})
