/**
 * A recorded request as lines of a terminal: the pipeline from the top down, then what changed on the way back and at the end
 * of the stream. Steps have the numbers by which `trace show --step` shows them in full.
 *
 * @module
 */
import { type Branch, type Recorded, steps, type Visit, walk, type WalkStep } from "@plugline/inspector"
import { Diff } from "plugline"
import { painter, type Screen, type Style } from "../Screen.ts"
import { changes, duration, errorLine, oneLine, outcomeStyle } from "./lines.ts"

/** How the end of each branch looks. */
const branchStyle: { readonly [Each in Branch["outcome"]]: Style } = {
  answered: "green", failed: "red", interrupted: "yellow", skipped: "dim", passed: "dim"
}

interface Row {
  readonly number: string
  readonly name: string
  readonly nameStyle: Style
  readonly time: string
  readonly share: string
  /** What came of it. */
  readonly sign: string
  readonly signStyle: Style
  readonly notes: ReadonlyArray<string>
}

/** The lines of a request. */
export const treeOf = (recorded: Recorded, screen: Screen): ReadonlyArray<string> => {
  const { visits } = walk(recorded)
  const all = steps(walk(recorded))
  const down = all.filter(({ direction }) => direction === "down")
  const numbers = new Map(down.map(({ index, visit }) => [visit.id, String(index + 1)]))
  const room = Math.max(30, screen.columns - 45)
  return [
    ...laidOut(visits.flatMap((visit) => rowsOf(visit, numbers, screen, room)), screen),
    ...later(all, "back", "On the way back", screen, room),
    ...later(all, "end", "At the end of the stream", screen, room)
  ]
}

const rowsOf = (visit: Visit, numbers: ReadonlyMap<string, string>, screen: Screen, room: number): ReadonlyArray<Row> => {
  const { attempt, branches, depth, id, name, outcome, own, share = 0 } = visit
  const row: Row = {
    number: numbers.get(id) ?? "",
    name: `${"  ".repeat(depth)}${oneLine(name, 40)}${attempt > 1 ? ` (${attempt})` : ""}`,
    nameStyle: outcome === "skipped" ? "dim" : "bold",
    time: own === undefined ? "" : duration(own),
    share: share < 0.005 ? "" : `${Math.round(share * 100)} %`,
    sign: outcome === "skipped" ? "not come to" : outcome,
    signStyle: outcomeStyle[outcome],
    notes: notesOf(visit, screen, room)
  }
  return [row, ...branches.flatMap((branch) => [
    headOf(branch, depth + 1),
    ...branch.visits.flatMap((inside) => rowsOf(inside, numbers, screen, room))
  ])]
}

const headOf = ({ label, outcome }: Branch, depth: number): Row => ({
  number: "",
  name: `${"  ".repeat(depth)}${oneLine(label, 40)}`,
  nameStyle: "italic",
  time: "",
  share: "",
  sign: outcome === "passed" ? "" : outcome,
  signStyle: branchStyle[outcome],
  notes: []
})

const notesOf = ({ branches, calls, down, error, outcome }: Visit, screen: Screen, room: number): ReadonlyArray<string> => {
  const said = error === undefined ? [] : [`${painter(screen)("red", "✗")} ${oneLine(errorLine(error), room)}`]
  // What a pipeline inside it changed is shown there.
  const isInside = calls.length === 0 && branches.some((branch) => branch.outcome !== "skipped")
  if (down === undefined || isInside) return said
  // That it ended the request says its outcome.
  const ends = outcome === "answered" || error !== undefined
  const told = ends ? { ...down, changed: down.changed.filter(({ path }) => path !== "state" && path !== "halted") } : down
  return [...said, ...changes(told, screen, room)]
}

const laidOut = (rows: ReadonlyArray<Row>, screen: Screen): ReadonlyArray<string> => {
  const paint = painter(screen)
  const width = (of: (row: Row) => string, least: number): number => Math.max(least, ...rows.map((row) => of(row).length))
  const [number, name, time] = [width((row) => row.number, 1), width((row) => row.name, 4), width((row) => row.time, 4)]
  const before = " ".repeat(number + name + time + 24)
  return rows.flatMap((row) => {
    const start = [
      paint("dim", row.number.padStart(number)),
      paint(row.nameStyle, row.name.padEnd(name)),
      row.time.padStart(time),
      row.share.padStart(5),
      paint(row.signStyle, row.sign.padEnd(11))
    ].join("  ")
    const [first = "", ...rest] = row.notes
    return [`${start}  ${first}`.trimEnd(), ...rest.map((note) => `${before}${note}`)]
  })
}

/** Steps on which plugs changed something once they had the answer. */
const later = (
  all: ReadonlyArray<WalkStep>,
  wanted: WalkStep["direction"],
  title: string,
  screen: Screen,
  room: number
): ReadonlyArray<string> => {
  const paint = painter(screen)
  const found = all.filter(({ diff, direction }) => direction === wanted && !Diff.isEmpty(diff))
  if (found.length === 0) return []
  const name = Math.max(...found.map(({ visit }) => visit.name.length))
  const number = Math.max(...found.map(({ index }) => String(index + 1).length))
  const lines = found.flatMap(({ diff, index, visit }) =>
    changes(diff, screen, room).map((change, at) => {
      const [first, called] = at === 0 ? [String(index + 1), visit.name] : ["", ""]
      return `${paint("dim", first.padStart(number))}  ${called.padEnd(name)}  ${change}`
    }))
  return ["", paint("bold", title), ...lines]
}
