/**
 * Reads the JSON that strangers send: what would crash, pollute or deceive a later reader is refused here, with the place.
 *
 * @module
 */
import { isUtf8 } from "node:buffer"
import { type JsonObject, LlmError } from "plugline"

/** Deepest nesting that is read. */
const deepest = 128

/** Most fields and items that are read. */
const most = 250_000

/**
 * A body as an object. Refused are broken JSON and UTF-8, anything but an object, more than 128 levels or 250,000 `values`, a
 * field twice, `__proto__`, numbers beyond the finite, and halves of characters.
 *
 * @throws LlmError `InvalidRequest`, status 400.
 */
export const parse = (body: Buffer, values = most): JsonObject => {
  if (body.length === 0) throw refused("the body is empty: send a JSON object")
  if (!isUtf8(body)) throw refused("the body is not UTF-8")
  const text = body.toString("utf8")
  const named = survey(text, values)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (thrown) {
    throw refused(`the body is not JSON: ${thrown instanceof Error ? thrown.message.slice(0, 160) : "it cannot be read"}`)
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw refused("the body must be a JSON object")
  }
  const fields = count(value, text.includes("\\u"), values)
  if (fields !== named) throw refused("a field is there twice: each name may stand once in an object")
  return value as JsonObject
}

/** How many fields are written in a text, which must not nest too deep. Strings are skipped as a whole. */
const survey = (text: string, most: number): number => {
  let depth = 0
  let colons = 0
  let commas = 0
  const { length } = text
  for (let at = 0; at < length; at++) {
    switch (text.charCodeAt(at)) {
      case 34:
        at = closing(text, at)
        if (at < 0) return colons
        break
      case 58:
        if (++colons > most) throw tooMany(most)
        break
      case 44:
        if (++commas > most) throw tooMany(most)
        break
      case 91:
      case 123:
        if (++depth > deepest) throw refused(`the body nests deeper than ${deepest} levels`)
        break
      case 93:
      case 125:
        depth--
    }
  }
  return colons
}

/** Where the string ends that begins here; -1 where it does not. */
const closing = (text: string, from: number): number => {
  let at = from
  while (true) {
    at = text.indexOf("\"", at + 1)
    if (at < 0) return -1
    let slashes = 0
    while (text.charCodeAt(at - 1 - slashes) === 92) slashes++
    if (slashes % 2 === 0) return at
  }
}

/** How many fields a value holds. */
const count = (value: object, escapes: boolean, most: number): number => {
  let fields = 0
  let values = 0
  const look = (value: unknown): void => {
    if (typeof value === "string") {
      if (escapes && !value.isWellFormed()) throw refused("the body holds half of a character (a lone surrogate)")
    } else if (typeof value === "number") {
      if (!Number.isFinite(value)) throw refused("the body holds a number that is too large")
    } else if (typeof value === "object" && value !== null) {
      if (Array.isArray(value)) {
        for (const item of value) {
          if (++values > most) throw tooMany(most)
          look(item)
        }
      } else {
        for (const name in value) {
          fields++
          if (++values > most) throw tooMany(most)
          if (name === "__proto__") throw refused("the body holds a field named __proto__")
          if (escapes && !name.isWellFormed()) throw refused("the body holds half of a character (a lone surrogate)")
          look((value as { [name: string]: unknown })[name])
        }
      }
    }
  }
  look(value)
  return fields
}

const tooMany = (most: number): LlmError => refused(`the body holds more than ${most} values`)

const refused = (message: string): LlmError => LlmError.make({ _tag: "InvalidRequest", status: 400, message })
