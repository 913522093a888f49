/**
 * Any plain value comes back from JSON as it was.
 *
 * @module
 */
import { LlmError } from "@plugline/core"
import { StoreError, Taped } from "@plugline/plugs"
import { Arbitrary } from "@plugline/testing"
import { Redacted } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decode, encode, fromBase64, Settled, toBase64 } from "../src/Coded.ts"

const back = (value: unknown): unknown => decode(JSON.parse(JSON.stringify(encode(value))))

describe("a value on the tape", () => {
  it("comes back as it was", () => {
    const leaf = fc.oneof(
      fc.bigInt(), fc.double(), fc.constant(undefined), fc.string(), fc.boolean(), fc.constant(null),
      fc.uint8Array({ maxLength: 9 }),
      fc.float32Array({ maxLength: 4 }), fc.float64Array({ maxLength: 4 }), fc.date(), Arbitrary.utf16()
    )
    const name = fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom("$", "value", "__proto__"))
    const { value } = fc.letrec<{ readonly value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        leaf,
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(name, tie("value"), { maxKeys: 3 }),
        fc.array(fc.tuple(fc.string(), tie("value")), { maxLength: 2 }).map((entries) => new Map(entries)),
        fc.array(fc.nat(), { maxLength: 2 }).map((items) => new Set(items))
      )
    }))
    fc.assert(fc.property(value, (value) => {
      expect(back(value)).toEqual(plain(value))
    }))
  })

  it("comes back as the error it was", () => {
    fc.assert(fc.property(Arbitrary.llmError(), (error) => {
      const read = back(error)
      expect(read).toBeInstanceOf(LlmError.LlmError)
      expect((read as LlmError).toJSON()).toEqual(error.toJSON())
    }))
    const { failure } = Taped.stores[0]!
    const read = decode(JSON.parse(JSON.stringify(encode(new StoreError("cache", "down", new Error("why"))))), failure)
    expect(read).toBeInstanceOf(StoreError)
    expect(read).toMatchObject({ name: "StoreError", _tag: "StoreError", store: "cache", message: "down" })
    const odd = back(Object.assign(new RangeError("far out"), { code: 7n }))
    expect(odd).toBeInstanceOf(Error)
    expect(odd).toMatchObject({ name: "RangeError", message: "far out", code: 7n })
  })

  it("comes back with what it was settled with", () => {
    const settled = new Settled()
    expect((back({ settled }) as { readonly settled: Settled }).settled.ending).toBeUndefined()
    settled.end(3, { amount: 1n })
    expect((back([settled]) as ReadonlyArray<Settled>)[0]?.ending).toEqual({ took: 3, value: { amount: 1n } })
  })

  it("holds no secret, and has an end", () => {
    const circle: Record<string, unknown> = { key: Redacted.make("canary") }
    circle.self = circle
    const text = JSON.stringify(encode({ circle, error: new Error("Bearer canary-0123456789"), f: () => 1, symbol: Symbol("x") }))
    expect(text).not.toContain("canary")
    expect(text).toContain("\"cut\"")
    let deep: unknown = 1
    for (let depth = 0; depth < 5_000; depth++) deep = [deep]
    expect(JSON.stringify(encode(deep)).length).toBeLessThan(1_000)
  })

  it("holds bytes of any number", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 50_000, size: "max" }), (bytes) => {
      expect(Buffer.from(toBase64(bytes), "base64").equals(bytes)).toBe(true)
      expect(Buffer.from(fromBase64(toBase64(bytes))).equals(bytes)).toBe(true)
    }), { numRuns: 10 })
  })
})

/** An object without a prototype is one with. */
const plain = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(plain)
    : value instanceof Map ? new Map([...value].map(([key, item]) => [key, plain(item)]))
    : typeof value === "object" && value !== null && Object.getPrototypeOf(value) === null
    ? Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]))
    : typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype
    ? Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]))
    : value
