/** What the section `inspector` may say, and where requests are kept then. */
import { mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { tracesOf } from "../../src/config/Inspector.ts"
import { env, loaded, refusal } from "../config/support.ts"

const folder = mkdtempSync(join(tmpdir(), "plugline-inspector-"))
symlinkSync("/etc", join(folder, "link"))
afterAll(() => rmSync(folder, { recursive: true }))

describe("the section", () => {
  it("has bounds where nothing is said, and no share of its own", async () => {
    const { config } = await loaded("")
    expect(config.inspector).toEqual({ enabled: true, maxAge: 604_800_000, maxEntries: 10_000, maxBytes: 268_435_456, maxRecord: 4_194_304 })
  })

  it.each([
    ["sample: 1.1", "inspector.sample"], ["sample: -0.1", "inspector.sample"], ["sample: .nan", "inspector.sample"], ["sample: all", "inspector.sample"],
    ["maxEntries: 0", "inspector.maxEntries"], ["maxEntries: 100001", "inspector.maxEntries"], ["maxBytes: 0", "inspector.maxBytes"],
    ["maxAge: never", "inspector.maxAge"], ["maxRecord: big", "inspector.maxRecord"], ["sampel: 1", "did you mean \"sample\""],
    ["path: /etc/traces.db", "must lie below the folder of the configuration"], ["path: ../traces.db", "holds \"..\""],
    ["path: a/../../traces.db", "holds \"..\""], ["path: \"a\\0b\"", "inspector.path"], ["path: link/traces.db", "passes through the link"],
    ["path: nowhere/traces.db", "in a folder that is not there"]
  ])("with %s is refused, with its line", async (text, said) => {
    const why = await refusal(`inspector:\n  ${text}\n`, env, { folder })
    expect(why).toContain(said)
    expect(why).toContain("line 2")
  })
})

it.each([
  ["", ":memory:"],
  ["stores: { kind: sqlite }", "F/plugline-traces.db"],
  ["stores: { kind: sqlite, path: \":memory:\" }", ":memory:"],
  ["stores: { kind: redis, url: \"redis://127.0.0.1:1\" }", "F/plugline-traces.db"],
  ["stores: { kind: sqlite }\ninspector: { path: \":memory:\" }", ":memory:"],
  ["inspector: { path: mine.db }", "F/mine.db"]
])("with %j requests are kept in %s", async (text, path) => {
  const { config } = await loaded(text, env, { folder })
  expect(tracesOf(config, folder)).toBe(path.replace("F", folder))
})
