/**
 * Makes the table of `@plugline/catalog` anew from its sources and says what it took, what it left out and why, and
 * where the sources disagree. Run again on the same files it changes nothing.
 *
 *     node scripts/catalog.ts [folder of the sources] [--list]
 *
 * `--list` names every model behind each count. The folder's default is `../shared/pricing` beside the checkout.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { make, missing } from "../packages/catalog/sources/write.ts"

const root = join(dirname(fileURLToPath(import.meta.url)), "..")
const table = join(root, "packages/catalog/src/table")
const [given] = process.argv.slice(2).filter((argument) => !argument.startsWith("--"))
const folder = given === undefined ? join(root, "../shared/pricing") : resolve(given)
const list = process.argv.includes("--list")

const absent = missing(folder)
if (absent.length > 0) {
  console.error(`${folder} lacks ${absent.join(", ")}: give the folder of the sources as the first argument`)
  process.exit(1)
}
const { files, merged, readings } = make(folder)

mkdirSync(table, { recursive: true })
let changed = 0
for (const [name, text] of files) {
  const path = join(table, name)
  if (existsSync(path) && readFileSync(path, "utf8") === text) continue
  writeFileSync(path, text)
  changed++
}
for (const name of readdirSync(table)) {
  if (files.has(name)) continue
  rmSync(join(table, name))
  changed++
}

const show = (title: string, items: ReadonlyArray<string>, named = list): void => {
  console.log(`  ${String(items.length).padStart(5)}  ${title}`)
  if (named) for (const item of items) console.log(`           ${item}`)
}
console.log("taken")
const providers = [...merged.rows].sort(([a], [b]) => a < b ? -1 : 1)
for (const [provider, rows] of providers) {
  const unpriced = rows.filter(({ prices }) => prices === undefined).length
  console.log(`  ${String(rows.length).padStart(5)}  ${provider}${unpriced > 0 ? ` (${unpriced} without prices)` : ""}`)
}
for (const { leftOut, name, unused } of readings) {
  console.log(`left out of ${name}`)
  for (const [reason, items] of [...leftOut].sort()) show(reason, items)
  const fields = [...unused].sort().map(([field, count]) => `${field} (${count})`)
  if (fields.length > 0) console.log(`  prices there is no place for: ${fields.join(", ")}`)
}
console.log("left out while merging")
for (const [reason, items] of [...merged.leftOut].sort()) show(reason, items)
console.log("sources differ")
show("rates taken over from a source that agrees on input and output", merged.filled)
show("models on whose price they disagree; the first named won", merged.differences, true)
console.log(`${providers.reduce((sum, [, rows]) => sum + rows.length, 0)} rows, ${changed} files changed`)
