import { readdirSync, readFileSync, statSync } from "node:fs"
import { join, relative } from "node:path"
import { expect, it } from "vitest"

const packages = join(import.meta.dirname, "../..")

const files = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? files(path) : path.endsWith(".ts") ? [path] : []
  })

const sources = readdirSync(packages).flatMap((name) => files(join(packages, name, "src")))
const code = (path: string) => readFileSync(path, "utf8").replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "")

it("nobody reads the clock or draws random numbers but through Effect's services", () => {
  // The transport's time limits are the machine's, and the page shows the time of the browser: they are the edge.
  const edges = ["providers/src/transport/", "inspector/src/page/"]
  const found = sources.filter((path) => !edges.some((edge) => relative(packages, path).startsWith(edge))).filter((path) => /\bDate\.now\(|\bnew Date\(\s*\)|\bMath\.random\(|\bperformance\.now\(|randomUUID\(/.test(code(path)))
  expect(found.map((path) => relative(packages, path))).toEqual([])
})

it("no module exports a name that would make it a thenable", () => {
  expect(sources.filter((path) => /export (const|function) then\b/.test(code(path)))).toEqual([])
})

it("a package imports what stands below it, and nothing else of the house", () => {
  const below: Readonly<Record<string, ReadonlyArray<string>>> = {
    core: [],
    catalog: ["@plugline/core"],
    plugs: ["@plugline/core", "@plugline/catalog"],
    providers: ["@plugline/core"],
    replay: ["@plugline/core"],
    testing: ["@plugline/core", "@plugline/replay"],
    inspector: ["@plugline/core", "@plugline/inspector"],
    plugline: ["@plugline/core", "@plugline/catalog", "@plugline/plugs", "@plugline/providers"],
    gateway: ["plugline", "@plugline/catalog", "@plugline/plugs", "@plugline/providers", "@plugline/replay", "@plugline/inspector"]
  }
  for (const path of sources) {
    const name = relative(packages, path).split("/")[0]!
    for (const [, from] of code(path).matchAll(/\bfrom "((?:@plugline\/)?[^"./]+)[^"]*"/g)) {
      if (from !== "plugline" && !from!.startsWith("@plugline/")) continue
      expect(below[name], `${relative(packages, path)} imports ${from}`).toContain(from)
    }
  }
  expect(Object.keys(below)).toEqual(expect.arrayContaining(readdirSync(packages)))
})
