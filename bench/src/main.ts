/**
 * Measures what Plugline costs beside its floor and its peers, and prints one table. `--only PART` measures one part
 * (and may be given again), `--write FILE` also puts the table between the markers of a file.
 *
 * @module
 */
import { cpus } from "node:os"
import { parseArgs } from "node:util"
import manifest from "../package.json" with { type: "json" }
import { check, markdown, type Row, write } from "./table.ts"

/** The parts, in the table's order. */
const parts: ReadonlyArray<string> = ["plugs", "shipped", "recording", "cache", "limiter", "calls", "streams", "decoder", "memory"]

const main = async (): Promise<void> => {
  const { values: { only = parts, write: file } } = parseArgs({
    options: { only: { type: "string", multiple: true }, write: { type: "string" } }
  })
  for (const name of only) {
    if (parts.includes(name)) continue
    throw new Error(`there is no part ${JSON.stringify(name)}; the parts are ${parts.join(", ")}`)
  }
  // A file that cannot take the table is told of before the minutes are spent.
  if (file !== undefined) check(file)

  const rows: Array<Row> = []
  const began = performance.now()
  for (const part of parts.filter((part) => only.includes(part))) {
    const from = performance.now()
    process.stderr.write(`${part} …`)
    const { rows: measure }: { rows: () => Promise<ReadonlyArray<Row>> } = await import(`./parts/${part}.ts`)
    rows.push(...await measure())
    process.stderr.write(` ${seconds(from)}\n`)
  }
  const table = markdown(rows, note())
  console.log(table)
  if (file !== undefined) write(file, table)
  process.stderr.write(`all in ${seconds(began)}\n`)
}

const seconds = (from: number): string => `${((performance.now() - from) / 1000).toFixed(0)} s`

/** Where and beside what it was measured. */
const note = (): string => {
  const { "@ai-sdk/openai": provider, ai, openai, undici } = manifest.dependencies
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? "an unknown processor"}`
  return `Node ${process.versions.node} on ${process.platform} ${process.arch}, ${machine}; `
    + `undici ${undici}, openai ${openai}, ai ${ai} with @ai-sdk/openai ${provider}.`
}

try {
  await main()
} catch (thrown) {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
  process.exitCode = 1
}
