/**
 * Writes what a tool answered as a `functionResponse`, and reads it back.
 *
 * The service wants an object. An object goes as it is; anything else, and an object that could be mistaken for one
 * of the two forms, stands under `output`, and what went wrong under `error`.
 *
 * @module
 */
import type { FilePart, JsonObject, JsonValue, MessagePart } from "@plugline/core"
import { modelOf } from "../wire/draft.ts"
import { type Fields, object } from "../wire/read.ts"
import { sentId } from "./ids.ts"
import { file } from "./media.ts"
import type { Draft } from "./options.ts"
import { takesFilesInResults } from "./surface.ts"

/** What a tool answered. */
export type ToolResult = Extract<MessagePart, { readonly type: "tool-result" }>

/** The part of a tool's answer. Files that the model does not take in there are put into `shown`, to follow. */
export const functionResponse = (
  part: ToolResult,
  name: string,
  shown: Array<JsonValue>,
  to: Draft
): { readonly [name: string]: JsonValue } => {
  const { functionResponse: more, ...rest } = part.options?.[to.request.provider] ?? {}
  const id = sentId(part.id)
  const files = (part.modelOutput ?? []).filter((item): item is FilePart => item.type === "file")
  const inside = files.length > 0 && takesFilesInResults(modelOf(to.request))
  if (files.length > 0 && !inside) {
    shown.push({ text: `Files from the tool ${name}:` }, ...files.map((item) => written(item, to)))
  }
  return {
    functionResponse: {
      ...(id !== undefined && { id }),
      name,
      response: responseOf(part),
      ...(inside && { parts: files.map((item) => written(item, to)) }),
      ...object(more)
    },
    ...rest as { readonly [name: string]: JsonValue }
  }
}

const written = (item: FilePart, to: Draft): JsonObject & { [name: string]: JsonValue } => {
  const own = item.options?.[to.request.provider]
  return { ...file(item, to.surface), ...own as { [name: string]: JsonValue } | null | undefined }
}

/** The object that stands for what a tool answered. */
export const responseOf = (answer: Pick<ToolResult, "isFailure" | "modelOutput" | "result">): JsonObject => {
  const { isFailure, modelOutput, result } = answer
  if (modelOutput === undefined) return wrapped(result, isFailure)
  const texts = modelOutput.flatMap((item) => item.type === "text" ? [item.text] : [])
  if (texts.length > 0) return wrapped(texts.join("\n"), isFailure)
  return isFailure ? wrapped(result, true) : {}
}

const wrapped = (result: unknown, isFailure: boolean): JsonObject => {
  if (isFailure) return { error: (result ?? null) as JsonValue }
  const fields = object(result)
  return fields === undefined || Object.hasOwn(fields, "output") || Object.hasOwn(fields, "error")
    ? { output: (result ?? null) as JsonValue }
    : fields as JsonObject
}

/** What a tool answered, from the object that stands for it. */
export const readResponse = (response: Fields): { readonly result: unknown; readonly isFailure: boolean } => {
  const names = Object.keys(response)
  if (names.length === 1 && names[0] === "output") return { result: response.output, isFailure: false }
  if (names.length === 1 && names[0] === "error") return { result: response.error, isFailure: true }
  return { result: response, isFailure: false }
}
