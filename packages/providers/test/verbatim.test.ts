import type { Result } from "@plugline/core"
import { expect, it } from "vitest"
import { Verbatim } from "../src/index.ts"

const result = (): Result => ({ type: "list_models", models: [] })

it("gives a body only to those who speak its format, since one answer may serve two clients", () => {
  const one = result()
  Verbatim.note(one, "{}", "openai")
  expect([Verbatim.body(one), Verbatim.body(one, "openai"), Verbatim.body(one, "anthropic")]).toEqual(["{}", "{}", undefined])
  expect(Verbatim.body(result(), "openai")).toBeUndefined()
})
