/**
 * Asks for the vectors of texts, one per message, and reads them whether they come as numbers or as base64.
 *
 * @module
 */
import { type EmbeddingsResult, type JsonValue, LlmError, Message, type Request } from "@plugline/core"
import type { Prepared, Wire, WireResponse } from "../Wire.ts"
import { noMessages, post } from "./chat.ts"
import { textOnly } from "./completion.ts"
import { as, draft, mergeOwn, model, write, type Writers } from "./options.ts"
import { type Quirks, url } from "./quirks.ts"
import { body, excerpt, type Fields, list, object, put, says, text } from "./read.ts"
import { failed, reason } from "./reason.ts"
import { usage } from "./usage.ts"

/** The wire of `embeddings`. */
export const embeddings = (quirks: Quirks): Wire => ({
  prepare: (request) => prepare(request, quirks),
  parse: (response, request) => parse(response, request, quirks),
  reason
})

const prepare = (request: Request, quirks: Quirks): Prepared => {
  if (request.messages.length === 0) throw noMessages(request)
  textOnly(request)
  const to = draft(request, quirks)
  model(to)
  to.body.input = request.messages.map((message) => Message.text(message))
  const form = quirks.encodingFormat ?? "float"
  if (form !== "none") to.body.encoding_format = form
  write(to, writers, "embeddings")
  mergeOwn(to)
  return { request: post(url(request, quirks, "embeddings"), to.body), warnings: to.warnings }
}

const writers: Writers = {
  model: () => {},
  dimensions: as("dimensions"),
  user: as("user"),
  metadata: () => {}
}

const parse = (response: WireResponse, request: Request, quirks: Quirks): EmbeddingsResult => {
  const { provider } = request
  const answer = object(body(response.body, provider))
  const data = list(answer?.data)
  if (answer?.error !== undefined && answer.error !== null) throw failed(answer, provider)
  if (answer === undefined || data === undefined) {
    const message = `the answer holds no vectors: ${excerpt(response.body)}`
    throw LlmError.make({ _tag: "NotAnLlm", message }, { provider })
  }
  const numbers = numbersOf(request, quirks)
  const entries = data.map((value, position) => {
    const entry = object(value)
    const index = typeof entry?.index === "number" ? entry.index : position
    return { index, vector: vector(entry?.embedding, numbers, provider) }
  })
  entries.sort((a, b) => a.index - b.index)
  const asked = inputs(request)
  if (asked !== undefined && asked !== entries.length) {
    throw malformed(`${asked} texts were sent, ${entries.length} vectors came back`, provider)
  }
  const own: { [name: string]: JsonValue } = {}
  for (const name in answer) if (!known.has(name) && says(answer[name])) put(own, name, answer[name])
  const model = text(answer.model)
  return {
    type: "embeddings",
    ...(model !== undefined && { model }),
    embeddings: entries.map(({ vector }) => vector),
    usage: usage(answer.usage),
    ...(Object.keys(own).length > 0 && { metadata: { [provider]: own } })
  }
}

const known = new Set(["object", "data", "model", "usage", "error"])

/** How many vectors there must be: the caller's own fields may have replaced the input. */
const inputs = (request: Request): number | undefined => {
  const input = request.options.providerOptions?.[request.provider]?.input
  if (input === undefined) return request.messages.length
  return Array.isArray(input) && input.every((item) => typeof item === "string") ? input.length : undefined
}

type Numbers = "float32" | "float64" | "int8"

const numbersOf = (request: Request, quirks: Quirks): Numbers => {
  const own: Fields | undefined = request.options.providerOptions?.[request.provider] ?? undefined
  const asked = text(own?.encoding_format) ?? quirks.encodingFormat
  return quirks.vectors ?? (asked !== undefined && asked.includes("int8") ? "int8" : "float32")
}

const vector = (value: JsonValue | undefined, numbers: Numbers, provider: string): ReadonlyArray<number> => {
  if (typeof value === "string") return decoded(value, numbers, provider)
  if (!isVector(value)) throw malformed("a vector is no list of numbers", provider)
  return value
}

const isVector = (value: JsonValue | undefined): value is ReadonlyArray<number> => {
  if (!Array.isArray(value)) return false
  for (let index = 0; index < value.length; index++) if (!Number.isFinite(value[index])) return false
  return true
}

const sizes: { readonly [numbers in Numbers]: number } = { float32: 4, float64: 8, int8: 1 }

const decoded = (base64: string, numbers: Numbers, provider: string): ReadonlyArray<number> => {
  const bytes = Buffer.from(base64, "base64")
  const size = sizes[numbers]
  if (bytes.length === 0 || bytes.length % size !== 0) {
    throw malformed(`a vector of ${bytes.length} bytes holds no whole number of ${numbers}`, provider)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const out: Array<number> = []
  for (let offset = 0; offset < bytes.length; offset += size) {
    const number = numbers === "float32"
      ? view.getFloat32(offset, true)
      : numbers === "float64"
      ? view.getFloat64(offset, true)
      : view.getInt8(offset)
    if (!Number.isFinite(number)) throw malformed("a vector holds something that is no number", provider)
    out.push(number)
  }
  return out
}

const malformed = (message: string, provider: string): LlmError =>
  LlmError.make({ _tag: "MalformedResponse", message }, { provider })
