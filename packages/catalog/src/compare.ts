/**
 * Sets two models side by side.
 *
 * @module
 */
import { capabilityNames, type Model } from "./Model.ts"

/** One thing two models differ in, in words; `unknown` where it is not known of one. */
export interface Difference {
  readonly what: string
  readonly a: string
  readonly b: string
}

/** What two models differ in. */
export interface Comparison {
  readonly differences: ReadonlyArray<Difference>
  /** The differences as a table to print. */
  readonly text: string
}

/** What two models differ in: limits, prices, capabilities, dates. */
export const compare = (a: Model, b: Model): Comparison => {
  const left = facts(a)
  const right = facts(b)
  const differences = [...new Set([...left.keys(), ...right.keys()])].flatMap((what) => {
    const one = left.get(what) ?? unknown
    const other = right.get(what) ?? unknown
    return one === other ? [] : [{ what, a: one, b: other }]
  })
  const head = ["", `${a.provider}/${a.id}`, `${b.provider}/${b.id}`]
  return { differences, text: table([head, ...differences.map(({ a, b, what }) => [what, a, b])]) }
}

const unknown = "unknown"
const compared = [
  "input", "cacheRead", "cacheWrite", "cacheWrite1h", "output", "reasoning", "audioInput", "audioOutput"
] as const

/** Every fact that has a word, in the order it is shown. */
const facts = (model: Model): Map<string, string> => {
  const found = new Map<string, string>()
  const put = (what: string, value: string | number | undefined): void => {
    found.set(what, value === undefined ? unknown : String(value))
  }
  put("mode", model.mode)
  put("context", model.context)
  put("max input", model.maxInput ?? model.context)
  put("max output", model.maxOutput)
  const { batch, factors, flex, priority, reasoningCovers: _, search, tiers, ...plain } = model.prices ?? {}
  for (const name of compared) {
    const price = plain[name] ?? (name === "reasoning" ? plain.output : undefined)
    if (price !== undefined || name === "input" || name === "output") put(`price of ${name}`, price)
  }
  for (const tier of tiers ?? []) {
    put(`price above ${tier.above}`, `${tier.input ?? unknown} in, ${tier.output ?? unknown} out`)
  }
  for (const [name, list] of Object.entries({ batch, flex, priority })) {
    if (list !== undefined) put(`price of ${name}`, `${list.input ?? unknown} in, ${list.output ?? unknown} out`)
  }
  if (plain.request !== undefined) put("price of a request", plain.request)
  if (typeof search === "string") put("price of a search", search)
  else if (search !== undefined) put("price of a search", Object.values(search).join(" to "))
  for (const [name, factor] of Object.entries(factors ?? {})) put(`factor for ${name}`, factor)
  for (const name of capabilityNames) {
    const can = model.capabilities[name]
    if (can !== undefined) put(name, can ? "yes" : "no")
  }
  put("reads", model.input.join(" "))
  put("makes", model.output.join(" "))
  put("released", model.released)
  put("knowledge", model.knowledge)
  put("retires", model.retires)
  return found
}

const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = [0, 1, 2].map((column) => rows.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), 0))
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()).join("\n")
}
