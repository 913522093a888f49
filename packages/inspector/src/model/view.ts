/**
 * The steps of a stored run with the requests they speak of, as plain JSON. Requests share their fields as they did when the
 * run was recorded, so nothing is copied and comparing them is cheap.
 *
 * @module
 */
import type { JsonObject, Parts, RequestJson, TraceJson } from "@plugline/core"
import type { Recorded } from "../api.ts"

/** A plug's call of the rest of the line. Times are in ms since the run began. */
export interface SeenCall {
  readonly passedAt: number
  readonly receivedAt: number | undefined
  readonly passed: RequestJson
  readonly received: RequestJson | undefined
}

/** One visit of a request to a plug. */
export interface SeenStep {
  readonly name: string
  readonly path: string
  readonly level: number
  readonly attempt: number
  readonly startedAt: number
  readonly endedAt: number | undefined
  readonly in: RequestJson
  readonly out: RequestJson | undefined
  readonly calls: ReadonlyArray<SeenCall>
}

/** A plug saw the end of a streamed reply. */
export interface SeenEnd {
  readonly plug: string
  readonly at: number
  readonly before: RequestJson
  readonly after: RequestJson
}

/** A part, when it passed, and whom it left changed; without `plug`, it reached the reader. */
export interface SeenPart {
  readonly at: number
  readonly plug?: string
  readonly part: Parts[number]
}

/** A run, ready to be looked at. */
export interface View {
  readonly startedAt: number
  readonly steps: ReadonlyArray<SeenStep>
  readonly ends: ReadonlyArray<SeenEnd>
  readonly parts: ReadonlyArray<SeenPart>
  readonly final: RequestJson | undefined
  /** The last time that was noted: how long the run took. */
  readonly total: number
}

/** What a function gives for a run, worked out once for each. */
export const once = <Key extends object, A>(f: (key: Key) => A): (key: Key) => A => {
  const known = new WeakMap<Key, { readonly value: A }>()
  return (key) => {
    let found = known.get(key)
    if (found === undefined) known.set(key, found = { value: f(key) })
    return found.value
  }
}

/** The run of a record. */
export const view: (recorded: Recorded) => View = once(({ trace }) => {
  const requests = requestsOf(trace)
  const request = (place: unknown): RequestJson => requests[place as number] ?? nobody
  const maybe = (place: unknown): RequestJson | undefined => typeof place === "number" ? requests[place] : undefined
  const time = (value: unknown): number | undefined => typeof value === "number" ? value : undefined
  const steps = trace.steps.map((step): SeenStep => ({
    name: String(step.name),
    path: String(step.path),
    level: Number(step.level),
    attempt: Number(step.attempt),
    startedAt: time(step.startedAt) ?? 0,
    endedAt: time(step.endedAt),
    in: request(step.in),
    out: maybe(step.out),
    calls: (step.calls as ReadonlyArray<JsonObject>).map((call) => ({
      passedAt: time(call.passedAt) ?? 0,
      receivedAt: time(call.receivedAt),
      passed: request(call.passed),
      received: maybe(call.received)
    }))
  }))
  const ends = trace.ends.map((end): SeenEnd => ({
    plug: String(end.plug), at: time(end.at) ?? 0, before: request(end.before), after: request(end.after)
  }))
  const parts = trace.parts as unknown as ReadonlyArray<SeenPart>
  let total = 0
  const reach = (at: number | undefined): void => {
    if (at !== undefined && at > total) total = at
  }
  for (const step of steps) {
    reach(step.startedAt)
    reach(step.endedAt)
    for (const call of step.calls) reach(call.receivedAt ?? call.passedAt)
  }
  for (const { at } of ends) reach(at)
  for (const { at } of parts) reach(at)
  return { startedAt: trace.startedAt, steps, ends, parts, final: maybe(trace.final), total }
})

const requestsOf = ({ requests, values }: TraceJson): ReadonlyArray<RequestJson> =>
  requests.map((fields) =>
    // What was written is what `Request.toJson` gave.
    Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [name, Array.isArray(field) ? values[field[0] as number] : field])
    ) as unknown as RequestJson)

/** Stands where a record names a request that it does not hold; `read` refuses such records. */
const nobody: RequestJson = {
  id: "", operation: "chat", provider: "", messages: [], options: {}, config: {}, state: "pending", halted: false,
  assigns: {}, private: {}, metadata: {}, errors: []
}
