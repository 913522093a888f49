/**
 * Reads how much a model is asked to think and which form its answer is to have. Both share a field of the body,
 * `output_config`, with options that have no word here.
 *
 * @module
 */
import type { JsonObject, Reasoning } from "@plugline/core"
import { object } from "../wire/read.ts"
import { type Into, invalid, type Own } from "./field.ts"
import { thinkingOf } from "./generation.ts"

/** Reads `thinking`, `output_config` and the older `output_format`. */
export const output = (into: Into): void => {
  const { body, provider } = into
  const given = object(body.output_config ?? {})
  if (given === undefined) throw invalid("output_config", "an object", provider)
  const config = { ...given } as Own
  reasoning(into, config)
  format(into, config)
  if (Object.keys(config).length > 0) into.own.output_config = config
}

/** Thinking in our words where they say all of it, else as it is. */
const reasoning = ({ body, options, own, provider }: Into, output: Own): void => {
  const { thinking } = body
  if (thinking === undefined || thinking === null) return
  const fields = object(thinking)
  if (fields === undefined) throw invalid("thinking", "an object with a type", provider)
  const { budget_tokens: budget, display, type, ...rest } = fields
  const effort = typeof output.effort === "string" ? output.effort : undefined
  const summary = typeof display === "string" ? { summary: display } : {}
  const isKnown = Object.keys(rest).length === 0 && (display === undefined || typeof display === "string")
    && !(typeof display === "string" && Object.hasOwn(ambiguous, display))
  const model = typeof body.model === "string" ? body.model : undefined
  const way = thinkingOf(model)
  let words: Reasoning | undefined
  if (!isKnown || effort === "minimal" || effort === "none") words = undefined
  else if (type === "enabled" && Number.isSafeInteger(budget) && budget !== 0 && way !== "none") {
    words = { budgetTokens: budget as number, ...(effort !== undefined && { effort }), ...summary }
  } else if (type === "adaptive" && budget === undefined && way === "adaptive") {
    words = { ...(effort !== undefined && { effort }), ...summary }
  } else if (type === "disabled" && budget === undefined && display === undefined) {
    options.reasoning = { effort: "none" }
    return
  }
  if (words === undefined) {
    own.thinking = thinking
    return
  }
  options.reasoning = words
  if (effort !== undefined) delete output.effort
}

/** Words for `display` that would be written as another. */
const ambiguous: { readonly [display: string]: true } = { auto: true, concise: true, detailed: true, none: true }

/** The schema of the answer, in its place of today or the older one. */
const format = ({ body, options, own, provider }: Into, output: Own): void => {
  const older = body.output_format ?? undefined
  const given = output.format ?? older
  if (given === undefined || given === null) return
  const fields = object(given)
  if (fields === undefined) {
    throw invalid(older === given ? "output_format" : "output_config.format", "an object with a type", provider)
  }
  const { schema, type, ...rest } = fields
  const shape = object(schema)
  if (type === "json_schema" && shape !== undefined && Object.keys(rest).length === 0) {
    options.responseFormat = { type: "json", schema: shape as JsonObject }
    delete output.format
  } else if (output.format === undefined) own.output_format = given
}
