/**
 * Reads vectors in each form Cohere gives them: as numbers (`float`, `int8`, `uint8`, `binary`, `ubinary`: eight
 * dimensions in each number of the last two), or as `base64` of 32-bit floats, little endian.
 *
 * @module
 */
import { type JsonValue, LlmError } from "@plugline/core"
import { excerpt, list, object } from "../wire/read.ts"

type Vectors = ReadonlyArray<ReadonlyArray<number>>

/** The vectors of the form that was asked for first. All forms are put into `own` where there are several. */
export const vectors = (
  value: JsonValue,
  asked: string | undefined,
  own: { [name: string]: JsonValue },
  provider: string
): Vectors => {
  // The first interface gives bare lists where no form was asked for.
  const bare = list(value)
  if (bare !== undefined) return bare.map((vector) => numbers(vector, provider))
  const forms = object(value)
  const given = Object.keys(forms ?? {}).filter((form) => list(forms![form]) !== undefined)
  const form = asked !== undefined && given.includes(asked)
    ? asked
    : order.find((form) => given.includes(form) && list(forms![form])!.length > 0) ?? given[0]
  if (form === undefined) throw malformed(`the vectors come in no form: ${excerpt(JSON.stringify(value))}`, provider)
  if (form !== "float") own.embedding_type = form
  if (given.length > 1) own.embeddings = value
  return list(forms![form])!.map((vector) => form === "base64" ? decoded(vector, provider) : numbers(vector, provider))
}

const order = ["float", "int8", "uint8", "binary", "ubinary", "base64"]

const numbers = (value: JsonValue, provider: string): ReadonlyArray<number> => {
  if (!Array.isArray(value) || value.length === 0) throw malformed("a vector is no list of numbers", provider)
  for (let index = 0; index < value.length; index++) {
    if (!Number.isFinite(value[index])) throw malformed("a vector holds something that is no number", provider)
  }
  return value as ReadonlyArray<number>
}

const decoded = (value: JsonValue, provider: string): ReadonlyArray<number> => {
  const bytes = Buffer.from(typeof value === "string" ? value : "", "base64")
  if (bytes.length === 0 || bytes.length % 4 !== 0) {
    throw malformed(`a vector of ${bytes.length} bytes holds no whole number of floats`, provider)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const out: Array<number> = []
  for (let offset = 0; offset < bytes.length; offset += 4) {
    const number = view.getFloat32(offset, true)
    if (!Number.isFinite(number)) throw malformed("a vector holds something that is no number", provider)
    out.push(number)
  }
  return out
}

const malformed = (message: string, provider: string): LlmError =>
  LlmError.make({ _tag: "MalformedResponse", message }, { provider })
