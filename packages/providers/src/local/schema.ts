/**
 * Makes a JSON value that satisfies a JSON Schema, filling it with what the message says where names match.
 *
 * Understood: types, `enum`, `const`, objects with `required` and `additionalProperties`, arrays with `items`, `prefixItems`,
 * bounds and `uniqueItems`, bounds of numbers and `multipleOf`, lengths, `format` and simple `pattern`s of texts,
 * `anyOf`, `oneOf`, `allOf`, and `$ref` into the schema itself. What it makes is checked; what it cannot satisfy it refuses.
 *
 * @module
 */
import { Json, type JsonObject, type JsonSchema, type JsonValue, LlmError } from "@plugline/core"
import { check, merge, resolve, type Schema, typesOf } from "./check.ts"

/**
 * What the message says about a field, the likeliest first. `sure`: only what it says by the field's name or form, no guess by
 * position.
 */
export type Hint = (name: string, schema: JsonObject, sure: boolean) => ReadonlyArray<JsonValue>

/**
 * A value that satisfies a schema.
 *
 * @throws LlmError `Unsupported` when none was found.
 * @example
 * ```ts
 * import { satisfy } from "@plugline/providers/local"
 *
 * satisfy({ type: "object", properties: { n: { type: "integer", minimum: 3 } }, required: ["n"] }) // => { n: 3 }
 * ```
 */
export const satisfy = (schema: JsonSchema, hint: Hint = nothing): JsonValue => {
  const value = new Maker(schema, hint).make(schema, "", 0)
  if (value !== undefined) return value
  throw LlmError.make({
    _tag: "Unsupported",
    message: "the rule-based responder found no value that satisfies the JSON Schema"
  })
}

const nothing: Hint = () => []

/** How deep a value may nest. Deeper, only what must be is made. */
const deepest = 24

/** How many values are tried in all, so that a schema of nested alternatives ends. */
const mostTries = 20_000

class Maker {
  readonly #root: Schema
  readonly #hint: Hint
  #tries = 0

  constructor(root: Schema, hint: Hint) {
    this.#root = root
    this.#hint = hint
  }

  /** A value for a schema, or `undefined`. `name`: of the field it is for. */
  make(given: Schema, name: string, depth: number): JsonValue | undefined {
    if (depth > deepest || ++this.#tries > mostTries) return undefined
    const schema = resolve(given, this.#root)
    if (schema === undefined || schema === false) return undefined
    if (schema === true) return this.#first(this.#hint(name, {}, true), schema) ?? null
    return this.#first(this.#hint(name, schema, false), schema) ?? this.#made(schema, name, depth)
  }

  #made(schema: JsonObject, name: string, depth: number): JsonValue | undefined {
    if (schema.const !== undefined) return this.#first([schema.const], schema)
    if (Array.isArray(schema.enum)) return this.#first(schema.enum, schema)
    for (const word of ["anyOf", "oneOf"] as const) {
      const ways = schema[word]
      if (!Array.isArray(ways)) continue
      const { [word]: _, ...rest } = schema
      for (const way of [...ways].sort((a, b) => Number(isNull(a)) - Number(isNull(b)))) {
        const merged = merge(rest, way, this.#root)
        const value = merged === undefined ? undefined : this.make(merged, name, depth + 1)
        if (value !== undefined && check(schema, value, this.#root)) return value
      }
      return undefined
    }
    if (Array.isArray(schema.allOf)) {
      const { allOf, ...rest } = schema
      const merged = allOf.reduce<JsonObject | undefined>((all, one) => all === undefined ? undefined : merge(all, one, this.#root), rest)
      return merged === undefined ? undefined : this.make(merged, name, depth + 1)
    }
    for (const type of typesOf(schema)) {
      const value = this.#ofType(type, schema, name, depth)
      if (value !== undefined && check(schema, value, this.#root)) return value
    }
    return undefined
  }

  #ofType(type: string, schema: JsonObject, name: string, depth: number): JsonValue | undefined {
    switch (type) {
      case "object":
        return this.#object(schema, depth)
      case "array":
        return this.#array(schema, name, depth)
      case "string":
        return this.#first(texts(schema, name), schema)
      case "integer":
      case "number":
        return this.#first(numbers(schema, type === "integer"), schema)
      case "boolean":
        return false
      case "null":
        return null
      default:
        return undefined
    }
  }

  #object(schema: JsonObject, depth: number): JsonValue | undefined {
    const properties = Json.isRecord(schema.properties) ? schema.properties as JsonObject : {}
    const required = Array.isArray(schema.required) ? schema.required.filter((name) => typeof name === "string") : undefined
    const out: Record<string, JsonValue> = {}
    const put = (name: string, value: JsonValue) =>
      Object.defineProperty(out, name, { value, enumerable: true, configurable: true, writable: true })
    for (const name of Object.keys(properties)) {
      const field = properties[name] as Schema
      const must = required?.includes(name) ?? false
      // What may be left out is filled where the message speaks of it, or where nothing at all must be.
      const speaks = !must && Json.isRecord(field) && this.#hint(name, field as JsonObject, true).length > 0
      if (!must && !speaks && (required !== undefined || depth > 2)) continue
      const value = this.make(field, name, depth + 1)
      if (value !== undefined) put(name, value)
      else if (must) return undefined
    }
    const others = (schema.additionalProperties ?? true) as Schema
    for (const name of required ?? []) {
      if (Object.hasOwn(out, name)) continue
      const value = this.make(others, name, depth + 1)
      if (value === undefined) return undefined
      put(name, value)
    }
    const least = typeof schema.minProperties === "number" ? schema.minProperties : 0
    for (let index = 0; Object.keys(out).length < least && index < 1_000; index++) {
      const name = Object.keys(properties).find((name) => !Object.hasOwn(out, name)) ?? `field${index}`
      const value = this.make((properties[name] ?? others) as Schema, name, depth + 1)
      if (value === undefined) return undefined
      put(name, value)
    }
    return out
  }

  #array(schema: JsonObject, name: string, depth: number): JsonValue | undefined {
    const firsts = Array.isArray(schema.prefixItems) ? schema.prefixItems as ReadonlyArray<Schema> : []
    const items = (schema.items ?? true) as Schema
    const least = Math.max(typeof schema.minItems === "number" ? schema.minItems : 0, 0)
    const most = typeof schema.maxItems === "number" ? schema.maxItems : Infinity
    if (least > 10_000 || least > most) return undefined
    const out: Array<JsonValue> = []
    const told = Json.isRecord(items) ? this.#hint(name, items as JsonObject, false).filter((value) => check(items, value, this.#root)) : []
    for (let index = 0; index < most && (index < least || index < firsts.length || (index - firsts.length) < told.length); index++) {
      const item = firsts[index] ?? items
      const value = firsts[index] === undefined ? told[index - firsts.length] : undefined
      const made = value ?? (schema.uniqueItems === true ? this.#another(item, name, depth, out) : this.make(item, name, depth + 1))
      if (made === undefined) {
        if (index < least) return undefined
        break
      }
      if (schema.uniqueItems === true && out.some((other) => Json.equals(other, made))) continue
      out.push(made)
    }
    return out
  }

  /** A value unlike those that are there already. */
  #another(schema: Schema, name: string, depth: number, taken: ReadonlyArray<JsonValue>): JsonValue | undefined {
    const fresh = (value: JsonValue | undefined): value is JsonValue =>
      value !== undefined && !taken.some((other) => Json.equals(other, value)) && check(schema, value, this.#root)
    const value = this.make(schema, name, depth + 1)
    if (fresh(value)) return value
    const resolved = resolve(schema, this.#root)
    const listed = Json.isRecord(resolved) && Array.isArray(resolved.enum) ? resolved.enum : []
    for (const other of listed) if (fresh(other)) return other
    const step = Json.isRecord(resolved) && typeof resolved.multipleOf === "number" ? resolved.multipleOf : 1
    const grown = taken.length
    for (const other of [
      ...(typeof value === "number" ? [value + grown * step, value - grown * step] : []),
      ...(typeof value === "string" ? [`${value} ${grown + 1}`, `${[...value].slice(0, -1).join("")}${grown % 10}`] : []),
      "abcdefghijklmnopqrstuvwxyz0123456789"[grown % 36]!,
      ...(typeof value === "object" && value !== null && !Array.isArray(value) ? this.#varied(value as JsonObject, grown) : []),
      grown, String(grown), true, false, null, [grown], { field: grown }
    ]) if (fresh(other)) return other
    return undefined
  }

  /** Copies of an object with one field changed. */
  #varied(value: JsonObject, step: number): ReadonlyArray<JsonValue> {
    return Object.entries(value).flatMap(([name, field]) =>
      typeof field === "number" ? [{ ...value, [name]: field + step }, { ...value, [name]: field - step }]
      : typeof field === "string" ? [{ ...value, [name]: `${field} ${step + 1}` }]
      : typeof field === "boolean" ? [{ ...value, [name]: !field }]
      : [])
  }

  #first(values: ReadonlyArray<JsonValue | undefined>, schema: Schema): JsonValue | undefined {
    return values.find((value) => value !== undefined && check(schema, value, this.#root))
  }
}

const isNull = (schema: JsonValue): boolean => Json.isRecord(schema) && schema.type === "null"

// --- numbers and texts ------------------------------------------------------------------------------------------------

const numbers = (schema: JsonObject, whole: boolean): ReadonlyArray<number> => {
  const bound = (name: string) => typeof schema[name] === "number" ? schema[name] as number : undefined
  const tiny = whole ? 1 : 0.5
  const above = bound("exclusiveMinimum")
  const below = bound("exclusiveMaximum")
  const low = Math.max(bound("minimum") ?? -Infinity, above === undefined ? -Infinity : above + tiny)
  const high = Math.min(bound("maximum") ?? Infinity, below === undefined ? Infinity : below - tiny)
  const step = bound("multipleOf") ?? (whole ? 1 : undefined)
  const near = Math.min(Math.max(0, low), high)
  const middle = above !== undefined && below !== undefined ? (above + below) / 2 : near
  const stepped = step === undefined || step <= 0 ? [] : [Math.ceil(near / step) * step, Math.floor(near / step) * step]
  return [near, ...stepped, middle, ...(above === undefined ? [] : [above + 1e-6]), ...(below === undefined ? [] : [below - 1e-6])]
}

const formats: { readonly [format: string]: string } = {
  "date-time": "2000-01-01T00:00:00Z",
  date: "2000-01-01",
  time: "00:00:00Z",
  duration: "PT0S",
  email: "nobody@example.com",
  "idn-email": "nobody@example.com",
  hostname: "example.com",
  "idn-hostname": "example.com",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  uri: "https://example.com/",
  iri: "https://example.com/",
  "uri-reference": "https://example.com/",
  uuid: "00000000-0000-4000-8000-000000000000",
  "json-pointer": "/",
  regex: ".*"
}

const texts = (schema: JsonObject, name: string): ReadonlyArray<string> => {
  const { format, maxLength, minLength, pattern } = schema
  if (typeof format === "string" && Object.hasOwn(formats, format)) return [formats[format]!]
  const least = typeof minLength === "number" ? minLength : 0
  const most = typeof maxLength === "number" ? maxLength : Infinity
  const fit = (text: string): string => [...text.padEnd(Math.min(least, 100_000), ".")].slice(0, most).join("")
  const plain = [fit("unknown"), ""]
  if (typeof pattern !== "string") return plain
  const signs = [
    "a", "A", "0", "aa", "AA", "00", "a0", "A0", "Aa", "abc", "ABC", "000", "0000", "00000", "AB-000", "000-000-0000", "1.0.0",
    "#000000", "2000-01-01", "00:00", "a@b.co", "https://example.com/"
  ]
  const length = least > 0 && least <= 64 ? least : most <= 64 ? most : 8
  return [...plain, name, ...signs, ...["a", "A", "0", "f"].map((sign) => sign.repeat(length))]
}
