/**
 * How a service is asked to think before it answers, and how such a request is read.
 *
 * @module
 */
import { Json, type JsonValue, type Options } from "@plugline/core"
import { fits, isGiven, malformed, type Sent } from "./asked.ts"
import type { Draft } from "./options.ts"
import type { Thinking } from "./quirks.ts"
import { changed, warn } from "../wire/draft.ts"
import { type Fields, object, put } from "../wire/read.ts"

/** The usual form: a word for the effort, nothing else. */
const usual: Thinking = { effort: "reasoning_effort" }

const objectFields = { effort: "effort", budgetTokens: "max_tokens", summary: "summary" } as const

/** Writes the option `reasoning`. Effort `none` asks a model that always thinks, or thinks if it likes, not to. */
export const thinking = (reasoning: NonNullable<Options["reasoning"]>, to: Draft): void => {
  const { body, quirks, request: { provider } } = to
  if (quirks.reasoning === "object") {
    const written: { [name: string]: JsonValue } = {}
    for (const name of ["effort", "budgetTokens", "summary"] as const) {
      const value = reasoning[name]
      if (value !== undefined) written[objectFields[name]] = value
    }
    body.reasoning = written
    return
  }
  const { budget, effort: field, switch: button } = formOf(quirks.reasoning)
  const { budgetTokens, effort, summary } = reasoning
  if (effort === "none" && button !== undefined) body[button.field] = button.off
  else {
    if (effort !== undefined) {
      if (field !== undefined) body[field] = effort
      else if (button === undefined || budgetTokens === undefined) {
        changed(to, "reasoning", `${provider} knows thinking only as on or off, not the effort ${effort}`)
      }
    }
    if (button?.on !== undefined && (effort !== undefined || budgetTokens !== undefined)) body[button.field] = button.on
    if (budgetTokens !== undefined) {
      if (budget === undefined) {
        warn(to, "reasoning", `${provider} takes no budget of tokens for reasoning, only effort`)
      } else if (typeof budget === "string") body[budget] = budgetTokens
      else body[budget.in] = { ...budget.with, [budget.field]: budgetTokens }
    }
  }
  if (summary !== undefined) warn(to, "reasoning", `${provider} gives no summary of its reasoning for chat`)
}

/**
 * Reads the option `reasoning` from the fields in which the service takes it. What it does not cover stays the
 * service's own.
 */
export const askedReasoning = (to: Sent): void => {
  const { body, options, own, quirks } = to
  const effort = body.reasoning_effort
  if (quirks.reasoning === "object") {
    const { reasoning } = body
    const fields = object(reasoning)
    if (isGiven(reasoning) && fields === undefined) throw malformed("reasoning", "an object", reasoning)
    if (fields !== undefined) {
      const { effort, max_tokens: budgetTokens, summary, ...more } = fields
      const known = { ...said({ effort }), ...said({ budgetTokens }), ...said({ summary }) }
      if (!fits("reasoning", known as JsonValue)) {
        throw malformed("reasoning", "{ effort?, max_tokens?, summary? }", reasoning)
      }
      options.reasoning = known
      if (Object.keys(more).length > 0) put(own, "reasoning", reasoning!)
      if (isGiven(effort)) return
    }
    if (typeof effort === "string") options.reasoning = { ...options.reasoning, effort }
    else if (isGiven(effort)) throw malformed("reasoning_effort", "a text", effort)
    return
  }
  const { budget, effort: field, switch: button } = formOf(quirks.reasoning)
  if (body.reasoning !== undefined) put(own, "reasoning", body.reasoning)
  if (isGiven(effort)) {
    const known = field === "reasoning_effort"
    if (known && typeof effort === "string") options.reasoning = { effort }
    // Some services take a number of tokens here.
    else if (known && typeof effort !== "number") throw malformed("reasoning_effort", "a text", effort)
    else put(own, "reasoning_effort", effort)
  }
  if (budget !== undefined) {
    const place = typeof budget === "string" ? budget : budget.in
    const { tokens, whole } = budgetOf(budget, own[place])
    if (tokens !== undefined) options.reasoning = { ...options.reasoning, budgetTokens: tokens }
    if (whole) delete own[place]
  }
  const given = button === undefined ? undefined : own[button.field]
  if (button === undefined || given === undefined) return
  const isOff = options.reasoning === undefined && Json.equals(given, button.off)
  if (isOff) options.reasoning = { effort: "none" }
  if (isOff || (options.reasoning !== undefined && Json.equals(given, button.on))) delete own[button.field]
}

/** The budget in a field, and whether our word for it says everything that stands there. */
const budgetOf = (
  budget: NonNullable<Thinking["budget"]>,
  value: JsonValue | undefined
): { readonly tokens?: number; readonly whole: boolean } => {
  const fields = typeof budget === "string" ? undefined : object(value)
  const { [typeof budget === "string" ? "" : budget.field]: nested, ...rest } = fields ?? {}
  const tokens = typeof budget === "string" ? value : nested
  if (typeof tokens !== "number" || !fits("reasoning", { budgetTokens: tokens })) return { whole: false }
  return { tokens, whole: typeof budget === "string" || Json.equals(rest, budget.with ?? {}) }
}

const formOf = (form: Thinking | "effort" | undefined): Thinking => typeof form === "object" ? form : usual

const said = (fields: Fields): Fields => {
  const name = Object.keys(fields)[0]!
  return isGiven(fields[name]) ? fields : {}
}
