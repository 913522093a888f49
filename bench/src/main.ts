/**
 * Measures what Plugline costs beside its floor and its peers, and prints one table. `--only PART` measures one part,
 * `--write FILE` also puts the table between the markers of a file.
 *
 * @module
 */
import { cpus } from "node:os"
import { parseArgs } from "node:util"
import { markdown, type Row, write } from "./table.ts"

/** The parts, in the table's order. */
const parts = ["plugs", "calls", "streams", "decoder", "memory"] as const

type Part = typeof parts[number]

const isPart = (name: string): name is Part => parts.some((part) => part === name)

const { values: { only, write: file } } = parseArgs({
  options: { only: { type: "string", multiple: true }, write: { type: "string" } }
})

const chosen = (only ?? parts).map((name) => {
  if (isPart(name)) return name
  throw new Error(`there is no part ${JSON.stringify(name)}; the parts are ${parts.join(", ")}`)
})

const began = performance.now()
const rows: Array<Row> = []
for (const part of chosen) {
  process.stderr.write(`${part} …`)
  const from = performance.now()
  const { rows: measure }: { rows: () => Promise<ReadonlyArray<Row>> } = await import(`./parts/${part}.ts`)
  rows.push(...await measure())
  process.stderr.write(` ${((performance.now() - from) / 1000).toFixed(0)} s\n`)
}

const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? "an unknown processor"}`
const table = markdown(rows, `Node ${process.versions.node}, ${process.platform} ${process.arch}, ${machine}.`)
console.log(table)
if (file !== undefined) write(file, table)
process.stderr.write(`all in ${((performance.now() - began) / 1000).toFixed(0)} s\n`)
