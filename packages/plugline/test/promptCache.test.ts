/** What `PromptCache` adds to a request, as providers put it on the wire: marks, and nothing else. */
import { Request } from "@plugline/core"
import { PromptCache } from "@plugline/plugs"
import type { Wire } from "@plugline/providers"
import { anthropic } from "@plugline/providers/anthropic"
import { bedrock } from "@plugline/providers/bedrock"
import { openai } from "@plugline/providers/openai"
import { Arbitrary } from "@plugline/testing"
import fc from "fast-check"
import { expect, it } from "vitest"

interface Subject {
  readonly wire: Wire
  readonly model: string
  /** The fields that a mark is made of. */
  readonly marks: ReadonlySet<string>
}

const subjects: Readonly<Record<string, Subject>> = {
  anthropic: { wire: anthropic.wires.chat!, model: "claude-opus-4-5", marks: new Set(["cache_control"]) },
  bedrock: {
    wire: bedrock.wires.chat!,
    model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    marks: new Set(["cachePoint"])
  },
  openai: { wire: openai.wires.chat!, model: "gpt-4o", marks: new Set(["prompt_cache_key"]) }
}

for (const [provider, { marks, model, wire }] of Object.entries(subjects)) {
  it(`${provider} is sent the same but for the marks, at most ${PromptCache.most}`, () => {
    let most = 0
    fc.assert(fc.property(
      Arbitrary.pending({ operations: ["chat"] }),
      fc.constantFrom("5m" as const, "1h" as const),
      (given, ttl) => {
        const request = Request.withProvider(given, provider).pipe(Request.mergeOptions({ model }))
        const prepared = PromptCache.prepare(request, { minTokens: 0, ttl })
        const before = bodyOf(wire, request)
        const after = bodyOf(wire, prepared.request)
        if (prepared.marks > 0) {
          expect(countOf(after, marks)).toBeLessThanOrEqual(PromptCache.most)
          most = Math.max(most, countOf(after, marks))
        }
        expect(without(after, marks)).toEqual(without(before, marks))
      }
    ), { numRuns: 300 })
    // Marks do reach the wire.
    expect(most).toBeGreaterThan(0)
  })
}

/** What would be sent, or why it cannot be. */
const bodyOf = (wire: Wire, request: Request): unknown => {
  try {
    return wire.prepare(request).request.body
  } catch (thrown) {
    return String(thrown)
  }
}

/** A body without marks; a list of one plain text is the text. */
const without = (value: unknown, marks: ReadonlySet<string>): unknown => {
  if (Array.isArray(value)) {
    const kept = value.map((item) => without(item, marks)).filter((item) => item !== undefined)
    const only = kept.length === 1 ? kept[0] as { type?: unknown; text?: unknown } : undefined
    return only?.type === "text" && Object.keys(only).length === 2 ? only.text : kept
  }
  if (typeof value !== "object" || value === null) return value
  const kept = Object.entries(value)
    .filter(([name]) => !marks.has(name))
    .map(([name, inner]) => [name, without(inner, marks)])
  return kept.length === 0 && Object.keys(value).length > 0 ? undefined : Object.fromEntries(kept)
}

const countOf = (value: unknown, marks: ReadonlySet<string>): number => {
  if (typeof value !== "object" || value === null) return 0
  return Object.entries(value).reduce((sum, [name, inner]) => sum + (marks.has(name) ? 1 : countOf(inner, marks)), 0)
}
