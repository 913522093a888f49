/**
 * Writes blocks of content, and what only the service understands into them.
 *
 * @module
 */
import type { JsonObject, JsonValue, MessagePart, ProviderOptions } from "@plugline/core"
import { type Fields, put } from "../wire/read.ts"
import { file } from "./files.ts"

/** Something while it is written. */
export type Written = { [name: string]: JsonValue }

/** What the provider alone understands. */
export const ownOf = (options: ProviderOptions | undefined, provider: string): JsonObject | undefined =>
  options?.[provider] ?? undefined

/**
 * What is known of a part and is no field of its block: marks of this wire, and what chat completions say of an answer,
 * so that a conversation may change from one to the other.
 */
const notSent = new Set([
  "item", "part", "refusal", "logprobs", "content", "block", "event", "instructions", "imageDetail",
  "reasoning_details", "message", "custom", "response", "audio", "as", "inner", "joined", "legacy", "list"
])

/** Whether anything would be written into a block. */
export const isSaid = (own: JsonObject | undefined): boolean => {
  for (const name in own) if (!notSent.has(name)) return true
  return false
}

/** Puts what the provider alone understands over what is written. */
export const withOwn = (written: Written, own: Fields | undefined): Written => {
  if (own === undefined) return written
  for (const name in own) {
    const value = own[name]
    if (value !== undefined && !notSent.has(name)) put(written, name, value)
  }
  return written
}

/** A block of a person's message or of a tool's answer; none for a block of another provider. */
export const block = (part: MessagePart, provider: string): ReadonlyArray<Written> => {
  const own = ownOf(part.options, provider)
  switch (part.type) {
    case "text":
      return [withOwn({ type: "input_text", text: part.text }, own)]
    case "file": {
      const detail = own?.imageDetail ?? part.options?.openai?.imageDetail
      const written = file(part, own, provider)
      if (detail !== undefined && written.type === "input_image") written.detail = detail
      return [withOwn(written, own)]
    }
    case "raw":
      return part.provider === provider ? [part.value as Written] : []
    default:
      // A part that has no word here may be one of the service's own.
      return [part as unknown as Written]
  }
}

/** A block of what a model said. */
export const said = (part: Extract<MessagePart, { readonly type: "text" }>, own: JsonObject | undefined): Written =>
  withOwn(
    own?.refusal === true ? { type: "refusal", refusal: part.text } : { type: "output_text", text: part.text },
    own
  )
