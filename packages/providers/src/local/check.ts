/**
 * Whether a JSON value satisfies a JSON Schema: the keywords that {@link module:schema} understands.
 *
 * @module
 */
import { Json, type JsonObject, type JsonValue } from "@plugline/core"

/** A schema: an object of keywords, or everything, or nothing. */
export type Schema = JsonObject | boolean

/** A schema, `$ref`s followed. `undefined` where one leads nowhere or round in a circle. */
export const resolve = (given: JsonValue | undefined, root: Schema): Schema | undefined => {
  let schema = given
  for (let steps = 0; steps < 32; steps++) {
    if (typeof schema === "boolean") return schema
    if (!Json.isRecord(schema)) return undefined
    const { $ref, ...rest } = schema as JsonObject
    if (typeof $ref !== "string") return schema as JsonObject
    const target = pointer(root, $ref)
    if (target === undefined) return undefined
    if (Object.keys(rest).length > 0) return merge(rest, target, root)
    schema = target
  }
  return undefined
}

/** What `#/…` points to. */
const pointer = (root: Schema, ref: string): JsonValue | undefined => {
  if (ref === "#") return root
  if (!ref.startsWith("#/")) return undefined
  let at: JsonValue | undefined = root
  for (const raw of ref.slice(2).split("/")) {
    const step = unescape(raw)
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) return undefined
    at = (at as { readonly [step: string]: JsonValue })[step]
  }
  return at
}

const unescape = (step: string): string => {
  const plain = step.replaceAll("~1", "/").replaceAll("~0", "~")
  try {
    return decodeURIComponent(plain)
  } catch {
    return plain
  }
}

/** One schema out of two that must both hold. `undefined` where they cannot. */
export const merge = (a: JsonObject, given: JsonValue, root: Schema): JsonObject | undefined => {
  const b = resolve(given, root)
  if (b === undefined || b === false) return undefined
  if (b === true) return a
  const out: Record<string, JsonValue | undefined> = { ...a, ...b }
  const number = (name: string, pick: (...both: Array<number>) => number) => {
    if (typeof a[name] === "number" && typeof b[name] === "number") out[name] = pick(a[name], b[name])
  }
  for (const name of ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"]) number(name, Math.max)
  for (const name of ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"]) number(name, Math.min)
  if (Array.isArray(a.required) && Array.isArray(b.required)) out.required = [...new Set([...a.required, ...b.required])]
  if (Array.isArray(a.enum) && Array.isArray(b.enum)) {
    const others: ReadonlyArray<JsonValue> = b.enum
    out.enum = a.enum.filter((one) => others.some((other) => Json.equals(one, other)))
  }
  if (Json.isRecord(a.properties) && Json.isRecord(b.properties)) {
    const left = a.properties as JsonObject
    const right = b.properties as JsonObject
    out.properties = Object.fromEntries([...new Set([...Object.keys(left), ...Object.keys(right)])].map((name) => {
      const one = left[name]
      const other = right[name]
      return [name, one === undefined ? other! : other === undefined ? one : { allOf: [one, other] }]
    }))
  }
  for (const word of ["anyOf", "oneOf"] as const) {
    if (a[word] !== undefined && b[word] !== undefined) {
      out[word] = a[word]
      out.allOf = [...Array.isArray(out.allOf) ? out.allOf : [], { [word]: b[word] }]
    }
  }
  if (Array.isArray(a.allOf) && Array.isArray(b.allOf)) out.allOf = [...a.allOf, ...b.allOf]
  if (a.type !== undefined && b.type !== undefined) {
    const types = typesOf(a).filter((type) => typesOf(b).includes(type) || (type === "integer" && typesOf(b).includes("number")))
    const widened = typesOf(a).includes("number") && typesOf(b).includes("integer") ? [...types, "integer"] : types
    if (widened.length === 0) return undefined
    out.type = widened.length === 1 ? widened[0]! : widened
  }
  return out
}

const everyType = ["object", "array", "string", "integer", "number", "boolean", "null"]

/** The types a schema allows, the likeliest first. */
export const typesOf = (schema: JsonObject): ReadonlyArray<string> => {
  const { type } = schema
  if (typeof type === "string") return [type]
  if (Array.isArray(type)) return type.filter((one) => typeof one === "string").toSorted((a, b) => Number(a === "null") - Number(b === "null"))
  if (schema.properties !== undefined || schema.required !== undefined) return ["object", ...everyType]
  if (schema.items !== undefined || schema.prefixItems !== undefined) return ["array", ...everyType]
  if (schema.minimum !== undefined || schema.maximum !== undefined) return ["number", ...everyType]
  return ["string", ...everyType]
}

/** Whether a value satisfies a schema. */
export const check = (given: JsonValue | undefined, value: JsonValue, root: Schema, depth = 0): boolean => {
  if (depth > 128) return false
  const schema = resolve(given, root)
  if (schema === undefined) return false
  if (typeof schema === "boolean") return schema
  const inner = (schema: JsonValue | undefined, value: JsonValue): boolean => check(schema, value, root, depth + 1)
  if (schema.const !== undefined && !Json.equals(schema.const, value)) return false
  if (Array.isArray(schema.enum) && !schema.enum.some((one) => Json.equals(one, value))) return false
  if (schema.type !== undefined && !typesOf(schema).some((type) => isOf(type, value))) return false
  if (Array.isArray(schema.allOf) && !schema.allOf.every((one) => inner(one, value))) return false
  if (Array.isArray(schema.anyOf) && !schema.anyOf.some((one) => inner(one, value))) return false
  if (Array.isArray(schema.oneOf) && schema.oneOf.filter((one) => inner(one, value)).length !== 1) return false
  if (schema.not !== undefined && inner(schema.not, value)) return false
  if (typeof value === "number") return fitsNumber(schema, value)
  if (typeof value === "string") return fitsText(schema, value)
  if (Array.isArray(value)) return fitsArray(schema, value, inner)
  return typeof value !== "object" || value === null || fitsObject(schema, value as JsonObject, inner)
}

const isOf = (type: string, value: JsonValue): boolean =>
  type === "integer"
    ? Number.isInteger(value)
    : type === "null"
    ? value === null
    : type === "array"
    ? Array.isArray(value)
    : type === "object"
    ? typeof value === "object" && value !== null && !Array.isArray(value)
    : typeof value === type

const within = (schema: JsonObject, size: number, least: string, most: string): boolean =>
  !(typeof schema[least] === "number" && size < schema[least]) && !(typeof schema[most] === "number" && size > schema[most])

const fitsNumber = (schema: JsonObject, value: number): boolean => {
  const { exclusiveMaximum, exclusiveMinimum, multipleOf } = schema
  if (!within(schema, value, "minimum", "maximum")) return false
  if (typeof exclusiveMinimum === "number" && value <= exclusiveMinimum) return false
  if (typeof exclusiveMaximum === "number" && value >= exclusiveMaximum) return false
  if (typeof multipleOf !== "number" || multipleOf <= 0) return true
  const times = value / multipleOf
  return Math.abs(times - Math.round(times)) < 1e-9
}

const fitsText = (schema: JsonObject, value: string): boolean => {
  if (!within(schema, [...value].length, "minLength", "maxLength")) return false
  if (typeof schema.format === "string" && Object.hasOwn(looks, schema.format) && !looks[schema.format]!.test(value)) return false
  if ((schema.format === "date" || schema.format === "date-time") && !exists(value.slice(0, 10))) return false
  if (typeof schema.pattern !== "string") return true
  // A pattern is the caller's; short texts keep one that backtracks from doing harm.
  if (value.length > 64) return false
  try {
    return new RegExp(schema.pattern, "u").test(value)
  } catch {
    return false
  }
}

const looks: { readonly [format: string]: RegExp } = {
  "date-time": /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/i,
  date: /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/,
  time: /^\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/i,
  duration: /^P(?=.)(?:\d+[YMWD])*(?:T(?:\d+[HMS])+)?$/,
  email: /^[^\s@]+@[^\s@]+\.[^\s@]+$/,
  "idn-email": /^[^\s@]+@[^\s@]+\.[^\s@]+$/,
  hostname: /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i,
  ipv4: /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/,
  ipv6: /^[0-9a-f:.]*:[0-9a-f:.]*$/i,
  uri: /^[a-z][a-z0-9+.-]*:\S+$/i,
  iri: /^[a-z][a-z0-9+.-]*:\S+$/i,
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
}

/** The thirtieth of February is no date. */
const exists = (date: string): boolean => {
  const time = Date.parse(`${date}T00:00:00Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date)
}

type Inner = (schema: JsonValue | undefined, value: JsonValue) => boolean

const fitsArray = (schema: JsonObject, value: ReadonlyArray<JsonValue>, inner: Inner): boolean => {
  if (!within(schema, value.length, "minItems", "maxItems")) return false
  const firsts = Array.isArray(schema.prefixItems) ? schema.prefixItems as ReadonlyArray<JsonValue> : []
  const isRepeated = (item: JsonValue, index: number) => value.slice(0, index).some((other) => Json.equals(item, other))
  if (schema.uniqueItems === true && value.some(isRepeated)) return false
  return value.every((item, index) =>
    index < firsts.length ? inner(firsts[index], item) : schema.items === undefined || inner(schema.items, item))
}

const fitsObject = (schema: JsonObject, value: JsonObject, inner: Inner): boolean => {
  const names = Object.keys(value)
  if (!within(schema, names.length, "minProperties", "maxProperties")) return false
  const required: ReadonlyArray<JsonValue> = Array.isArray(schema.required) ? schema.required : []
  if (!required.every((name) => typeof name !== "string" || Object.hasOwn(value, name))) return false
  const properties = Json.isRecord(schema.properties) ? schema.properties as JsonObject : {}
  return names.every((name) =>
    Object.hasOwn(properties, name)
      ? inner(properties[name], value[name]!)
      : schema.additionalProperties === undefined || inner(schema.additionalProperties, value[name]!)
  )
}
