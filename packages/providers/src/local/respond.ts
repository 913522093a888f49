/**
 * Answers a request by rules alone: pure, and the same answer for the same request.
 *
 * @module
 */
import {
  type ChatResult, type Choice, type Content, type FinishReason, Json, type JsonValue, Message, type OptionName, type Options,
  type Request, type Warning
} from "@plugline/core"
import { hints } from "./hints.ts"
import { answer } from "./rules/index.ts"
import { satisfy } from "./schema.ts"
import { count, first } from "./tokens.ts"
import { answered, calls, report } from "./tools.ts"

/** The one model there is. */
export const model = "rules-1"

/**
 * The answer to a request. Honoured: `maxTokens`, `stop`, `n`, `tools` with `toolChoice` and `parallelToolCalls`,
 * `responseFormat`, `reasoning`; every other option that would change a model's answer gets a warning.
 *
 * After tools have answered it answers from them and calls no more, whatever `toolChoice` says: so a loop of calls ends.
 *
 * @throws LlmError `InvalidRequest` for a tool that must be called and is not offered, `Unsupported` for a JSON Schema it cannot
 * satisfy.
 * @example
 * ```ts
 * import { Request, Result } from "@plugline/core"
 * import { respond } from "@plugline/providers/local"
 *
 * Result.text(respond(Request.make({ provider: "local", messages: "What is 6 * 7?" }))) // => "6 * 7 = 42"
 * ```
 */
export const respond = (request: Request): ChatResult => {
  const { messages, options } = request
  const prompt = messages.reduce((sum, message) => sum + count(textOf(message)), 0)
  const { finishReason, ...draft } = finish(drafted(request), options)
  const choices = Array.from({ length: (options.n ?? 1) - 1 }, (_, index): Choice => ({
    index: index + 1,
    content: draft.content.map((part): Content => part.type === "tool-call" ? { ...part, id: `${part.id}-${index + 1}` } : part),
    finishReason
  }))
  const copies = 1 + choices.length
  const written = { text: draft.text * copies, reasoning: draft.reasoning * copies }
  const total = written.text + written.reasoning
  const warnings = warningsOf(options)
  return {
    type: request.operation === "completion" ? "completion" : "chat",
    id: `local-${fingerprint(request)}`,
    model,
    content: draft.content,
    finishReason,
    usage: {
      inputTokens: { total: prompt },
      outputTokens: { total, ...written },
      raw: { tokenizer: "plugline-local", input: prompt, output: total }
    },
    ...(warnings.length > 0 && { warnings }),
    ...(choices.length > 0 && { choices })
  }
}

// --- what to say ------------------------------------------------------------------------------------------------------

interface Draft {
  readonly thought?: string
  readonly text?: string
  readonly calls?: ReturnType<typeof calls>
}

const drafted = ({ messages, operation, options }: Request): Draft => {
  const asked = lastOf(messages, "user") ?? lastOf(messages, "system")
  const said = asked === undefined ? "" : Message.text(asked)
  const results = answered(messages)
  const wanted = results.length === 0 && operation !== "completion" ? calls(said, options) : []
  const think = (thought: string) => options.reasoning !== undefined && options.reasoning.effort !== "none" ? { thought } : {}
  if (wanted.length > 0) {
    return { ...think(`The message asks for ${wanted.map(({ name }) => name).join(" and ")}; the arguments stand in it.`), calls: wanted }
  }
  const { rule, text } = results.length > 0 ? { rule: "tool results", text: report(results) } : answer(said)
  const format = options.responseFormat
  if (format?.type !== "json") return { ...think(`The rule that fits is: ${rule}.`), text }
  const data = results.flatMap(({ result }) => json(result))
  const value = format.schema === undefined ? { answer: text } : satisfy(format.schema, hints({ text: said, data, answer: text }))
  return { ...think(`The rule that fits is: ${rule}. The answer must satisfy a JSON Schema.`), text: JSON.stringify(value) }
}

const lastOf = (messages: ReadonlyArray<Message>, role: Message["role"]): Message | undefined =>
  messages.findLast((message) => message.role === role)

/** What a tool answered as JSON, also where it came as a text. */
const json = (result: unknown): ReadonlyArray<JsonValue> => {
  try {
    return [Json.parse(typeof result === "string" ? result : JSON.stringify(result) ?? "null")]
  } catch {
    return []
  }
}

/** The text of a message, results of tools included. */
const textOf = (message: Message): string =>
  message.role === "tool" ? report(message.content.filter((part) => part.type === "tool-result")) : Message.text(message)

// --- how much of it ---------------------------------------------------------------------------------------------------

interface Finished {
  readonly content: ReadonlyArray<Content>
  readonly finishReason: FinishReason
  readonly text: number
  readonly reasoning: number
}

/** Ends the answer where a stop text stands, and where the tokens are used up. */
const finish = (draft: Draft, { maxTokens = Infinity, stop }: Options): Finished => {
  const content: Array<Content> = []
  let left = maxTokens
  let reasoning = 0
  let text = 0
  let cut = false
  if (draft.thought !== undefined) {
    const kept = first(draft.thought, left)
    reasoning = count(kept)
    left -= reasoning
    cut = kept.length < draft.thought.length
    content.push({ type: "reasoning", text: kept })
  }
  if (draft.calls !== undefined) {
    for (const [index, { name, params }] of draft.calls.entries()) {
      const size = count(name) + count(JSON.stringify(params))
      // A call that is cut off must not look like one that can be run.
      cut ||= size > left
      if (cut) break
      left -= size
      text += size
      content.push({ type: "tool-call", id: `call-${index + 1}`, name, params })
    }
    return { content, text, reasoning, finishReason: cut ? "length" : "tool-calls" }
  }
  if (!cut) {
    const whole = stopped(draft.text ?? "", stop)
    const kept = first(whole, left)
    text = count(kept)
    cut = kept.length < whole.length
    if (kept !== "") content.push({ type: "text", text: kept })
  }
  return { content, text, reasoning, finishReason: cut ? "length" : "stop" }
}

const stopped = (text: string, stop: Options["stop"]): string => {
  const ends = (typeof stop === "string" ? [stop] : stop ?? []).flatMap((end) => {
    const at = end === "" ? -1 : text.indexOf(end)
    return at < 0 ? [] : [at]
  })
  return ends.length === 0 ? text : text.slice(0, Math.min(...ends))
}

// --- what the caller should know --------------------------------------------------------------------------------------

/** Options that are honoured, or that change nothing anybody could miss. */
const fine: ReadonlySet<OptionName> = new Set([
  "model", "maxTokens", "stop", "n", "tools", "toolChoice", "parallelToolCalls", "responseFormat", "reasoning", "seed", "user",
  "metadata", "providerOptions"
])

const warningsOf = (options: Options): ReadonlyArray<Warning> => {
  const out: Array<Warning> = []
  if (options.model !== undefined && options.model !== model && options.model !== `local/${model}`) {
    out.push({ type: "changed-option", option: "model", message: `the rule-based responder has one model, ${model}, and answered with it` })
  }
  for (const name of Object.keys(options) as ReadonlyArray<OptionName>) {
    if (fine.has(name) || options[name] === undefined) continue
    out.push({ type: "unsupported-option", option: name, message: `${name} makes no difference to the rule-based responder` })
  }
  if (options.tools?.some(({ type }) => type === "provider")) {
    out.push({
      type: "unsupported-option",
      option: "tools",
      message: "the rule-based responder has no tools of its own; only functions can be called"
    })
  }
  return out
}

/** A short name for what was asked (FNV-1a): the same request has the same. */
const fingerprint = ({ messages, options }: Request): string => {
  const text = JSON.stringify([messages, options])
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0
  return hash.toString(16).padStart(8, "0")
}
