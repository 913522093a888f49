/**
 * Puts the flat list of visits back into the shape in which they happened: which call of the rest of the line, and which
 * pipeline of which plug, each visit belongs to.
 *
 * Places tell which list a visit is of. Where a list was run through several times, by a retry or side by side in a race,
 * the request that was handed on tells them apart, then the time, then the order: a list is run through from front to
 * back, and comes to each of its plugs once.
 *
 * @module
 */
import type { RequestJson } from "@plugline/core"
import type { PlugNode } from "../api.ts"
import type { Window } from "./spans.ts"
import type { SeenStep } from "./view.ts"

/** One visit and what happened behind and inside it. */
export class Body {
  readonly id: string
  readonly step: SeenStep
  /** Where it stands in its list. */
  readonly index: number
  /** Its place among all visits, in the order in which they began. */
  readonly order: number
  /** What followed each call of the rest of the line. */
  readonly rests: ReadonlyArray<Line>
  /** Runs of the pipelines inside it. */
  readonly children: Array<{ readonly label: string; readonly line: Line }> = []

  constructor(step: SeenStep, index: number, order: number) {
    this.id = `${step.path}#${step.attempt}`
    this.step = step
    this.index = index
    this.order = order
    this.rests = step.calls.map(({ passed, passedAt, receivedAt }) =>
      new Line(index + 1, [passedAt, receivedAt ?? step.endedAt ?? Infinity], passed))
  }
}

/** One run through a list of plugs, or through what is left of it. */
export class Line {
  readonly bodies: Array<Body> = []
  readonly #first: number
  readonly #window: Window
  readonly #given: RequestJson | undefined

  constructor(first: number, window: Window, given: RequestJson | undefined) {
    this.#first = first
    this.#window = window
    this.#given = given
  }

  /** Whether a visit can be the next of this run: 0 where it cannot, more where its request is the one that was handed on. */
  fits(step: SeenStep, index: number): number {
    const [from, to] = this.#window
    const last = this.bodies.at(-1)
    if (step.startedAt < from) return 0
    // What stands behind the provider and waits for the end of a stream comes when all calls have long been answered.
    if (step.startedAt > to && (last?.step.out ?? this.#given)?.state !== "streaming") return 0
    if (last === undefined) return index < this.#first ? 0 : this.#given === step.in ? 2 : 1
    const { calls, endedAt, out } = last.step
    if (last.index >= index || calls.length > 0 || out === undefined || out.halted) return 0
    if (endedAt === undefined || endedAt > step.startedAt) return 0
    return out === step.in ? 2 : 1
  }

  /** The last visit of it, wherever it was called. */
  last(): Body | undefined {
    const last = this.bodies.at(-1)
    return last?.rests.at(-1)?.last() ?? last
  }

  /** When the first of its visits began. */
  get order(): number {
    return this.bodies[0]?.order ?? Infinity
  }

  /** From the first of its visits until the last of them ended; `end`: of the run, where one was interrupted. */
  span(end: number): Window | undefined {
    if (this.bodies.length === 0) return undefined
    return [this.bodies[0]!.step.startedAt, Math.max(...this.bodies.map(({ step }) => step.endedAt ?? end))]
  }
}

/** The shape of a run: the run through the outermost list. */
export const lineUp = (steps: ReadonlyArray<SeenStep>, pipeline: ReadonlyArray<PlugNode>): Line => {
  const root = new Line(0, [-Infinity, Infinity], steps[0]?.in)
  const places = placesOf(steps, pipeline)
  const lines = new Map<string, Array<Line>>([["", [root]]])
  const visits = new Map<string, Array<Body>>()
  const remember = <A>(map: Map<string, Array<A>>, key: string, ...more: ReadonlyArray<A>): void => {
    const known = map.get(key)
    if (known === undefined) map.set(key, [...more])
    else known.push(...more)
  }
  steps.forEach((step, order) => {
    const place = places(step.path)
    const body = new Body(step, place.index, order)
    const line = best(lines.get(place.list) ?? [], (line) => line.fits(step, place.index))
      ?? inside(visits, place, step, (line) => remember(lines, place.list, line))
      ?? root
    line.bodies.push(body)
    remember(visits, step.path, body)
    remember(lines, place.list, ...body.rests)
  })
  return root
}

/** Every visit of a run. */
export const bodiesOf = (line: Line): ReadonlyArray<Body> => {
  const out: Array<Body> = []
  const collect = ({ bodies }: Line): void => {
    for (const body of bodies) {
      out.push(body)
      body.rests.forEach(collect)
      for (const { line } of body.children) collect(line)
    }
  }
  collect(line)
  return out.toSorted((a, b) => a.order - b.order)
}

/**
 * The one call of the rest of the line that is drawn as what follows, if there is just one; where pipelines inside the plug
 * came after it, as with a fallback, it is one way of several.
 */
export const followed = ({ children, rests, step }: Body): Line | undefined => {
  const [rest] = rests
  const received = step.calls[0]?.receivedAt
  if (rest === undefined || rests.length > 1) return undefined
  const later = received !== undefined
    && children.some(({ line }) => line.order > rest.order && (line.span(received)?.[0] ?? 0) >= received)
  return later ? undefined : rest
}

/** The most runs of one list that are looked through for a visit; a record with more is drawn as well as it can be. */
const most = 1_000

const best = <A>(all: ReadonlyArray<A>, score: (each: A) => number): A | undefined => {
  let found: A | undefined
  let highest = 0
  for (let at = Math.max(0, all.length - most); at < all.length; at++) {
    const reached = score(all[at]!)
    if (reached > highest) [found, highest] = [all[at]!, reached]
  }
  return found
}

/** A new run of a pipeline inside a plug, beneath the visit that it happened in. */
const inside = (
  visits: ReadonlyMap<string, ReadonlyArray<Body>>,
  { label, parent }: Place,
  step: SeenStep,
  opened: (line: Line) => void
): Line | undefined => {
  if (parent === undefined) return undefined
  const owners = visits.get(parent) ?? []
  const owner = best(owners, ({ children, step: { endedAt, in: given, startedAt } }) => {
    if (step.startedAt < startedAt || step.startedAt > (endedAt ?? Infinity)) return 0
    const first = children.every((child) => child.label !== label)
    return 1 + (first ? 2 : 0) + (given === step.in ? 1 : 0)
  }) ?? owners.at(-1)
  if (owner === undefined) return undefined
  const line = new Line(0, [owner.step.startedAt, owner.step.endedAt ?? Infinity], undefined)
  owner.children.push({ label, line })
  opened(line)
  return line
}

// --- places -----------------------------------------------------------------------------------------------------------

/** What a path says. */
interface Place {
  /** The list it stands in: the path without the last index. */
  readonly list: string
  readonly index: number
  /** The path of the plug whose pipeline that list is. */
  readonly parent: string | undefined
  /** What that pipeline is called. */
  readonly label: string
}

/** Reads paths. Labels may hold dots (`2.gpt-4.1.0`), so the plugs that are known to be there say where a label begins. */
const placesOf = (steps: ReadonlyArray<SeenStep>, pipeline: ReadonlyArray<PlugNode>) => {
  const known = new Set(steps.map(({ path }) => path))
  const declared = new Set(listsOf(pipeline, ""))
  const read = new Map<string, Place>()
  const placeOf = (path: string): Place => {
    const end = path.lastIndexOf(".")
    const list = end < 0 ? "" : path.slice(0, end)
    const number = Number(path.slice(end + 1))
    const index = Number.isInteger(number) && number >= 0 ? number : 0
    let parent: string | undefined
    let label = ""
    for (let dot = list.lastIndexOf("."); dot > 0 && parent === undefined; dot = list.lastIndexOf(".", dot - 1)) {
      if (known.has(list.slice(0, dot))) [parent, label] = [list.slice(0, dot), list.slice(dot + 1)]
    }
    // A pipeline without a label: the list is named after the plug alone.
    if (known.has(list) && (parent === undefined || !declared.has(list))) [parent, label] = [list, ""]
    return { list, index, parent, label }
  }
  return (path: string): Place => {
    let place = read.get(path)
    if (place === undefined) read.set(path, place = placeOf(path))
    return place
  }
}

const listsOf = (nodes: ReadonlyArray<PlugNode>, prefix: string): ReadonlyArray<string> =>
  nodes.flatMap(({ children }, index) =>
    Object.entries(children).flatMap(([label, inside]) => {
      const list = `${prefix}${index}.${label}`
      return [list, ...listsOf(inside, `${list}.`)]
    }))
