/**
 * Writes the tables of `docs/gateway/clients.md` from the one that the tests hold the gateway to.
 * `node scripts/client-table.ts --write` puts them into the page.
 *
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs"
import {
  type Client, clients, type Flow, flows, flowsOf, type Note, notes, type Outcome, outcomeOf, upstreamsOf
} from "../packages/gateway/test/clients/table.ts"

/** The page that holds the tables. */
export const page = new URL("../docs/gateway/clients.md", import.meta.url)

const row = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`
const numbers = Object.keys(notes) as ReadonlyArray<Note>

const cell = (outcome: Outcome): string =>
  "error" in outcome
    ? `\`${outcome.error}\` ${outcome.status}`
    : "note" in outcome ? `note ${numbers.indexOf(outcome.note) + 1}` : "yes"

/** What a flow comes to over each service. */
const line = (client: Client, flow: Flow): string => {
  const outcomes = upstreamsOf(client).map((upstream) => cell(outcomeOf(client, flow, upstream)))
  return row([flow, ...outcomes])
}

const client = (one: Client): ReadonlyArray<string> => [
  `## ${one.title}`,
  "",
  "```js",
  ...one.code,
  "```",
  "",
  row(["", ...upstreamsOf(one)]),
  row(["---", ...upstreamsOf(one).map(() => "---")]),
  ...flowsOf(one).map((flow) => line(one, flow)),
  "",
  ...(
    one.without.length === 0 ? [] : [
      `Not listed, because this client or this part of it has no call for it: ${one.without.join(", ")}.`, ""
    ]
  )
]

/** The tables, as Markdown. */
export const table = (): string =>
  [
    "## What is done",
    "",
    row(["", "what the test does"]),
    row(["---", "---"]),
    ...Object.entries(flows).map(([flow, text]) => row([flow, text])),
    "",
    ...Object.values<Client>(clients).flatMap(client),
    "## Notes",
    "",
    ...numbers.map((note, at) => `${at + 1}. ${notes[note]}`)
  ].join("\n")

const begin = "<!-- clients: node scripts/client-table.ts --write -->"
const end = "<!-- end of clients -->"

/** The page with its tables replaced. */
export const updated = (text: string): string => {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error("the page has no place for the tables")
  return `${text.slice(0, from + begin.length)}\n\n${table()}\n\n${text.slice(to)}`
}

if (process.argv[1] === import.meta.filename) {
  if (process.argv.includes("--write")) writeFileSync(page, updated(readFileSync(page, "utf8")))
  else console.log(table())
}
