import { type JsonObject, type JsonValue, Json } from "@plugline/core"
import { satisfy } from "@plugline/providers/local"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { check } from "../../src/local/check.ts"

/** A second, plain reading of JSON Schema that shares no code with the responder's own: it says what is wrong. */
const faults = (schema: JsonValue, value: JsonValue, root: JsonValue = schema): ReadonlyArray<string> => {
  if (schema === true) return []
  if (schema === false) return ["nothing fits false"]
  const s = schema as JsonObject
  const out: Array<string> = []
  const bad = (ok: boolean, what: string) => void (ok || out.push(`${what}: ${JSON.stringify(value)}`))
  const number = (name: string, fits: (limit: number) => boolean) => {
    const limit = s[name]
    if (typeof limit === "number") bad(fits(limit), name)
  }
  const list = (name: string) => (s[name] ?? []) as ReadonlyArray<JsonValue>
  const passing = (name: string) => list(name).filter((one) => faults(one, value, root).length === 0).length
  if (typeof s.$ref === "string") {
    out.push(...faults(s.$ref.split("/").slice(1).reduce<JsonValue>((at, step) => (at as JsonObject)[step]!, root), value, root))
  }
  const kind = value === null ? "null" : Array.isArray(value) ? "array" : typeof value
  if (s.type !== undefined) {
    bad([s.type].flat().some((type) => type === kind || (type === "integer" && Number.isInteger(value))), `type ${JSON.stringify(s.type)}`)
  }
  if (s.const !== undefined) bad(Json.equals(s.const, value), "const")
  if (s.enum !== undefined) bad(list("enum").some((one) => Json.equals(one, value)), "enum")
  for (const one of list("allOf")) out.push(...faults(one, value, root))
  if (s.anyOf !== undefined) bad(passing("anyOf") > 0, "anyOf")
  if (s.oneOf !== undefined) bad(passing("oneOf") === 1, "oneOf")
  if (typeof value === "number") {
    number("minimum", (limit) => value >= limit)
    number("maximum", (limit) => value <= limit)
    number("exclusiveMinimum", (limit) => value > limit)
    number("exclusiveMaximum", (limit) => value < limit)
    number("multipleOf", (step) => Math.abs(value / step - Math.round(value / step)) < 1e-9)
  }
  if (typeof value === "string") {
    const { length } = Array.from(value)
    number("minLength", (limit) => length >= limit)
    number("maxLength", (limit) => length <= limit)
    if (typeof s.pattern === "string") bad(new RegExp(s.pattern, "u").test(value), "pattern")
    if (s.format === "date") bad(/^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value)), "date")
    if (s.format === "date-time") bad(value.includes("T") && !Number.isNaN(Date.parse(value)), "date-time")
    if (s.format === "uri") bad(URL.canParse(value), "uri")
    if (s.format === "email") bad(/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(value), "email")
    if (s.format === "uuid") bad(/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value), "uuid")
  }
  if (Array.isArray(value)) {
    const items: ReadonlyArray<JsonValue> = value
    number("minItems", (limit) => items.length >= limit)
    number("maxItems", (limit) => items.length <= limit)
    if (s.uniqueItems === true) bad(new Set(items.map((item) => JSON.stringify(item))).size === items.length, "uniqueItems")
    items.forEach((item, index) => {
      const one = list("prefixItems")[index] ?? s.items
      if (one !== undefined) out.push(...faults(one, item, root))
    })
  }
  if (kind === "object") {
    const object = value as JsonObject
    const properties = (s.properties ?? {}) as JsonObject
    for (const name of list("required")) bad(Object.hasOwn(object, String(name)), `required ${String(name)}`)
    for (const name of Object.keys(object)) {
      const one = Object.hasOwn(properties, name) ? properties[name] : s.additionalProperties
      if (one !== undefined) out.push(...faults(one, object[name]!, root))
    }
  }
  return out
}

const schemas: ReadonlyArray<readonly [string, JsonObject]> = [
  ["every type", { type: "object", properties: { s: { type: "string" }, n: { type: "number" }, i: { type: "integer" }, b: { type: "boolean" }, z: { type: "null" }, a: { type: "array" }, o: { type: "object" } }, required: ["s", "n", "i", "b", "z", "a", "o"] }],
  ["enum and const", { type: "object", properties: { e: { enum: [3, "x"] }, c: { const: { k: [1] } } }, required: ["e", "c"] }],
  ["bounds", { type: "array", prefixItems: [{ type: "integer", minimum: 5, maximum: 7 }, { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 0.001 }, { type: "integer", multipleOf: 7, minimum: 10 }, { type: "string", minLength: 12, maxLength: 13 }, { type: "string", maxLength: 2 }], minItems: 5, items: false }],
  ["formats", { type: "object", properties: { a: { type: "string", format: "date" }, b: { type: "string", format: "date-time" }, c: { type: "string", format: "uri" }, d: { type: "string", format: "email" }, e: { type: "string", format: "uuid" } }, required: ["a", "b", "c", "d", "e"] }],
  ["patterns", { type: "object", properties: { a: { type: "string", pattern: "^[A-Z]{2}-\\d{3}$" }, b: { type: "string", pattern: "^\\d{4}$" }, c: { type: "string", pattern: "^[a-f0-9]{16}$", minLength: 16 } }, required: ["a", "b", "c"] }],
  ["arrays", { type: "array", items: { type: "integer", minimum: 1, maximum: 3 }, minItems: 3, uniqueItems: true }],
  ["unique objects", { type: "array", items: { type: "object", properties: { id: { type: "integer" } }, required: ["id"], additionalProperties: false }, minItems: 3, uniqueItems: true }],
  ["anyOf with null last", { anyOf: [{ type: "null" }, { type: "object", properties: { a: { type: "integer", minimum: 1 } }, required: ["a"] }] }],
  ["oneOf that overlaps", { oneOf: [{ type: "integer" }, { type: "number", minimum: 1 }] }],
  ["allOf", { allOf: [{ type: "object", properties: { a: { type: "string" } }, required: ["a"] }, { properties: { a: { minLength: 3 }, b: { type: "boolean" } }, required: ["b"] }] }],
  ["references", { type: "object", properties: { head: { $ref: "#/$defs/node" } }, required: ["head"], $defs: { node: { type: "object", properties: { value: { type: "integer" }, next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] } }, required: ["value", "next"], additionalProperties: false } } }],
  ["a tree of itself", { $ref: "#/definitions/tree", definitions: { tree: { type: "object", properties: { children: { type: "array", items: { $ref: "#/definitions/tree" } } }, required: ["children"] } } }],
  ["no type", { properties: { a: { minimum: 4 } }, required: ["a"] }],
  ["several types", { type: "object", properties: { a: { type: ["string", "null"] }, b: { type: ["null", "integer"], minimum: 2 } }, required: ["a", "b"] }],
  ["required and nowhere declared", { type: "object", required: ["x", "__proto__"], additionalProperties: { type: "integer" } }],
  ["a field called __proto__", JSON.parse("{\"type\":\"object\",\"properties\":{\"__proto__\":{\"type\":\"integer\"}},\"required\":[\"__proto__\"],\"additionalProperties\":false}")]
]

describe("a made value satisfies its schema", () => {
  for (const [name, schema] of schemas) it(name, () => expect(faults(schema, satisfy(schema))).toEqual([]))

  it("nothing that must be is missing, and nulls are the last resort", () => {
    expect(satisfy(schemas[7]![1])).toEqual({ a: 1 })
    expect(satisfy(schemas[13]![1])).toEqual({ a: "unknown", b: 2 })
  })

  const leaf: fc.Arbitrary<JsonObject> = fc.oneof(
    fc.record({ type: fc.constant("integer"), minimum: fc.integer({ min: -50, max: 50 }) }).chain((s) =>
      fc.integer({ min: 0, max: 100 }).map((more) => ({ ...s, maximum: s.minimum + more }))),
    fc.record({ type: fc.constant("number"), exclusiveMinimum: fc.integer({ min: -5, max: 5 }) }),
    fc.record({ type: fc.constant("string"), minLength: fc.nat(20) }).chain((s) => fc.nat(9).map((more) => ({ ...s, maxLength: s.minLength + more }))),
    fc.constantFrom<JsonObject>({ type: "boolean" }, { type: "null" }, { type: "string", format: "date" }, { type: "string", format: "uuid" }, { type: "string", format: "email" }),
    fc.uniqueArray(fc.oneof(fc.integer(), fc.string(), fc.boolean()), { minLength: 1, maxLength: 4 }).map((list) => ({ enum: list })),
    fc.jsonValue().map((value) => ({ const: value as JsonValue }))
  )
  const schema: fc.Arbitrary<JsonObject> = fc.letrec<{ schema: JsonObject; object: JsonObject; array: JsonObject; ways: JsonObject; all: JsonObject }>((tie) => ({
    schema: fc.oneof({ depthSize: "small", withCrossShrink: true }, leaf, tie("object"), tie("array"), tie("ways"), tie("all")),
    object: fc.dictionary(fc.string(), tie("schema"), { maxKeys: 4 }).chain((properties) =>
      fc.record({ required: fc.subarray(Object.keys(properties)), additionalProperties: fc.boolean() }).map((rest): JsonObject => ({ type: "object", properties, ...rest }))),
    array: fc.record({ items: tie("schema"), minItems: fc.nat(3) }).map((rest): JsonObject => ({ type: "array", ...rest })),
    ways: fc.record({ anyOf: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }) }),
    all: tie("object").map((one): JsonObject => ({ allOf: [one, { type: "object" }] }))
  })).schema

  it("for any schema that can be satisfied", () => {
    fc.assert(fc.property(schema, (schema) => {
      expect(faults(schema, satisfy(schema))).toEqual([])
    }), { numRuns: 500 })
  })

  it("the responder's own check and the plain reading agree", () => {
    fc.assert(fc.property(schema, fc.jsonValue(), (schema, value) => {
      expect(check(schema, value as JsonValue, schema)).toBe(faults(schema, value as JsonValue).length === 0)
    }), { numRuns: 1000 })
  })

  it("of oneOf exactly one must hold", () => {
    const schema = { oneOf: [{ type: "integer" }, { minimum: 1 }] }
    expect([0, 5, 1.5, "x"].map((value) => check(schema, value, schema))).toEqual([true, false, true, true])
    expect([0, 5, 1.5, "x"].map((value) => faults(schema, value).length === 0)).toEqual([true, false, true, true])
  })

  for (const [name, impossible] of [
    ["false as a field", { type: "object", properties: { a: false }, required: ["a"] }],
    ["bounds that exclude each other", { type: "number", minimum: 2, maximum: 1 }],
    ["a reference to nowhere", { $ref: "#/$defs/gone" }],
    ["a reference to itself", { $ref: "#" }],
    ["a tree without end", { $ref: "#/$defs/t", $defs: { t: { type: "object", properties: { t: { $ref: "#/$defs/t" } }, required: ["t"] } } }],
    ["two types at once", { allOf: [{ type: "string" }, { type: "integer" }] }],
    ["a broken pattern", { type: "string", pattern: "(" }],
    ["more items than anyone can want", { type: "array", minItems: 1e9 }]
  ] as ReadonlyArray<[string, JsonObject]>) {
    it(`refused, at once: ${name}`, () => {
      const begun = performance.now()
      expect(() => satisfy(impossible)).toThrow(/no value that satisfies/)
      expect(performance.now() - begun).toBeLessThan(2_000)
    })
  }

  it("a schema of nested alternatives that all fail ends", () => {
    const nested = (depth: number): JsonObject => {
      if (depth === 0) return { type: "integer", minimum: 2, maximum: 1 }
      const inner = nested(depth - 1)
      return { anyOf: Array.from({ length: 6 }, () => inner) }
    }
    const begun = performance.now()
    expect(() => satisfy(nested(12))).toThrow(/no value that satisfies/)
    expect(performance.now() - begun).toBeLessThan(3_000)
  })
})
