/**
 * Sentences that say who was asked, and why: routes, aliases, routing, fallbacks, cascades.
 *
 * @module
 */
import type { JsonObject, JsonValue } from "@plugline/core"
import { field, list, number, object, text } from "./peek.ts"
import { count, duration, listed, sentence, service, short } from "./say.ts"
import { about, type Known, type Sentence } from "./sentence.ts"
import type { Walk } from "./walk.ts"

/** How it came in, and what it went through. */
export const route = ({ recorded: { pipeline, request, summary } }: Known): ReadonlyArray<Sentence> => {
  const through = summary.pipeline === "" ? "" : ` and went through the pipeline ${JSON.stringify(summary.pipeline)}`
  const size = pipeline.length === 0 ? "" : ` (${count(pipeline.length, "plug")})`
  const whom = service(request.provider, request.options.model)
  const came = summary.route.startsWith("/")
    ? `It came in by ${summary.route}`
    : summary.parent !== undefined ? `It is a ${summary.route} of ${summary.parent}` : "It was asked by a program"
  return [{ about: "route", text: sentence(`${came}, is for ${whom}${through}${size}`) }]
}

/** Why this model answered. */
export const model = (known: Known): ReadonlyArray<Sentence> => {
  const { end, tree } = known
  const chosen = object(end.assigns["route.decision"])
  const report = object(end.assigns["fallback.report"])
  const cascade = object(end.assigns["cascade.report"])
  const hedged = object(end.assigns["hedge.outcome"])
  return [
    ...named(known),
    ...chosen === undefined ? [] : routed(chosen, tree),
    ...report === undefined ? [] : fellBack(report, tree),
    ...cascade === undefined ? [] : cascaded(cascade, tree),
    ...hedged === undefined ? [] : raced(hedged, tree),
    ...answered(known)
  ]
}

/** What the name that was asked for stands for. */
const named = ({ recorded: { request, summary: { asked, route } }, tree }: Known): ReadonlyArray<Sentence> => {
  const target = service(request.provider, request.options.model)
  if (asked === undefined || asked === "") {
    return route.startsWith("/") ? [about("model", `No model was named, so the default was taken: ${target}`, tree)] : []
  }
  const isTarget = asked === target || asked === request.options.model
  return isTarget ? [] : [about("model", `${JSON.stringify(asked)} is an alias of the configuration for ${target}`, tree)]
}

const answered = ({ end: { options, result }, tree }: Known): ReadonlyArray<Sentence> => {
  const name = result !== undefined && "model" in result ? result.model : undefined
  return name === undefined || options.model === undefined || name.endsWith(options.model)
    ? []
    : [about("model", `The service calls the model that answered ${name}`, tree)]
}

const words = (value: JsonValue | undefined): ReadonlyArray<string> => (list(value) ?? []).map(String)

const routed = (decision: JsonObject, tree: Walk): ReadonlyArray<Sentence> => {
  const excluded = Object.entries(object(decision.excluded) ?? {}).map(([name, why]) => `${name} ${String(why)}`)
  const unhealthy = words(decision.unhealthy)
  const chosen = text(decision.chosen)
  const order = listed(words(decision.order))
  const strategy = text(decision.strategy) ?? "first"
  const said = chosen === undefined
    ? `Routing (${strategy}) tried ${order} and none answered`
    : `Routing (${strategy}) chose ${chosen} of ${order}`
  return [
    said,
    ...excluded.length === 0 ? [] : [`Left out: ${excluded.slice(0, 10).join("; ")}`],
    ...unhealthy.length === 0 ? [] : [`Put last, because they fail or asked to be left alone: ${listed(unhealthy)}`]
  ].map((said) => about("model", said, tree, { plug: "route" }))
}

/** An error that a plug wrote down: `busy (Overloaded 529)`. */
export const errorIn = (value: JsonValue | undefined, most: number): string | undefined => {
  const reason = field(field(value, "error"), "reason")
  if (reason === undefined) return undefined
  const status = number(field(reason, "status"))
  const tag = text(field(reason, "_tag")) ?? "?"
  return `${short(text(field(reason, "message")) ?? "", most)} (${tag}${status === undefined ? "" : ` ${status}`})`
}

const fellBack = (report: JsonObject, tree: Walk): ReadonlyArray<Sentence> => {
  const failed = (list(report.steps) ?? []).flatMap((step) => {
    const error = errorIn(step, 120)
    return error === undefined ? [] : [`${text(field(step, "name")) ?? text(field(step, "provider")) ?? "one"}: ${error}`]
  })
  if (failed.length === 0) return []
  const by = text(report.answeredBy)
  const degraded = report.degraded === true ? ", which counts as degraded" : ""
  const then = by === undefined ? "and nobody else answered" : `so ${by} answered${degraded}`
  return [about("model", `The fallback was needed (${failed.join("; ")}), ${then}`, tree, { plug: "fallback" })]
}

const cascaded = (report: JsonObject, tree: Walk): ReadonlyArray<Sentence> => {
  const tries = (list(report.tries) ?? []).map((each) => {
    const score = number(field(each, "score"))
    return `${text(field(each, "name")) ?? "?"}${score === undefined ? "" : ` (score ${Number(score.toFixed(2))})`}`
  })
  const by = text(report.answeredBy)
  const taken = by === undefined ? "" : ` and took the answer of ${by}`
  return [about("model", `The cascade tried ${listed(tries)}${taken} (${text(report.why) ?? "?"})`, tree, { plug: "cascade" })]
}

const raced = ({ attempts, delay, winner }: JsonObject, tree: Walk): ReadonlyArray<Sentence> => {
  const made = number(attempts) ?? 1
  if (made < 2) return []
  const late = duration(number(delay) ?? 0)
  const first = number(winner) ?? "?"
  const said = `The answer was late after ${late}, so it was asked ${count(made, "time")} side by side; number ${first} came first`
  return [about("attempts", said, tree, { plug: "hedge" })]
}
