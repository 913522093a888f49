import { LlmError } from "@plugline/core"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"

it("the documentation shows the table of reasons as it is", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/errors.md"), "utf8")
  const rows = [...page.matchAll(/^\| `(\w+)` \| (yes|no) \| (.*) \|$/gm)].map(([, tag, retryable, meaning]) => [tag, { retryable: retryable === "yes", meaning }])
  expect(Object.fromEntries(rows)).toEqual(LlmError.reasons)
})
