import { readFileSync } from "node:fs"
import { expect, it } from "vitest"
import { page, updated } from "../../../scripts/provider-table.ts"

it("the page about providers shows what the code does", () => {
  const text = readFileSync(page, "utf8")
  expect(updated(text), "run: node scripts/provider-table.ts --write").toBe(text)
})
