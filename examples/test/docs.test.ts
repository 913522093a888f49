import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"

// `scripts/doc-examples.mjs` writes them; the test command runs it first.
const folder = join(import.meta.dirname, "..", ".docs")
const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".ts")) : []

it("there are examples in the documentation", () => {
  expect(files.length, "run scripts/doc-examples.mjs first").toBeGreaterThan(10)
})

it.each(files)("%s", async (name) => {
  await import(join(folder, name))
})
