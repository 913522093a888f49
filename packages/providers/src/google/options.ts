/**
 * Writes options into `generationConfig` and beside it.
 *
 * @module
 */
import type { JsonObject, JsonValue, Options, Request, ResponseFormat } from "@plugline/core"
import * as Base from "../wire/draft.ts"
import { object, put } from "../wire/read.ts"
import { type Surface, thinksInLevels } from "./surface.ts"
import { parallelToolCalls, toolChoice, tools } from "./tools.ts"

/** A body while it is written. */
export interface Draft extends Base.Draft {
  readonly surface: Surface
  /** What becomes `generationConfig`. */
  readonly config: { [name: string]: JsonValue }
}

/** An empty draft. */
export const draft = (request: Request, surface: Surface): Draft => 
  ({ ...Base.draft(request, surface === "vertex" ? headersOnly : []), surface, config: {} })

/** Vertex is told of a service tier by headers, if at all. */
const headersOnly = ["serviceTier"] as const

/** Writes every option, then what only the caller's own provider understands, over everything else. */
export const options = (to: Draft): void => {
  Base.write(to, writers, "chat")
  if (Object.keys(to.config).length > 0) to.body.generationConfig = to.config
  const own = to.request.options.providerOptions?.[to.request.provider]
  if (own !== undefined && own !== null) mergeDeep(to.body, own, deep)
}

/** Objects whose fields are merged one by one, where any other field is replaced. */
interface Deep {
  readonly [name: string]: Deep
}

const deep: Deep = {
  generationConfig: { thinkingConfig: {} },
  toolConfig: { functionCallingConfig: {} }
}

const mergeDeep = (into: { [name: string]: JsonValue }, more: JsonObject, fields: Deep): void => {
  for (const name in more) {
    const value = more[name]
    if (value === undefined || name === "model" && fields === deep) continue
    const inner = Object.hasOwn(fields, name) ? object(value) : undefined
    const before = inner === undefined || !Object.hasOwn(into, name) ? undefined : object(into[name])
    if (before === undefined) put(into, name, value)
    else {
      const both = { ...before } as { [name: string]: JsonValue }
      mergeDeep(both, inner as JsonObject, fields[name]!)
      put(into, name, both)
    }
  }
}

const into = (field: string) => (value: JsonValue, { config }: Draft): void => {
  config[field] = value
}

const stop = (value: string | ReadonlyArray<string>, { config }: Draft): void => {
  config.stopSequences = typeof value === "string" ? [value] : value
}

const logprobs = (value: boolean | number, { config }: Draft): void => {
  if (value === false) return
  config.responseLogprobs = true
  if (typeof value === "number" && value > 0) config.logprobs = value
}

/** The answer is always held to a schema; a name and `strict` have no meaning here. */
const responseFormat = (format: ResponseFormat, { config, request }: Draft): void => {
  if (format.type === "text") return
  config.responseMimeType = "application/json"
  const own = object(request.options.providerOptions?.[request.provider]?.generationConfig)
  if (format.schema === undefined || own?.responseSchema !== undefined) return
  config.responseJsonSchema = format.description === undefined || format.schema.description !== undefined
    ? format.schema
    : { ...format.schema, description: format.description }
}

/** What an effort means to models that count tokens. */
const budgets: { readonly [effort: string]: number } = { none: 0, minimal: 1024, low: 1024, medium: 8192, high: 24_576 }

/** The level nearest to an effort that a model has no word for: the larger models cannot do without thinking. */
export const levelOf = (effort: string, model: string): string => {
  if (effort === "xhigh" || effort === "max") return "high"
  if (effort === "medium" && model.includes("gemini-3-pro")) return "high"
  if (effort !== "none" && effort !== "minimal") return effort
  return model.includes("-pro") ? "low" : "minimal"
}

const reasoning = ({ budgetTokens, effort, summary }: NonNullable<Options["reasoning"]>, to: Draft): void => {
  const thinking: { [name: string]: JsonValue } = {}
  const { provider } = to.request
  if (summary !== undefined) thinking.includeThoughts = summary !== "none"
  if (budgetTokens !== undefined) {
    thinking.thinkingBudget = budgetTokens
    if (effort !== undefined) {
      Base.warn(to, "reasoning", `${provider} takes either a budget or an effort: the budget was sent`)
    }
  } else if (effort !== undefined) {
    const model = Base.modelOf(to.request)
    const inLevels = thinksInLevels(model)
    const known = inLevels ? levelOf(effort, model) === effort : Object.hasOwn(budgets, effort)
    const sent = inLevels ? levelOf(effort, model) : budgets[known ? effort : "high"]!
    thinking[inLevels ? "thinkingLevel" : "thinkingBudget"] = sent
    if (!known) Base.changed(to, "reasoning", `${provider} knows no effort ${effort} for this model: ${sent} was sent`)
  }
  if (Object.keys(thinking).length > 0) to.config.thinkingConfig = thinking
}

const writers: Base.Writers<Draft> = {
  model: Base.elsewhere,
  temperature: into("temperature"),
  maxTokens: into("maxOutputTokens"),
  topP: into("topP"),
  topK: into("topK"),
  frequencyPenalty: into("frequencyPenalty"),
  presencePenalty: into("presencePenalty"),
  stop,
  seed: into("seed"),
  tools,
  toolChoice,
  parallelToolCalls,
  responseFormat,
  reasoning,
  n: into("candidateCount"),
  logprobs,
  serviceTier: Base.as("serviceTier")
}
