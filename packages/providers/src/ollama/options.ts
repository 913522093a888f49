/**
 * What every operation of Ollama's own interface writes: options below `options`, where the caller's own ones are put
 * beside them rather than in their place, and the choice between a whole answer and a stream.
 *
 * @module
 */
import type { JsonObject, JsonValue, Options, Request, ResponseFormat } from "@plugline/core"
import { changed, type Draft, elsewhere, merge, mergeOwn, warn, type Writers } from "../wire/draft.ts"
import { object } from "../wire/read.ts"

/** Sends an option below `options`. */
const below = (field: string) => (value: JsonValue, { body }: Draft): void => {
  body.options = { ...object(body.options), [field]: value }
}

const responseFormat = (format: ResponseFormat, to: Draft): void => {
  if (format.type === "text") return
  to.body.format = format.schema ?? "json"
  if (format.description !== undefined) {
    warn(to, "responseFormat", `${to.request.provider} takes no description of the form: it was not sent`)
  }
}

/** `think` is yes, no or how much. */
const reasoning = ({ budgetTokens, effort, summary }: NonNullable<Options["reasoning"]>, to: Draft): void => {
  const { provider } = to.request
  to.body.think = effort === "none" ? false : effort ?? true
  if (budgetTokens !== undefined) {
    changed(to, "reasoning", `${provider} takes no budget of tokens for reasoning, only whether and how much`)
  }
  if (summary !== undefined) warn(to, "reasoning", `${provider} gives no summary of its reasoning`)
}

const logprobs = (value: boolean | number, { body }: Draft): void => {
  if (value === false) return
  body.logprobs = true
  if (typeof value === "number" && value > 0) body.top_logprobs = value
}

/** The options of chat and generate alike. */
export const writers: Writers = {
  model: elsewhere,
  temperature: below("temperature"),
  maxTokens: below("num_predict"),
  topP: below("top_p"),
  topK: below("top_k"),
  frequencyPenalty: below("frequency_penalty"),
  presencePenalty: below("presence_penalty"),
  stop: (value, to) => below("stop")(typeof value === "string" ? [value] : value, to),
  seed: below("seed"),
  responseFormat,
  reasoning,
  logprobs
}

/** The caller's own fields over everything, but `options` beside ours. */
export const mergeAll = (to: Draft): void => {
  const ours = object(to.body.options)
  mergeOwn(to)
  if (ours === undefined || to.body.options === ours) return
  const both: { [name: string]: JsonValue } = {}
  merge(both, ours as JsonObject)
  merge(both, (object(to.body.options) ?? {}) as JsonObject)
  to.body.options = both
}

/** Ollama streams unless it is told not to. What the operation says counts, also over the caller's own fields. */
export const stream = ({ body }: Draft, streamed: boolean): void => {
  body.stream = streamed
}

const localUrl = "http://127.0.0.1:11434"

/** Where Ollama is for this request. */
export const base = ({ config }: Request): string => config.baseUrl ?? localUrl
