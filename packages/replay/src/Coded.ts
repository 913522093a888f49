/**
 * Writes down any plain value as JSON and reads it back the same: whole numbers of any length, bytes, what is
 * `undefined`, numbers that JSON does not know, errors. What JSON knows stays as it is.
 *
 * @module
 */
import { Json, LlmError, Mask } from "@plugline/core"
import type { JsonObject, JsonValue } from "@plugline/core"
import { Redacted } from "effect"

/** The field that marks what JSON has no word for. */
const mark = "$"

/** Deeper than this nothing is written down. */
const deepest = 256

/** Something that somebody else settles, and what it was settled with. */
export class Settled {
  /** Absent: it was not settled as long as anybody waited. `took`: ms from when it was handed out. */
  ending: { readonly took: number; readonly value: unknown } | undefined

  end(took: number, value: unknown): void {
    this.ending = { took, value }
  }
}

/** The value as JSON. Secrets are masked; functions, cycles and what nests without end become a mark. */
export const encode = (value: unknown): JsonValue => write(value, [])

type Above = ReadonlyArray<unknown>

const write = (value: unknown, above: Above): JsonValue => {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value
    case "number":
      return Object.is(value, -0) ? marked("number", "-0") : Number.isFinite(value) ? value : marked("number", String(value))
    case "bigint":
      return marked("bigint", value.toString())
    case "undefined":
      return marked("undefined")
    case "object":
      if (value === null) return null
      return above.length > deepest || above.includes(value) ? marked("cut") : writeObject(value, [...above, value])
    default:
      return marked(typeof value)
  }
}

const writeObject = (value: object, above: Above): JsonValue => {
  if (Array.isArray(value)) return value.map((item) => write(item, above))
  if (Redacted.isRedacted(value)) return Mask.masked
  if (value instanceof Uint8Array) return marked("bytes", toBase64(value))
  if (value instanceof Float32Array) return marked("floats", toBase64(bytesOf(value)))
  if (value instanceof Float64Array) return marked("doubles", toBase64(bytesOf(value)))
  if (value instanceof Date) return marked("date", value.getTime())
  if (value instanceof Map) return marked("map", [...value].map(([key, item]) => [write(key, above), write(item, above)]))
  if (value instanceof Set) return marked("set", [...value].map((item) => write(item, above)))
  if (value instanceof Settled) {
    const { ending } = value
    return marked("settled", ending === undefined ? null : { took: ending.took, value: write(ending.value, above) })
  }
  if (LlmError.isLlmError(value)) return marked("error", value.toJSON() as unknown as JsonObject)
  if (value instanceof Error) {
    const { name, message } = value
    return marked("failure", { ...writeFields(value, above, "cause", "stack"), name, message: Mask.text(message) })
  }
  const fields = writeFields(value, above)
  return Object.hasOwn(value, mark) ? marked("object", fields) : fields
}

const writeFields = (value: object, above: Above, ...without: ReadonlyArray<string>): JsonObject =>
  Object.fromEntries(
    Object.entries(value).filter(([name]) => !without.includes(name)).map(([name, field]) => [name, write(field, above)])
  )

const bytesOf = ({ buffer, byteLength, byteOffset }: Float32Array | Float64Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

const marked = (kind: string, value?: JsonValue): JsonObject => value === undefined ? { [mark]: kind } : { [mark]: kind, value }

/** What {@link encode} wrote down. `failure` makes an error from its fields, `name` and `message` among them. */
export const decode = (json: JsonValue | undefined, failure: (fields: JsonObject) => unknown = errorOf): unknown => {
  const read = (json: JsonValue | undefined): unknown => {
    if (typeof json !== "object" || json === null) return json
    if (Array.isArray(json)) return json.map(read)
    const object = json as JsonObject
    return Object.hasOwn(object, mark) ? readMarked(object[mark], object.value) : readFields(object)
  }
  const readFields = (json: JsonObject): JsonObject =>
    Object.fromEntries(Object.entries(json).map(([name, value]) => [name, read(value)])) as JsonObject
  const readMarked = (kind: JsonValue | undefined, value: JsonValue | undefined): unknown => {
    switch (kind) {
      case "number":
        return Number(value)
      case "bigint":
        return BigInt(String(value))
      case "bytes":
        return fromBase64(String(value))
      case "floats":
        return new Float32Array(fromBase64(String(value)).buffer)
      case "doubles":
        return new Float64Array(fromBase64(String(value)).buffer)
      case "date":
        return new Date(Number(value))
      case "map":
        return new Map(read(value) as ReadonlyArray<[unknown, unknown]>)
      case "set":
        return new Set(read(value) as ReadonlyArray<unknown>)
      case "error":
        return LlmError.fromJson(value)
      case "failure":
        return failure(readFields(value as JsonObject))
      case "settled": {
        const settled = new Settled()
        if (Json.isRecord(value)) settled.end(Number(value.took), read(value.value as JsonValue))
        return settled
      }
      case "object":
        return readFields(value as JsonObject)
      default:
        return undefined
    }
  }
  return read(json)
}

const errorOf = (fields: JsonObject): Error => Object.assign(new Error(String(fields.message)), fields)

/** Bytes as text. */
export const toBase64 = (bytes: Uint8Array): string => {
  let text = ""
  for (let at = 0; at < bytes.length; at += 8_192) text += String.fromCharCode(...bytes.subarray(at, at + 8_192))
  return btoa(text)
}

/** The bytes of such a text. */
export const fromBase64 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
