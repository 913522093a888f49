/** The schema that editors are pointed at is the one in the code. */
import { read } from "@plugline/inspector"
import { readFileSync } from "node:fs"
import { expect, it } from "vitest"
import { file, text } from "../../../../scripts/trace-schema.ts"
import { chat, recorded } from "./support.ts"
import { Mock } from "@plugline/testing"

it("stands in the documentation as it is: node scripts/trace-schema.ts --write", () => {
  expect(readFileSync(file, "utf8")).toBe(text)
})

it("may be named by a file, which is read all the same", async () => {
  const run = await recorded([Mock.make(["Hello"]).plug], chat)
  expect(read({ $schema: "./trace.schema.json", ...run })).toEqual(run)
})
