import { execFile } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { expect, it } from "vitest"

// Each example ends in a comment that says what it prints.
const folder = join(import.meta.dirname, "..")
const files = readdirSync(folder).filter((name) => /^\d\d-.*\.ts$/.test(name))

it("the examples are numbered without a gap", () => {
  expect(files.map((name) => Number(name.slice(0, 2)))).toEqual(files.map((_, index) => index + 1))
})

it.each(files)("%s prints what it says it prints", async (name) => {
  const path = join(folder, name)
  const promised = /\n\/\/ Prints:\n((?:\/\/.*\n?)+)$/.exec(readFileSync(path, "utf8"))?.[1]
  expect(promised, `${name} must end in a comment "// Prints:"`).toBeDefined()
  const { stdout } = await promisify(execFile)(process.execPath, [path], { env: { ...process.env, NO_COLOR: "1" } })
  // Times differ from run to run.
  const plain = (text: string) => text.replace(/\d+(\.\d+)? (ms|s)\b/g, "0 ms").replace(/[ ]+/g, " ").replace(/ $/gm, "").trimEnd()
  expect(plain(stdout)).toBe(plain(promised!.split("\n").map((line) => line.replace(/^\/\/ ?/, "")).join("\n")))
})
