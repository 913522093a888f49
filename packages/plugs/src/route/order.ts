/**
 * Puts targets in the order in which they are asked. Pure: chance, turns and what is known of the targets are handed
 * in.
 *
 * @module
 */
import { hash } from "node:crypto"
import { text } from "../canonical.ts"

/** How targets are chosen; see the table in `docs/plugs/route.md`. */
export const strategies = ["first", "weighted", "roundRobin", "leastBusy", "latency", "cost", "sticky", "experiment"] as const

/** How targets are chosen. */
export type Strategy = typeof strategies[number]

/** A target that could be asked, and what is known of it. */
export interface Contender {
  readonly name: string
  /** Its share, relative to the others: 0 and up. */
  readonly weight: number
  readonly healthy: boolean
  readonly inFlight: number
  /** ms until an answer begins; absent where never measured. */
  readonly latency?: number
  /** What the request is expected to cost there, in USD; absent where unknown. */
  readonly cost?: number
}

/** What an order depends on besides the targets. */
export interface Moment {
  /** A random number from 0 up to 1. */
  readonly chance: () => number
  /** Whose turn it is, for `roundRobin`. */
  readonly turn: () => number
  /** What `sticky` and `experiment` go by; without it they choose by weight and chance. */
  readonly key?: string
  /** Tells experiments apart, so that each divides its users anew. */
  readonly experiment?: string
  /** How often `latency` tries another than the fastest, 0 to 1. */
  readonly explore?: number
}

/** The targets in the order in which they are asked: the healthy ones first, and among them as the strategy says. */
export const order = <C extends Contender>(strategy: Strategy, contenders: ReadonlyArray<C>, moment: Moment): ReadonlyArray<C> => {
  const wanted = arrange(strategy, contenders, moment)
  const healthy = wanted.filter((contender) => contender.healthy)
  return healthy.length === wanted.length ? wanted : [...healthy, ...wanted.filter((contender) => !contender.healthy)]
}

const arrange = <C extends Contender>(strategy: Strategy, contenders: ReadonlyArray<C>, moment: Moment): ReadonlyArray<C> => {
  switch (strategy) {
    case "first":
      return contenders
    case "weighted":
      return byWeight(contenders, moment.chance)
    case "roundRobin":
      return rotated(contenders, moment.turn())
    case "leastBusy":
      return sortedBy(shuffled(contenders, moment.chance), ({ inFlight, weight }) => (inFlight + 1) / Math.max(weight, tiny))
    case "latency":
      return moment.chance() < (moment.explore ?? 0)
        ? shuffled(contenders, moment.chance)
        // What was never measured comes first, or nobody would ever measure it.
        : sortedBy(shuffled(contenders, moment.chance), ({ latency }) => latency ?? -1)
    case "cost":
      return sortedBy(contenders, ({ cost }) => cost ?? Infinity)
    case "sticky":
      return moment.key === undefined ? byWeight(contenders, moment.chance) : rendezvous(contenders, moment.key)
    case "experiment":
      return assigned(contenders, moment.key === undefined ? moment.chance() : fraction([moment.experiment ?? "", moment.key]))
  }
}

/** Weight of what has none, so that it comes last instead of never. */
const tiny = 1e-9

/** Each place is drawn by weight among those left: the first has exactly its share. */
const byWeight = <C extends Contender>(contenders: ReadonlyArray<C>, chance: () => number): ReadonlyArray<C> => {
  const left = [...contenders]
  const out: Array<C> = []
  while (left.length > 0) out.push(...left.splice(pick(left, chance()), 1))
  return out
}

/** Which of them a number from 0 up to 1 falls on, each taking its share of the line. */
const pick = (contenders: ReadonlyArray<Contender>, at: number): number => {
  let total = 0
  for (const { weight } of contenders) total += weight
  if (!(total > 0)) return Math.min(contenders.length - 1, Math.floor(at * contenders.length))
  let left = at * total
  let last = 0
  for (const [index, { weight }] of contenders.entries()) {
    if (weight <= 0) continue
    if (left < weight) return index
    left -= weight
    last = index
  }
  return last
}

const rotated = <C>(contenders: ReadonlyArray<C>, turn: number): ReadonlyArray<C> => {
  const at = contenders.length === 0 ? 0 : turn % contenders.length
  return [...contenders.slice(at), ...contenders.slice(0, at)]
}

const shuffled = <C>(contenders: ReadonlyArray<C>, chance: () => number): ReadonlyArray<C> => {
  const out = [...contenders]
  for (let index = out.length - 1; index > 0; index--) {
    const other = Math.floor(chance() * (index + 1))
    ;[out[index], out[other]] = [out[other]!, out[index]!]
  }
  return out
}

const sortedBy = <C>(contenders: ReadonlyArray<C>, of: (contender: C) => number): ReadonlyArray<C> =>
  contenders.map((contender) => [of(contender), contender] as const).sort(([a], [b]) => a === b ? 0 : a - b).map(([, contender]) => contender)

/**
 * Rendezvous hashing: each key ranks the targets by itself, so where one leaves, only its keys move, each to its next;
 * and a target's share of keys is its share of the weights.
 */
const rendezvous = <C extends Contender>(contenders: ReadonlyArray<C>, key: string): ReadonlyArray<C> =>
  sortedBy(contenders, ({ name, weight }) => -Math.log(1 - fraction([key, name])) / Math.max(weight, tiny))

/** The variant a number from 0 up to 1 falls on, then the others as they stand. */
const assigned = <C extends Contender>(contenders: ReadonlyArray<C>, at: number): ReadonlyArray<C> => {
  const chosen = pick(contenders, at)
  return [...contenders.slice(chosen, chosen + 1), ...contenders.filter((_, index) => index !== chosen)]
}

/** A number from 0 up to 1 that always belongs to these texts. */
export const fraction = (texts: ReadonlyArray<string>): number =>
  Number.parseInt(hash("sha256", text(texts), "hex").slice(0, 12), 16) / 2 ** 48
