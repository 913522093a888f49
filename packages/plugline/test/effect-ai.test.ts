/** Models of `effect/ai` as providers. */
import { effectAi } from "@plugline/providers/effect-ai"
import { Laws } from "@plugline/testing"
import { Duration, Effect, Layer, Stream } from "effect"
import { AiError, LanguageModel, Prompt, type Response } from "effect/ai"
import { LlmError, type LlmErrorJson, Message, type Options, type Part, Pipeline, plugline, Request, Result } from "plugline"
import { describe, expect, it } from "vitest"

const usage = { inputTokens: { total: 10, uncached: 6, cacheRead: 4 }, outputTokens: { total: 5, text: 3, reasoning: 2 } }
const finish: Response.FinishPartEncoded = { type: "finish", reason: "tool-calls", usage }

type Asked = LanguageModel.ProviderOptions
interface Given {
  readonly whole?: (asked: Asked) => Effect.Effect<Array<Response.PartEncoded>, AiError.AiError>
  readonly stream?: (asked: Asked) => Stream.Stream<Response.StreamPartEncoded, AiError.AiError>
}

const model = ({ stream = () => Stream.empty, whole = () => Effect.succeed([]) }: Given) =>
  LanguageModel.make({ generateText: whole, streamText: stream })

const face = (given: Given) => plugline.register(effectAi({ name: "mine", model: model(given) }))

const failure = async (run: Promise<unknown>): Promise<LlmError> => {
  const thrown = await run.then(() => undefined, (error: unknown) => error)
  if (thrown instanceof LlmError.LlmError) return thrown
  throw new Error(`no LlmError was thrown: ${String(thrown)}`)
}

const tool = { name: "look", description: "looks", parameters: { type: "object", properties: { at: { type: "string" } } } }

describe("a whole answer", () => {
  it("carries everything there is a word for", async () => {
    const answer = await face({
      whole: () => Effect.succeed([
        { type: "response-metadata", id: "r1", modelId: "m-1", timestamp: "1970-01-01T00:00:00.000Z" },
        { type: "reasoning", text: "hm", metadata: { example: { signature: "s1" } } },
        { type: "text", text: "Hé 😀" },
        { type: "tool-call", id: "t1", name: "look", params: { at: "wörld" } },
        { type: "tool-call", id: "t2", name: "unknown", params: { n: 1 } },
        { type: "source", sourceType: "url", id: "s1", url: "https://a.example/b", title: "B" },
        { type: "file", mediaType: "image/png", data: "AQID" },
        finish
      ])
    }).chat("mine", "Hi", { tools: [tool] })
    expect(answer.result).toEqual({
      type: "chat",
      id: "r1",
      model: "m-1",
      timestamp: "1970-01-01T00:00:00.000Z",
      content: [
        { type: "reasoning", text: "hm", metadata: { example: { signature: "s1" } } },
        { type: "text", text: "Hé 😀" },
        { type: "tool-call", id: "t1", name: "look", params: { at: "wörld" } },
        { type: "tool-call", id: "t2", name: "unknown", params: { n: 1 } },
        { type: "source", sourceType: "url", id: "s1", url: "https://a.example/b", title: "B" },
        { type: "file", mediaType: "image/png", data: "AQID" }
      ],
      finishReason: "tool-calls",
      usage
    })
  })

  it("is asked for with messages, tools and the form of the answer; settings are warnings", async () => {
    let asked: Asked | undefined
    const options: Options = {
      tools: [tool], toolChoice: "required", model: "m", temperature: 0, maxTokens: 3,
      responseFormat: { type: "json", schema: { type: "object", properties: { n: { type: "number" } }, required: ["n"] }, name: "it" }
    }
    const answer = await face({
      whole: (it) => {
        asked = it
        return Effect.succeed([{ type: "text", text: `{"n":4}` }])
      }
    }).chat("mine", [
      Message.system("Be brief."),
      { role: "user", content: [{ type: "text", text: "See" }, { type: "image", image: "https://img.example/a.png" }] },
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "hm", options: { example: { signature: "s1" } } },
          { type: "tool-call", id: "t1", name: "look", params: { at: "x" } },
          { type: "raw", provider: "other", value: { a: 1 } }
        ]
      },
      Message.toolResult({ id: "t1", name: "look" }, { seen: true })
    ], options)
    expect(answer.text).toBe(`{"n":4}`)
    expect(answer.warnings.map(({ option }) => option)).toEqual(["model", "temperature", "maxTokens"])
    expect(asked?.prompt.content.map(({ role }) => role)).toEqual(["system", "user", "assistant", "tool"])
    const said = asked?.prompt.content[2] as Prompt.AssistantMessage
    expect(said.content.map(({ type }) => type)).toEqual(["reasoning", "tool-call"])
    expect(said.content[0]).toMatchObject({ options: { example: { signature: "s1" } } })
    expect(asked?.tools.map(({ name }) => name)).toEqual(["look"])
    expect(asked?.toolChoice).toBe("required")
    expect(asked?.responseFormat).toMatchObject({ type: "json", objectName: "it" })
  })

  it("that does not fit the schema is a failure", async () => {
    const schema = { type: "object", properties: { n: { type: "number" } }, required: ["n"] }
    const { chat } = face({ whole: () => Effect.succeed([{ type: "text", text: `{"n":"four"}` }]) })
    const error = await failure(chat("mine", "Hi", { responseFormat: { type: "json", schema } }))
    expect(error.reason._tag).toBe("MalformedResponse")
  })

  it("is refused where the meaning would change", async () => {
    const { chat } = face({})
    expect((await failure(chat("mine", "Hi", { n: 2 }))).reason._tag).toBe("Unsupported")
    const tools = [{ type: "provider", id: "openai.web_search" } as const]
    expect((await failure(chat("mine", "Hi", { tools }))).message).toContain("openai.web_search")
    const odd = [{ role: "user" as const, content: [{ type: "hologram" } as never] }]
    expect((await failure(chat("mine", odd))).reason._tag).toBe("Unsupported")
  })
})

describe("a stream", () => {
  const pieces: Array<Response.StreamPartEncoded> = [
    { type: "response-metadata", id: "r1" },
    { type: "text-start", id: "1" },
    { type: "text-delta", id: "1", delta: "Hé " },
    { type: "text-delta", id: "1", delta: "😀" },
    { type: "text-end", id: "1" },
    { type: "tool-params-start", id: "t1", name: "look" },
    { type: "tool-params-delta", id: "t1", delta: `{"at":"x"}` },
    { type: "tool-params-end", id: "t1" },
    { type: "tool-call", id: "t1", name: "look", params: { at: "x" } }
  ]

  const read = async (stream: Stream.Stream<Response.StreamPartEncoded, AiError.AiError>, options: Options = { tools: [tool] }) => {
    const all: Array<Part> = []
    try {
      for await (const part of face({ stream: () => stream, whole: () => Effect.succeed([{ type: "text", text: "{}" }, finish]) })
        .stream("mine", "Hi", options)) all.push(part)
    } catch (error) {
      return { all, error: error as LlmError }
    }
    return { all, error: undefined }
  }

  it("folds to what was said", async () => {
    const { all, error } = await read(Stream.fromIterable([...pieces, finish]))
    expect(error).toBeUndefined()
    expect(Result.fold(all)).toEqual({
      type: "chat",
      id: "r1",
      content: [{ type: "text", text: "Hé 😀" }, { type: "tool-call", id: "t1", name: "look", params: { at: "x" } }],
      finishReason: "tool-calls",
      usage
    })
  })

  it("that ends early, or fails, is no clean end", async () => {
    expect((await read(Stream.fromIterable(pieces))).error?.reason._tag).toBe("CutStream")
    const broken = Stream.concat(Stream.fromIterable(pieces.slice(0, 3)), Stream.fail(limited))
    const { all, error } = await read(broken)
    expect(error?.reason).toMatchObject({ _tag: "RateLimit", retryAfter: 7000 })
    expect(Result.text(Result.fold(all))).toBe("Hé ")
  })

  it("of JSON comes in one piece, because there is no stream of objects", async () => {
    const { all } = await read(Stream.empty, { responseFormat: { type: "json" } })
    expect(Result.text(Result.fold(all))).toBe("{}")
  })

  it("ends when its reader leaves", async () => {
    let closed = false
    const endless = Stream.forever(Stream.fromIterable(pieces.slice(1, 5)))
      .pipe(Stream.ensuring(Effect.sync(() => void (closed = true))))
    for await (const part of face({ stream: () => endless }).stream("mine", "Hi")) if (part.type === "text-delta") break
    expect(closed).toBe(true)
  })
})

const fail = (reason: AiError.AiErrorReason) => AiError.make({ module: "Example", method: "generateText", reason })
const limited = fail(new AiError.RateLimitError({ retryAfter: Duration.seconds(7) }))

describe("failures", () => {
  const of = async (reason: AiError.AiErrorReason): Promise<LlmErrorJson["reason"]> =>
    (await failure(face({ whole: () => Effect.fail(fail(reason)) }).chat("mine", "Hi"))).reason

  it("keep their reason, and say what the service said", async () => {
    const http = (status: number, body: object) => ({ response: { status, headers: {} }, body: JSON.stringify(body) })
    expect(await of(new AiError.RateLimitError({ retryAfter: Duration.seconds(7) }))).toMatchObject({ _tag: "RateLimit", retryAfter: 7000 })
    expect((await of(new AiError.QuotaExhaustedError({})))._tag).toBe("Quota")
    expect((await of(new AiError.AuthenticationError({ kind: "InvalidKey" })))._tag).toBe("Authentication")
    expect((await of(new AiError.ContentPolicyError({ description: "no" })))._tag).toBe("ContentPolicy")
    expect(await of(new AiError.InvalidRequestError({ parameter: "top", http: http(400, { error: { message: "bad top" } }) })))
      .toMatchObject({ _tag: "InvalidRequest", parameter: "top", status: 400, raw: { error: { message: "bad top" } } })
    const long = { error: { message: "maximum context length is 8 tokens", code: "context_length_exceeded" } }
    expect((await of(new AiError.InvalidRequestError({ http: http(400, long) })))._tag).toBe("ContextLength")
    expect((await of(new AiError.InternalProviderError({ description: "x", http: http(503, {}) })))._tag).toBe("Overloaded")
    expect((await of(new AiError.InternalProviderError({ description: "x" })))._tag).toBe("Server")
    expect((await of(new AiError.UnknownError({})))._tag).toBe("Server")
  })
})

describe("its pipelines", () => {
  const { pipelines } = effectAi({ name: "mine", model: LanguageModel.LanguageModel })
  const services = Layer.effect(LanguageModel.LanguageModel, model({
    whole: () => Effect.succeed([{ type: "text", text: "Hé 😀" }, { type: "finish", reason: "stop", usage }]),
    stream: () => Stream.fromIterable<Response.StreamPartEncoded>([
      { type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: "Hé 😀" }, { type: "text-end", id: "0" },
      { type: "finish", reason: "stop", usage }
    ])
  }))

  it("take the model from the context, and say so in their type", async () => {
    const request = Request.make({ provider: "mine", messages: "Hi" })
    const run: Effect.Effect<Request, unknown, LanguageModel.LanguageModel> = Pipeline.execute(pipelines.chat, request)
    expect(Result.text((await Effect.runPromise(Effect.provide(run, services))).result)).toBe("Hé 😀")
  })

  for (const operation of ["chat", "stream"] as const) {
    Laws.pipeline(pipelines[operation], { services, numRuns: 8 }).forEach(({ check, law }) => it(`${operation}: ${law}`, check))
  }
})
