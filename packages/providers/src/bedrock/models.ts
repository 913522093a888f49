/**
 * Asks which models Bedrock offers, and, with the same question, whether it can be used. Both are asked of the control
 * plane, which has an address of its own: `https://bedrock.{region}.amazonaws.com`.
 *
 * @module
 */
import { type JsonValue, LlmError, type Model, type ModelsResult, type Request } from "@plugline/core"
import type { Wire } from "../Wire.ts"
import { get } from "../wire/draft.ts"
import { excerpt, list, object, text } from "../wire/read.ts"
import { reason } from "../wire/reason.ts"
import { documentOf } from "./decoder.ts"

/** The wire of `list_models`. */
export const models: Wire = {
  prepare: (request) => ({
    request: get(url(request)),
    warnings: request.options.page === undefined ? [] : [{
      type: "unsupported-option",
      option: "page",
      message: `${request.provider} lists all its models at once`
    }]
  }),
  parse: ({ body }, request) => parse(body, request),
  reason
}

/** The wire of `validate`: a region that lists its models can be used. */
export const validate: Wire = {
  prepare: (request) => ({ request: get(url(request)), warnings: [] }),
  parse: ({ body }, request) => {
    parse(body, request)
    return { type: "validate", usable: true }
  },
  reason
}

/** Filters that the service knows; they are given as `providerOptions.bedrock`. */
const filters = ["byProvider", "byOutputModality", "byInferenceType", "byCustomizationType"]

const url = (request: Request): string => {
  const own = request.options.providerOptions?.[request.provider]
  const query = filters.flatMap((name) => {
    const value = own?.[name]
    return typeof value === "string" ? [`${name}=${encodeURIComponent(value)}`] : []
  })
  return `${controlPlane(request)}/foundation-models${query.length === 0 ? "" : `?${query.join("&")}`}`
}

/**
 * Where the control plane is: beside the runtime where that has Amazon's own address, else at `config.controlUrl`, else
 * behind the same address as the runtime (a proxy).
 */
const controlPlane = ({ config: { baseUrl = "", controlUrl } }: Request): string =>
  typeof controlUrl === "string" && controlUrl !== ""
    ? controlUrl.replace(/\/+$/, "")
    : baseUrl.replace(runtime, "https://bedrock$1")

/** Amazon's own address of a runtime. */
const runtime = /^https:\/\/bedrock-runtime((?:-fips)?\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|api\.aws)(?:\/|$))/

const parse = (source: string, { provider }: Request): ModelsResult => {
  const entries = list(documentOf(source, provider).modelSummaries)
  if (entries === undefined) {
    throw LlmError.make({ _tag: "NotAnLlm", message: `the answer lists no models: ${excerpt(source)}` }, { provider })
  }
  return { type: "list_models", models: entries.map((entry) => model(entry, provider)) }
}

const model = (raw: JsonValue, provider: string): Model => {
  const entry = object(raw)
  const id = text(entry?.modelId)
  if (entry === undefined || id === undefined) {
    throw LlmError.make({
      _tag: "MalformedResponse",
      message: `an entry of the list of models has no modelId: ${excerpt(JSON.stringify(raw))}`
    }, { provider })
  }
  const name = text(entry.modelName)
  const ownedBy = text(entry.providerName)
  return { id, ...(name !== undefined && { name }), ...(ownedBy !== undefined && { ownedBy }), raw }
}
