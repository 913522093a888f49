/**
 * Asks a model to think, in the way of its generation: within a budget of tokens, or as much as it finds right.
 *
 * @module
 */
import type { JsonObject, JsonValue, Reasoning } from "@plugline/core"
import { changed, warn } from "../wire/draft.ts"
import { object } from "../wire/read.ts"
import type { Draft } from "./draft.ts"
import { thinkingOf } from "./generation.ts"

/** Writes `thinking`, and `effort` into `output_config`. */
export const reasoning = ({ budgetTokens, effort, summary }: Reasoning, to: Draft): void => {
  const { body, request } = to
  if (effort === "none" || budgetTokens === 0) {
    body.thinking = { type: "disabled" }
    return
  }
  const display = summary === undefined ? {} : { display: displays[summary] ?? summary }
  const way = thinkingOf(to.model)
  if (way === "none") return warn(to, "reasoning", `${to.model} does not think before it answers`)
  if (budgetTokens !== undefined) body.thinking = { type: "enabled", budget_tokens: budgetTokens, ...display }
  else if (way === "budget") {
    // The budget is a part of what the model may write.
    const budget = Math.min(budgets[effort ?? "medium"] ?? usualBudget, (request.options.maxTokens ?? Infinity) - 1)
    if (budget < leastBudget) {
      return warn(to, "reasoning", `${to.model} thinks with at least ${leastBudget} tokens, and maxTokens leaves fewer`)
    }
    body.thinking = { type: "enabled", budget_tokens: budget, ...display }
    if (effort !== undefined) {
      changed(to, "reasoning", `${to.model} thinks within a budget: for ${effort} it was given ${budget} tokens`)
    }
    return
  } else body.thinking = { type: "adaptive", ...display }
  if (effort === "minimal") changed(to, "reasoning", `${request.provider} knows no effort below low`)
  if (effort !== undefined) outputConfig(body, { effort: effort === "minimal" ? "low" : effort })
}

/** Adds to `output_config`, which holds several options. */
export const outputConfig = (body: { [name: string]: JsonValue }, more: JsonObject): void => {
  body.output_config = { ...object(body.output_config) as JsonObject | undefined, ...more }
}

/** Words of other services for showing what was thought. */
const displays: { readonly [summary: string]: string } = {
  auto: "summarized",
  concise: "summarized",
  detailed: "summarized",
  none: "omitted"
}

/** Fewer the API refuses. */
const leastBudget = 1024
const usualBudget = 8192

const budgets: { readonly [effort: string]: number } = {
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 24_576,
  max: 24_576
}
