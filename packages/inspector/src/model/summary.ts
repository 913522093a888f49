/**
 * Sums up a run that nobody has summed up: of a program that uses the library, or of a trace alone.
 *
 * @module
 */
import type { JsonObject, JsonValue, LlmErrorJson, RequestJson, TraceJson } from "@plugline/core"
import type { Summary, WorldJson } from "../api.ts"
import { field, list, number, text } from "./peek.ts"

/** A world of which nothing was kept. */
export const emptyWorld: WorldJson = {
  clock: { millis: [], nanos: [], monotonic: [] },
  random: { integers: [], doubles: [] },
  exchanges: []
}

/** What a trace does not know of its run. */
export interface Known {
  /** Default: the request's own. */
  readonly id?: string
  /** How the run came about. Default: `library`. */
  readonly route?: string
  /** The name of the pipeline. Default: the empty text. */
  readonly name?: string
}

/** The summary of a run. */
export const summaryOf = (trace: TraceJson, { id, name = "", route = "library" }: Known): Summary => {
  const at = (place: unknown): RequestJson | undefined => {
    const fields = typeof place === "number" ? trace.requests[place] : undefined
    return fields === undefined ? undefined : Object.fromEntries(
      Object.entries(fields).map(([key, value]) => [key, Array.isArray(value) ? trace.values[value[0] as number] : value])
    ) as unknown as RequestJson
  }
  const final = at(trace.final)
  const asked = at(trace.steps[0]?.in) ?? final
  const reached = trace.parts.filter(({ plug }) => plug === undefined).map((part) => number(part.at) ?? 0)
  const first = reached[0]
  const error = final?.state === "error" ? final.errors.at(-1) : undefined
  return {
    id: id ?? asked?.id ?? "",
    seq: 0,
    at: trace.startedAt,
    took: lasted(trace),
    route,
    dialect: "library",
    operation: asked?.operation ?? "chat",
    streamed: reached.length > 0,
    status: final === undefined ? 499 : error === undefined ? 200 : error.reason.status ?? 500,
    pipeline: name,
    hash: "",
    ...(final !== undefined && { provider: final.provider }),
    ...(asked?.options.model !== undefined && { asked: asked.options.model }),
    ...(final !== undefined && factsOf(final)),
    ...(first !== undefined && { firstToken: first }),
    ...(error !== undefined && { error: errorOf(error) }),
    recorded: true
  }
}

const errorOf = ({ plug, reason }: LlmErrorJson) =>
  ({ reason: reason._tag, message: reason.message, ...(plug !== undefined && { plug }) })

/** What plugs noted of the call, where they did. */
const factsOf = (final: RequestJson) => {
  const { result } = final
  const model = result !== undefined && "model" in result ? result.model : undefined
  const usage = result !== undefined && "usage" in result ? result.usage : undefined
  const cost = final.assigns["trackCost.cost"]
  const cache = text(field(final.assigns["cache.status"], "status"))
  const attempts = list(final.assigns["retry.attempts"])
  const total = text(field(cost, "total"))
  const saved = text(field(cost, "saved"))
  return {
    ...(model !== undefined && { model }),
    ...(cache !== undefined && { cache }),
    ...(attempts !== undefined && { attempts: attempts.length }),
    ...(usage?.inputTokens.total !== undefined && { inputTokens: usage.inputTokens.total }),
    ...(usage?.outputTokens.total !== undefined && { outputTokens: usage.outputTokens.total }),
    ...(total !== undefined && { cost: total }),
    ...(saved !== undefined && { saved })
  }
}

const lasted = ({ ends, parts, steps }: TraceJson): number => {
  let last = 0
  const reach = (value: JsonValue | undefined): void => {
    const at = number(value)
    if (at !== undefined && at > last) last = at
  }
  for (const step of steps) {
    reach(step.startedAt)
    reach(step.endedAt)
  }
  for (const each of [...ends, ...parts] as ReadonlyArray<JsonObject>) reach(each.at)
  return last
}
