import { Catalog } from "@plugline/catalog"
import { type ChatResult, Request } from "@plugline/core"
import { expect, it } from "vitest"
import { of } from "../src/cost/charge.ts"

const usage = { inputTokens: { total: 1_000 }, outputTokens: { total: 1_000 } }
const ended = (model: string | undefined, answered: string | undefined, serviceTier?: string) => {
  const asked = Request.make({
    provider: "openai",
    messages: "Hi",
    options: { ...(model !== undefined && { model }), ...(serviceTier !== undefined && { serviceTier }) }
  })
  const result: ChatResult = {
    type: "chat",
    content: [],
    finishReason: "stop",
    usage,
    ...(answered !== undefined && { model: answered })
  }
  return Request.complete(Request.execute(asked), result)
}

it("the same usage is priced once, and anew for another model, tier or catalog", () => {
  const first = of(ended("gpt-4o", "gpt-4o"), Catalog.builtin)
  expect(of(ended("gpt-4o", "gpt-4o"), Catalog.builtin)).toBe(first)
  const total = (charge: ReturnType<typeof of>) => "cost" in charge ? charge.cost.toJSON().total : undefined
  expect(total(first)).toBe("0.0125")
  expect(total(of(ended("gpt-4o-mini", "gpt-4o-mini"), Catalog.builtin))).toBe("0.00075")
  expect(total(of(ended(undefined, "gpt-4o"), Catalog.builtin))).toBe("0.0125")
  expect(total(of(ended("gpt-4o", "gpt-4o", "batch"), Catalog.builtin))).toBe("0.00625")
  expect(of(ended("gpt-4o", "gpt-4o"), { ...Catalog.builtin, get: () => undefined })._tag).toBe("Unknown")
  expect(total(of(ended("gpt-4o", "gpt-4o"), Catalog.builtin))).toBe("0.0125")
})
