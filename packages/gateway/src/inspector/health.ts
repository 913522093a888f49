/**
 * What requests took and cost over time, added up by provider, model, tenant or pipeline. Pure.
 *
 * @module
 */
import type { HealthGroup } from "@plugline/inspector"
import type { Measure } from "./store/TraceStore.ts"

/** What lines are told apart by. */
export type By = "provider" | "model" | "tenant" | "pipeline" | "none"

/** Most lines; what is less frequent comes together in one. */
export const mostGroups = 20

/** Most slots. */
export const mostSlots = 500

/** Which slots there are. */
export interface Slots {
  readonly since: number
  /** Length of one, in ms. */
  readonly slot: number
  readonly count: number
}

/** Adds requests up. */
export interface Sum {
  readonly add: (measures: ReadonlyArray<Measure>) => void
  /** The lines, the busiest first. */
  readonly groups: () => ReadonlyArray<HealthGroup>
}

/** The slots of a time: of the length that was asked for, unless these would be too many. */
export const slotsOf = (since: number, until: number, asked?: number): Slots => {
  const time = Math.max(1, until - since)
  const slot = Math.max(1, Math.ceil(asked ?? time / 60), Math.ceil(time / mostSlots))
  return { since, slot, count: Math.max(1, Math.ceil(time / slot)) }
}

/** Adds up what falls into these slots. */
export const sumOf = ({ count, since, slot }: Slots, by: By): Sum => {
  const lines = new Map<string, Line>()
  const lineOf = (name: string): Line => {
    let line = lines.get(name)
    if (line === undefined) lines.set(name, line = new Line(count))
    return line
  }
  return {
    add: (measures) => {
      for (const measure of measures) {
        const at = Math.min(count - 1, Math.floor((measure.at - since) / slot))
        if (at >= 0) lineOf(nameOf(measure, by)).add(at, measure)
      }
    },
    groups: () => {
      const sorted = [...lines].sort(([, a], [, b]) => b.total - a.total)
      const shown = sorted.length > mostGroups ? sorted.slice(0, mostGroups - 1) : sorted
      const rest = sorted.slice(shown.length)
      if (rest.length === 0) return shown.map(([name, line]) => line.group(name))
      const others = new Line(count)
      for (const [, line] of rest) others.take(line)
      return [...shown.map(([name, line]) => line.group(name)), others.group(`${rest.length} others`)]
    }
  }
}

const nameOf = (measure: Measure, by: By): string => by === "none" ? "all" : measure[by] || "none"

/** One line of each plot. */
class Line {
  total = 0
  readonly #slots: ReadonlyArray<Slot>

  constructor(count: number) {
    this.#slots = Array.from({ length: count }, () => new Slot())
  }

  add(at: number, measure: Measure): void {
    this.total++
    this.#slots[at]!.add(measure)
  }

  take(other: Line): void {
    this.total += other.total
    this.#slots.forEach((slot, index) => slot.take(other.#slots[index]!))
  }

  group(name: string): HealthGroup {
    const each = <A>(value: (slot: Slot) => A): ReadonlyArray<A> => this.#slots.map(value)
    const took = each(({ took }) => Float64Array.from(took).sort())
    const first = each(({ first }) => Float64Array.from(first).sort())
    return {
      name,
      calls: each(({ calls }) => calls),
      errors: each(({ errors }) => errors),
      inputTokens: each(({ input }) => input),
      outputTokens: each(({ output }) => output),
      cost: each(({ cost }) => round(cost)),
      saved: each(({ saved }) => round(saved)),
      unpriced: each(({ unpriced }) => unpriced),
      p50: took.map((times) => percentile(times, 0.5)),
      p95: took.map((times) => percentile(times, 0.95)),
      p99: took.map((times) => percentile(times, 0.99)),
      firstToken50: first.map((times) => percentile(times, 0.5)),
      firstToken95: first.map((times) => percentile(times, 0.95))
    }
  }
}

/** What falls into one slot. */
class Slot {
  calls = 0
  errors = 0
  input = 0
  output = 0
  cost = 0
  saved = 0
  unpriced = 0
  readonly took: Array<number> = []
  readonly first: Array<number> = []

  add({ cost, failed, firstToken, inputTokens, outputTokens, saved, took }: Measure): void {
    this.calls++
    if (failed) this.errors++
    this.input += inputTokens
    this.output += outputTokens
    this.cost += cost ?? 0
    this.saved += saved
    if (cost === undefined && !failed) this.unpriced++
    this.took.push(took)
    if (firstToken !== undefined) this.first.push(firstToken)
  }

  take(other: Slot): void {
    this.calls += other.calls
    this.errors += other.errors
    this.input += other.input
    this.output += other.output
    this.cost += other.cost
    this.saved += other.saved
    this.unpriced += other.unpriced
    for (const time of other.took) this.took.push(time)
    for (const time of other.first) this.first.push(time)
  }
}

/** The smallest of sorted values that a share of all does not exceed; `null` of none. */
export const percentile = (sorted: ArrayLike<number>, share: number): number | null =>
  sorted.length === 0 ? null : sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!

/** Sums of decimal fractions without the dust of binary ones. */
const round = (value: number): number => Math.round(value * 1e9) / 1e9
