/**
 * Builds the tree of a run: each visit in its place, with the plugs of the pipeline that were not come to between them.
 *
 * @module
 */
import { Diff, type RequestJson } from "@plugline/core"
import type { PlugNode } from "../api.ts"
import { endsOf, halterOf } from "./ends.ts"
import { bodiesOf, type Body, followed, type Line, lineUp } from "./line-up.ts"
import { errorOf, outcomeOf } from "./outcome.ts"
import { covered } from "./spans.ts"
import type { SeenEnd, SeenStep, View } from "./view.ts"
import type { Branch, Visit, VisitEnd } from "./walk.ts"

/** The plugs of a list, as far as they are known. */
type Nodes = ReadonlyArray<PlugNode>

/** Where a list stands. */
interface Where {
  readonly nodes: Nodes
  readonly prefix: string
  readonly depth: number
  /** When whatever was interrupted in it had ended at the latest. */
  readonly until: number
}

/** When a pipeline inside a plug had been left at the latest: when the plug went on with the rest of the line, or ended. */
const leftBy = ({ calls, endedAt }: SeenStep, line: Line, end: number): number => {
  const began = line.bodies[0]?.step.startedAt ?? 0
  return endedAt === undefined ? end : calls.find(({ passedAt }) => passedAt >= began)?.passedAt ?? end
}

/** Builds one tree. */
export class Tree {
  readonly flat: Array<Visit> = []
  readonly #seen: View
  readonly #pipeline: Nodes
  readonly #edges: ReadonlySet<string>
  readonly #skipped = new Map<string, number>()
  readonly #ends: ReadonlyMap<Body, ReadonlyArray<SeenEnd>>
  readonly #left: Array<SeenEnd>
  readonly #root: Line
  readonly #halter: Body | undefined

  constructor(seen: View, pipeline: Nodes, edges: ReadonlySet<string>) {
    this.#seen = seen
    this.#pipeline = pipeline
    this.#edges = edges
    this.#root = lineUp(seen.steps, pipeline)
    const bodies = bodiesOf(this.#root)
    const { given, left } = endsOf(seen.ends, bodies)
    this.#halter = halterOf(seen, bodies)
    this.#ends = given
    this.#left = [...left]
  }

  /** The visits of the outermost list, with all that is in them; each is in `flat` too. */
  visits(): ReadonlyArray<Visit> {
    const visits = this.#line(this.#root, { nodes: this.#pipeline, prefix: "", depth: 0, until: this.#seen.total }, 0)
    // Ends of plugs that neither were visited nor stand in the pipeline as it is known.
    for (const end of this.#left.splice(0)) {
      this.#place({ name: end.plug, level: 0, options: null, children: {} }, `end:${end.plug}`, 0, [end], visits)
    }
    return visits
  }

  /** The visits of a list from a place on, with the plugs between and behind them that were not visited. */
  #line(line: Line, where: Where, from: number): Array<Visit> {
    const { depth, nodes, prefix } = where
    const out: Array<Visit> = []
    let at = from
    const pathOf = (index: number): string => prefix === "" ? String(index) : `${prefix}.${index}`
    const skipTo = (index: number): void => {
      for (; at < index && at < nodes.length; at++) this.#place(nodes[at]!, pathOf(at), depth, this.#endsFor(nodes[at]!), out)
    }
    for (const body of line.bodies) {
      skipTo(body.index)
      at = Math.max(at, body.index + 1)
      const node = nodes[body.index]
      const known = node?.name === body.step.name ? node : undefined
      const single = followed(body)
      const visit = this.#visit(body, known, where)
      out.push(visit)
      if (single !== undefined) {
        out.push(...this.#line(single, { ...where, until: body.step.calls[0]!.receivedAt ?? visit.end! }, at))
        at = Math.max(at, nodes.length)
      } else if (body.rests.length > 0) at = Math.max(at, nodes.length)
    }
    skipTo(nodes.length)
    return out
  }

  #visit(body: Body, node: PlugNode | undefined, where: Where): Visit {
    const { step } = body
    const seen = this.#ends.get(body) ?? []
    const end = step.endedAt ?? Math.max(step.startedAt, where.until)
    const total = Math.max(0, end - step.startedAt)
    const windows = [
      ...step.calls.map(({ passedAt, receivedAt }) => [passedAt, receivedAt ?? end] as const),
      ...body.children.flatMap(({ line }) => {
        const span = line.span(leftBy(step, line, end))
        return span === undefined ? [] : [span]
      })
    ]
    const own = Math.max(0, total - covered(windows, step.startedAt, end))
    const last = step.calls.at(-1)?.received
    const down = Diff.between(step.in, step.calls[0]?.passed ?? step.out ?? step.in)
    const back = last === undefined || step.out === undefined ? undefined : Diff.between(last, step.out)
    const ended = seen.length === 0 ? undefined : Diff.between(seen[0]!.before, seen.at(-1)!.after)
    const error = body === this.#halter ? this.#seen.final!.errors.at(-1) : errorOf(step, seen)
    // Its place in the flat list is before everything inside it.
    const place = this.flat.push(pending) - 1
    const branches = this.#branches(body, node, where, end)
    const visit: Visit = {
      id: body.id,
      name: step.name,
      path: step.path,
      attempt: step.attempt,
      level: step.level,
      options: node?.options ?? null,
      depth: where.depth,
      outcome: outcomeOf({ step, error, edge: this.#isEdge(body, where.nodes), diffs: [down, back, ended] }),
      start: step.startedAt,
      end,
      total,
      own,
      share: this.#seen.total > 0 ? own / this.#seen.total : 0,
      ...(error !== undefined && { error }),
      in: step.in,
      ...(step.out !== undefined && { out: step.out }),
      down,
      ...(back !== undefined && { back }),
      ...(ended !== undefined && { ended }),
      calls: step.calls.map(({ passed, passedAt, received, receivedAt }) => ({
        passedAt,
        passed,
        ...(receivedAt !== undefined && { receivedAt }),
        ...(received !== undefined && { received })
      })),
      ends: this.#shown(seen),
      branches
    }
    this.flat[place] = visit
    return visit
  }

  #branches(body: Body, node: PlugNode | undefined, where: Where, end: number): ReadonlyArray<Branch> {
    const { step } = body
    const depth = where.depth + 1
    let reached = body.order
    const attempts = body.rests.length === 0 || followed(body) !== undefined ? [] : body.rests.map((line, index) => ({
      // An attempt in which nobody was visited keeps its place among the others.
      order: reached = Number.isFinite(line.order) ? line.order : reached,
      make: (): Branch => {
        const call = step.calls[index]!
        const until = call.receivedAt ?? end
        return {
          kind: "attempt",
          label: body.rests.length === 1 ? "rest of the line" : `attempt ${index + 1}`,
          start: call.passedAt,
          end: until,
          outcome: came(call.passed, call.received),
          visits: this.#line(line, { ...where, depth, until }, body.index + 1)
        }
      }
    }))
    const children = body.children.map(({ label, line }) => ({
      order: line.order,
      make: (): Branch => {
        const until = leftBy(step, line, end)
        const span = line.span(until)
        const first = line.bodies[0]
        return {
          kind: "child",
          label,
          ...(span !== undefined && { start: span[0], end: span[1] }),
          outcome: first === undefined ? "skipped" : came(first.step.in, line.last()?.step.out),
          visits: this.#line(line, { nodes: node?.children[label] ?? [], prefix: `${step.path}.${label}`, depth, until }, 0)
        }
      }
    }))
    const taken = new Set(body.children.map(({ label }) => label))
    const unvisited = Object.entries(node?.children ?? {}).filter(([label]) => !taken.has(label)).map(([label, inside]) => ({
      order: Infinity,
      make: (): Branch => ({
        kind: "child",
        label,
        outcome: "skipped",
        visits: this.#all(inside, `${step.path}.${label}`, depth)
      })
    }))
    return [...attempts, ...children, ...unvisited].toSorted((a, b) => a.order - b.order).map(({ make }) => make())
  }

  /** Plugs of a list that nobody came to. */
  #all(nodes: Nodes, prefix: string, depth: number): ReadonlyArray<Visit> {
    const out: Array<Visit> = []
    nodes.forEach((node, index) => this.#place(node, `${prefix}.${index}`, depth, this.#endsFor(node), out))
    return out
  }

  /** A plug that was not visited. One that stands behind the provider saw the end of the stream all the same. */
  #place(node: PlugNode, path: string, depth: number, seen: ReadonlyArray<SeenEnd>, out: Array<Visit>): void {
    const count = (this.#skipped.get(path) ?? 0) + 1
    this.#skipped.set(path, count)
    const place = this.flat.push(pending) - 1
    const branches = Object.entries(node.children).map(([label, inside]): Branch => ({
      kind: "child", label, outcome: "skipped", visits: this.#all(inside, `${path}.${label}`, depth + 1)
    }))
    const ended = seen.length === 0 ? undefined : Diff.between(seen[0]!.before, seen.at(-1)!.after)
    const error = errorOf(undefined, seen)
    const visit: Visit = {
      id: `${path}#0${count > 1 ? `.${count}` : ""}`,
      name: node.name,
      path,
      attempt: 0,
      level: node.level,
      options: node.options,
      depth,
      outcome: ended === undefined ? "skipped" : error !== undefined ? "failed" : Diff.isEmpty(ended) ? "ran" : "changed",
      ...(error !== undefined && { error }),
      ...(ended !== undefined && { ended }),
      calls: [],
      ends: this.#shown(seen),
      branches
    }
    this.flat[place] = visit
    out.push(visit)
  }

  /** Whether a visit asked the world outside. Where no wire was kept, that is what the plug at the end of a line does. */
  #isEdge({ index, step }: Body, nodes: Nodes): boolean {
    return this.#edges.size === 0 ? index === nodes.length - 1 : this.#edges.has(step.name)
  }

  #shown(seen: ReadonlyArray<SeenEnd>): ReadonlyArray<VisitEnd> {
    return seen.map((end) => ({ order: this.#seen.ends.indexOf(end), at: end.at, before: end.before, after: end.after }))
  }

  /** The end that a plug saw which was not visited, if there is one left of that name. */
  #endsFor({ name }: PlugNode): ReadonlyArray<SeenEnd> {
    const at = this.#left.findIndex(({ plug }) => plug === name)
    return at < 0 ? [] : this.#left.splice(at, 1)
  }
}

/** Keeps the place of a visit whose inside is being built. */
const pending = {} as Visit

/** How a way that a request took ended. */
const came = (given: RequestJson, back: RequestJson | undefined): Branch["outcome"] => {
  if (back === undefined) return "interrupted"
  if (back.state === "error") return "failed"
  const answered = back.state === "completed" || back.state === "streaming"
  return answered && given.state !== back.state ? "answered" : "passed"
}
