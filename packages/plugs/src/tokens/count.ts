/**
 * Counts what a request sends: its messages, tools and pictures, each by the formula its provider documents. Walks
 * every text once.
 *
 * @module
 */
import { Json, type Message, type MessagePart, type Options, type Tool } from "@plugline/core"
import type { Counter } from "./encoding.ts"
import type { Family } from "./family.ts"
import { fileTokens } from "./media.ts"

/** How many tokens, and how sure that is. */
export interface Count {
  readonly tokens: number
  /**
   * How far off it may be, as a fraction of `tokens`: 0 for text that was counted exactly, 0.25 for a guess that may be
   * a quarter too low or too high.
   */
  readonly error: number
  /** `exact`: by the model's own tokenizer; `estimated`: from the characters; `provider`: the provider counted. */
  readonly method: "exact" | "estimated" | "provider"
}

/** The most that a count can mean. */
export const atMost = ({ error, tokens }: Count): number => Math.ceil(tokens * (1 + error))

/** What counts texts for a model, and what is around them. */
export interface Meter {
  readonly model: string
  readonly family: Family
  readonly text: Counter
  readonly exact: boolean
  /**
   * What was counted before: a conversation grows at its end, and its messages are the same values in the next request.
   */
  readonly known: WeakMap<Message, Weight>
}

/** What one message counts for; `guessed` of it is a guess even where texts are counted exactly. */
export interface Weight {
  readonly tokens: number
  readonly guessed: number
}

/** What one message counts for, what is around it included. */
export const messageWeight = (message: Message, meter: Meter): Weight => {
  const known = meter.known.get(message)
  if (known !== undefined) return known
  let tokens = meter.family.message + 1
  let guessed = 0
  if (typeof message.content === "string") tokens += meter.text(message.content)
  else {
    for (const part of message.content) {
      const weight = partWeight(part, meter)
      tokens += weight.tokens
      guessed += weight.guessed
    }
  }
  const weight = { tokens, guessed }
  meter.known.set(message, weight)
  return weight
}

const partWeight = (part: MessagePart, meter: Meter): Weight => {
  switch (part.type) {
    case "text":
    case "reasoning":
      return counted(meter.text(part.text))
    case "tool-call":
      return counted(meter.text(part.name) + meter.text(written(part.params)) + 8)
    case "tool-result": {
      if (part.modelOutput === undefined) return counted(meter.text(written(part.result)) + 5)
      let tokens = 5
      let guessed = 0
      for (const inner of part.modelOutput) {
        const weight = partWeight(inner, meter)
        tokens += weight.tokens
        guessed += weight.guessed
      }
      return { tokens, guessed }
    }
    case "file": {
      const { sure, tokens } = fileTokens(part, meter.family, meter.model)
      return { tokens, guessed: sure ? 0 : tokens }
    }
    default: {
      const tokens = meter.text(written(part))
      return { tokens, guessed: tokens }
    }
  }
}

const counted = (tokens: number): Weight => ({ tokens, guessed: 0 })

/**
 * A value as it is sent. What cannot be written (a cycle, nesting without end) cannot be sent either, and counts for
 * nothing.
 */
export const written = (value: unknown): string => {
  if (typeof value === "string") return value
  try {
    return JSON.stringify(value) ?? ""
  } catch {
    return ""
  }
}

/** What is sent beside the messages: tools, the schema of the answer, and what stands once around all. */
export const aroundWeight = ({ responseFormat, tools }: Options, meter: Meter): Weight => {
  let tokens = meter.family.once
  let guessed = 0
  if (tools !== undefined && tools.length > 0) {
    tokens += 12
    for (const tool of tools) {
      const weight = toolWeight(tool, meter)
      tokens += weight
      // The formula is of what OpenAI makes of a tool; nested schemas and other providers are near it.
      guessed += weight
    }
  }
  if (responseFormat?.type === "json" && responseFormat.schema !== undefined) {
    const weight = meter.text(written(responseFormat.schema))
    tokens += weight
    guessed += weight
  }
  return { tokens, guessed }
}

/**
 * A tool as OpenAI shows it to the model: 7 tokens, its name and description; 3 for its parameters, and for each 3, its
 * name, type and description; 3 for each value of an enumeration.
 */
const toolWeight = (tool: Tool, meter: Meter): number =>
  tool.type === "provider"
    ? 300 + (tool.args === undefined ? 0 : meter.text(written(tool.args)))
    : 7 + meter.text(`${tool.name}:${tool.description ?? ""}`) + schemaWeight(tool.parameters, meter, 0)

const schemaWeight = (schema: unknown, meter: Meter, depth: number): number => {
  if (!Json.isRecord(schema)) return 0
  if (depth > 8) return meter.text(written(schema))
  let tokens = 0
  if (Json.isRecord(schema.properties)) {
    tokens += 3
    for (const [name, property] of Object.entries(schema.properties)) {
      if (!Json.isRecord(property)) continue
      const said = typeof property.description === "string" ? property.description : ""
      tokens += 3 + meter.text(`${name}:${written(property.type ?? "")}:${said}`)
      tokens += schemaWeight(property, meter, depth + 1)
    }
  }
  if (Array.isArray(schema.enum)) {
    tokens -= 3
    for (const value of schema.enum) tokens += 3 + meter.text(written(value))
  }
  for (const word of ["items", "additionalProperties", "not"]) tokens += schemaWeight(schema[word], meter, depth + 1)
  for (const word of ["anyOf", "oneOf", "allOf", "prefixItems"]) {
    const list = schema[word]
    if (Array.isArray(list)) for (const item of list) tokens += schemaWeight(item, meter, depth + 1)
  }
  for (const word of ["$defs", "definitions"]) {
    const defined = schema[word]
    if (!Json.isRecord(defined)) continue
    for (const each of Object.values(defined)) tokens += schemaWeight(each, meter, depth + 1)
  }
  return Math.max(0, tokens)
}

/** Weights put together, as a count. */
export const countOf = (weights: Iterable<Weight>, meter: Meter): Count => {
  let tokens = 0
  let guessed = 0
  for (const weight of weights) {
    tokens += weight.tokens
    guessed += weight.guessed
  }
  if (!meter.exact) return { tokens, error: meter.family.error, method: "estimated" }
  // Pictures of unknown size, documents and schemas may be half or twice of what was guessed.
  return { tokens, error: tokens === 0 ? 0 : guessed * 0.5 / tokens, method: "exact" }
}
