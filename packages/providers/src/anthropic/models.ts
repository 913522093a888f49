/**
 * Asks which models there are, a page at a time, and, with the same question, whether the service can be used.
 *
 * @module
 */
import { type JsonValue, LlmError, type Model, type ModelsResult, type Request } from "@plugline/core"
import { DateTime, Option } from "effect"
import type { Wire } from "../Wire.ts"
import { address } from "../wire/draft.ts"
import { body, count, excerpt, list, object, text } from "../wire/read.ts"
import { failed, reason } from "../wire/reason.ts"
import { betasOf, headers } from "./headers.ts"
import { defaultBaseUrl, type Quirks } from "./quirks.ts"

/** The wire of `list_models`. */
export const models = (quirks: Quirks): Wire => ({
  prepare: (request) => {
    const { page } = request.options
    // As many as the service gives at once: most callers want them all.
    return prepared(request, quirks, `limit=1000${page === undefined ? "" : `&after_id=${encodeURIComponent(page)}`}`)
  },
  parse: (response, request) => parse(response.body, request),
  reason
})

/** The wire of `validate`: a service that lists a model can be used. */
export const validate = (quirks: Quirks): Wire => ({
  prepare: (request) => prepared(request, quirks, "limit=1"),
  parse: (response, request) => {
    parse(response.body, request)
    return { type: "validate", usable: true }
  },
  reason
})

const prepared = (request: Request, quirks: Quirks, query: string): ReturnType<Wire["prepare"]> => {
  const base = address(request.config.baseUrl ?? quirks.baseUrl ?? defaultBaseUrl, "/models")
  const url = `${base}${base.includes("?") ? "&" : "?"}${query}`
  return { request: { method: "GET", url, headers: headers(betasOf(request)) }, warnings: [] }
}

const parse = (source: string, request: Request): ModelsResult => {
  const { provider } = request
  const fields = object(body(source, provider))
  if (fields?.type === "error" || (fields?.error !== undefined && fields.error !== null)) throw failed(fields, provider)
  const entries = list(fields?.data)
  if (fields === undefined || entries === undefined) {
    throw LlmError.make({ _tag: "NotAnLlm", message: `the answer lists no models: ${excerpt(source)}` }, { provider })
  }
  const models = entries.map((entry) => model(entry, provider))
  const next = fields.has_more === true ? text(fields.last_id) ?? models.at(-1)?.id : undefined
  return { type: "list_models", models, ...(next !== undefined && { next }) }
}

const model = (raw: JsonValue, provider: string): Model => {
  const entry = object(raw)
  const id = text(entry?.id)
  if (entry === undefined || id === undefined) {
    throw LlmError.make({
      _tag: "MalformedResponse",
      message: `an entry of the list of models has no id: ${excerpt(JSON.stringify(raw))}`
    }, { provider })
  }
  const name = text(entry.display_name)
  const created = text(entry.created_at) === undefined ? Option.none() : DateTime.make(entry.created_at as string)
  const contextWindow = count(entry.max_input_tokens)
  return {
    id,
    ...(name !== undefined && name !== id && { name }),
    // Where the day of release is not known the service says the year 1970.
    ...(Option.isSome(created) && DateTime.toEpochMillis(created.value) > 0
      && { created: DateTime.formatIso(created.value) }),
    ...(contextWindow !== undefined && { contextWindow }),
    raw
  }
}
