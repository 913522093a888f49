import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { expect, it } from "vitest"
import { commands } from "../../src/cli/commands.ts"
import { folder } from "./support.ts"

const root = join(import.meta.dirname, "../../../..")
const page = readFileSync(join(root, "docs/gateway/cli.md"), "utf8")

it("the page has a section for each command, and no other", () => {
  const sections = [...page.matchAll(/^## (.*)$/gm)].map(([, title]) => title!)
  expect(sections.toSorted()).toEqual(commands.map(({ name }) => name as string).toSorted())
})

const blocks = [...page.matchAll(/^## (.*)$|<!-- runs -->\n```sh\n([\s\S]*?)```/gm)].reduce<ReadonlyArray<readonly [string, string]>>(
  (found, [, title, script]) =>
    title !== undefined ? [...found, [title, ""]] : [...found.slice(0, -1), [found.at(-1)![0], script!]],
  []
).filter(([, script]) => script !== "")

it.each(blocks)("the examples of %s run", async (_, script) => {
  const cli = `plugline() { "${process.execPath}" "${join(root, "packages/gateway/src/cli/main.ts")}" "$@"; }`
  const { stderr, stdout } = await promisify(execFile)("bash", ["--norc", "-euo", "pipefail", "-c", `${cli}\n${script}`], {
    cwd: folder(),
    env: { PATH: process.env.PATH, EXAMPLES: join(root, "examples") },
    maxBuffer: 10_000_000
  })
  expect(stderr).toBe("")
  expect(stdout).not.toBe("")
})
