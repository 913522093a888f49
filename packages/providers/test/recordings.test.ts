/**
 * Every recorded exchange with a real service against every fact that was read off it, by the wires of the shipped
 * providers. Prints what passed, by provider and operation, and every exception with its reason.
 *
 * `RECORDINGS=anthropic npm test -- packages/providers/test/recordings.test.ts` runs those whose id holds that text.
 *
 * @module
 */
import { afterAll, describe, expect, it } from "vitest"
import { check } from "./recordings/check.ts"
import { families } from "./recordings/families.ts"
import { folder, type Recording, recordings } from "./recordings/read.ts"

const every = recordings()
const only = process.env.RECORDINGS
const all = every.filter(({ api, id }) =>
  (only === undefined || id.includes(only)) && families.some(({ apis }) => apis.includes(api))
)
if (every.length === 0) console.log(`skipped: the recorded exchanges, because there is no folder ${folder.pathname}`)

const familyOf = ({ api }: Recording) => families.find(({ apis }) => apis.includes(api))!
const passed = new Map<string, number>()
const checks = { facts: 0, cuts: 0, bodies: 0 }

afterAll(() => {
  if (every.length === 0) return
  console.log(table(passed))
  for (const { exceptions = {}, unwritten = {} } of families) {
    for (const [id, { because, facts }] of Object.entries(exceptions)) console.log(`${id}: not ${facts.join(", ")}: ${because}`)
    for (const [id, because] of Object.entries(unwritten)) console.log(`${id}: request not written again: ${because}`)
  }
  const total = [...passed.values()].reduce((sum, count) => sum + count, 0)
  console.log(`${total} of ${every.length} recordings passed: ${checks.facts} facts, ${checks.cuts} cuts, `
    + `${checks.bodies} request bodies read and written again`)
})

describe.skipIf(every.length === 0)("recorded exchanges", () => {
  it.each(all.map((recording) => [recording.id, recording] as const))("%s", { timeout: 120_000 }, (_, recording) => {
    check(recording, familyOf(recording), checks)
    const row = `${recording.provider} ${recording.operation}`
    passed.set(row, (passed.get(row) ?? 0) + 1)
  })

  it.skipIf(only !== undefined)("have each a family that reads them", () => {
    expect(every.filter(({ api }) => !families.some(({ apis }) => apis.includes(api))).map(({ id }) => id)).toEqual([])
    expect(every.length).toBe(272)
  })
})

const operations = ["chat", "messages", "responses", "stream", "completion", "embeddings", "list_models", "error"]

const table = (rows: ReadonlyMap<string, number>): string => {
  const providers = [...new Set([...rows.keys()].map((row) => row.split(" ")[0]!))].sort()
  const line = (first: string, cells: ReadonlyArray<string | number>): string =>
    first.padEnd(16) + cells.map((cell) => String(cell).padStart(12)).join("")
  return [
    line("provider", operations),
    ...providers.map((provider) => line(provider, operations.map((operation) => rows.get(`${provider} ${operation}`) ?? "")))
  ].join("\n")
}
