/**
 * Writes the parts of a message as blocks of content. What a provider alone understands (`options[provider]` of a part)
 * is merged into the block; what it said itself of an earlier answer stands there too, so that it goes back as it came.
 *
 * @module
 */
import type {
  AssistantMessage, JsonObject, JsonValue, ProviderOptions, ToolCallMessagePart as ToolCall,
  ToolResultMessagePart as ToolResult, UserMessage
} from "@plugline/core"
import { merge } from "../wire/draft.ts"
import { object } from "../wire/read.ts"
import { type Draft, isBlank, ownOf } from "./draft.ts"
import { file } from "./files.ts"

/** A block while it is written. */
export type Written = { [name: string]: JsonValue }

type Raw = Extract<UserMessage["content"][number], { type: "raw" }>

/** The blocks of a person's message. */
export const user = ({ content }: UserMessage, to: Draft): Array<Written> => {
  const out: Array<Written> = []
  for (const part of content) {
    switch (part.type) {
      case "text":
        text(part.text, ownOf(part.options, to), out)
        break
      case "file":
        out.push(file(part, to))
        break
      case "raw":
        raw(part, to, out)
        break
      default:
        out.push(other(part, to))
    }
  }
  return out
}

/** The blocks of the model's message, and the results of the caller's tools that stand in it. */
export const assistant = (
  { content }: AssistantMessage,
  to: Draft
): { readonly blocks: Array<Written>; readonly results: Array<Written> } => {
  const blocks: Array<Written> = []
  const results: Array<Written> = []
  for (const part of content) {
    const own = ownOf(part.options, to)
    switch (part.type) {
      case "text":
        text(part.text, own, blocks)
        break
      case "reasoning":
        // Only what the service signed or hid itself counts as thought with it.
        if (typeof own?.signature === "string") blocks.push(merged({ type: "thinking", thinking: part.text }, own))
        else if (typeof own?.data === "string") blocks.push(merged({ type: "redacted_thinking" }, own))
        break
      case "tool-call":
        if (part.providerExecuted !== true) blocks.push(merged(call(part), own))
        else if (own !== undefined) blocks.push(merged({ ...call(part), type: "server_tool_use" }, own))
        break
      case "tool-result":
        if (part.providerExecuted !== true) results.push(result(part, to))
        else if (own !== undefined) {
          const content = (part.result ?? null) as JsonValue
          blocks.push(merged({ type: `${part.name}_tool_result`, tool_use_id: part.id, content }, own))
        }
        break
      case "file":
        leftOut("takes no files in the model's own messages", to)
        break
      case "raw":
        raw(part, to, blocks)
        break
      default:
        blocks.push(other(part, to))
    }
  }
  return { blocks, results }
}

/** Says that something cannot be sent and was left out. */
export const leftOut = (why: string, to: Draft): void => {
  to.warnings.push({ type: "other", message: `${to.request.provider} ${why}: one was left out` })
}

/** What one of the caller's tools answered. */
export const result = (part: ToolResult, to: Draft): Written =>
  merged({
    type: "tool_result",
    tool_use_id: part.id,
    ...answered(part, to),
    ...(part.isFailure && { is_error: true })
  }, ownOf(part.options, to))

const answered = ({ modelOutput, result }: ToolResult, to: Draft): { readonly content?: JsonValue } => {
  if (modelOutput === undefined) {
    const content = typeof result === "string" ? result : result === null ? undefined : JSON.stringify(result)
    return content === undefined ? {} : { content }
  }
  const content: Array<Written> = []
  for (const part of modelOutput) {
    if (part.type === "text") text(part.text, ownOf(part.options, to), content)
    else if (part.type === "raw") raw(part, to, content)
    else content.push(file(part, to))
  }
  return content.length === 0 ? {} : { content }
}

const call = ({ id, name, params }: ToolCall): Written => ({ type: "tool_use", id, name, input: input(params) })

/** The API takes an object alone; anything else the model wrote is shown to it as it was. */
const input = (params: unknown): JsonObject =>
  (object(params) ?? (params === undefined || params === null
    ? {}
    : { invalid_json: typeof params === "string" ? params : JSON.stringify(params) })) as JsonObject

const text = (value: string, own: JsonObject | undefined, out: Array<Written>): void => {
  if (!isBlank(value)) out.push(merged({ type: "text", text: value }, own))
}

/** A block of the service's own; an event of it is no block. */
const raw = (part: Raw, to: Draft, out: Array<Written>): void => {
  const block = object(part.value)
  if (part.provider === to.request.provider && block !== undefined && ownOf(part.options, to)?.event !== true) {
    out.push({ ...block } as Written)
  }
}

/** A part that has no word here may be one of the service's own. */
const other = (part: { readonly options?: ProviderOptions }, to: Draft): Written => {
  const { options, ...block } = part
  return merged(block as Written, ownOf(options, to))
}

const merged = (block: Written, own: JsonObject | undefined): Written => {
  if (own !== undefined) merge(block, own)
  return block
}
