/**
 * Facts about the sources that they do not tell themselves: where an older one is right, which prices of zero are real.
 *
 * @module
 */
import type { SourceName } from "./draft.ts"

/** Where another source than the newest says the price, and why. The model is `provider/id`. */
export const prefer: ReadonlyArray<{
  readonly model: string | RegExp
  readonly source: SourceName
  readonly reason: string
}> = [
  {
    model: /^deepseek\/deepseek-(chat|reasoner)$/,
    source: "models.dev",
    reason: "both names have meant v4-flash since it came out, and cost what it costs"
  },
  { model: /^xai\/grok-4\.20/, source: "models.dev", reason: "the price after the beta; OpenRouter lists the same" },
  {
    model: "mistral/codestral-latest",
    source: "models.dev",
    reason: "the name means codestral-2508, which LiteLLM prices like this"
  },
  {
    model: "mistral/mistral-small-latest",
    source: "models.dev",
    reason: "the name has moved on from the model LiteLLM prices"
  },
  { model: "mistral/open-mistral-nemo", source: "models.dev", reason: "lowered in September 2024" },
  {
    model: "together/Qwen/Qwen3-235B-A22B-Instruct-2507-tput",
    source: "models.dev",
    reason: "LiteLLM's answer costs thirty times its prompt: a decimal point misplaced"
  },
  {
    model: /^bedrock\/eu\.anthropic\.claude-opus-4-5-/,
    source: "models.dev",
    reason: "a regional profile costs a tenth more than the global one, as for every Claude since 4.5"
  },
  { model: "bedrock/meta.llama3-1-70b-instruct-v1:0", source: "models.dev", reason: "lowered since LiteLLM noted it" },
  { model: /^vertex\/.*-maas$/, source: "models.dev", reason: "open models were priced anew after LiteLLM noted them" },
  { model: "vertex/claude-3-5-haiku@20241022", source: "models.dev", reason: "lowered in December 2024" },
  {
    model: "azure/o1-mini",
    source: "models.dev",
    reason: "the price of Global Standard; LiteLLM has that of a data zone"
  }
]

/** Models whose price of zero is real. */
export const free: ReadonlyArray<{ readonly model: RegExp; readonly reason: string }> = [
  { model: /^ollama\/(?!.*-cloud$)/, reason: "runs on the caller's own machine" },
  { model: /^openrouter\/(.*:free|openrouter\/free)$/, reason: "free by name" },
  { model: /^zai\/glm-4\.[57]-flash$/, reason: "listed as free" },
  { model: /^together\/.*-Free$/, reason: "free by name" },
  { model: /^google\/gemma-/, reason: "offered on the free tier alone" },
  { model: /^openai\/(omni|text)-moderation-/, reason: "OpenAI charges nothing for moderation" }
]

/** USD for one web search by a provider whose sources name none. */
export const searches: ReadonlyArray<{ readonly provider: string; readonly price: string; readonly reason: string }> = [
  {
    provider: "xai",
    price: "0.005",
    reason: "$5 for 1,000 calls of the web search tool, which OpenRouter lists for the same models"
  }
]

/** Models that do not search by themselves, though a source names a price for it. */
export const searchless: ReadonlyArray<{ readonly model: string; readonly reason: string }> = [
  { model: "openai/gpt-4o-mini-2024-07-18", reason: "its undated name and its siblings have no such price" }
]
