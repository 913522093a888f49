/**
 * Guesses how many tokens a call will use, before it is made: quick and rough, because the answer puts it right.
 *
 * @module
 */
import { Json, type Message, type MessagePart, type Request } from "@plugline/core"

/**
 * Characters per token: about right for English; too many for most other languages, which the answer then puts right.
 */
const perToken = 4

/** What an image or another file is taken for, in tokens. */
const perFile = 1_000

/**
 * Tokens of what is asked: its characters divided by 4, 1,000 for each file, at least 1.
 *
 * @example
 * ```ts
 * import { Request } from "@plugline/core"
 * import { RateLimit } from "@plugline/plugs"
 *
 * RateLimit.estimate(Request.make({ provider: "local", messages: "Twelve chars" })) // => 3
 * ```
 */
export const estimate = (request: Request): number => {
  let sum = request.options.tools === undefined ? 0 : characters(request.options.tools, 0)
  for (const message of request.messages) {
    let size = known.get(message)
    if (size === undefined) known.set(message, size = weight(message))
    sum += size
  }
  return Math.max(1, Math.ceil(sum / perToken))
}

/** The most tokens the answers may have, where the request says so. */
export const answerTokens = ({ operation, options: { maxTokens, n } }: Request): number =>
  maxTokens === undefined || operation === "embeddings" || operation === "moderations" ? 0 : maxTokens * (n ?? 1)

/** A conversation grows at its end: its earlier messages are the same values in the next request. */
const known = new WeakMap<Message, number>()

const weight = ({ content }: Message): number => {
  if (typeof content === "string") return content.length
  let sum = 0
  for (const part of content) sum += partWeight(part)
  return sum
}

const partWeight = (part: MessagePart): number => {
  switch (part.type) {
    case "text":
    case "reasoning":
      return part.text.length
    case "file":
      return perFile * perToken
    case "tool-call":
      return part.name.length + characters(part.params, 0)
    case "tool-result": {
      if (part.modelOutput === undefined) return characters(part.result, 0)
      let sum = 0
      for (const inner of part.modelOutput) sum += partWeight(inner)
      return sum
    }
    default:
      return characters(part, 0)
  }
}

/** About as many characters as the value has when it is written as JSON. */
const characters = (value: unknown, depth: number): number => {
  if (typeof value === "string") return value.length + 2
  if (depth > 100 || value === null || value === undefined) return 4
  if (Array.isArray(value)) {
    let sum = 2
    for (const item of value) sum += characters(item, depth + 1)
    return sum
  }
  if (!Json.isRecord(value)) return 5
  let sum = 2
  for (const name of Object.keys(value)) sum += name.length + 3 + characters(value[name], depth + 1)
  return sum
}
