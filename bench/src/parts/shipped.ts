/**
 * What each shipped plug costs per request: a line of the plug and an answer in memory, less the line without the plug.
 *
 * @module
 */
import { type Case, type CaseName, cases, names } from "../cases.ts"
import { type Entry, sideBySide } from "../measure.ts"
import { difference, type Row } from "../table.ts"

/** How many plugs are measured at the same time, each beside its bare line. */
const atOnce = 4

/** The rows about the shipped plugs. */
export const rows = async (): Promise<ReadonlyArray<Row>> => [
  ...await measure(names, false),
  ...await measure(names.filter((name) => streams(cases[name])), true)
]

const streams = ({ streams }: Case): boolean => streams === true

const measure = async (names: ReadonlyArray<CaseName>, streamed: boolean): Promise<ReadonlyArray<Row>> => {
  const rows: Array<Row> = []
  for (let from = 0; from < names.length; from += atOnce) {
    const some = names.slice(from, from + atOnce)
    const entries: { [name: string]: Entry } = {}
    for (const name of some) {
      entries[name] = { module: "shipped", name: "with", argument: { name, streamed } }
      entries[`${name} bare`] = { module: "shipped", name: "without", argument: { name, streamed } }
    }
    const measured = await sideBySide(entries, { rounds: 10, generations: 2, turn: 20, warmUp: 300 })
    for (const name of some) {
      rows.push(difference(`${title(name)}${streamed ? ", a stream of 50 parts" : ""}`, {
        ours: measured[name]!, theirs: measured[`${name} bare`]!, name: "without it", unit: "µs"
      }))
    }
  }
  return rows
}

const title = (name: CaseName): string => {
  const given: Case = cases[name]
  return `Plug ${given.title ?? `\`${name}\``}`
}
