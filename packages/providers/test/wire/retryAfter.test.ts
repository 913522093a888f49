/** How long a service may ask us to wait, whatever it writes. */
import fc from "fast-check"
import { expect, it } from "vitest"
import { longest, retryAfter } from "../../src/wire/retryAfter.ts"

const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(31_536_000, Infinity, -Infinity, Number.NaN, 2 ** 53, -5))
const words = fc.oneof(
  number.map(String),
  fc.string(),
  fc.constantFrom("9".repeat(400), "1e309", "-31536000", "garbage", "Wed, 21 Oct 9999 07:28:00 GMT", "Wed, 21 Oct 1970 07:28:00 GMT"),
  fc.tuple(number, fc.constantFrom("s", "ms", "m", "h", "d", " years")).map(([amount, unit]) => `${amount}${unit}`)
)
const names = [
  "retry-after", "retry-after-ms", "date", "x-ratelimit-reset", "x-ratelimit-reset-requests",
  "x-ratelimit-remaining-requests", "anthropic-ratelimit-tokens-reset"
]
const headers = fc.dictionary(fc.constantFrom(...names), words)
const error = fc.record({
  retry_after: fc.oneof(number, words), retry_after_ms: fc.oneof(number, words),
  metadata: fc.record({ retry_after_seconds: number }), details: fc.array(fc.record({ retryDelay: words }), { maxLength: 2 })
}, { requiredKeys: [] })

it("is no time at all, or from nothing to a day, in whole ms", () =>
  fc.assert(fc.property(headers, error, words, (headers, error, words) => {
    const wait = retryAfter(headers, error, `Please try again in ${words}`)
    if (wait === undefined) return
    expect(Number.isInteger(wait)).toBe(true)
    expect(wait).toBeGreaterThanOrEqual(0)
    expect(wait).toBeLessThanOrEqual(longest)
  }), { numRuns: 2_000 }))
