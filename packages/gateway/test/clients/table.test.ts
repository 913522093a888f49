/** The page of clients shows the table that the tests here hold the gateway to. */
import { readFileSync } from "node:fs"
import { expect, it } from "vitest"
import { page, updated } from "../../../../scripts/client-table.ts"
import { type Client, clients, flowsOf, type Note, notes, outcomeOf, upstreamsOf } from "./table.ts"

const outcomes = Object.values<Client>(clients).flatMap((client) =>
  flowsOf(client).flatMap((flow) => upstreamsOf(client).map((upstream) => outcomeOf(client, flow, upstream))))

it("the page shows these tables", () => {
  const text = readFileSync(page, "utf8")
  expect(updated(text), "run: node scripts/client-table.ts --write").toBe(text)
})

it("each note is of some case", () => {
  const used = new Set(outcomes.flatMap((outcome) => "note" in outcome ? [outcome.note] : []))
  expect([...used].toSorted()).toEqual((Object.keys(notes) as ReadonlyArray<Note>).toSorted())
})
