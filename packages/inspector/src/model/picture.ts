/**
 * A run as a chain to draw: the client, the plugs that made a difference, the services that were tried, and the answer.
 *
 * @module
 */
import type { Recorded } from "../api.ts"
import { field, list, number, object, text } from "./peek.ts"
import { count, duration, short, usd } from "./say.ts"
import { services, type Tried } from "./services.ts"
import { type Visit, type Walk, walk } from "./walk.ts"

/** One station. */
export interface PictureNode {
  readonly id: string
  readonly kind: "client" | "plug" | "service" | "answer" | "error"
  readonly label: string
  readonly detail?: string
  readonly tone: "good" | "warning" | "bad" | "plain"
  /** The id of the visit behind it. */
  readonly visit?: string
}

/** What leads from one station to the next. */
export interface PictureEdge {
  readonly from: string
  readonly to: string
  readonly label?: string
  readonly tone: "good" | "bad" | "plain"
}

/** A chain; nodes stand in the order in which they are drawn, from left to right. */
export interface Picture {
  readonly nodes: ReadonlyArray<PictureNode>
  readonly edges: ReadonlyArray<PictureEdge>
}

/** The most plugs and services that are drawn; of more, those in the middle are left out. */
const most = 5

/** The chain of a run. */
export const pictureOf = (recorded: Recorded): Picture => {
  const tree = walk(recorded)
  const plugs = fewer(tree.flat.flatMap((visit) => stationOf(visit, tree)))
  const tried = fewer(grouped(services(recorded)))
  const nodes: ReadonlyArray<PictureNode> = [clientOf(recorded), ...plugs, ...tried, endOf(recorded, tree)]
  const edges = nodes.slice(1).map((to, index): PictureEdge => {
    const from = nodes[index]!
    const failed = from.kind === "service" && from.tone === "bad"
    return {
      from: from.id,
      to: to.id,
      ...(failed && to.kind === "service" && { label: "then" }),
      tone: to.tone === "bad" || failed && to.kind !== "service" ? "bad" : to.kind === "answer" ? "good" : "plain"
    }
  })
  return { nodes, edges }
}

const fewer = (nodes: ReadonlyArray<PictureNode>): ReadonlyArray<PictureNode> =>
  nodes.length <= most ? nodes : [...nodes.slice(0, most - 2), ...nodes.slice(-2)]

const clientOf = ({ summary }: Recorded): PictureNode => {
  const who = summary.user ?? summary.key ?? summary.tenant
  return {
    id: "client",
    kind: "client",
    label: who ?? (summary.route.startsWith("/") ? "client" : "program"),
    ...(summary.asked !== undefined && { detail: short(summary.asked, 60) }),
    tone: "plain"
  }
}

/** What a plug did that is worth a station, if it did. */
const stationOf = (visit: Visit, { final }: Walk): ReadonlyArray<PictureNode> => {
  const { attempt, branches, id, name, out, outcome } = visit
  if (attempt === 0) return []
  const station = (detail: string, tone: PictureNode["tone"]): ReadonlyArray<PictureNode> =>
    [{ id: `plug ${id}`, kind: "plug", label: name, detail, tone, visit: id }]
  const said = (final ?? out)?.assigns ?? {}
  if (outcome === "halted" || outcome === "failed" && visit.error?.reason._tag === "Plug") {
    return station(short(visit.error?.reason.message ?? "refused", 60), "bad")
  }
  switch (name) {
    case "cache":
    case "semanticCache": {
      const status = text(field(said["cache.status"], "status"))
      return status === undefined ? [] : station(status, status === "hit" || status === "stale" ? "good" : "plain")
    }
    case "retry": {
      const made = branches.filter(({ kind }) => kind === "attempt").length
      return made < 2 ? [] : station(count(made, "attempt"), "warning")
    }
    case "fallback": {
      const steps = list(field(said["fallback.report"], "steps")) ?? []
      return steps.length < 2 ? [] : station(text(field(said["fallback.report"], "answeredBy")) ?? "nobody answered", "warning")
    }
    case "route":
      return station(text(field(said["route.decision"], "chosen")) ?? "none answered", "plain")
    case "cascade":
      return station(text(field(said["cascade.report"], "answeredBy")) ?? "nobody answered", "plain")
    case "hedge":
      return (number(field(said["hedge.outcome"], "attempts")) ?? 1) < 2 ? [] : station("asked side by side", "warning")
    case "rateLimit": {
      const waited = number(field(said["rateLimit.status"], "waited")) ?? 0
      return waited > 0 ? station(`waited ${duration(waited)}`, "warning") : []
    }
    default:
      return outcome === "answered" && out?.halted === true ? station("answered", "good") : []
  }
}

/** Tries of one service in a row are one station. */
const grouped = (tried: ReadonlyArray<Tried>): ReadonlyArray<PictureNode> => {
  const groups: Array<Array<Tried>> = []
  for (const each of tried) {
    const last = groups.at(-1)
    if (last?.[0]?.name === each.name) last.push(each)
    else groups.push([each])
  }
  return groups.map((group, index): PictureNode => {
    const last = group.at(-1)!
    const words = group.map(({ error, outcome, status }) => String(status ?? error?.reason._tag ?? outcome))
    return {
      id: `service ${index}`,
      kind: "service",
      label: group.length === 1 ? last.name : `${last.name} ×${group.length}`,
      detail: short(words.join(", "), 60),
      tone: last.outcome === "answered" ? "good" : last.outcome === "failed" ? "bad" : "warning",
      ...(last.visit !== undefined && { visit: last.visit })
    }
  })
}

const endOf = ({ summary }: Recorded, { final }: Walk): PictureNode => {
  const took = duration(summary.took)
  if (final === undefined) return { id: "end", kind: "error", label: "left", detail: `after ${took}`, tone: "warning" }
  const error = final.state === "error" ? final.errors.at(-1) : undefined
  if (error !== undefined) return { id: "end", kind: "error", label: error.reason._tag, detail: took, tone: "bad" }
  if (final.state !== "completed") return { id: "end", kind: "error", label: "no answer", detail: took, tone: "warning" }
  const cost = text(object(final.assigns["trackCost.cost"])?.total)
  return { id: "end", kind: "answer", label: "answer", detail: cost === undefined ? took : `${took}, ${usd(cost)}`, tone: "good" }
}
