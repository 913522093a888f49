/**
 * Where commands read and write, and how what they write is laid out.
 *
 * @module
 */
import { Effect } from "effect"
import { text as readAll } from "node:stream/consumers"
import { styleText } from "node:util"

/** Where a command reads and writes. */
export interface Screen {
  readonly write: (text: string) => void
  readonly columns: number
  readonly color: boolean
  /** Whether a person can be asked. */
  readonly interactive: boolean
  /** What was piped in. */
  readonly piped: Effect.Effect<string>
}

/** The terminal of this process. */
export const terminal: Screen = {
  write: (text) => void process.stdout.write(text),
  // Some terminals say 0.
  columns: process.stdout.columns || 120,
  color: process.stdout.isTTY === true && !process.env.NO_COLOR,
  interactive: process.stdin.isTTY === true,
  piped: Effect.promise(() => readAll(process.stdin))
}

/** How a text looks. */
export type Style = Parameters<typeof styleText>[0]

/** Texts in colour, where there is any. */
export const painter = ({ color }: Pick<Screen, "color">) => (style: Style, text: string): string =>
  color ? styleText(style, text, { validateStream: false }) : text

/** Text of somebody else: it cannot move the cursor, change the window's title or ring. */
export const printable = (text: string): string => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "")

/** A value as JSON for machines. */
export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** Each line of a text, a bit to the right. */
export const indent = (text: string): string => text.split("\n").map((line) => `  ${line}\n`).join("")

/** A column of a table. */
export interface Column {
  readonly title: string
  /** Numbers stand at the right. Default: no. */
  readonly right?: boolean
}

/** Rows under titles. What does not fit the last column goes on below it, and nothing is cut off. */
export const table = (
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  screen: Pick<Screen, "columns" | "color">
): string => {
  const cells = rows.map((row) => row.map((cell) => printable(cell).replace(/[\t\n]/g, " ")))
  const widths = columns.map(({ title }, at) => Math.max(title.length, ...cells.map((row) => row[at]?.length ?? 0)))
  const last = columns.length - 1
  const before = widths.slice(0, last).reduce((sum, width) => sum + width + 2, 0)
  const room = Math.max(20, screen.columns - before)
  const place = (text: string, at: number): string => {
    const width = widths[at]!
    return columns[at]!.right === true ? text.padStart(width) : at === last ? text : text.padEnd(width)
  }
  const lineOf = (row: ReadonlyArray<string>): string => row.map(place).join("  ").trimEnd()
  const paint = painter(screen)
  const lines = cells.flatMap((row) => {
    const [first = "", ...rest] = columns[last]!.right === true ? [row[last] ?? ""] : wrapped(row[last] ?? "", room)
    return [lineOf(row.with(last, first)), ...rest.map((more) => `${" ".repeat(before)}${more}`)]
  })
  return [paint("bold", lineOf(columns.map(({ title }) => title))), ...lines].map((line) => `${line}\n`).join("")
}

const wrapped = (text: string, room: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of text.split(" ")) {
    const line = lines.at(-1)
    if (line !== undefined && line.length + 1 + word.length <= room) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines
}
