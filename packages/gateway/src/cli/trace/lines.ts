/**
 * Pieces of a recorded request as lines of a terminal: changes, outcomes, times, in colour where there is any.
 *
 * @module
 */
import type { Outcome } from "@plugline/inspector"
import type { Diff, LlmErrorJson } from "plugline"
import { painter, printable, type Screen, type Style } from "../Screen.ts"

/** What lines are laid out for. */
export type Paper = Pick<Screen, "columns" | "color">

/** A length of time in ms. */
export const duration = (ms: number): string =>
  ms < 10 ? `${ms.toFixed(2)} ms` : ms < 1_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1_000).toFixed(2)} s`

/** A moment in ms since 1970, in UTC; of one that is none, a dash. */
export const dateTime = (ms: number): string =>
  Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().replace("T", " ").slice(0, 19) : "-"

/** An error in a few words: `slow down (RateLimit 429)`. */
export const errorLine = ({ reason }: LlmErrorJson): string =>
  `${reason.message} (${reason._tag}${reason.status === undefined ? "" : ` ${reason.status}`})`

/** A text of somebody else on one line, at most so long. */
export const oneLine = (text: string, room: number): string => {
  const line = printable(text.replace(/[\s\u2028\u2029]+/g, " "))
  return line.length > room ? `${line.slice(0, Math.max(1, room - 1))}…` : line
}

const value = (given: unknown): string => JSON.stringify(given) ?? "nothing"

/** What changed, one change a line: `+` added, `-` removed, `~` another value now. */
export const changes = ({ added, changed, removed }: Diff.Diff, paper: Paper, room: number): ReadonlyArray<string> => {
  const paint = painter(paper)
  const one = (style: Style, sign: string, path: string, given: unknown): string =>
    `${paint(style, sign)} ${oneLine(path, 200)}: ${oneLine(value(given), Math.max(8, room - path.length - 4))}`
  return [
    ...changed.map(({ after, before, path }) => {
      const each = Math.max(8, Math.floor((room - path.length - 7) / 2))
      const [was, is] = [oneLine(value(before), each), oneLine(value(after), each)]
      return `${paint("yellow", "~")} ${oneLine(path, 200)}: ${was} ${paint("dim", "→")} ${is}`
    }),
    ...added.map(({ path, value }) => one("green", "+", path, value)),
    ...removed.map(({ path, value }) => one("red", "-", path, value))
  ]
}

/** The same with every value in full. */
export const changesInFull = ({ added, changed, removed }: Diff.Diff, paper: Paper): ReadonlyArray<string> => {
  const paint = painter(paper)
  const whole = (style: Style, sign: string, given: unknown): ReadonlyArray<string> => {
    const text = typeof given === "string" ? given : JSON.stringify(given, null, 2) ?? "nothing"
    return printable(text).split("\n").map((line) => paint(style, `  ${sign} ${line}`))
  }
  return [
    ...changed.flatMap(({ after, before, path }) =>
      [oneLine(path, 500), ...whole("red", "-", before), ...whole("green", "+", after)]),
    ...added.flatMap(({ path, value }) => [oneLine(path, 500), ...whole("green", "+", value)]),
    ...removed.flatMap(({ path, value }) => [oneLine(path, 500), ...whole("red", "-", value)])
  ]
}

/** How each outcome looks. */
export const outcomeStyle: { readonly [Each in Outcome]: Style } = {
  ran: "dim",
  changed: "cyan",
  answered: "green",
  halted: "red",
  failed: "red",
  skipped: "dim",
  interrupted: "yellow"
}
