/**
 * Why a request went as it did, in sentences: why this model, this price, this cache result, these attempts, this error, and
 * what to do about it. It reads what plugs noted for each other; what nobody noted it does not claim.
 *
 * @module
 */
import type { RequestJson } from "@plugline/core"
import type { Recorded } from "../api.ts"
import { answer, attempts, cache, error, limits, price, time } from "./how.ts"
import { field, text } from "./peek.ts"
import { type Picture, pictureOf } from "./picture.ts"
import { count, duration, sentence, service, short } from "./say.ts"
import type { Known, Sentence } from "./sentence.ts"
import { services, type Tried } from "./services.ts"
import { once } from "./view.ts"
import { walk } from "./walk.ts"
import { model, route } from "./why.ts"

export type { Picture, PictureEdge, PictureNode } from "./picture.ts"
export type { About, Sentence } from "./sentence.ts"

/** Why a request went as it did. */
export interface Explanation {
  /** The whole in one sentence. */
  readonly headline: string
  readonly tone: "good" | "warning" | "bad"
  readonly sentences: ReadonlyArray<Sentence>
  readonly picture: Picture
}

/** Explains a run. Never throws, whatever the run is. */
export const explain: (recorded: Recorded) => Explanation = once((recorded) => {
  const tree = walk(recorded)
  const end = tree.final ?? tree.flat.findLast(({ in: given }) => given !== undefined)?.in ?? recorded.request
  const known: Known = {
    recorded,
    tree,
    end,
    error: end.state === "error" ? end.errors.at(-1) : undefined,
    tried: services(recorded)
  }
  const sentences = [route, model, cache, limits, attempts, error, answer, price, time].flatMap((say) => say(known))
  return { ...headline(known), sentences, picture: pictureOf(recorded) }
})

type Headline = Pick<Explanation, "headline" | "tone">

const headline = ({ end, error, recorded, tree, tried }: Known): Headline => {
  const took = duration(recorded.summary.took)
  const say = (tone: Headline["tone"], said: string): Headline => ({ tone, headline: sentence(said) })
  if (error !== undefined) {
    const where = error.plug === undefined ? "" : `, in the plug ${error.plug}`
    return say("bad", `It failed after ${took}${where}: ${short(error.reason.message, 200)}`)
  }
  if (tree.final === undefined) return say("warning", `Whoever asked left after ${took}, before the answer was whole`)
  const status = text(field(end.assigns["cache.status"], "status"))
  if (status === "hit" || status === "stale") return say("good", `Answered from the cache in ${took}; no service was asked`)
  if (end.state !== "completed") return say("warning", `It ended after ${took} without an answer`)
  const report = end.assigns["fallback.report"]
  if (field(report, "degraded") === true) {
    const by = text(field(report, "answeredBy")) ?? "a rule"
    return say("warning", `No model answered as asked: ${by} did instead, after ${took}`)
  }
  const failed = tried.filter(({ outcome }) => outcome === "failed").length
  const after = failed === 0 ? "" : `, after ${count(failed, "try that failed", "tries that failed")}`
  return say(failed === 0 ? "good" : "warning", `Answered by ${answeredBy(end, tried)} in ${took}${after}`)
}

const answeredBy = (end: RequestJson, tried: ReadonlyArray<Tried>): string => {
  const last = tried.findLast(({ outcome }) => outcome === "answered")
  return last?.name ?? service(end.provider, end.options.model)
}
