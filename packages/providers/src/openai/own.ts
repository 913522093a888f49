/**
 * What one provider alone understands of a message or a part, as it stands in their `options`: what of it is written
 * into the service's blocks, and what only says how to write them.
 *
 * @module
 */
import type { JsonObject, JsonValue, MessagePart, ProviderOptions } from "@plugline/core"
import type { Draft } from "./options.ts"
import { merge } from "../wire/draft.ts"
import { object, put } from "../wire/read.ts"

/** A message or block while it is written. */
export type Written = { [name: string]: JsonValue }

type RawMessagePart = MessagePart & { readonly type: "raw" }

/** What the provider alone understands of a part, where any of that would be written. */
export const ownOf = (options: ProviderOptions | undefined, to: Draft): JsonObject | undefined => {
  const own = options?.[to.request.provider]
  if (own === undefined || own === null) return undefined
  for (const name in own) if (!notSent.has(name)) return own
  return undefined
}

/** Puts what the provider alone understands over what is written. `without`: the names that are left out. */
export const withOwn = (
  written: Written,
  options: ProviderOptions | undefined,
  to: Draft,
  without: ReadonlySet<string> = notSent
): Written => {
  const own = options?.[to.request.provider]
  if (own === undefined || own === null) return written
  for (const name in own) {
    const value = own[name]
    if (!without.has(name) && value !== undefined) put(written, name, value)
  }
  return written
}

/** The same, with the fields that stand beside the data of a block, as `inner` says them. */
export const withInner = (written: Written, options: ProviderOptions | undefined, to: Draft): Written => {
  const inner = object(options?.[to.request.provider]?.inner)
  const fields = object(written[String(written.type)])
  if (inner !== undefined && fields !== undefined) merge(fields as Written, inner as JsonObject)
  return withOwn(written, options, to)
}

/** Whether texts, or raw blocks of the service, have to be written as they are. */
export const isOwn = (parts: ReadonlyArray<MessagePart>, to: Draft): boolean =>
  parts.every((part) => part.type !== "file")
  && parts.some((part) => part.type === "raw" || ownOf(part.options, to) !== undefined)

/**
 * Whether a block that only one provider understands can go to this one, by this API: items of its other one cannot.
 */
export const isTaken = ({ options, provider, value }: RawMessagePart, { request }: Draft): boolean => {
  if (provider !== request.provider) return false
  const own = options?.[provider]
  const type = object(value)?.type
  if (own?.event !== undefined || own?.block !== undefined) return false
  return typeof type !== "string" || !ofResponses.test(type)
}

/** How the Responses API calls its items. */
const ofResponses =
  /^compaction|^item_reference$|_(call|call_output|list_tools|approval_request|approval_response|search_output)$/

/**
 * What is known of an answer and sent elsewhere or not at all, see `Choice` for what they mean, and the marks of the
 * Responses API, so that a conversation may change from one to the other.
 */
const notSent = new Set([
  "imageDetail", "logprobs", "refusal", "reasoning_details", "message", "custom", "response", "audio", "as", "inner",
  "joined", "legacy", "list", "part", "item", "annotations", "content", "block", "event", "instructions"
])

/** Of a whole message its own fields are sent, also those that are marks of a part. */
export const ofMessages = new Set(["joined", "legacy", "list", "part", "item", "instructions"])
