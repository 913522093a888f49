/**
 * Asks which models Cohere offers, page by page, and, with the same question, whether it can be used. `providerOptions`
 * may narrow the list (`endpoint`, `default_only`) and set the length of a page (`page_size`).
 *
 * @module
 */
import { type JsonValue, LlmError, type Model, type ModelsResult, type Request } from "@plugline/core"
import type { Wire } from "../Wire.ts"
import { address, get } from "../wire/draft.ts"
import { body, count, excerpt, list, object, says, text } from "../wire/read.ts"
import { failed, reason } from "../wire/reason.ts"
import { base } from "./options.ts"

/** The wire of `list_models`. */
export const models: Wire = {
  prepare: (request) => {
    const { page, providerOptions } = request.options
    const query = new URLSearchParams()
    for (const [name, value] of Object.entries(providerOptions?.[request.provider] ?? {})) {
      if (typeof value !== "object") query.set(name, String(value))
    }
    if (page !== undefined) query.set("page_token", page)
    const search = query.size === 0 ? "" : `?${query.toString()}`
    return { request: get(`${address(base(request), "/v1/models")}${search}`), warnings: [] }
  },
  parse: (response, request) => parse(response.body, request),
  reason
}

/** The wire of `validate`: who may list models may use them. */
export const validate: Wire = {
  prepare: (request) => ({ request: get(`${address(base(request), "/v1/models")}?page_size=1`), warnings: [] }),
  parse: (response, request) => {
    parse(response.body, request)
    return { type: "validate", usable: true }
  },
  reason
}

const parse = (source: string, request: Request): ModelsResult => {
  const { provider } = request
  const answer = object(body(source, provider))
  const entries = list(answer?.models)
  if (answer === undefined || entries === undefined) {
    if (answer !== undefined && (says(answer.message) || says(answer.error))) throw failed(answer, provider)
    throw LlmError.make({ _tag: "NotAnLlm", message: `the answer lists no models: ${excerpt(source)}` }, { provider })
  }
  const next = text(answer.next_page_token)
  return {
    type: "list_models",
    models: entries.map((entry) => model(entry, provider)),
    ...(next !== undefined && { next })
  }
}

const model = (raw: JsonValue, provider: string): Model => {
  const entry = object(raw)
  const id = text(entry?.name)
  if (id === undefined) {
    throw LlmError.make({
      _tag: "MalformedResponse",
      message: `an entry of the list of models has no name: ${excerpt(JSON.stringify(raw))}`
    }, { provider })
  }
  const contextWindow = count(entry!.context_length)
  return { id, ...(contextWindow !== undefined && contextWindow > 0 && { contextWindow }), raw }
}
