/**
 * Writes a request as the arguments of an `effect/ai` model.
 *
 * @module
 */
import { type JsonSchema, LlmError, type Message, type MessagePart, type Request, type Tool, type ToolChoice, type Warning } from "@plugline/core"
import { Effect, JsonSchema as Dialects, Schema, SchemaRepresentation } from "effect"
import { Prompt, Tool as AiTool, type Toolkit } from "effect/ai"
import { type Draft, draft, elsewhere, warn, write, type Writers } from "../wire/draft.ts"

/** What a model is asked with. */
export interface Asked {
  readonly prompt: Prompt.Prompt
  readonly toolkit: Toolkit.WithHandler<Tools> | undefined
  readonly toolChoice: ToolChoice
  /** What the answer must be, where it must be JSON. */
  readonly schema: Schema.Encoder<{ readonly [name: string]: unknown }, unknown> | undefined
  readonly objectName: string
  readonly warnings: ReadonlyArray<Warning>
}

/** Tools known by name alone. */
export type Tools = Record<string, AiTool.Any>

/**
 * A request in `effect/ai`'s words, which know messages, tools and the form of the answer. The model and its settings are the
 * object's own.
 *
 * @throws LlmError `Unsupported` where something cannot be said that changes the meaning.
 */
export const asked = (request: Request): Asked => {
  const { options, provider } = request
  const to = draft(request)
  write(to, writers, "chat")
  const tools = (options.tools ?? []).map((tool) => toolOf(tool, provider))
  const format = options.responseFormat
  const own = options.providerOptions?.[provider]
  if (own !== undefined && own !== null) {
    to.warnings.push({ type: "other", message: `${provider} is asked through effect/ai, which passes no providerOptions` })
  }
  return {
    prompt: promptOf(request.messages, provider),
    toolkit: tools.length === 0 ? undefined : toolkitOf(tools),
    toolChoice: options.toolChoice ?? "auto",
    schema: format?.type === "json" ? schemaOf(format.schema, provider) : undefined,
    objectName: format?.type === "json" ? format.name ?? "response" : "response",
    warnings: to.warnings
  }
}

const writers: Writers = {
  tools: elsewhere,
  toolChoice: elsewhere,
  responseFormat: (format, to: Draft) => {
    if (format.type === "json" && format.strict !== undefined) {
      warn(to, "responseFormat", "effect/ai has no word for responseFormat.strict")
    }
  }
}

const toolOf = (tool: Tool, provider: string): AiTool.Any => {
  if (tool.type === "provider") {
    throw LlmError.make({
      _tag: "Unsupported",
      message: `effect/ai takes a provider's tools as values of its own, not by name: ${tool.id}`
    }, { provider })
  }
  return AiTool.dynamic(tool.name, {
    parameters: tool.parameters ?? { type: "object", properties: {} },
    ...(tool.description !== undefined && { description: tool.description })
  })
}

/** The caller runs its tools: nothing here is ever handled. */
const toolkitOf = (tools: ReadonlyArray<AiTool.Any>): Toolkit.WithHandler<Tools> => ({
  tools: Object.fromEntries(tools.map((tool) => [tool.name, tool])),
  handle: () => Effect.die("tool calls are answered by the caller")
})

const promptOf = (messages: ReadonlyArray<Message>, provider: string): Prompt.Prompt => {
  try {
    return decode({ content: messages.map((message) => shown(message)) })
  } catch (cause) {
    throw LlmError.make({
      _tag: "Unsupported",
      message: "a message holds something that effect/ai has no word for"
    }, { provider, cause })
  }
}

const decode = Schema.decodeUnknownSync(Prompt.Prompt)

/** Blocks that belong to one service have no place in a prompt of another. */
const shown = (message: Message): unknown => {
  if (message.role === "system") return message
  const content = message.content.flatMap((part: MessagePart): ReadonlyArray<unknown> =>
    part.type === "raw"
      ? []
      : part.type === "tool-result" && part.modelOutput !== undefined
      ? [{ ...part, modelOutput: part.modelOutput.filter(({ type }) => type !== "raw") }]
      : [part])
  return { ...message, content }
}

/** A schema from a JSON Schema; without one any object fits. */
const schemaOf = (
  json: JsonSchema | undefined,
  provider: string
): Schema.Encoder<{ readonly [name: string]: unknown }, unknown> => {
  if (json === undefined) return Schema.Record(Schema.String, Schema.Unknown)
  try {
    return SchemaRepresentation.fromJsonSchemaDocument(Dialects.fromSchemaDraft2020_12(json)) as unknown as Schema.Encoder<
      { readonly [name: string]: unknown },
      unknown
    >
  } catch (cause) {
    throw LlmError.make({
      _tag: "Unsupported",
      message: `effect/ai cannot hold an answer to this JSON Schema: ${cause instanceof Error ? cause.message : "it is not understood"}`
    }, { provider, cause })
  }
}
