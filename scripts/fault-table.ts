/**
 * Writes the table of `docs/gateway/faults.md` from the one that the tests hold the gateway to.
 * `node scripts/fault-table.ts --write` puts it into the page.
 *
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs"
import { type Fault, faults } from "../packages/gateway/test/server/faults.ts"

/** The page that holds the table. */
export const page = new URL("../docs/gateway/faults.md", import.meta.url)

const ended = (outcome: Fault["whole"] | Fault["streamed"]): string =>
  "event" in outcome
    ? `200, then an error event: \`${outcome.event}\``
    : [`${outcome.status} \`${outcome.reason}\``, ...waits(outcome.retryAfter)].join(", ")

const waits = (seconds: string | undefined): ReadonlyArray<string> =>
  seconds === undefined ? [] : [`\`retry-after: ${seconds}\``]

const row = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`

/** The table, as Markdown. */
export const table = (): string =>
  [
    row(["a service that …", "whole answer", "streamed answer"]),
    row(["---", "---", "---"]),
    ...faults.map(({ does, streamed, whole }) => row([does, ended(whole), ended(streamed)]))
  ].join("\n")

const begin = "<!-- faults: node scripts/fault-table.ts --write -->"
const end = "<!-- end of faults -->"

/** The page with its table replaced. */
export const updated = (text: string): string => {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error("the page has no place for the table")
  return `${text.slice(0, from + begin.length)}\n\n${table()}\n\n${text.slice(to)}`
}

if (process.argv[1] === import.meta.filename) {
  if (process.argv.includes("--write")) writeFileSync(page, updated(readFileSync(page, "utf8")))
  else console.log(table())
}
