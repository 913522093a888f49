/**
 * Writes how much a model thinks first, in the words of the model's maker: Bedrock has none of its own.
 *
 * | maker | `effort` | `budgetTokens` |
 * |---|---|---|
 * | Anthropic, from Claude 4.6 | `thinking: adaptive` and `output_config.effort` | `thinking: enabled` |
 * | Anthropic, Claude 3.7 to 4.5 | a budget, with a warning | `thinking: enabled` |
 * | Amazon | `reasoningConfig.maxReasoningEffort` | warning |
 * | OpenAI and others who follow it | `reasoning_effort` | warning |
 *
 * @module
 */
import type { JsonObject, JsonValue, Reasoning } from "@plugline/core"
import { thinkingOf } from "../anthropic/generation.ts"
import { changed, warn } from "../wire/draft.ts"
import { object } from "../wire/read.ts"
import { nameOf } from "./model.ts"
import type { Draft } from "./options.ts"

/** The fields for the model; `undefined` where nothing is asked or the model takes nothing. */
export const reasoningFields = (asked: Reasoning, to: Draft): JsonObject | undefined => {
  const { provider } = to.request
  if (asked.summary !== undefined) warn(to, "reasoning", `${provider} takes no word on the summary of reasoning`)
  if (asked.effort === undefined && asked.budgetTokens === undefined && to.family !== "anthropic") return undefined
  switch (to.family) {
    case "anthropic":
      return claude(asked, to)
    case "amazon":
      if (!byEffort(asked, to)) return undefined
      return asked.effort === "none"
        ? { reasoningConfig: { type: "disabled" } }
        : { reasoningConfig: { type: "enabled", maxReasoningEffort: asked.effort } }
    case "openai":
    case "deepseek":
    case "qwen":
    case "moonshotai":
    case "moonshot":
    case "minimax":
    case "zai":
      return byEffort(asked, to) ? { reasoning_effort: asked.effort } : undefined
    default:
      warn(to, "reasoning", `${provider} does not know how ${to.model} is told to reason`)
      return undefined
  }
}

/** Whether an effort is asked for. A budget has no word here. */
const byEffort = ({ budgetTokens, effort }: Reasoning, to: Draft): boolean => {
  if (budgetTokens !== undefined) {
    warn(to, "reasoning", `${to.model} takes no budget of tokens for reasoning, only effort`)
  }
  return effort !== undefined
}

/** Budgets for models that know no effort. */
const budgets: { readonly [effort: string]: number } = {
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 24_576,
  max: 24_576
}

/** Fewer tokens the service refuses. */
const leastBudget = 1024

const claude = ({ budgetTokens, effort }: Reasoning, to: Draft): JsonObject | undefined => {
  const kind = thinkingOf(nameOf(to.model))
  if (kind === "none") {
    warn(to, "reasoning", `${to.model} does not reason before it answers`)
    return undefined
  }
  if (budgetTokens === 0 || (effort === "none" && budgetTokens === undefined)) return { thinking: { type: "disabled" } }
  const thinking = budgetTokens === undefined ? { type: "adaptive" } : { type: "enabled", budget_tokens: budgetTokens }
  if (kind === "adaptive") {
    if (effort === undefined || effort === "none") return { thinking }
    if (effort === "minimal") changed(to, "reasoning", `${to.model} knows no effort below low`)
    return { thinking, output_config: { effort: effort === "minimal" ? "low" : effort } }
  }
  if (budgetTokens !== undefined) {
    if (effort !== undefined) warn(to, "reasoning", `${to.model} takes no effort beside a budget of tokens`)
    return { thinking }
  }
  return withBudget(effort ?? "medium", to)
}

/** A budget for an effort. It is a part of what the model may write. */
const withBudget = (effort: string, to: Draft): JsonObject | undefined => {
  const usual = Object.hasOwn(budgets, effort) ? budgets[effort]! : undefined
  if (usual === undefined) {
    warn(to, "reasoning", `${to.model} takes a budget of tokens for reasoning, and knows no effort ${effort}`)
    return undefined
  }
  const budget = Math.min(usual, (to.request.options.maxTokens ?? Infinity) - 1)
  if (budget < leastBudget) {
    warn(to, "reasoning", `${to.model} reasons with at least ${leastBudget} tokens, and maxTokens leaves fewer`)
    return undefined
  }
  changed(to, "reasoning", `${to.model} reasons within a budget: the effort ${effort} was sent as ${budget} tokens`)
  return { thinking: { type: "enabled", budget_tokens: budget } }
}

/**
 * A Claude model that thinks within a budget goes on after calls only where the thought before them comes back. Clients
 * of other formats lose it: then it goes on without thinking, where the service would refuse.
 */
export const goOn = (to: Draft): void => {
  const more = object(to.body.additionalModelRequestFields)
  if (to.family !== "anthropic" || object(more?.thinking)?.type !== "enabled") return
  const turns = to.body.messages as ReadonlyArray<JsonObject>
  const firstOf = (turn: JsonObject | undefined) =>
    Array.isArray(turn?.content) ? object(turn.content[0] as JsonValue) : undefined
  if (firstOf(turns.at(-1))?.toolResult === undefined) return
  if (firstOf(turns.findLast(({ role }) => role === "assistant"))?.reasoningContent !== undefined) return
  const { thinking: _, ...rest } = more!
  if (Object.keys(rest).length > 0) to.body.additionalModelRequestFields = rest as JsonObject
  else delete to.body.additionalModelRequestFields
  warn(to, "reasoning", `${to.model} goes on without thinking: the thought before the calls did not come back`)
}

/** A Claude model that thinks draws as it likes: it refuses to be told how. */
export const drawFreely = (to: Draft): void => {
  const { temperature, topK, topP } = to.request.options
  const type = object(object(to.body.additionalModelRequestFields)?.thinking)?.type
  if (to.family !== "anthropic" || (type !== "enabled" && type !== "adaptive")) return
  const drop = (option: "temperature" | "topK" | "topP", field: string, name: string): void => {
    const rest = Object.entries(object(to.body[field]) ?? {}).filter(([key]) => key !== name)
    if (rest.length > 0) to.body[field] = Object.fromEntries(rest) as JsonObject
    else delete to.body[field]
    warn(to, option, `${to.model} takes no such ${option} where it reasons`)
  }
  if (temperature !== undefined && temperature !== 1) drop("temperature", "inferenceConfig", "temperature")
  if (topP !== undefined && topP < 0.95) drop("topP", "inferenceConfig", "topP")
  if (topK !== undefined) drop("topK", "additionalModelRequestFields", "top_k")
}
