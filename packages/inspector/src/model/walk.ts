/**
 * A recorded run as the tree a person walks: every plug of the pipeline in order, what it did, how long it took itself, and
 * what it changed on the way down, on the way back, and at the end of the stream.
 *
 * A plug that calls the rest of the line once is followed by it, as the line is written. Where it calls it several times,
 * as a retry does, each call is a branch; so is each pipeline inside a plug.
 *
 * @module
 */
import type { Diff, JsonValue, LlmErrorJson, RequestJson } from "@plugline/core"
import type { Recorded } from "../api.ts"
import { Tree } from "./tree.ts"
import { once, view } from "./view.ts"

/**
 * What became of a plug: it `ran` and changed nothing, `changed` something, `answered` the request itself, `halted` it with
 * a refusal, `failed`, was `skipped` (it stands in the pipeline and was never visited), or was `interrupted`.
 */
export type Outcome = "ran" | "changed" | "answered" | "halted" | "failed" | "skipped" | "interrupted"

/** One visit of the request to a plug, or the plug's place where it never came. Times are in ms since the run began. */
export interface Visit {
  /** `2.yes.0#1`: path and attempt. */
  readonly id: string
  readonly name: string
  readonly path: string
  /** How many times the plug had been visited in this run, counted from 1; 0: never. */
  readonly attempt: number
  readonly level: number
  /** As inspection shows them; `null` where there are none or they are not known. */
  readonly options: JsonValue
  /** How far it is drawn to the right. */
  readonly depth: number
  readonly outcome: Outcome
  /** Absent where it was never visited, like all times and requests. */
  readonly start?: number
  /** Of an interrupted visit: the end of the run. */
  readonly end?: number
  readonly total?: number
  /** Time it took itself: without the rest of the line it called and the pipelines inside it. */
  readonly own?: number
  /** Its own time as a share of the whole run, 0 to 1. */
  readonly share?: number
  /** The error that this plug brought in. */
  readonly error?: LlmErrorJson
  readonly in?: RequestJson
  readonly out?: RequestJson
  /** What it changed in the request it handed on, or answered with where it called nobody. */
  readonly down?: Diff.Diff
  /** What it changed in the answer on its way back. */
  readonly back?: Diff.Diff
  /** What it changed once the streamed reply had ended. */
  readonly ended?: Diff.Diff
  readonly calls: ReadonlyArray<VisitCall>
  readonly ends: ReadonlyArray<VisitEnd>
  readonly branches: ReadonlyArray<Branch>
}

/** A call of the rest of the line. */
export interface VisitCall {
  readonly passedAt: number
  readonly receivedAt?: number
  readonly passed: RequestJson
  readonly received?: RequestJson
}

/** The plug saw the end of the streamed reply. */
export interface VisitEnd {
  /** Its place among the ends of the run: the innermost plug sees the end first. */
  readonly order: number
  readonly at: number
  readonly before: RequestJson
  readonly after: RequestJson
}

/** One of several ways a request took inside or behind a plug. */
export interface Branch {
  /** `attempt`: one of several calls of the rest of the line; `child`: a pipeline inside the plug. */
  readonly kind: "attempt" | "child"
  /** `attempt 2`, or what the pipeline is for: `yes`, `openai`. */
  readonly label: string
  readonly start?: number
  readonly end?: number
  /** `passed`: it neither answered nor failed. */
  readonly outcome: "answered" | "failed" | "interrupted" | "skipped" | "passed"
  readonly visits: ReadonlyArray<Visit>
}

/** A run as a tree. */
export interface Walk {
  readonly visits: ReadonlyArray<Visit>
  /** How long the run took, in ms. */
  readonly total: number
  /** When the first part reached the reader. */
  readonly firstPart?: number
  /** The request after the run. */
  readonly final?: RequestJson
  /** Every visit in the order in which the tree is drawn. */
  readonly flat: ReadonlyArray<Visit>
  readonly byId: ReadonlyMap<string, Visit>
}

/** The tree of a run, with every recorded visit in it exactly once. */
export const walk: (recorded: Recorded) => Walk = once((recorded) => {
  const seen = view(recorded)
  const tree = new Tree(seen, recorded.pipeline, new Set(recorded.world.exchanges.map(({ plug }) => plug)))
  const visits = tree.visits()
  const firstPart = seen.parts.find(({ plug }) => plug === undefined)?.at
  return {
    visits,
    total: seen.total,
    ...(firstPart !== undefined && { firstPart }),
    ...(seen.final !== undefined && { final: seen.final }),
    flat: tree.flat,
    byId: new Map(tree.flat.map((visit) => [visit.id, visit]))
  }
})
