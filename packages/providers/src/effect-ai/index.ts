/**
 * Asks any `LanguageModel` of `effect/ai`: what runs on that module, in the same process or behind a service, becomes a provider
 * here. Which model it is, and with which settings, is the object's own business: the options of a request that it has no
 * word for are warnings.
 *
 * @module
 */
import { LlmError, type Operation, type Pipeline, type Request, Result } from "@plugline/core"
import { Effect, Stream } from "effect"
import type { LanguageModel, Response } from "effect/ai"
import { ask, type Upstream } from "../call/upstream.ts"
import { validate } from "../call/validate.ts"
import type { Provider } from "../Provider.ts"
import { chat, failure, one } from "./answer.ts"
import { asked } from "./prompt.ts"

/** Which model a provider asks. */
export interface EffectAi<R> {
  /** What requests call it by. */
  readonly name: string
  /** What people call it. Default: the name. */
  readonly title?: string
  /** Where the model is: `LanguageModel.LanguageModel` takes the one of the context, `Effect.succeed(model)` one that you have. */
  readonly model: Effect.Effect<LanguageModel.LanguageModel, never, R>
}

/**
 * A provider that asks an `effect/ai` model. Its pipelines need what finding the model needs.
 *
 * @example
 * ```ts
 * import { effectAi } from "@plugline/providers/effect-ai"
 * import { Effect, Stream } from "effect"
 * import { LanguageModel } from "effect/ai"
 * import { plugline } from "plugline"
 *
 * // In a program of yours: OpenAiLanguageModel.make(…), or any other.
 * const model = await Effect.runPromise(LanguageModel.make({
 *   generateText: () => Effect.succeed([{ type: "text", text: "Good day!" }]),
 *   streamText: () => Stream.empty
 * }))
 *
 * const { chat } = plugline.register(effectAi({ name: "polite", model: Effect.succeed(model) }))
 * const answer = await chat("polite", "Hello", { temperature: 0 })
 * answer.text // => "Good day!"
 * answer.warnings[0]?.option // => "temperature"
 * ```
 */
export const effectAi = <R>(init: EffectAi<R>): Provider<R, "chat" | "stream" | "validate"> => {
  const { name, title = name } = init
  const wires = { chat: true, stream: true, validate: true }
  const upstream = Effect.map(init.model, (model) => upstreamOf(model, name))
  const line = (operation: Operation): Pipeline<R> => [validate({ name, title, wires }, operation), ask(name, operation, upstream)]
  return {
    name,
    title,
    baseUrl: "",
    keys: [],
    needsKey: false,
    authorize: () => ({}),
    wires: {},
    pipelines: { chat: line("chat"), stream: line("stream"), validate: line("validate") }
  }
}

/** A model without the types of its tools, which are known here by name alone. */
interface Untyped {
  readonly generateText: (options: object) => Effect.Effect<{ readonly content: ReadonlyArray<Response.AnyPart> }, unknown>
  readonly generateObject: Untyped["generateText"]
  readonly streamText: (options: object) => Stream.Stream<Response.AnyPart, unknown>
}

const upstreamOf = (typed: LanguageModel.LanguageModel, name: string): Upstream => {
  const model = typed as unknown as Untyped
  const failed = (thrown: unknown): LlmError => failure(thrown, name)
  const prepared = (request: Request) => Effect.try({ try: () => asked(request), catch: failed })
  const common = { disableToolCallResolution: true, toolCallValidation: "deferred" } as const

  const generate = (request: Request) =>
    Effect.flatMap(prepared(request), ({ objectName, prompt, schema, toolChoice, toolkit, warnings }) => {
      const options = { prompt, ...common, ...(toolkit !== undefined && { toolkit, toolChoice }) }
      const answer = schema === undefined
        ? model.generateText(options)
        : model.generateObject({ ...options, schema, objectName })
      return Effect.flatMap(Effect.mapError(answer, failed), ({ content }) =>
        Effect.try({ try: () => ({ result: chat(content, name), warnings }), catch: failed }))
    })

  return {
    cut: () => LlmError.make({ _tag: "CutStream", message: "the stream ended before the answer did" }, { provider: name }),
    whole: (request) =>
      request.operation === "validate" ? Effect.succeed({ result: { type: "validate", usable: true }, warnings: [] }) : generate(request),
    stream: (request) =>
      Effect.flatMap(prepared(request), ({ prompt, schema, toolChoice, toolkit, warnings }) => {
        // It streams no objects: such an answer comes in one piece.
        if (schema !== undefined) {
          return Effect.map(generate(request), ({ result }) => ({ warnings, parts: Stream.succeed(Result.parts(result)) }))
        }
        const options = { prompt, ...common, ...(toolkit !== undefined && { toolkit, toolChoice }) }
        const parts = Stream.mapError(model.streamText(options), failed)
        return Effect.succeed({ warnings, parts: Stream.map(parts, (part) => one(part, name)) })
      })
  }
}
