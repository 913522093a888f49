/** The page of hostile cases names tests that are there. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"

const root = join(import.meta.dirname, "../../..")

interface Row {
  readonly line: number
  readonly case: string
  readonly what: string
  readonly file: string
  readonly title: string
}

const page = readFileSync(join(root, "docs/hostile.md"), "utf8")

/** The rows of the tables: four cells, of which the first is a number. */
const rows: ReadonlyArray<Row> = page.split("\n").flatMap((text, index) => {
  const cells = text.split("|").slice(1, -1).map((cell) => cell.trim())
  if (!text.startsWith("|") || cells[0] === "Case" || cells.every((cell) => /^-+$/.test(cell))) return []
  const [number = "", what = "", file = "", ...title] = cells
  return [{ line: index + 1, case: number, what, file, title: title.join("|") }]
})

/** What stands in front of a title: `it(`, `it.skipIf(…)(`, or the end of a table that is handed to `it.each`. */
const maker = /(?:\b(?:it|test|live|describe)(?:\.(?!skip\(|todo\()\w+)*(?:\([^\n]*?\))?|\](?: as const)?\))\(\s*/.source
const quoted = /(["'`])((?:\\.|(?!\1)[^\\\n])*)\1/.source

/** The titles of tests in a file, as they are written, without those that are switched off. */
const titlesOf = (file: string): ReadonlyArray<string> => {
  const source = readFileSync(join(root, file), "utf8").replace(/^\s*(?:\/\/|\*).*$/gm, "")
  const found = source.matchAll(new RegExp(maker + quoted, "g"))
  return [...found].map(([, , title]) => title!.replace(/\\(["'`\\])/g, "$1"))
}

it.each(rows)("line $line, case $case: $title", ({ case: number, file, title, what }) => {
  expect(number).toMatch(/^[1-9]\d?$/)
  expect(what).not.toBe("")
  expect(file).toMatch(/^(packages\/[\w-]+|examples)\/test\/[\w./-]+\.ts$/)
  expect(existsSync(join(root, file)), `${file} is not there`).toBe(true)
  expect(titlesOf(file)).toContain(title)
})

it("every case of a part that is on the page has a row", () => {
  const there = new Set(rows.map((row) => row.case))
  const parts = [[1, 39], [41, 48], [55, 58]] as const
  for (const [first, last] of parts) {
    for (let number = first; number <= last; number++) expect(there.has(String(number)), `case ${number}`).toBe(true)
  }
})

it("no row is there twice", () => {
  const seen = rows.map(({ case: number, file, title }) => `${number} ${file} ${title}`)
  expect(new Set(seen).size).toBe(seen.length)
})
