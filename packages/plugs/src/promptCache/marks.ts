/**
 * Decides where the stable prefixes of a request end, and marks them. Pure.
 *
 * Services read a prompt in this order: tools, rules, conversation. A mark says: what stands up to here will come
 * again.
 *
 * @module
 */
import type { JsonObject, Message, ProviderOptions, Request, Tool } from "@plugline/core"
import { type Family, familyOf, guess } from "../tokens/family.ts"
import type { Service } from "./services.ts"

/** Most marks a service takes. */
export const most = 4

/** How prefixes are marked. */
export interface Marking {
  readonly service: Service
  /** How long the service is asked to keep a prefix. */
  readonly ttl: "5m" | "1h"
  /** Prefixes of fewer tokens are not marked. */
  readonly minTokens: number
}

/** Which pieces of a request are marked: the tool and the messages at these places. */
export interface Places {
  readonly tool?: number
  readonly messages: ReadonlyArray<number>
}

/**
 * Where prefixes end that are long enough: the tools, the rules in front of the conversation, and the conversation as
 * far as it will come again. That is all of it where it ends in what tools answered, for the model goes on from there;
 * else all but the newest question. Where many blocks came since the mark of the call before, that place is marked too,
 * for services look back only so far.
 */
export const places = ({ messages, options }: Request, { minTokens, service }: Marking): Places => {
  const family = familyOf(options.model ?? "")
  const tool = service.tools ? (options.tools ?? []).findLastIndex(({ type }) => type !== "provider") : -1
  const stable = stableEnd(messages)
  const before = previousEnd(messages, stable)
  const isFar = before >= 0 && blocksBetween(messages, before, stable) > 18
  const wanted = new Set([rulesEnd(messages), stable, isFar ? before : -1])
  const marked: Array<number> = []
  let tokens = 0
  for (const given of options.tools ?? []) tokens += guess(textOf(given), family)
  const toolIsLong = tokens >= minTokens
  // Rules are read before the conversation wherever they stand.
  for (let at = 0; at < messages.length; at++) {
    tokens += tokensOf(messages[at]!, family)
    if (wanted.has(at) && tokens >= minTokens) marked.push(at)
  }
  return { ...(tool >= 0 && toolIsLong && { tool }), messages: marked }
}

/** The last of the rules in front of the conversation. */
const rulesEnd = (messages: ReadonlyArray<Message>): number => {
  let end = -1
  for (let at = 0; at < messages.length; at++) {
    const message = messages[at]!
    if (message.role !== "system") break
    if (message.content.trim() !== "") end = at
  }
  return end
}

/** The last message that will come again as it is, if any of the conversation will. */
const stableEnd = (messages: ReadonlyArray<Message>): number => {
  const last = messages.findLastIndex((message) => message.role !== "system" && hasContent(message))
  if (last < 0 || messages[last]!.role === "tool") return last
  const question = messages.findLastIndex(({ role }) => role === "user")
  return messages.findLastIndex((message, at) => at < question && message.role !== "system" && hasContent(message))
}

/** Where the call before this one was marked: it ended where the model's last answer began. */
const previousEnd = (messages: ReadonlyArray<Message>, stable: number): number => {
  const answer = messages.findLastIndex(({ role }, at) => at <= stable && role === "assistant")
  return answer < 0 ? -1 : stableEnd(messages.slice(0, answer))
}

/** A mark needs something to stand on, and may not stand on what the model thought. */
const hasContent = (message: Message): boolean =>
  typeof message.content !== "string"
  && message.content.some((part) => part.type === "text" ? part.text.trim() !== "" : part.type !== "reasoning")

const blocksBetween = (messages: ReadonlyArray<Message>, from: number, to: number): number => {
  let blocks = 0
  for (let at = from + 1; at <= to; at++) {
    const { content } = messages[at]!
    blocks += typeof content === "string" ? 1 : content.length
  }
  return blocks
}

const tokensOf = ({ content }: Message, family: Family): number => {
  if (typeof content === "string") return guess(content, family)
  let tokens = 0
  for (const part of content) {
    if (part.type === "text" || part.type === "reasoning") tokens += guess(part.text, family)
    // A picture or document is seldom less; how much more does not matter here.
    else tokens += part.type === "file" ? 258 : guess(textOf(part), family)
  }
  return tokens
}

const textOf = (value: unknown): string => {
  try {
    return JSON.stringify(value) ?? ""
  } catch {
    return ""
  }
}

/** Whether the caller marked prefixes: whoever does so knows what is stable. */
export const isMarked = ({ messages, options, provider }: Request): boolean => {
  const own = options.providerOptions?.[provider]
  if (own?.cache_control !== undefined || own?.prompt_cache_key !== undefined) return true
  const has = (given: ProviderOptions | undefined): boolean => {
    const own = given?.[provider]
    return own?.cache_control !== undefined || own?.cachePoint !== undefined
  }
  for (const tool of options.tools ?? []) {
    const isOne = tool.type === "provider"
      ? tool.args?.cache_control !== undefined || tool.id.endsWith(".cachePoint")
      : has(tool.options)
    if (isOne) return true
  }
  return messages.some(({ content, options }) =>
    has(options) || (typeof content !== "string" && content.some((part) => has(part.options))))
}

/** The tools and messages with their marks. What is not marked stays the same value. */
export const mark = (
  { messages, options, provider }: Request,
  at: Places,
  marking: Marking
): { readonly tools: ReadonlyArray<Tool> | undefined; readonly messages: ReadonlyArray<Message> } => {
  const own = ownOf(marking)
  const marked = <A extends { readonly options?: ProviderOptions }>(value: A): A =>
    ({ ...value, options: { ...value.options, [provider]: { ...value.options?.[provider], ...own } } })
  const tools = options.tools?.map((tool, index) => index === at.tool && tool.type !== "provider" ? marked(tool) : tool)
  return {
    tools: at.tool === undefined ? options.tools : tools,
    messages: at.messages.length === 0
      ? messages
      : messages.map((message, index) => at.messages.includes(index) ? marked(message) : message)
  }
}

const ownOf = ({ service, ttl }: Marking): JsonObject => {
  const hour = ttl === "1h" && service.hour ? { ttl } : {}
  return service.way === "cachePoint"
    ? { cachePoint: { type: "default", ...hour } }
    : { cache_control: { type: "ephemeral", ...hour } }
}
