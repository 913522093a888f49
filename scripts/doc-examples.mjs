// Writes every TypeScript example of README, docs and doc comments to examples/.docs as a module of its own, in which each
// line `expression // => value` has become an assertion. They are type-checked and run with the tests.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"

const root = join(dirname(fileURLToPath(import.meta.url)), "..")
const target = join(root, "examples", ".docs")

const files = (folder, ending) =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    if (name === "node_modules" || name === "dist" || name.startsWith(".")) return []
    return statSync(path).isDirectory() ? files(path, ending) : path.endsWith(ending) ? [path] : []
  })

const sources = [
  join(root, "README.md"),
  ...files(join(root, "docs"), ".md"),
  ...readdirSync(join(root, "packages")).flatMap((name) => files(join(root, "packages", name, "src"), ".ts"))
]

/** Fenced blocks; in code, those inside doc comments, freed of their asterisks. A fence `ts no-run` is left out. */
const blocks = (path) => {
  const lines = readFileSync(path, "utf8").split("\n")
  const found = []
  let open
  lines.forEach((raw, index) => {
    const line = path.endsWith(".ts") ? raw.replace(/^\s*\* ?/, "") : raw
    if (open !== undefined) {
      if (/^```\s*$/.test(line)) {
        found.push(open)
        open = undefined
      } else open.lines.push(line)
    } else if (/^```ts\s*$/.test(line) && (!path.endsWith(".ts") || /^\s*\*/.test(raw))) open = { at: index + 1, lines: [] }
  })
  if (open !== undefined) throw new Error(`${relative(root, path)}:${open.at}: a fence is not closed`)
  return found
}

const asserted = (where, line) => {
  const match = /^(\s*)(.+?)\s*\/\/ => (.+)$/.exec(line)
  if (match === null) return line
  const [, indent, expression, value] = match
  if (/^(const|let|var|return|import|export)\b/.test(expression)) {
    throw new Error(`${where}: "// =>" must follow an expression: ${line.trim()}`)
  }
  return `${indent}__equal(${expression.replace(/;$/, "")}, ${value})`
}

rmSync(target, { recursive: true, force: true })
mkdirSync(target, { recursive: true })
let count = 0
for (const path of sources) {
  for (const { at, lines } of blocks(path)) {
    const where = `${relative(root, path)}:${at}`
    const name = `${relative(root, path).replace(/[^A-Za-z0-9]+/g, "-")}-${at}.ts`
    const code = lines.map((line) => asserted(where, line))
    const asserts = code.some((line) => line.includes("__equal("))
    writeFileSync(join(target, name), [
      `// From ${where}`,
      ...(asserts ? [`import { isDeepStrictEqual as __same } from "node:util"`] : []),
      ...code,
      ...(asserts
        ? [
          "function __equal(actual: unknown, expected: unknown): void {",
          "  if (!__same(actual, expected)) throw new Error(`${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`)",
          "}"
        ]
        : []),
      "export {}",
      ""
    ].join("\n"))
    count++
  }
}
console.log(`${count} examples from ${sources.length} files`)
