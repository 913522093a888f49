/**
 * OpenTelemetry's words for generative AI: the names of attributes and metrics that dashboards know.
 *
 * @module
 */
import { Json, type LlmError, type Operation, type Request, type Result } from "@plugline/core"

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

/** `gen_ai.provider.name` of a provider. */
export const providerName = (provider: string): string =>
  Object.hasOwn(providers, provider) ? providers[provider]! : provider

/** `gen_ai.operation.name` of an operation. A stream is a chat. */
export const operationName = (operation: Operation): string => {
  switch (operation) {
    case "chat":
    case "stream":
      return "chat"
    case "completion":
      return "text_completion"
    default:
      return operation
  }
}

/** `error.type` of an error: its reason, in snake_case. */
export const errorType = ({ reason }: LlmError): string =>
  reason._tag.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase()

/** What a span attribute may hold. */
export type Attribute = string | number | boolean | ReadonlyArray<string>

/**
 * What a request and its answer are in attributes of a span; nothing of their content. For
 * `Effect.annotateCurrentSpan`.
 *
 * @example
 * ```ts
 * import { Request } from "@plugline/core"
 * import { Metrics } from "@plugline/plugs"
 *
 * const request = Request.make({ provider: "bedrock", messages: "Hi", options: { model: "m", maxTokens: 10 } })
 * Metrics.attributes(request)["gen_ai.provider.name"] // => "aws.bedrock"
 * Metrics.attributes(request)["gen_ai.request.max_tokens"] // => 10
 * ```
 */
export const attributes = (request: Request): { readonly [name: string]: Attribute } => {
  const { options, result } = request
  const out: Record<string, Attribute> = {
    "gen_ai.operation.name": operationName(request.operation),
    "gen_ai.provider.name": providerName(request.provider)
  }
  const put = (name: string, value: Attribute | undefined): void => {
    if (value !== undefined) out[name] = value
  }
  put("gen_ai.request.model", options.model)
  put("gen_ai.request.temperature", options.temperature)
  put("gen_ai.request.top_p", options.topP)
  put("gen_ai.request.top_k", options.topK)
  put("gen_ai.request.max_tokens", options.maxTokens)
  put("gen_ai.request.frequency_penalty", options.frequencyPenalty)
  put("gen_ai.request.presence_penalty", options.presencePenalty)
  put("gen_ai.request.seed", options.seed)
  if (options.n !== undefined && options.n !== 1) put("gen_ai.request.choice.count", options.n)
  if (options.dimensions !== undefined) put("gen_ai.embeddings.dimension.count", options.dimensions)
  if (options.responseFormat !== undefined) put("gen_ai.output.type", options.responseFormat.type)
  if (result !== undefined) answered(result, put)
  const error = request.state === "error" ? request.errors.at(-1) : undefined
  if (error !== undefined) {
    put("error.type", errorType(error))
    put("http.response.status_code", error.status)
  }
  return out
}

const answered = (result: Result, put: (name: string, value: Attribute | undefined) => void): void => {
  if ("model" in result) put("gen_ai.response.model", result.model)
  if ("id" in result) put("gen_ai.response.id", result.id)
  if ("finishReason" in result) {
    const others = (result.choices ?? []).map(({ finishReason }) => finishReason)
    put("gen_ai.response.finish_reasons", [result.finishReason, ...others])
  }
  if (!("usage" in result) || !Json.isRecord(result.usage)) return
  const { inputTokens, outputTokens } = result.usage
  put("gen_ai.usage.input_tokens", inputTokens.total)
  put("gen_ai.usage.output_tokens", outputTokens.total)
  put("gen_ai.usage.cache_read.input_tokens", inputTokens.cacheRead)
  put("gen_ai.usage.cache_creation.input_tokens", inputTokens.cacheWrite)
  put("gen_ai.usage.reasoning.output_tokens", outputTokens.reasoning)
}
