/**
 * Sentences that say how it went: caches, limits, attempts, errors, answers, prices, times.
 *
 * @module
 */
import { adviceFor } from "./advice.ts"
import { field, list, number, object, text } from "./peek.ts"
import { count, duration, listed, sentence, short, usd } from "./say.ts"
import { about, type Known, type Sentence } from "./sentence.ts"
import type { Visit } from "./walk.ts"
import { errorIn } from "./why.ts"

/** What the caches did. */
export const cache = ({ end, tree }: Known): ReadonlyArray<Sentence> => {
  const status = object(end.assigns["cache.status"])
  const said = text(status?.status)
  if (said === undefined) {
    const there = tree.flat.some(({ name }) => name === "cache" || name === "semanticCache")
    return there ? [] : [about("cache", "No cache stands in this pipeline", tree)]
  }
  const isExact = status?.measure === undefined && tree.flat.some(({ name }) => name === "cache")
  const why = text(status?.why)
  const because = why === undefined ? "" : `: ${why}`
  const sentenceOf = (): string => {
    switch (said) {
      case "hit":
      case "stale": {
        const age = number(status?.age)
        const alike = number(status?.similarity)
        return [
          "The answer came from the cache",
          said === "stale" ? " although its time was over, while it is asked for anew" : "",
          age === undefined ? "" : `, ${duration(age)} old`,
          status?.shared === true ? ", shared with an equal call that was under way" : "",
          alike === undefined ? "" : `; it is the answer to a question that is only alike (${Number(alike.toFixed(3))})`
        ].join("")
      }
      case "bypass":
        return `The cache was passed by${because}`
      case "refreshed":
        return "The caller wanted a new answer, so the cache was not asked"
      default: {
        const kept = status?.stored === true ? "; the answer is kept for the next time" : ""
        return `The question was not in the cache${status?.stored === false ? `; the answer is not kept${because}` : kept}`
      }
    }
  }
  return [about("cache", sentenceOf(), tree, { plug: isExact ? "cache" : "semanticCache" })]
}

/** Which limits, budgets and circuits it met. */
export const limits = ({ end, tree }: Known): ReadonlyArray<Sentence> => {
  const out: Array<Sentence> = []
  const rate = object(end.assigns["rateLimit.status"])
  const waited = number(rate?.waited) ?? 0
  if (rate?.admitted === false) out.push(about("limits", "A rate limit was full and refused it", tree, { plug: "rateLimit" }))
  else if (waited > 0) {
    out.push(about("limits", `It waited ${duration(waited)} for its turn at a rate limit`, tree, { plug: "rateLimit" }))
  }
  for (const alert of list(field(end.assigns["budget.state"], "alerts")) ?? []) {
    const share = Math.round((number(field(alert, "threshold")) ?? 0) * 100)
    const name = `${text(field(alert, "limit")) ?? "?"} of ${text(field(alert, "whose")) ?? "?"}`
    out.push(about("limits", `The budget ${name} has passed ${share} %`, tree, { plug: "budget" }))
  }
  const circuit = object(end.assigns["circuitBreaker.status"])
  const state = text(circuit?.state)
  if (state !== undefined && state !== "closed") {
    const probe = circuit?.probe === true ? ", and this call tried whether the service works again" : ""
    const name = text(circuit?.circuit) ?? "the service"
    out.push(about("limits", `The circuit of ${name} was ${state}${probe}`, tree, { plug: "circuitBreaker" }))
  }
  return out
}

/** How often it was tried, and what went wrong between. */
export const attempts = ({ end, tree, tried }: Known): ReadonlyArray<Sentence> => {
  const made = list(end.assigns["retry.attempts"]) ?? []
  if (made.length < 2) {
    const left = tried.filter(({ outcome }) => outcome === "interrupted").map(({ name }) => name)
    return left.length === 0 ? [] : [about("attempts", `${listed(left)} had not answered when the call was ended`, tree)]
  }
  const failed = made.flatMap((attempt) => {
    const error = errorIn(attempt, 100)
    return error === undefined ? [] : [`${number(field(attempt, "attempt")) ?? "?"}: ${error}`]
  })
  const waited = duration(made.reduce<number>((sum, attempt) => sum + (number(field(attempt, "wait")) ?? 0), 0))
  const gaveUp = text(field(end.metadata.retry, "gaveUp"))
  const said = [
    `It took ${count(made.length, "attempt")}, with ${waited} of waiting between them`,
    failed.length === 0 ? "" : `. Failed were ${failed.join("; ")}`,
    gaveUp === undefined ? "" : `. No further one was made, because ${stopped[gaveUp] ?? gaveUp}`
  ].join("")
  return [about("attempts", said, tree, { plug: "retry", which: ({ branches }) => branches.length > 0 })]
}

/** Why no further attempt was made. */
const stopped: { readonly [word: string]: string } = {
  final: "the same call would fail again",
  attempts: "as many as are allowed were made",
  deadline: "the next would have begun after the deadline",
  budget: "retries had used up their share of the traffic",
  malformed: "the answer could not be read twice"
}

/** What went wrong in the end, and what to do. */
export const error = ({ error: failed, tree }: Known): ReadonlyArray<Sentence> => {
  if (failed === undefined) return []
  const { plug, provider, reason } = failed
  const status = reason.status === undefined ? "" : `, status ${reason.status}`
  const who = provider === undefined ? "" : ` (asking ${provider}${status})`
  const where = { plug, which: (visit: Visit) => visit.error !== undefined }
  return [about("error", `${reason._tag}${who}: ${short(reason.message)}`, tree, where), about("error", adviceFor(failed), tree)]
}

/** What the answer is. */
export const answer = ({ end: { result }, tree }: Known): ReadonlyArray<Sentence> => {
  if (result === undefined || !("finishReason" in result)) return []
  const { inputTokens, outputTokens } = result.usage
  const size = inputTokens.total === undefined && outputTokens.total === undefined
    ? "nobody said how many tokens it took"
    : `${inputTokens.total ?? "?"} tokens in, ${outputTokens.total ?? "?"} out`
  const ended = endings[result.finishReason] ?? `The answer ended (${result.finishReason})`
  const warnings = (result.warnings ?? []).slice(0, 5).map(({ message }) => short(message, 150))
  return [
    about("answer", `${ended}; ${size}`, tree),
    ...warnings.length === 0 ? [] : [about("answer", `Said beside it: ${warnings.join("; ")}`, tree)]
  ]
}

const endings: { readonly [reason: string]: string } = {
  stop: "The answer is whole",
  length: "The answer was cut off at the limit of its length: raise maxTokens for all of it",
  "content-filter": "The service held back the answer for its content",
  "tool-calls": "The model asks for tools to be run",
  error: "The answer broke off with an error",
  pause: "The model paused and wants to be asked to go on"
}

/** What it cost, and how that is known. */
export const price = ({ end, tree }: Known): ReadonlyArray<Sentence> => {
  const cost = object(end.assigns["trackCost.cost"])
  if (cost === undefined) {
    const counts = tree.flat.some(({ attempt, name }) => name === "trackCost" && attempt > 0)
    return [about("price", counts
      ? "What it cost had not been counted yet"
      : "Nobody counts what calls cost here: trackCost is not in the pipeline", tree)]
  }
  const total = text(cost.total)
  const known = text(cost.known)
  const saved = text(cost.saved)
  const made = number(cost.attempts) ?? 1
  const reasons = (list(cost.reasons) ?? []).map(String)
  const least = known !== undefined && Number(known) > 0 ? `; at least ${usd(known)}` : ""
  const said = [
    total === undefined
      ? `What it cost is not known${least}${reasons.length === 0 ? "" : `: ${listed(reasons)}`}`
      : `It cost ${usd(total)}, ${sources[text(cost.source) ?? ""] ?? "from several sources"}`,
    made > 1 ? `, over ${count(made, "attempt")}` : "",
    saved === undefined ? "" : `. The cache saved ${usd(saved)}`
  ].join("")
  return [about("price", said, tree, { plug: "trackCost" })]
}

const sources: { readonly [source: string]: string } = {
  computed: "computed from tokens and the prices of the catalog",
  reported: "as the service itself said",
  cached: "because the answer came from the cache",
  refused: "because nobody was paid",
  mixed: "partly computed and partly as services said"
}

/** Where the time went. */
export const time = ({ recorded: { summary }, tree }: Known): ReadonlyArray<Sentence> => {
  let slowest: Visit | undefined
  for (const visit of tree.flat) if ((visit.own ?? 0) > (slowest?.own ?? 0)) slowest = visit
  const own = slowest?.own ?? 0
  const most = slowest === undefined || own < tree.total / 4 ? undefined : slowest
  const first = summary.firstToken ?? tree.firstPart
  const said = [
    `It took ${duration(summary.took)}`,
    ...first === undefined ? [] : [`the first part was there after ${duration(first)}`],
    ...most === undefined ? [] : [`most of the time inside the plugs was that of ${most.name}, ${duration(own)}`]
  ]
  return [{ about: "time", text: sentence(said.join("; ")), ...(most !== undefined && { path: most.path, visit: most.id }) }]
}
