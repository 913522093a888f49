/**
 * Asks any model object of the AI SDK (specification version 4), also those that run in the same process: its hundreds of
 * community providers become providers here. Nothing of the AI SDK is loaded, only its object is called.
 *
 * Its own functions retry outside the model; here retries belong to the pipeline, so one call is one call.
 *
 * @module
 */
import {
  type EmbeddingsResult, LlmError, Message, type Operation, type Pipeline, type Request, type Result, type Warning
} from "@plugline/core"
import { Effect, Stream } from "effect"
import { ask, type Upstream } from "../call/upstream.ts"
import { validate } from "../call/validate.ts"
import type { Provider } from "../Provider.ts"
import { draft, elsewhere, write, type Writers } from "../wire/draft.ts"
import { chat, cut, part, warning } from "./answer.ts"
import { failure } from "./failure.ts"
import { options } from "./prompt.ts"
import type * as Spec from "./spec.ts"

export type { EmbeddingModelV4, LanguageModelV4 } from "./spec.ts"

/** A model, or a function from the option `model` to one: what the AI SDK's providers are. */
export type Given<Model> = Model | ((id: string) => Model)

/** Which model objects a provider asks. */
export interface AiSdk {
  /** What requests call it by. */
  readonly name: string
  /** What people call it. Default: the name. */
  readonly title?: string
  /** Answers chats. A function is given the option `model`. */
  readonly model: Given<Spec.LanguageModelV4>
  /** Makes vectors. Default: the provider has no embeddings. */
  readonly embedding?: Given<Spec.EmbeddingModelV4>
}

/**
 * A provider that asks model objects of the AI SDK. Its pipelines need no services: the object brings its own connection and
 * credentials.
 *
 * @example
 * ```ts
 * import { aiSdk, type LanguageModelV4 } from "@plugline/providers/ai-sdk"
 * import { plugline } from "plugline"
 *
 * const answer = {
 *   content: [{ type: "text", text: "Good day!" }],
 *   finishReason: { unified: "stop", raw: "end" },
 *   usage: {
 *     inputTokens: { total: 3, noCache: 3, cacheRead: 0, cacheWrite: 0 },
 *     outputTokens: { total: 2, text: 2, reasoning: 0 }
 *   },
 *   warnings: []
 * }
 *
 * // In a program of yours: createMistral()("mistral-small-latest"), or any other.
 * const model: LanguageModelV4 = {
 *   specificationVersion: "v4",
 *   provider: "example",
 *   modelId: "polite-1",
 *   supportedUrls: {},
 *   doGenerate: () => Promise.resolve(answer),
 *   doStream: () => Promise.reject(new Error("this model does not stream"))
 * }
 *
 * const { chat } = plugline.register(aiSdk({ name: "polite", model }))
 * const said = await chat("polite", "Hello")
 * said.text // => "Good day!"
 * said.usage.outputTokens.total // => 2
 * ```
 */
export const aiSdk = (init: AiSdk): Provider<never, "chat" | "stream" | "validate"> => {
  const { name, title = name } = init
  const upstream = Effect.succeed(upstreamOf(init))
  const wires = { chat: true, stream: true, validate: true, ...(init.embedding !== undefined && { embeddings: true }) }
  const line = (operation: Operation): Pipeline => [validate({ name, title, wires }, operation), ask(name, operation, upstream)]
  return {
    name,
    title,
    baseUrl: "",
    keys: [],
    needsKey: false,
    authorize: () => ({}),
    wires: {},
    pipelines: {
      chat: line("chat"),
      stream: line("stream"),
      validate: line("validate"),
      ...(init.embedding !== undefined && { embeddings: line("embeddings") })
    }
  }
}

const upstreamOf = (init: AiSdk): Upstream => {
  const { name } = init
  const failed = (thrown: unknown): LlmError => failure(thrown, name)

  const prepared = (request: Request) =>
    Effect.gen(function*() {
      const model = yield* given(init.model, request)
      const urls = yield* promise(() => model.supportedUrls, failed)
      const written = yield* Effect.try({ try: () => options(request, urls ?? {}), catch: failed })
      return { model, ...written }
    })

  const generate = (request: Request) =>
    Effect.flatMap(prepared(request), ({ model, options, warnings }) =>
      Effect.flatMap(
        promise((abortSignal) => model.doGenerate(call({ ...options, abortSignal })), failed),
        (answer) => Effect.try({ try: () => ({ result: chat(answer, name, model.modelId), warnings }), catch: failed })
      ))

  return {
    cut: () => cut(name),
    whole: (request) =>
      request.operation === "embeddings"
        ? embed(init, request, failed)
        : request.operation === "validate"
        ? Effect.map(given(init.model, request), () => ({ result: { type: "validate", usable: true }, warnings: [] }))
        : generate(request),
    stream: (request) =>
      Effect.map(prepared(request), ({ model, options, warnings }) => ({
        warnings,
        parts: Stream.unwrap(Effect.map(
          promise((abortSignal) => model.doStream(call({ ...options, abortSignal })), failed),
          ({ stream }) =>
            Stream.mapEffect(
              Stream.fromReadableStream<Spec.StreamPart, LlmError>({ evaluate: () => stream, onError: failed }),
              (piece) => Effect.try({ try: () => part(piece, name), catch: failed })
            )
        ))
      }))
  }
}

/** What a model is called with, to its type. */
const call = (options: Spec.CallOptions | Spec.EmbedOptions): never => options as never

/** The model for a request. */
const given = <Model extends object>(model: Given<Model>, { options, provider }: Request): Effect.Effect<Model, LlmError> => {
  if (typeof model !== "function") return Effect.succeed(model)
  const { model: id } = options
  if (id === undefined) {
    return Effect.fail(LlmError.make({
      _tag: "InvalidRequest",
      parameter: "model",
      message: `${provider} has to be told which model to ask: set the option model`
    }, { provider }))
  }
  return Effect.try({ try: () => (model as (id: string) => Model)(id), catch: (thrown) => failure(thrown, provider) })
}

/** Runs what may answer at once or later; interruption aborts it. */
const promise = <A>(
  run: (signal: AbortSignal) => PromiseLike<A> | A,
  failed: (thrown: unknown) => LlmError
): Effect.Effect<A, LlmError> => Effect.tryPromise({ try: async (signal) => await run(signal), catch: failed })

// --- embeddings ----------------------------------------------------------------------------------------------------------

/** As many calls as the model's limit of texts per call makes necessary, one after the other. */
const embed = (
  init: AiSdk,
  request: Request,
  failed: (thrown: unknown) => LlmError
): Effect.Effect<{ readonly result: Result; readonly warnings: ReadonlyArray<Warning> }, LlmError> =>
  Effect.gen(function*() {
    const model = yield* given(init.embedding!, request)
    const to = draft(request)
    yield* Effect.try({ try: () => write(to, embedding, "embeddings"), catch: failed })
    const values = request.messages.map((message) => Message.text(message))
    const most = (yield* promise(() => model.maxEmbeddingsPerCall, failed)) ?? values.length
    const { dimensions, providerOptions } = request.options
    const embeddings: Array<ReadonlyArray<number>> = []
    let tokens: number | undefined
    for (let from = 0; from < values.length; from += Math.max(1, most)) {
      const texts = values.slice(from, from + Math.max(1, most))
      const answer = yield* promise((abortSignal) =>
        model.doEmbed(call({
          values: texts,
          abortSignal,
          ...(dimensions !== undefined && { dimensions }),
          ...(providerOptions !== undefined && { providerOptions: providerOptions as Spec.Own }),
          ...(request.config.headers !== undefined && { headers: { ...request.config.headers } })
        })), failed)
      if (answer.embeddings.length !== texts.length) {
        return yield* Effect.fail(LlmError.make({
          _tag: "MalformedResponse",
          message: `${texts.length} texts were sent, ${answer.embeddings.length} vectors came back`
        }, { provider: init.name }))
      }
      embeddings.push(...answer.embeddings)
      if (answer.usage !== undefined) tokens = (tokens ?? 0) + answer.usage.tokens
      to.warnings.push(...(answer.warnings ?? []).map(warning))
    }
    const result: EmbeddingsResult = {
      type: "embeddings",
      model: model.modelId,
      embeddings,
      usage: { inputTokens: tokens === undefined ? {} : { total: tokens }, outputTokens: {} }
    }
    return { result, warnings: to.warnings }
  })

const embedding: Writers = { model: elsewhere, dimensions: elsewhere }
