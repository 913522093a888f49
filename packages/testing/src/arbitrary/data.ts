/**
 * Random texts, JSON, usage and errors.
 *
 * @module
 */
import { LlmError } from "@plugline/core"
import type { JsonObject, JsonValue, Reason, ReasonTag, Usage } from "@plugline/core"
import fc from "fast-check"

const nasty = [
  "",
  " ",
  "__proto__",
  "constructor",
  "toString",
  "\u0000",
  "\r\n\r\n",
  "\u2028\u2029",
  "\u202egnp.exe",
  "\ufeffdata",
  "\ud800",
  "a\udc00b",
  "👩‍👩‍👧‍👦🇩🇪",
  "e\u0301\u0301\u0301\u0301",
  "ＦＵＬＬ　ｗｉｄｔｈ",
  "data: [DONE]\n\n",
  "event: error\ndata: {}",
  "<script>alert(1)</script>",
  "{\"a\":[1,",
  "'; DROP TABLE requests; --",
  "${jndi:ldap://x}",
  "../../etc/passwd",
  "%00%0d%0aX: y",
  "undefined",
  "null",
  "NaN",
  "9".repeat(400)
]

/** Any UTF-16 text, halves of surrogate pairs included. */
export const utf16 = (options: { readonly maxLength?: number } = {}): fc.Arbitrary<string> =>
  fc.array(fc.nat(0xffff), { maxLength: options.maxLength ?? 20 }).map((codes) => String.fromCharCode(...codes))

/** Texts as they come from outside: plain ones, emoji, control characters, broken ones, and known trouble. */
export const text = (): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 5, arbitrary: fc.string({ maxLength: 30 }) },
    { weight: 2, arbitrary: fc.string({ unit: "grapheme", maxLength: 20 }) },
    { weight: 1, arbitrary: utf16() },
    { weight: 2, arbitrary: fc.constantFrom(...nasty) }
  )

/** Field names, those included that objects have from birth. */
export const fieldName = (): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.string({ minLength: 1, maxLength: 8 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom("__proto__", "constructor", "hasOwnProperty", "toJSON", "then", "length", "0", "")
    }
  )

const number = (): fc.Arbitrary<number> =>
  fc.oneof(
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => Object.is(value, -0) ? 0 : value),
    fc.constantFrom(0, 0.1 + 0.2, 2 ** 53, 1e21, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, Number.MAX_VALUE)
  )

const fields = <A>(value: fc.Arbitrary<A>): fc.Arbitrary<{ [key: string]: A }> =>
  // `fromEntries` makes fields of all names; an assignment of `__proto__` would not.
  fc.array(fc.tuple(fieldName(), value), { maxLength: 4 }).map((entries) => Object.fromEntries(entries))

const { json: anyJson } = fc.letrec<{ json: JsonValue }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    number(),
    text(),
    fc.array(tie("json"), { maxLength: 4 }),
    fields(tie("json"))
  )
}))

/** Any JSON value: nested, with hostile field names and texts, with numbers at the edges. */
export const json = (): fc.Arbitrary<JsonValue> => anyJson

/** Any JSON object. */
export const jsonObject = (): fc.Arbitrary<JsonObject> => fields(json())

/** JSON nested deeper than wire code accepts, by lists and objects in turn. */
export const deepJson = (options: { readonly depth?: number } = {}): fc.Arbitrary<JsonValue> =>
  fc.tuple(fc.integer({ min: 2, max: options.depth ?? 600 }), json()).map(([depth, core]) => {
    let value = core
    for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value }
    return value
  })

/** What only one provider says or understands, under its name. */
export const perProvider = (): fc.Arbitrary<{ readonly [provider: string]: JsonObject | null }> =>
  fc.dictionary(fc.constantFrom("openai", "anthropic", "local"), fc.oneof(fc.constant(null), jsonObject()),
    { maxKeys: 2 })

/** Base64 data. */
export const base64 = (): fc.Arbitrary<string> => fc.base64String({ maxLength: 24 })

/** Tokens of a call: each field known or not, the totals as large as their parts. */
export const usage = (): fc.Arbitrary<Usage> =>
  fc.record({
    uncached: fc.nat(1_000_000),
    cacheRead: fc.nat(1_000_000),
    cacheWrite: fc.nat(1_000_000),
    text: fc.nat(1_000_000),
    reasoning: fc.nat(1_000_000),
    known: fc.constantFrom("nothing", "totals", "all"),
    raw: fc.option(jsonObject(), { nil: undefined, freq: 3 })
  }).map(({ cacheRead, cacheWrite, known, raw, reasoning, text, uncached }): Usage => {
    const input = { total: uncached + cacheRead + cacheWrite }
    const output = { total: text + reasoning }
    return {
      inputTokens: known === "nothing"
        ? {}
        : known === "totals" ? input : { ...input, uncached, cacheRead, cacheWrite },
      outputTokens: known === "nothing" ? {} : known === "totals" ? output : { ...output, text, reasoning },
      ...(raw !== undefined && { raw })
    }
  })

/** Why a call failed: every reason, with and without details. */
export const reason = (): fc.Arbitrary<Reason> =>
  fc.record({
    _tag: fc.constantFrom(...Object.keys(LlmError.reasons) as Array<ReasonTag>),
    message: text(),
    details: fc.record({
      status: fc.integer({ min: 100, max: 599 }),
      code: text(),
      raw: json(),
      requestId: fc.string({ maxLength: 12 })
    }, { requiredKeys: [] }),
    retryAfter: fc.nat(86_400_000)
  }).map(({ _tag, details, message, retryAfter }): Reason => {
    const common = { ...details, message }
    switch (_tag) {
      case "RateLimit":
      case "Quota":
      case "Overloaded":
      case "Server":
        return { ...common, _tag, retryAfter }
      case "Timeout":
        return { ...common, _tag, phase: "idle", limit: retryAfter }
      case "Transition":
        return { ...common, _tag, from: "completed", to: "executing" }
      default:
        return { ...common, _tag }
    }
  })

/** An error of any reason, with and without its origin. */
export const llmError = (): fc.Arbitrary<LlmError> =>
  fc.tuple(
    reason(),
    fc.record({
      provider: fc.constantFrom("openai", "local"),
      plug: fc.constantFrom("send", "retry"),
      attempt: fc.integer({ min: 1, max: 5 })
    }, { requiredKeys: [] })
  ).map(([reason, origin]) => LlmError.make(reason, origin))
