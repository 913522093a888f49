/**
 * Writes a conversation in the service's words: its rules apart, and turns of person and model that alternate. What the
 * person and the tools say between two turns of the model is one turn, the results first, as the API wants it.
 *
 * @module
 */
import { type JsonObject, type JsonValue, LlmError, type Message, type SystemMessage } from "@plugline/core"
import { merge } from "../wire/draft.ts"
import { object } from "../wire/read.ts"
import { assistant, leftOut, result, user, type Written } from "./blocks.ts"
import { type Draft, isBlank, ownOf } from "./draft.ts"
import { takesSystemTurns } from "./generation.ts"

/** One turn while it is written. */
interface Turn {
  readonly role: "user" | "assistant" | "system"
  readonly results: Array<Written>
  readonly blocks: Array<Written>
  /** Fields of the message itself. A turn that has some is not joined with another. */
  readonly own: JsonObject | undefined
}

/** Writes `system` and `messages`. */
export const conversation = (to: Draft): void => {
  const rules: Array<Written> = []
  const turns: Array<Turn> = []
  for (const message of to.request.messages) {
    if (message.role === "system") system(message, to, rules, turns)
    else if (message.role === "assistant") {
      const { blocks, results } = assistant(message, to)
      add("assistant", [], blocks, message, to, turns)
      if (results.length > 0) add("user", results, [], { role: "user", content: [] }, to, turns)
    } else if (message.role === "user") {
      const blocks = user(message, to)
      if (blocks.length === 0) leftOut("takes no message without content", to)
      else add("user", [], blocks, message, to, turns)
    } else add("user", message.content.map((part) => result(part, to)), [], message, to, turns)
  }
  trimLast(turns, to)
  if (turns.length === 0) {
    throw LlmError.make({
      _tag: "InvalidRequest",
      parameter: "messages",
      message: `${to.request.provider} needs at least one message that says something, besides system messages`
    }, { provider: to.request.provider })
  }
  if (rules.length > 0) to.body.system = plain(rules)
  to.body.messages = turns.map(({ blocks, own, results, role }) => {
    const written: Written = { role, content: plain(results.length === 0 ? blocks : [...results, ...blocks]) }
    if (own !== undefined) merge(written, own)
    return written
  })
}

/** Rules before the conversation stand apart. Later ones are turns, where the model knows such. */
const system = (message: SystemMessage, to: Draft, rules: Array<Written>, turns: Array<Turn>): void => {
  const own = ownOf(message.options, to)
  const ofMessage: { [name: string]: JsonValue } = {}
  const block: Written = { type: "text", text: message.content }
  if (own !== undefined) {
    for (const name of Object.keys(own)) merge(turnFields.has(name) ? ofMessage : block, { [name]: own[name] })
  }
  const isTurn = Object.keys(ofMessage).length > 0
  if (isBlank(message.content) && !isTurn) return
  if (isTurn || (turns.length > 0 && takesSystemTurns(to.model))) {
    const blocks = isBlank(message.content) ? [] : [block]
    turns.push({ role: "system", results: [], blocks, own: isTurn ? ofMessage : undefined })
    return
  }
  if (turns.length > 0) {
    to.warnings.push({
      type: "other",
      message: `${to.model ?? "the model"} takes no system message within a conversation: it was put before it`
    })
  }
  rules.push(block)
}

/** Fields of a system message itself rather than of its text. */
const turnFields = new Set(["content", "clear_at", "output_config"])

const add = (
  role: "user" | "assistant",
  results: Array<Written>,
  blocks: Array<Written>,
  message: Message,
  to: Draft,
  turns: Array<Turn>
): void => {
  let own = ownOf(message.options, to)
  if (own?.cache_control !== undefined) {
    // The API marks blocks, not messages: what ends at the last block of a message ends at the message.
    const { cache_control: mark, ...rest } = own
    const last = blocks.findLast(({ type }) => type !== "thinking" && type !== "redacted_thinking") ?? results.at(-1)
    if (last !== undefined && last.cache_control === undefined) last.cache_control = mark
    own = Object.keys(rest).length === 0 ? undefined : rest
  }
  if (results.length === 0 && blocks.length === 0 && own === undefined) return
  const before = turns.at(-1)
  if (before?.role !== role || before.own !== undefined || own !== undefined) {
    turns.push({ role, results, blocks, own })
    return
  }
  before.results.push(...results)
  before.blocks.push(...blocks)
}

/** An answer that is begun for the model may not end in white space. */
const trimLast = (turns: Array<Turn>, to: Draft): void => {
  const last = turns.at(-1)
  const block = last?.role === "assistant" ? last.blocks.at(-1) : undefined
  if (block?.type !== "text" || typeof block.text !== "string") return
  const trimmed = block.text.trimEnd()
  if (trimmed === block.text) return
  block.text = trimmed
  to.warnings.push({
    type: "other",
    message: `${to.request.provider} takes no answer begun for the model that ends in white space: it was cut off`
  })
}

/** One plain text stays a text. */
const plain = (blocks: ReadonlyArray<Written>): JsonValue => {
  const only = blocks.length === 1 ? object(blocks[0]) : undefined
  return only?.type === "text" && Object.keys(only).length === 2 ? only.text! : blocks
}
