import { builtIn } from "plugline"
import { expect, it } from "vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"

it("the names that are offered while typing are those of the built-in providers", () => {
  const source = readFileSync(join(import.meta.dirname, "../src/Plugline.ts"), "utf8")
  const [, offered] = /export type BuiltIn =\n((?:  .*\n)+)/.exec(source)!
  expect([...offered!.matchAll(/"([^"]+)"/g)].map(([, name]) => name)).toEqual(builtIn.map(({ name }) => name))
})
