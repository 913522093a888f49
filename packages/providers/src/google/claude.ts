/**
 * Asks the Claude models that Vertex AI serves: Anthropic's wire, at Google's address and with Google's credential.
 *
 * @module
 */
import { Request } from "@plugline/core"
import { wires } from "../anthropic/index.ts"
import { modelOf, post } from "../wire/draft.ts"
import { text } from "../wire/read.ts"
import type { Wire } from "../Wire.ts"
import { guarded, methodOf } from "./decode.ts"
import { methodUrl } from "./surface.ts"

const anthropic = wires({ bodyVersion: "vertex-2023-10-16", streamField: true })

const claude: Wire = {
  ...anthropic.chat,
  prepare: (request) => {
    const model = modelOf(request)
    const name = model.slice(model.lastIndexOf("/") + 1)
    const { betas, body, warnings } = anthropic.body(Request.mergeOptions(request, { model: name }))
    const method = request.operation === "stream" ? "streamRawPredict" : "rawPredict"
    const path = model.startsWith("projects/") ? model : `publishers/anthropic/models/${name}`
    const sent = post(methodUrl(request, path, method, "vertex"), body)
    const headers = { ...sent.headers, ...(betas.length > 0 && { "anthropic-beta": betas.join(",") }) }
    return { request: { ...sent, headers }, warnings }
  },
  decode: ({ body = {}, url }, provider) =>
    guarded(() => {
      const { method, model } = methodOf(url, ["rawPredict", "streamRawPredict"])
      const { messages, options } = anthropic.asked(body, provider)
      return { operation: method === "rawPredict" ? "chat" : "stream", messages, options: { ...options, model } }
    })
}

/** A wire for Gemini that also asks Claude, where the model is one: `claude-…` or `anthropic/…`. */
export const withClaude = (gemini: Wire): Wire => {
  const of = (request: Request): Wire => {
    const { options, provider } = request
    const model = text(options.model ?? options.providerOptions?.[provider]?.model) ?? ""
    return /(^|\/)claude-|(^|\/)anthropic\//.test(model) ? claude : gemini
  }
  return {
    prepare: (request) => of(request).prepare(request),
    parse: (response, request) => of(request).parse(response, request),
    parts: (request) => of(request).parts!(request),
    reason: (response, request) => of(request).reason(response, request),
    decode: (sent, provider) =>
      (sent.url.includes("/publishers/anthropic/") ? claude : gemini).decode!(sent, provider)
  }
}
