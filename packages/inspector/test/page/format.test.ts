import { describe, expect, it } from "vitest"
import { bytes, cost, count, duration, many, percent, short, toneOfStatus } from "../../src/page/ui/format.ts"

describe("numbers", () => {
  it("writes durations from microseconds to minutes", () => {
    const written = [0, 0.0004, 0.004, 0.42, 4.204, 312.4, 3420, 59_999, 125_000].map(duration)
    expect(written).toEqual(["0 ms", "1 µs", "4 µs", "0.42 ms", "4.2 ms", "312 ms", "3.42 s", "60.00 s", "2 m 5 s"])
    expect(duration(Number.NaN)).toBe("unknown")
  })

  it("never shows an unknown cost as nothing", () => {
    expect([undefined, "", "NaN", "x"].map(cost)).toEqual(["unknown", "unknown", "unknown", "unknown"])
    expect(cost("0")).toBe("$0")
    expect(["0.00021", "0.0000144", "0.5", "0.123456", "12.3456", "1234"].map(cost)).toEqual([
      "$0.00021",
      "$0.0000144",
      "$0.50",
      "$0.123",
      "$12.35",
      "$1234"
    ])
  })

  it("writes counts, sizes and shares", () => {
    expect([count(1204), count(undefined)]).toEqual(["1,204", "unknown"])
    expect([999, 1234, 123_456, 3_400_000].map(short)).toEqual(["999", "1.2k", "123k", "3.4M"])
    expect([12, 2048, 5_242_880].map(bytes)).toEqual(["12 B", "2 kB", "5 MB"])
    expect([0, 0.004, 0.415].map(percent)).toEqual(["0 %", "< 1 %", "42 %"])
    expect([many(1, "part"), many(2, "part")]).toEqual(["1 part", "2 parts"])
  })

  it("tells a client that left from a service that failed", () => {
    expect([200, 301, 400, 429, 499, 500].map(toneOfStatus)).toEqual(["good", "good", "bad", "warn", "warn", "bad"])
  })
})
