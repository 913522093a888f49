/**
 * Asks which models there are, page by page, and, with the same question, whether the service can be used.
 *
 * @module
 */
import { type JsonValue, LlmError, type Model, type ModelsResult, type Request } from "@plugline/core"
import { get } from "../wire/draft.ts"
import { body, count, excerpt, list, object, says, text } from "../wire/read.ts"
import { failed, reason } from "../wire/reason.ts"
import type { Wire } from "../Wire.ts"
import { modelsUrl, type Surface, withQuery } from "./surface.ts"

/** The most that a page holds. */
const pageSize: { readonly [surface in Surface]: string } = { gemini: "1000", vertex: "100" }

/** The wire of `list_models`. */
export const models = (surface: Surface): Wire => ({
  prepare: (request) => {
    const query = { pageSize: pageSize[surface], pageToken: request.options.page }
    return { request: get(withQuery(modelsUrl(request, surface), query)), warnings: [] }
  },
  parse: (response, request) => parse(response.body, request),
  reason
})

/** The wire of `validate`: a service that answers with what was asked for can be used. */
export const validate = (surface: Surface): Wire => ({
  prepare: (request) => ({ request: get(withQuery(modelsUrl(request, surface), { pageSize: "1" })), warnings: [] }),
  parse: (response, request) => {
    parse(response.body, request)
    return { type: "validate", usable: true }
  },
  reason
})

const parse = (source: string, { provider }: Request): ModelsResult => {
  const answer = object(body(source, provider))
  if (says(answer?.error)) throw failed(answer!, provider)
  const next = text(answer?.nextPageToken)
  // An empty page leaves the list out.
  const entries = list(answer?.models) ?? list(answer?.publisherModels) ?? (isEmpty(answer) ? [] : undefined)
  if (entries === undefined) {
    throw LlmError.make({ _tag: "NotAnLlm", message: `the answer lists no models: ${excerpt(source)}` }, { provider })
  }
  const models = entries.map((entry) => model(entry, provider))
  return { type: "list_models", models, ...(next !== undefined && { next }) }
}

const isEmpty = (answer: object | undefined): boolean =>
  answer !== undefined && Object.keys(answer).every((name) => name === "nextPageToken")

const model = (raw: JsonValue, provider: string): Model => {
  const entry = object(raw)
  const id = text(entry?.name)
  if (entry === undefined || id === undefined) {
    throw LlmError.make({
      _tag: "MalformedResponse",
      message: `an entry of the list of models has no name: ${excerpt(JSON.stringify(raw))}`
    }, { provider })
  }
  const name = text(entry.displayName)
  const contextWindow = count(entry.inputTokenLimit)
  const publisher = /^publishers\/([^/]+)\//.exec(id)?.[1]
  return {
    id,
    ...(name !== undefined && { name }),
    ...(publisher !== undefined && { ownedBy: publisher }),
    ...(contextWindow !== undefined && { contextWindow }),
    raw
  }
}
