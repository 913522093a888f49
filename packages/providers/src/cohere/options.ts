/**
 * How Cohere spells the options that its interfaces share.
 *
 * @module
 */
import type { JsonObject, JsonValue, Options, Request, ResponseFormat } from "@plugline/core"
import { as, changed, type Draft, elsewhere, warn, type Writers } from "../wire/draft.ts"

/** Options that every text interface spells the same. */
export const sampling: Writers = {
  model: elsewhere,
  temperature: as("temperature"),
  maxTokens: as("max_tokens"),
  topP: as("p"),
  topK: as("k"),
  frequencyPenalty: as("frequency_penalty"),
  presencePenalty: as("presence_penalty"),
  seed: as("seed"),
  stop: (value, { body }) => {
    body.stop_sequences = typeof value === "string" ? [value] : value
  }
}

/** The form of the answer; `field` is where its schema stands. */
export const responseFormat = (field: string) => (format: ResponseFormat, to: Draft): void => {
  if (format.type === "text") {
    to.body.response_format = { type: "text" }
    return
  }
  to.body.response_format = { type: "json_object", ...(format.schema !== undefined && { [field]: format.schema }) }
  if (format.description !== undefined) {
    warn(to, "responseFormat", `${to.request.provider} takes no description of the form: it was not sent`)
  }
}

/** Thinking is on, off, or bounded. */
export const reasoning = ({ budgetTokens, effort, summary }: NonNullable<Options["reasoning"]>, to: Draft): void => {
  const { provider } = to.request
  if (effort === "none" || (budgetTokens !== undefined && budgetTokens <= 0)) {
    to.body.thinking = { type: "disabled" }
    return
  }
  to.body.thinking = { type: "enabled", ...(budgetTokens !== undefined && { token_budget: budgetTokens }) }
  if (effort !== undefined) {
    changed(to, "reasoning", `${provider} takes no effort for reasoning, only a budget of tokens`)
  }
  if (summary !== undefined) warn(to, "reasoning", `${provider} gives no summary of its reasoning`)
}

/** Log probabilities are given of the tokens written, never of others. */
export const logprobs = (value: boolean | number, to: Draft): void => {
  if (value === false) return
  to.body.logprobs = true
  if (typeof value === "number" && value > 0) {
    changed(to, "logprobs", `${to.request.provider} gives log probabilities of the tokens written, not of alternatives`)
  }
}

/** What the operation says of streaming counts, also over the caller's own fields. */
export const stream = ({ body }: Draft, streamed: boolean): void => {
  delete body.stream
  if (streamed) body.stream = true
}

/** Puts documents that stood in messages behind those the caller gave beside them. */
export const addDocuments = ({ body }: Draft, documents: ReadonlyArray<JsonObject>): void => {
  if (documents.length === 0) return
  const given: JsonValue | undefined = body.documents
  body.documents = Array.isArray(given) ? [...given, ...documents] : documents
}

/** Where Cohere is for this request. */
export const base = ({ config }: Request): string => config.baseUrl ?? "https://api.cohere.com"
