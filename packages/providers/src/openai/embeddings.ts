/**
 * Asks for the vectors of texts, one per message, and reads them whether they come as numbers or as base64.
 *
 * @module
 */
import { type EmbeddingsResult, type JsonValue, LlmError, type Request } from "@plugline/core"
import type { Prepared, Wire, WireResponse } from "../Wire.ts"
import { apart, asked, deployment, input, option, read } from "./asked.ts"
import { textOnly, textOrRaw } from "./completion.ts"
import { draft, model, type Writers } from "./options.ts"
import { as, mergeOwn, noMessages, post, write } from "../wire/draft.ts"
import { type Quirks, url } from "./quirks.ts"
import { body, excerpt, type Fields, list, object, put, says, text } from "../wire/read.ts"
import { failed, reason } from "../wire/reason.ts"
import { usage } from "./usage.ts"

/** The wire of `embeddings`. */
export const embeddings = (quirks: Quirks): Wire => ({
  speaks: "openai",
  prepare: (request) => prepare(request, quirks),
  parse: (response, request) => parse(response, request, quirks),
  reason,
  decode: ({ body, url }, provider) => {
    const form = quirks.encodingFormat ?? "float"
    const to = read(body, {
      model: option("model", "string"),
      input: apart,
      [quirks.dimensionsField ?? "dimensions"]: option("dimensions", "number"),
      user: option("user", "string"),
      encoding_format: (value, { own }) => {
        if (value !== form) own.encoding_format = value
      }
    }, quirks, provider)
    deployment(url, to)
    const given = to.body.input
    const items = list(given)
    const many = items !== undefined && !(items.length > 0 && items.every((item) => typeof item === "number"))
    return asked("embeddings", many
      ? items.map((item, index) => input(item, `input[${index}]`, to))
      : [input(given ?? null, "input", to)], to)
  }
})

const prepare = (request: Request, quirks: Quirks): Prepared => {
  if (request.messages.length === 0) throw noMessages(request)
  textOnly(request)
  const to = draft(request, quirks)
  model(to)
  to.body.input = request.messages.map((message) => textOrRaw(message, request.provider))
  const form = quirks.encodingFormat ?? "float"
  if (form !== "none") to.body.encoding_format = form
  write(to, writers, "embeddings")
  mergeOwn(to)
  return { request: post(url(request, quirks, "embeddings"), to.body), warnings: to.warnings }
}

const writers: Writers = {
  model: () => {},
  dimensions: (value, { body, quirks }) => {
    body[quirks.dimensionsField ?? "dimensions"] = value
  },
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

type Numbers = NonNullable<Quirks["vectors"]>

/** What the caller asked for; `undefined` where that is not said. */
const numbersOf = (request: Request, quirks: Quirks): Numbers | undefined => {
  const own: Fields | undefined = request.options.providerOptions?.[request.provider] ?? undefined
  const kind = text(own?.output_dtype) ?? text(own?.encoding_format) ?? quirks.encodingFormat ?? ""
  if (quirks.vectors !== undefined) return quirks.vectors
  return kind.includes("uint8") || kind.includes("ubinary") ? "uint8" : /int8|binary/.test(kind) ? "int8" : undefined
}

const vector = (
  value: JsonValue | undefined,
  numbers: Numbers | undefined,
  provider: string
): ReadonlyArray<number> => {
  if (typeof value === "string") {
    const bytes = Buffer.from(value, "base64")
    return decoded(bytes, numbers ?? (isDouble(bytes) ? "float64" : "float32"), provider)
  }
  if (!isVector(value)) throw malformed("a vector is no list of numbers", provider)
  return value
}

const isVector = (value: JsonValue | undefined): value is ReadonlyArray<number> => {
  if (!Array.isArray(value)) return false
  for (let index = 0; index < value.length; index++) if (!Number.isFinite(value[index])) return false
  return true
}

/**
 * Whether bytes make no sense as float32, with numbers far too great for a vector or every other one nothing at all,
 * but do as float64: some versions of vLLM send that.
 */
const isDouble = (bytes: Buffer): boolean => {
  if (bytes.length < fewest || bytes.length % 8 !== 0) return false
  let halves = true
  let tooGreat = false
  for (let offset = 0; offset < bytes.length && !tooGreat; offset += 4) {
    const number = bytes.readFloatLE(offset)
    tooGreat = !(Math.abs(number) < 1e10)
    if (offset % 8 === 0 && number !== 0) halves = false
  }
  if (!tooGreat && !halves) return false
  let greatest = 0
  for (let offset = 0; offset < bytes.length; offset += 8) {
    const size = Math.abs(bytes.readDoubleLE(offset))
    if (!(size < 1e10)) return false
    greatest = Math.max(greatest, size)
  }
  return greatest > 0
}

/** Bytes of a vector that is long enough to be told by its numbers. */
const fewest = 128

const sizes: { readonly [numbers in Numbers]: number } = { float32: 4, float64: 8, int8: 1, uint8: 1 }

const decoded = (bytes: Buffer, numbers: Numbers, provider: string): ReadonlyArray<number> => {
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
      : numbers === "int8"
      ? view.getInt8(offset)
      : view.getUint8(offset)
    if (!Number.isFinite(number)) throw malformed("a vector holds something that is no number", provider)
    out.push(number)
  }
  return out
}

const malformed = (message: string, provider: string): LlmError =>
  LlmError.make({ _tag: "MalformedResponse", message }, { provider })
