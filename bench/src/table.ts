/**
 * Writes measurements as one Markdown table, and puts it between two markers of a file.
 *
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs"
import { paired, type Spread, spread } from "./statistics.ts"

/** One line of the table: what we cost, what something else costs in the same run, and how the two compare. */
export interface Row {
  readonly what: string
  readonly ours: string
  readonly beside: string
  /** Ours by theirs, or ours less theirs where `difference` says so, or ours alone. Absent where nothing was measured. */
  readonly comparison?: Spread
  /** The unit of a difference. Default: the comparison is a ratio, without one. */
  readonly difference?: string
  /** The unit of a figure that stands for itself. Default: two are compared. */
  readonly alone?: string
  /** The most the comparison's median may be. Default: no limit was set. */
  readonly limit?: number
}

/** The two sides of a comparison: what each measured, round by round, in the same unit. */
export interface Sides {
  readonly ours: ReadonlyArray<number>
  readonly theirs: ReadonlyArray<number>
  /** Whom we are compared with. */
  readonly name: string
  readonly unit: string
  readonly limit?: number
}

/** A row that says how many times as much we take as somebody else. */
export const ratio = (what: string, { limit, name, ours, theirs, unit }: Sides): Row => ({
  what,
  ours: figure(spread(ours).median, unit),
  beside: `${name}: ${figure(spread(theirs).median, unit)}`,
  comparison: spread(paired(ours, theirs, (a, b) => a / b)),
  ...(limit !== undefined && { limit })
})

/** A row that says how much more we take than somebody else. */
export const difference = (what: string, { limit, name, ours, theirs, unit }: Sides): Row => ({
  what,
  ours: figure(spread(ours).median, unit),
  beside: `${name}: ${figure(spread(theirs).median, unit)}`,
  comparison: spread(paired(ours, theirs, (a, b) => a - b)),
  difference: unit,
  ...(limit !== undefined && { limit })
})

/** A row whose limit is for our own figure; what stands beside it is for orientation. */
export const alone = (what: string, { limit, name, ours, theirs, unit }: Sides): Row => ({
  what,
  ours: figure(spread(ours).median, unit),
  beside: `${name}: ${figure(spread(theirs).median, unit)}`,
  comparison: spread(ours),
  alone: unit,
  ...(limit !== undefined && { limit })
})

/** A row for what could not be measured here, and why. */
export const skipped = (what: string, why: string): Row => ({ what, ours: "–", beside: `skipped: ${why}` })

/** A number with its unit, to three digits. */
export const figure = (value: number, unit: string): string => `${digits(value)} ${unit}`

const digits = (value: number): string => {
  const size = Math.abs(value)
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3)
}

/** The whole table. */
export const markdown = (rows: ReadonlyArray<Row>, note: string): string =>
  [
    "| Measured | Plugline | Beside it | Compared (middle half) | Limit |",
    "|---|---|---|---|---|",
    ...rows.map((row) => `| ${row.what} | ${row.ours} | ${row.beside} | ${compared(row)} | ${verdict(row)} |`),
    "",
    note
  ].join("\n")

const compared = ({ alone, comparison, difference }: Row): string => {
  if (comparison === undefined) return "–"
  const { high, low, median } = comparison
  if (alone !== undefined) return `${figure(median, alone)} (${digits(low)} to ${digits(high)})`
  return difference === undefined
    ? `${digits(median)} × (${digits(low)}–${digits(high)})`
    : `${median < 0 ? "−" : "+"}${digits(Math.abs(median))} ${difference} (${digits(low)} to ${digits(high)})`
}

const verdict = ({ alone, comparison, difference, limit }: Row): string => {
  if (limit === undefined || comparison === undefined) return "–"
  return `${comparison.median <= limit ? "held" : "**missed**"}: ≤ ${limit} ${alone ?? difference ?? "×"}`
}

/** Where the table stands in a file. */
const markers = { begin: "<!-- bench:begin -->", end: "<!-- bench:end -->" }

/** A text with the table between its markers. */
export const inserted = (text: string, table: string): string => {
  const begin = text.indexOf(markers.begin)
  const end = text.indexOf(markers.end)
  if (begin < 0 || end < begin) throw new Error(`the file holds no ${markers.begin} followed by ${markers.end}`)
  return `${text.slice(0, begin + markers.begin.length)}\n${table}\n${text.slice(end)}`
}

/** Fails where a file cannot take a table. */
export const check = (file: string): void => void inserted(readFileSync(file, "utf8"), "")

/** Puts the table between the markers of a file, and leaves the rest of it as it is. */
export const write = (file: string, table: string): void =>
  writeFileSync(file, inserted(readFileSync(file, "utf8"), table))
