/**
 * Says why an AI SDK model failed.
 *
 * @module
 */
import { LlmError, Mask } from "@plugline/core"
import { object, text } from "../wire/read.ts"
import { reasonOf } from "../wire/reason.ts"

/**
 * Whatever such a model throws, as our error. Its errors are known by their marks, so that copies of the AI SDK of any version
 * are understood: a failed call has status, headers and body, which say the same as without the AI SDK.
 */
export const failure = (thrown: unknown, provider: string): LlmError => {
  if (LlmError.isLlmError(thrown)) return LlmError.from(thrown, { provider })
  const error = object(thrown)
  if (error === undefined) {
    return LlmError.make({ _tag: "Server", message: Mask.text(typeof thrown === "string" ? thrown : "the model failed") }, { provider, cause: thrown })
  }
  const message = Mask.text(text(error.message) ?? "the model failed")
  const has = (mark: string) => (thrown as { readonly [mark: symbol]: unknown })[Symbol.for(mark)] === true
  if (has("vercel.ai.error.AI_APICallError")) {
    const status = typeof error.statusCode === "number" ? error.statusCode : undefined
    if (status === undefined) return LlmError.make({ _tag: "Network", message }, { provider, cause: thrown })
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(object(error.responseHeaders) ?? {})) {
      if (typeof value === "string") headers[name.toLowerCase()] = value
    }
    return reasonOf({ status, headers, body: text(error.responseBody) ?? JSON.stringify({ error: { message } }) }, provider)
  }
  const name = text(error.name) ?? ""
  const tag = /LoadAPIKey|LoadSetting/.test(name)
    ? "Authentication"
    : /NoSuchModel/.test(name)
    ? "NotFound"
    : /UnsupportedFunctionality/.test(name)
    ? "Unsupported"
    : /InvalidPrompt|InvalidArgument|TooManyEmbeddingValues/.test(name)
    ? "InvalidRequest"
    : /InvalidResponse|JSONParse|TypeValidation|EmptyResponseBody|NoContentGenerated/.test(name)
    ? "MalformedResponse"
    : name === "TimeoutError"
    ? "Timeout"
    : "Server"
  return LlmError.make(tag === "Timeout" ? { _tag: tag, phase: "upstream", message } : { _tag: tag, message }, { provider, cause: thrown })
}
