/**
 * The registered vocabulary of options: what a caller may ask of any provider, in one spelling. What only one provider
 * understands goes under `providerOptions`. A name that is not here is refused with the nearest one that is.
 *
 * @module
 */
import { isRecord, type JsonObject } from "./Json.ts"
import { LlmError } from "./LlmError.ts"
import type { ProviderOptions } from "./Message.ts"
import * as Suggest from "./Suggest.ts"

/** A JSON Schema, as providers take it. */
export type JsonSchema = JsonObject

/** A tool the model may call; we or our caller run it. */
export interface FunctionTool {
  readonly type?: "function"
  readonly name: string
  readonly description?: string
  /** JSON Schema of the arguments. Default: an object without fields. */
  readonly parameters?: JsonSchema
  /** Ask the provider to hold the model to the schema. */
  readonly strict?: boolean
  readonly options?: ProviderOptions
}

/** A tool the provider runs itself, in the provider's own words. */
export interface ProviderTool {
  readonly type: "provider"
  /** Provider and name: `openai.web_search`. */
  readonly id: string
  readonly args?: JsonObject
}

/** A tool offered to the model. */
export type Tool = FunctionTool | ProviderTool

/** Whether tools are called: as the model likes, not at all, at least one, or this one. */
export type ToolChoice = "auto" | "none" | "required" | { readonly tool: string }

/** The form of the answer. */
export type ResponseFormat =
  | { readonly type: "text" }
  | {
    readonly type: "json"
    /** JSON Schema the answer must satisfy; without it, any JSON object. */
    readonly schema?: JsonSchema
    /** Default: `response`. */
    readonly name?: string
    readonly description?: string
    readonly strict?: boolean
  }

/** How much the model thinks first. */
export interface Reasoning {
  readonly effort?: string
  /** Tokens it may spend on it. */
  readonly budgetTokens?: number
  readonly summary?: string
}

/** What can be asked of a call. Every field is optional; what is absent is left to the provider. */
export interface Options {
  readonly model?: string
  /** Randomness, 0 and up. */
  readonly temperature?: number
  /** Most tokens the model may write. */
  readonly maxTokens?: number
  /** Nucleus sampling, 0 to 1. */
  readonly topP?: number
  readonly topK?: number
  readonly frequencyPenalty?: number
  readonly presencePenalty?: number
  /** Texts that end the answer. */
  readonly stop?: string | ReadonlyArray<string>
  readonly seed?: number
  readonly tools?: ReadonlyArray<Tool>
  readonly toolChoice?: ToolChoice
  readonly parallelToolCalls?: boolean
  readonly responseFormat?: ResponseFormat
  readonly reasoning?: Reasoning
  /** How many answers to the same prompt, 1 to 128. */
  readonly n?: number
  /** Log probabilities of the tokens written: yes, or how many alternatives. */
  readonly logprobs?: boolean | number
  readonly logitBias?: { readonly [token: string]: number }
  /** A stable id of the person asking, for the provider's abuse detection. */
  readonly user?: string
  readonly serviceTier?: string
  /** Length of embedding vectors. */
  readonly dimensions?: number
  /** Where a list of models goes on: `next` of the page before. Default: its beginning. */
  readonly page?: string
  /** Free labels of the caller. They feed plugs, and reach a provider only where it takes them. */
  readonly metadata?: { readonly [label: string]: string }
  /** What only one provider understands, under its name; passed on untouched. */
  readonly providerOptions?: ProviderOptions
}

/** The name of an option. */
export type OptionName = keyof Options

interface Rule {
  readonly check: (value: unknown) => boolean
  readonly expected: string
}

const finite = (min: number, max: number, expected: string): Rule => ({
  check: (value) => typeof value === "number" && value >= min && value <= max,
  expected
})
const whole = (min: number, max: number, expected: string): Rule => ({
  check: (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
  expected
})
const flag: Rule = { check: (value) => typeof value === "boolean", expected: "true or false" }
// A line break in a name that travels in URLs, headers and logs is an attack, not a name.
const word: Rule = {
  check: (value) => typeof value === "string" && value.length > 0 && value.length <= 512 && !hasControl(value),
  expected: "a text of 1 to 512 characters without control characters"
}
const hasControl = (value: string): boolean => {
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index)
    if (code < 32 || code === 127) return true
  }
  return false
}
const isText = (value: unknown): value is string => typeof value === "string"
const biggest = Number.MAX_SAFE_INTEGER

/** The table of options: how each is checked, and the sentence that says what would fit. */
const rules: { readonly [Name in OptionName]-?: Rule } = {
  model: word,
  temperature: finite(0, 100, "a number from 0 up, mostly below 2"),
  maxTokens: whole(1, biggest, "a whole number of tokens, at least 1"),
  topP: finite(0, 1, "a number from 0 to 1"),
  topK: whole(1, biggest, "a whole number, at least 1"),
  frequencyPenalty: finite(-100, 100, "a number, mostly from -2 to 2"),
  presencePenalty: finite(-100, 100, "a number, mostly from -2 to 2"),
  stop: {
    check: (value) => isText(value) || (Array.isArray(value) && value.every(isText)),
    expected: "a text or a list of texts"
  },
  seed: whole(-biggest, biggest, "a whole number"),
  tools: {
    check: (value) => Array.isArray(value) && value.every(isTool),
    expected: "a list of tools, each with a name (or type \"provider\" and an id) and a JSON Schema as parameters"
  },
  toolChoice: {
    check: (value) =>
      value === "auto" || value === "none" || value === "required" || (isRecord(value) && isText(value.tool)),
    expected: "\"auto\", \"none\", \"required\" or { tool: name }"
  },
  parallelToolCalls: flag,
  responseFormat: {
    check: (value) =>
      isRecord(value) && (value.type === "text"
        || (value.type === "json" && (value.schema === undefined || isRecord(value.schema)))),
    expected: "{ type: \"text\" } or { type: \"json\", schema?, name?, description?, strict? }"
  },
  reasoning: {
    check: (value) =>
      isRecord(value) && (value.effort === undefined || isText(value.effort))
      && (value.budgetTokens === undefined || Number.isSafeInteger(value.budgetTokens))
      && (value.summary === undefined || isText(value.summary)),
    expected: "{ effort?, budgetTokens?, summary? }"
  },
  n: whole(1, 128, "a whole number from 1 to 128"),
  logprobs: {
    check: (value) => typeof value === "boolean" || (Number.isSafeInteger(value) && (value as number) >= 0),
    expected: "true, false or how many alternatives"
  },
  logitBias: {
    check: (value) => isRecord(value) && Object.values(value).every(Number.isFinite),
    expected: "an object from token to number"
  },
  user: word,
  serviceTier: word,
  dimensions: whole(1, 1_000_000, "a whole number, at least 1"),
  page: {
    check: (value) => typeof value === "string" && value.length > 0 && value.length <= 4096 && !hasControl(value),
    expected: "`next` of the page before: a text of 1 to 4096 characters without control characters"
  },
  metadata: {
    check: (value) => isRecord(value) && Object.values(value).every(isText),
    expected: "an object from label to text"
  },
  providerOptions: {
    check: (value) => isRecord(value) && Object.values(value).every((own) => own === null || isRecord(own)),
    expected: "an object from provider to its own options"
  }
}

const isTool = (value: unknown): boolean =>
  isRecord(value) && (value.type === "provider"
    ? isText(value.id) && (value.args === undefined || isRecord(value.args))
    : (value.type === undefined || value.type === "function") && isText(value.name) && value.name !== ""
      && (value.parameters === undefined || isRecord(value.parameters)))

/** Every option's name. */
export const names = Object.keys(rules) as ReadonlyArray<OptionName>

/**
 * Checks options against the vocabulary and hands back the same value, without the fields that are `undefined`.
 *
 * @throws LlmError `InvalidRequest`, naming the option and what would be right.
 */
export const check = (options: unknown): Options => {
  if (options === undefined) return none
  if (!isRecord(options)) throw invalid("options", `options must be an object, not ${Array.isArray(options) ? "a list" : String(options)}`)
  let absent = false
  for (const name of Object.keys(options)) {
    const rule = Object.hasOwn(rules, name) ? rules[name as OptionName] : undefined
    if (rule === undefined) throw invalid(name, Suggest.refusal("option", name, names))
    const value = options[name]
    if (value === undefined) absent = true
    else if (!rule.check(value)) throw invalid(name, `option ${name} must be ${rule.expected}, not ${shown(value)}`)
  }
  if (!absent) return options
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

/** What would fit an option, in words: for help texts and forms. */
export const expected = (name: OptionName): string => rules[name].expected

const none: Options = Object.freeze({})

const invalid = (parameter: string, message: string): LlmError =>
  new LlmError({ _tag: "InvalidRequest", parameter, message })

const shown = (value: unknown): string => {
  if (typeof value === "string") return Suggest.quote(value)
  if (typeof value === "number" || typeof value === "boolean" || value === null) return String(value)
  return Array.isArray(value) ? "a list that does not fit" : `${typeof value} that does not fit`
}
