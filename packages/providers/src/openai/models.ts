/**
 * Asks which models a service offers, and, with the same question, whether it can be used.
 *
 * @module
 */
import { type JsonValue, LlmError, type Model, type ModelsResult, type Request } from "@plugline/core"
import type { Wire } from "../Wire.ts"
import { type Quirks, url } from "./quirks.ts"
import { get } from "../wire/draft.ts"
import { body, count, excerpt, list, object, text, timestamp } from "../wire/read.ts"
import { failed, reason } from "../wire/reason.ts"

/** The wire of `list_models`. */
export const models = (quirks: Quirks): Wire => ({
  prepare: (request) => ({ request: get(paged(url(request, quirks, "models"), request, quirks)), warnings: [] }),
  parse: (response, request) => parse(response.body, request),
  reason,
  decode: ({ url }) => {
    const page = URL.parse(url, "http://localhost")?.searchParams.get(quirks.pageField ?? "after")
    return { operation: "list_models", messages: [], options: typeof page === "string" && page !== "" ? { page } : {} }
  }
})

const paged = (address: string, { options: { page } }: Request, { pageField = "after" }: Quirks): string =>
  page === undefined
    ? address
    : `${address}${address.includes("?") ? "&" : "?"}${pageField}=${encodeURIComponent(page)}`

/** The wire of `validate`: a service that answers with what was asked for can be used. */
export const validate = (quirks: Quirks): Wire => ({
  prepare: (request) => ({ request: get(url(request, quirks, "validate")), warnings: [] }),
  parse: (response, request) => {
    if (quirks.paths?.validate === undefined) parse(response.body, request)
    else {
      const answer = object(body(response.body, request.provider))
      if (answer === undefined) throw noList(response.body, request.provider)
      if (answer.error !== undefined && answer.error !== null) throw failed(answer, request.provider)
    }
    return { type: "validate", usable: true }
  },
  reason
})

const parse = (source: string, request: Request): ModelsResult => {
  const { provider } = request
  const answer = body(source, provider)
  const fields = object(answer)
  if (fields?.error !== undefined && fields.error !== null) throw failed(fields, provider)
  // Together and Heroku answer with the bare list, Databricks calls its models endpoints.
  const entries = list(answer) ?? list(fields?.data) ?? list(fields?.models) ?? list(fields?.endpoints)
  if (entries === undefined) throw noList(source, provider)
  const models = entries.map((entry) => model(entry, provider))
  const last = fields?.has_more === true ? text(fields.last_id) ?? models.at(-1)?.id : undefined
  const next = text(fields?.next_page_token) ?? last
  return { type: "list_models", models, ...(next !== undefined && { next }) }
}

const noList = (source: string, provider: string): LlmError =>
  LlmError.make({ _tag: "NotAnLlm", message: `the answer lists no models: ${excerpt(source)}` }, { provider })

const model = (raw: JsonValue, provider: string): Model => {
  const entry = object(raw)
  const id = text(entry?.id) ?? text(entry?.model_id) ?? text(entry?.name)
  if (entry === undefined || id === undefined) {
    throw LlmError.make({
      _tag: "MalformedResponse",
      message: `an entry of the list of models has no id: ${excerpt(JSON.stringify(raw))}`
    }, { provider })
  }
  const name = text(entry.name) ?? text(entry.display_name)
  const ownedBy = text(entry.owned_by) ?? text(entry.organization)
  const created = timestamp(entry.created)
  const contextWindow = count(entry.context_length) ?? count(entry.context_window) ?? count(entry.max_context_length)
    ?? count(entry.max_model_len)
  return {
    id,
    ...(name !== undefined && name !== id && { name }),
    ...(ownedBy !== undefined && { ownedBy }),
    ...(created !== undefined && { created }),
    ...(contextWindow !== undefined && { contextWindow }),
    raw
  }
}
