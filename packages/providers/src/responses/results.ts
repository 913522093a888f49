/**
 * Writes what a tool answered, in the form that its kind of call wants.
 *
 * @module
 */
import type { JsonValue, MessagePart } from "@plugline/core"
import { block, isSaid, ownOf, type Written } from "./blocks.ts"
import { file } from "./files.ts"
import type { Quirks } from "./quirks.ts"

type ToolResultPart = Extract<MessagePart, { readonly type: "tool-result" }>

/**
 * The fields of an item of a type that answers a call. Files that the service does not take there are put into `shown`,
 * with a word on where they are from.
 */
export const resultOf = (
  part: ToolResultPart,
  type: string,
  provider: string,
  quirks: Quirks,
  shown: Array<Written>
): Written => {
  const { isFailure, modelOutput, result } = part
  switch (type) {
    case "function_call_output":
    case "custom_tool_call_output":
      return {
        output: modelOutput === undefined ? answered(result, isFailure) : content(part, provider, quirks, shown)
      }
    case "computer_call_output": {
      const image = modelOutput?.find((item) => item.type === "file")
      if (image === undefined) return { output: result as JsonValue }
      const { image_url } = file(image, undefined, provider)
      return { output: { type: "computer_screenshot", ...(image_url !== undefined && { image_url }) } }
    }
    case "tool_search_output":
      return { tools: result as JsonValue }
    case "apply_patch_call_output": {
      const isSilent = result === undefined || result === null
      const status = isFailure ? "failed" : "completed"
      return isSilent ? { status } : { status, output: answered(result, false) }
    }
    case "shell_call_output":
      return { output: result as JsonValue }
    default:
      return { output: answered(result, isFailure) }
  }
}

/** A tool's answer for the model: a text where it is text alone. */
const content = (
  { isFailure, modelOutput = [], name }: ToolResultPart,
  provider: string,
  quirks: Quirks,
  shown: Array<Written>
): JsonValue => {
  const files = modelOutput.filter((item) => item.type === "file")
  const isPlain = modelOutput.every((item) => item.type === "text" && !isSaid(ownOf(item.options, provider)))
  if (!isPlain && (files.length === 0 || quirks.toolFiles !== false)) {
    const failed: Array<Written> = isFailure ? [{ type: "input_text", text: "Error" }] : []
    return [...failed, ...modelOutput.flatMap((item) => block(item, provider))]
  }
  if (files.length > 0) {
    shown.push({ type: "input_text", text: `Files from the tool ${name}:` })
    for (const item of files) shown.push(...block(item, provider))
  }
  const said = modelOutput.flatMap((item) => item.type === "text" ? [item.text] : []).join("\n")
  return answered(said === "" && files.length > 0 ? "See the files that follow." : said, isFailure)
}

/** What a tool answered, as text; that it failed is said in the text, because there is no other place to say it. */
const answered = (result: unknown, isFailure: boolean): string => {
  if (!isFailure) return typeof result === "string" ? result : JSON.stringify(result) ?? ""
  return typeof result === "string" ? `Error: ${result}` : JSON.stringify({ error: result ?? null })
}
