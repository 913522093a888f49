import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Summary } from "../../src/api.ts"
import { backoff, matches, merge } from "../../src/page/api/rows.ts"

const row = (seq: number, more: Partial<Summary> = {}): Summary => ({
  id: `req_${seq}`,
  seq,
  at: seq,
  took: 1,
  route: "/v1/chat/completions",
  dialect: "openai",
  operation: "chat",
  streamed: false,
  status: 200,
  pipeline: "default",
  hash: "h",
  recorded: true,
  provider: "openai",
  model: "gpt-5-mini",
  ...more
})

describe("the list of requests", () => {
  it("becomes one list, newest first, each once, in whatever order pages and events come", () => {
    fc.assert(
      fc.property(fc.array(fc.uniqueArray(fc.integer({ min: 1, max: 60 }))), (batches) => {
        const merged = batches.reduce<ReadonlyArray<Summary>>(
          (rows, batch) =>
            merge(
              rows,
              batch.map((seq) => row(seq))
            ),
          []
        )
        expect(merged.map(({ seq }) => seq)).toEqual([...new Set(batches.flat())].sort((a, b) => b - a))
      })
    )
  })

  it("keeps the list itself where nothing is new", () => {
    const rows = [row(1)]
    expect(merge(rows, [])).toBe(rows)
  })

  it("chooses like the gateway: by words, by fields, by kinds of status", () => {
    const one = row(1, { asked: "fast", tenant: "acme", cache: "hit", error: { reason: "RateLimit", message: "slow down" } })
    expect(matches(one, {})).toBe(true)
    expect(matches(one, { q: "ACME slow" })).toBe(true)
    expect(matches(one, { q: "acme fast" })).toBe(true)
    expect(matches(one, { q: "acme nothing" })).toBe(false)
    expect(matches(one, { provider: "anthropic" })).toBe(false)
    expect(matches(one, { model: "fast", cache: "hit", tenant: "acme", pipeline: "default" })).toBe(true)
    expect([200, 404, 429].map((status) => matches(row(1, { status }), { status: "error" }))).toEqual([false, true, true])
    expect([200, 404, 429].map((status) => matches(row(1, { status }), { status: "ok" }))).toEqual([true, false, false])
    expect([200, 404, 429].map((status) => matches(row(1, { status }), { status: "429" }))).toEqual([false, false, true])
  })

  it("waits longer each time, but never long", () => {
    expect([0, 1, 2, 5, 50].map(backoff)).toEqual([400, 800, 1600, 10_000, 10_000])
  })
})
