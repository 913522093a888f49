/**
 * OpenTelemetry's words for a request and its answer: the same attributes that `Metrics` of `@plugline/plugs` puts on spans.
 *
 * @module
 */
import type { LlmErrorJson, Operation, RequestJson } from "@plugline/core"

/** What a span attribute may hold. */
export type Attribute = string | number | boolean | ReadonlyArray<string>

/** Providers that have a name of their own there; all others go by ours. */
const providers: { readonly [name: string]: string } = {
  azure: "azure.ai.openai",
  bedrock: "aws.bedrock",
  "bedrock-mantle": "aws.bedrock",
  google: "gcp.gemini",
  mistral: "mistral_ai",
  moonshot: "moonshot_ai",
  vertex: "gcp.vertex_ai",
  watsonx: "ibm.watsonx.ai",
  xai: "x_ai"
}

/** `gen_ai.operation.name` of an operation. A stream is a chat. */
export const operationName = (operation: Operation): string =>
  operation === "stream" ? "chat" : operation === "completion" ? "text_completion" : operation

/** `error.type` of an error: its reason, in snake_case. */
export const errorType = ({ reason }: LlmErrorJson): string => reason._tag.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase()

/** What a request and its answer are in attributes; nothing of their content. */
export const attributesOf = (request: RequestJson): { readonly [name: string]: Attribute } => {
  const { errors, operation, options, provider, result, state } = request
  const error = state === "error" ? errors.at(-1) : undefined
  const usage = result !== undefined && "usage" in result ? result.usage : undefined
  const finished = result !== undefined && "finishReason" in result
    ? [result.finishReason, ...(result.choices ?? []).map(({ finishReason }) => finishReason)]
    : undefined
  const all: { readonly [name: string]: Attribute | undefined } = {
    "gen_ai.operation.name": operationName(operation),
    "gen_ai.provider.name": Object.hasOwn(providers, provider) ? providers[provider] : provider,
    "gen_ai.request.model": options.model,
    "gen_ai.request.temperature": options.temperature,
    "gen_ai.request.top_p": options.topP,
    "gen_ai.request.top_k": options.topK,
    "gen_ai.request.max_tokens": options.maxTokens,
    "gen_ai.request.frequency_penalty": options.frequencyPenalty,
    "gen_ai.request.presence_penalty": options.presencePenalty,
    "gen_ai.request.seed": options.seed,
    "gen_ai.request.choice.count": options.n === 1 ? undefined : options.n,
    "gen_ai.embeddings.dimension.count": options.dimensions,
    "gen_ai.output.type": options.responseFormat?.type,
    "gen_ai.response.model": result !== undefined && "model" in result ? result.model : undefined,
    "gen_ai.response.id": result !== undefined && "id" in result ? result.id : undefined,
    "gen_ai.response.finish_reasons": finished,
    "gen_ai.usage.input_tokens": usage?.inputTokens.total,
    "gen_ai.usage.output_tokens": usage?.outputTokens.total,
    "gen_ai.usage.cache_read.input_tokens": usage?.inputTokens.cacheRead,
    "gen_ai.usage.cache_creation.input_tokens": usage?.inputTokens.cacheWrite,
    "gen_ai.usage.reasoning.output_tokens": usage?.outputTokens.reasoning,
    "error.type": error === undefined ? undefined : errorType(error),
    "http.response.status_code": error?.reason.status
  }
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, Attribute] => entry[1] !== undefined))
}
