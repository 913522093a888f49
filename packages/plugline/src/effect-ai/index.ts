/**
 * Hands a call in the making to everything that runs on `effect/ai`: its options, plugs and provider become a `LanguageModel`
 * service, with chats, toolkits, objects and streams on top.
 *
 * @module
 */
import { type ChatResult, type Content, type Message, type Options, type Part, type Tool, type ToolChoice } from "@plugline/core"
import { Effect, Layer, Schema, Stream } from "effect"
import { LanguageModel, Prompt, type Response, Tool as AiTool } from "effect/ai"
import { formatOf, type Builder } from "../Builder.ts"
import { aiError } from "./failure.ts"

/**
 * A `LanguageModel` that asks through a builder: what its options say counts for every call; messages, tools and the form of the
 * answer come with the call. What `effect/ai` has no word for (other choices, raw blocks) is left out.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { LanguageModel } from "effect/ai"
 * import { build, layer } from "plugline"
 * import { languageModelLayer } from "plugline/effect-ai"
 *
 * const program = LanguageModel.generateText({ prompt: "What is 6 * 7?" })
 * const model = languageModelLayer(build("local"))
 * const answer = await Effect.runPromise(program.pipe(Effect.provide(model), Effect.provide(layer)))
 * answer.text // => "6 * 7 = 42"
 * ```
 */
export const languageModel = <R>(builder: Builder<"chat", R>): Effect.Effect<LanguageModel.LanguageModel, never, R> =>
  Effect.contextWith((context) => {
    const asked = (options: LanguageModel.ProviderOptions) =>
      builder.withMessages(messagesOf(options.prompt)).withOptions(optionsOf(options))
    return LanguageModel.make({
      generateText: (options) =>
        Effect.suspend(() => asked(options).execute()).pipe(
          Effect.map((answer) => whole(answer.result)),
          Effect.mapError((error) => aiError(error, "generateText")),
          Effect.provideContext(context)
        ),
      streamText: (options) =>
        Stream.suspend(() => asked(options).stream()).pipe(
          Stream.map(piece),
          Stream.flattenIterable,
          Stream.mapError((error) => aiError(error, "streamText")),
          Stream.provideContext(context)
        )
    })
  })

/** The same as a layer. */
export const languageModelLayer = <R>(builder: Builder<"chat", R>): Layer.Layer<LanguageModel.LanguageModel, never, R> =>
  Layer.effect(LanguageModel.LanguageModel, languageModel(builder))

// --- what is asked -----------------------------------------------------------------------------------------------------

/** Its encoded form is ours. */
const messagesOf = (prompt: Prompt.Prompt): ReadonlyArray<Message> =>
  encode(prompt).content.map((message): Message => {
    const content = message.content
    if (typeof content === "string") return message as Message
    // What asks a person to allow a call has been answered before the model is asked.
    return { ...message, content: content.filter(({ type }) => !type.startsWith("tool-approval")) } as unknown as Message
  })

const encode = Schema.encodeSync(Prompt.Prompt)

const optionsOf = ({ responseFormat: format, toolChoice, tools }: LanguageModel.ProviderOptions): Options => ({
  ...(tools.length > 0 && { tools: tools.map(toolOf), toolChoice: choiceOf(toolChoice) }),
  ...(format.type === "json" && { responseFormat: { ...formatOf(format.schema), name: format.objectName } })
})

const toolOf = (tool: AiTool.Any): Tool => {
  if (AiTool.isProviderDefined(tool)) return { type: "provider", id: tool.id, args: plain(tool.args) as { readonly [name: string]: never } }
  const description = AiTool.getDescription(tool)
  return {
    name: tool.name,
    parameters: plain(AiTool.getJsonSchema(tool)) as { readonly [name: string]: never },
    ...(description !== undefined && { description })
  }
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? {}))

/** Of a choice among some tools only the others are left out of the list, which `effect/ai` does itself. */
const choiceOf = (choice: LanguageModel.ToolChoice<string>): ToolChoice => {
  if (typeof choice === "string") return choice
  return "tool" in choice ? { tool: choice.tool } : choice.mode ?? "auto"
}

// --- what is answered ----------------------------------------------------------------------------------------------------

const whole = (result: ChatResult): Array<Response.PartEncoded> => {
  const out: Array<Response.PartEncoded> = [{
    type: "response-metadata",
    ...(result.id !== undefined && { id: result.id }),
    ...(result.model !== undefined && { modelId: result.model }),
    ...(result.timestamp !== undefined && { timestamp: result.timestamp })
  }]
  for (const part of result.content) {
    const known = content(part)
    if (known !== undefined) out.push(known)
  }
  out.push(finish(result.finishReason, result))
  return out
}

const piece = (part: Part): ReadonlyArray<Response.StreamPartEncoded> => {
  if (part.choice !== undefined || part.type === "warning" || part.type === "error") return []
  if (part.type === "finish") return [finish(part.reason, part)]
  if (part.type !== "tool-call" && part.type !== "raw") return [part as Response.StreamPartEncoded]
  const known = content(part)
  return known === undefined || known.type === "text" || known.type === "reasoning" ? [] : [known as Response.StreamPartEncoded]
}

const content = (part: Content): Response.PartEncoded | undefined => {
  if (part.type === "raw") return undefined
  if (part.type !== "tool-call" || part.invalid !== true) return part as Response.PartEncoded
  const { invalid: _, ...call } = part
  return call as Response.PartEncoded
}

const finish = (
  reason: ChatResult["finishReason"],
  { metadata, usage: { inputTokens, outputTokens } }: Pick<ChatResult, "metadata" | "usage">
): Response.FinishPartEncoded => ({
  type: "finish",
  reason,
  usage: { inputTokens, outputTokens },
  ...(metadata !== undefined && { metadata: metadata as NonNullable<Response.FinishPartEncoded["metadata"]> })
})
