/**
 * Reads a schema in Google's own form, a piece of OpenAPI 3.0 (`type: "STRING"`, `nullable: true`), as a JSON Schema.
 *
 * @module
 */
import type { JsonObject, JsonValue } from "@plugline/core"
import { type Fields, object, put } from "../wire/read.ts"
import { camel } from "./tools.ts"

/** The same as a JSON Schema. */
export const jsonSchema = (schema: Fields): JsonObject => {
  const out: { [name: string]: JsonValue } = {}
  for (const [given, value] of Object.entries(schema)) {
    if (value === undefined || value === null) continue
    const name = camel(given)
    switch (name) {
      case "nullable":
      case "propertyOrdering":
        break
      case "type":
        out.type = typeof value === "string" ? value.toLowerCase() : value
        break
      case "items":
      case "additionalProperties":
        put(out, name, deeper(value))
        break
      case "anyOf":
        out.anyOf = Array.isArray(value) ? value.map(deeper) : value
        break
      case "properties":
      case "defs": {
        const fields: { [name: string]: JsonValue } = {}
        for (const [key, field] of Object.entries(object(value) ?? {})) {
          if (field !== undefined) put(fields, key, deeper(field))
        }
        put(out, name === "defs" ? given : name, fields)
        break
      }
      default:
        put(out, counted.has(name) || known.has(name) ? name : given, counted.has(name) ? number(value) : value)
    }
  }
  if (schema.nullable === true) {
    if (typeof out.type === "string") out.type = [out.type, "null"]
    else if (Array.isArray(out.anyOf)) out.anyOf = [...out.anyOf, { type: "null" }]
    if (Array.isArray(out.enum) && !out.enum.includes(null)) out.enum = [...out.enum, null]
  }
  return out
}

const deeper = (value: JsonValue): JsonValue => {
  const fields = object(value)
  return fields === undefined ? value : jsonSchema(fields)
}

/** Whole numbers, which come as texts. */
const counted = new Set(["minItems", "maxItems", "minProperties", "maxProperties", "minLength", "maxLength"])
const known = new Set(["prefixItems"])

const number = (value: JsonValue): JsonValue =>
  typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value
