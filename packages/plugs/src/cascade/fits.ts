/**
 * Checks a value against a JSON Schema, as far as tells whether an answer has the form it was asked for: types,
 * required and unknown fields, lists, enumerations, alternatives and local references. Words it does not know are
 * passed over. Pure.
 *
 * @module
 */
import { Json } from "@plugline/core"
import { text } from "../canonical.ts"

type Schema = { readonly [word: string]: unknown }

/** Whether a value has the form a schema describes. */
export const fits = (value: unknown, schema: unknown, root: unknown = schema, depth = 0): boolean => {
  if (schema === false) return false
  if (!Json.isRecord(schema) || depth > 64) return true
  const again = (value: unknown, schema: unknown) => fits(value, schema, root, depth + 1)
  if (typeof schema.$ref === "string") {
    const target = resolve(schema.$ref, root)
    if (target !== undefined && !again(value, target)) return false
  }
  if ("const" in schema && text(schema.const) !== text(value)) return false
  if (Array.isArray(schema.enum) && !schema.enum.some((one) => text(one) === text(value))) return false
  if (schema.type !== undefined && ![schema.type].flat().some((type) => isOf(value, type))) return false
  if (Array.isArray(schema.allOf) && !schema.allOf.every((each) => again(value, each))) return false
  if (Array.isArray(schema.anyOf) && !schema.anyOf.some((each) => again(value, each))) return false
  if (Array.isArray(schema.oneOf) && schema.oneOf.filter((each) => again(value, each)).length !== 1) return false
  if (Array.isArray(value)) return listFits(value, schema, again)
  return !Json.isRecord(value) || objectFits(value, schema, again)
}

type Again = (value: unknown, schema: unknown) => boolean

const listFits = (value: ReadonlyArray<unknown>, { items, maxItems, minItems }: Schema, again: Again): boolean =>
  !(typeof minItems === "number" && value.length < minItems)
  && !(typeof maxItems === "number" && value.length > maxItems)
  && (items === undefined || Array.isArray(items) || value.every((item) => again(item, items)))

const objectFits = (value: Schema, schema: Schema, again: Again): boolean => {
  const properties = Json.isRecord(schema.properties) ? schema.properties : {}
  if (Array.isArray(schema.required) && !schema.required.every((name) => Object.hasOwn(value, String(name)))) return false
  return Object.keys(value).every((name) =>
    Object.hasOwn(properties, name)
      ? again(value[name], properties[name])
      : schema.additionalProperties === undefined || again(value[name], schema.additionalProperties))
}

const isOf = (value: unknown, type: unknown): boolean => {
  switch (type) {
    case "null":
      return value === null
    case "array":
      return Array.isArray(value)
    case "object":
      return Json.isRecord(value)
    case "integer":
      return Number.isInteger(value)
    case "string":
    case "number":
    case "boolean":
      return typeof value === type
    default:
      return true
  }
}

/** What a reference within the document points to. */
const resolve = (reference: string, root: unknown): unknown => {
  if (reference === "#") return root
  if (!reference.startsWith("#/")) return undefined
  let at: unknown = root
  for (const step of reference.slice(2).split("/")) {
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~")
    at = Json.isRecord(at) && Object.hasOwn(at, name) ? at[name] : undefined
  }
  return at
}
