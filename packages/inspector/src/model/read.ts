/**
 * Reads a recorded run from JSON that came from outside: a file, or somebody else's gateway. What comes out can be walked;
 * what does not fit is refused with its place.
 *
 * Takes what the inspector exports, what `Replay.encode` of `@plugline/replay` gives, and a trace alone.
 *
 * @module
 */
import { Json, type JsonObject, type RequestJson, type TraceJson } from "@plugline/core"
import type { PlugNode, Recorded, Summary, WorldJson } from "../api.ts"
import * as Check from "./check.ts"
import { emptyWorld, summaryOf } from "./summary.ts"

/** Most visits of one run, most parts of one stream, most requests and values, most plugs of a pipeline. */
const limits = {
  steps: 20_000, parts: 500_000, requests: 100_000, values: 500_000, plugs: 2_000, exchanges: 2_000, pulls: 500_000
}

/**
 * A recorded run.
 *
 * @throws LlmError `InvalidRequest`, saying what stands where and what would fit.
 */
export const read = (json: unknown): Recorded => {
  const given = Check.fields(json, "")
  Check.shallow(given, Json.maxDepth)
  Check.word(String(given.version), ["1"], "version")
  if (given.trace === undefined && given.steps !== undefined) return fromTrace(traceOf(given, ""), undefined, undefined)
  const trace = traceOf(Check.fields(given.trace, "trace"), "trace.")
  const world = worldOf(Check.fields(given.world, "world"))
  if (given.summary === undefined) return fromTrace(trace, requestOf(Check.fields(given.request, "request"), "request"), world)
  const call = given.call === undefined ? undefined : Check.fields(given.call, "call") as JsonObject
  const fork = given.fork === undefined ? undefined : Check.fields(given.fork, "fork")
  return {
    version: 1,
    summary: checkSummary(Check.fields(given.summary, "summary")),
    pipeline: nodesOf(given.pipeline, "pipeline", { left: limits.plugs }, 0),
    request: requestOf(Check.fields(given.request, "request"), "request"),
    trace,
    world,
    ...(call !== undefined && { call }),
    ...(fork !== undefined && { fork })
  }
}

const fromTrace = (trace: TraceJson, given: RequestJson | undefined, known: WorldJson | undefined): Recorded => {
  const summary = summaryOf(trace, {})
  const first = trace.steps[0]?.in ?? trace.final
  if (typeof first !== "number") throw Check.misfit("steps", "a list of at least one visit")
  const world = known ?? emptyWorld
  return { version: 1, summary, pipeline: [], request: given ?? requestAt(trace, first), trace, world }
}

const requestAt = ({ requests, values }: TraceJson, place: number): RequestJson =>
  Object.fromEntries(
    Object.entries(requests[place]!).map(([name, field]) => [name, Array.isArray(field) ? values[field[0] as number] : field])
  ) as unknown as RequestJson

// --- the summary ------------------------------------------------------------------------------------------------------

const checkSummary = (given: Check.Fields): Summary => {
  const place = "summary"
  for (const name of ["id", "route", "dialect", "operation", "pipeline", "hash"]) Check.text(given[name], `${place}.${name}`)
  for (const name of ["seq", "at", "took", "status"]) Check.number(given[name], `${place}.${name}`)
  for (const name of ["streamed", "recorded"]) Check.flag(given[name], `${place}.${name}`)
  const texts = ["provider", "asked", "model", "cache", "cost", "saved", "tenant", "user", "key", "parent", "upstream"]
  Check.optional(given, place, texts, Check.text)
  Check.optional(given, place, ["attempts", "inputTokens", "outputTokens", "firstToken", "bytes"], Check.number)
  Check.optional(given, place, ["unrecorded"], Check.text)
  if (given.error !== undefined) {
    const error = Check.fields(given.error, `${place}.error`)
    Check.text(error.reason, `${place}.error.reason`)
    Check.text(error.message, `${place}.error.message`)
    Check.optional(error, `${place}.error`, ["plug"], Check.text)
  }
  return given as unknown as Summary
}

// --- the pipeline -----------------------------------------------------------------------------------------------------

const nodesOf = (value: unknown, place: string, room: { left: number }, depth: number): ReadonlyArray<PlugNode> => {
  if (depth > 64) throw Check.misfit(place, "a pipeline inside at most 64 others")
  const nodes = Check.list(value, place, limits.plugs)
  if ((room.left -= nodes.length) < 0) throw Check.misfit("pipeline", `a pipeline of at most ${limits.plugs} plugs`)
  return nodes.map((each, index): PlugNode => {
    const here = `${place}[${index}]`
    const { children = {}, level, name, options = null } = Check.fields(each, here)
    return {
      name: Check.text(name, `${here}.name`),
      level: Check.number(level, `${here}.level`),
      options: options as PlugNode["options"],
      children: Object.fromEntries(
        Object.entries(Check.fields(children, `${here}.children`)).map(([label, inside]) =>
          [label, nodesOf(inside, `${here}.children.${label}`, room, depth + 1)])
      )
    }
  })
}

// --- requests ---------------------------------------------------------------------------------------------------------

const operations = ["chat", "stream", "embeddings", "completion", "list_models", "validate"] as const
const states = ["pending", "executing", "streaming", "completed", "error"] as const

const requestOf = (given: Check.Fields, place: string): RequestJson => {
  Check.text(given.id, `${place}.id`)
  Check.text(given.provider, `${place}.provider`)
  Check.word(given.operation, operations, `${place}.operation`)
  Check.word(given.state, states, `${place}.state`)
  Check.flag(given.halted, `${place}.halted`)
  for (const name of ["options", "config", "assigns", "private", "metadata"]) Check.fields(given[name], `${place}.${name}`)
  Check.list(given.messages, `${place}.messages`, limits.values).forEach((message, index) => {
    const here = `${place}.messages[${index}]`
    const { content, role } = Check.fields(message, here)
    Check.text(role, `${here}.role`)
    if (typeof content === "string") return
    Check.list(content, `${here}.content`, limits.values).forEach((part, at) => Check.fields(part, `${here}.content[${at}]`))
  })
  Check.list(given.errors, `${place}.errors`, 10_000).forEach((error, index) => checkError(error, `${place}.errors[${index}]`))
  if (given.providerRequest !== undefined) {
    const { headers, method, url } = Check.fields(given.providerRequest, `${place}.providerRequest`)
    Check.text(method, `${place}.providerRequest.method`)
    Check.text(url, `${place}.providerRequest.url`)
    checkHeaders(headers, `${place}.providerRequest.headers`)
  }
  if (given.response !== undefined) {
    const { body, headers, status } = Check.fields(given.response, `${place}.response`)
    Check.number(status, `${place}.response.status`)
    Check.text(body, `${place}.response.body`)
    checkHeaders(headers, `${place}.response.headers`)
  }
  if (given.result !== undefined) {
    const result = Check.fields(given.result, `${place}.result`)
    const type = Check.text(result.type, `${place}.result.type`)
    if (type === "chat" || type === "completion") {
      Check.list(result.content, `${place}.result.content`, limits.values).forEach((part, at) =>
        Check.text(Check.fields(part, `${place}.result.content[${at}]`).type, `${place}.result.content[${at}].type`))
    }
    if (result.usage !== undefined) {
      const usage = Check.fields(result.usage, `${place}.result.usage`)
      Check.fields(usage.inputTokens, `${place}.result.usage.inputTokens`)
      Check.fields(usage.outputTokens, `${place}.result.usage.outputTokens`)
    }
  }
  return given as unknown as RequestJson
}

const checkHeaders = (value: unknown, place: string): void => {
  for (const [name, header] of Object.entries(Check.fields(value, place))) Check.text(header, `${place}.${name}`)
}

const checkError = (value: unknown, place: string): void => {
  const error = Check.fields(value, place)
  const reason = Check.fields(error.reason, `${place}.reason`)
  Check.text(reason._tag, `${place}.reason._tag`)
  Check.text(reason.message, `${place}.reason.message`)
  Check.optional(error, place, ["plug", "provider"], Check.text)
}

// --- the trace --------------------------------------------------------------------------------------------------------

const traceOf = (given: Check.Fields, at: string): TraceJson => {
  Check.word(String(given.version), ["1"], `${at}version`)
  Check.number(given.startedAt, `${at}startedAt`)
  const values = Check.list(given.values, `${at}values`, limits.values)
  const requests = Check.list(given.requests, `${at}requests`, limits.requests).map((each, index) => {
    const here = `${at}requests[${index}]`
    const whole = Object.fromEntries(Object.entries(Check.fields(each, here)).map(([name, field]) => {
      if (!Array.isArray(field)) return [name, field]
      Check.place(field[0], `${here}.${name}`, values, "values")
      return [name, values[field[0]]]
    }))
    return requestOf(whole, here)
  })
  const place = (value: unknown, here: string): void => Check.place(value, here, requests, "requests")
  const maybe = (value: unknown, check: (value: unknown, place: string) => void, here: string): void => {
    if (value !== null) check(value, here)
  }
  Check.list(given.steps, `${at}steps`, limits.steps).forEach((each, index) => {
    const here = `${at}steps[${index}]`
    const step = Check.fields(each, here)
    Check.text(step.name, `${here}.name`)
    if (Check.text(step.path, `${here}.path`).length > 2_000) throw Check.misfit(`${here}.path`, "at most 2,000 characters long")
    for (const name of ["level", "attempt", "startedAt"]) Check.number(step[name], `${here}.${name}`)
    maybe(step.endedAt, Check.number, `${here}.endedAt`)
    place(step.in, `${here}.in`)
    maybe(step.out, place, `${here}.out`)
    Check.list(step.calls, `${here}.calls`, limits.steps).forEach((one, number) => {
      const call = Check.fields(one, `${here}.calls[${number}]`)
      Check.number(call.passedAt, `${here}.calls[${number}].passedAt`)
      maybe(call.receivedAt, Check.number, `${here}.calls[${number}].receivedAt`)
      place(call.passed, `${here}.calls[${number}].passed`)
      maybe(call.received, place, `${here}.calls[${number}].received`)
    })
  })
  Check.list(given.ends, `${at}ends`, limits.steps).forEach((each, index) => {
    const here = `${at}ends[${index}]`
    const end = Check.fields(each, here)
    Check.text(end.plug, `${here}.plug`)
    Check.number(end.at, `${here}.at`)
    place(end.before, `${here}.before`)
    place(end.after, `${here}.after`)
  })
  Check.list(given.parts, `${at}parts`, limits.parts).forEach((each, index) => {
    const here = `${at}parts[${index}]`
    const event = Check.fields(each, here)
    Check.number(event.at, `${here}.at`)
    Check.optional(event, here, ["plug"], Check.text)
    const part = Check.fields(event.part, `${here}.part`)
    checkPart(part, Check.text(part.type, `${here}.part.type`), `${here}.part`)
  })
  maybe(given.final, place, `${at}final`)
  return given as unknown as TraceJson
}

const checkPart = (part: Check.Fields, type: string, place: string): void => {
  if (type.endsWith("-delta")) Check.text(part.delta, `${place}.delta`)
  if (type === "error") checkError(part.error, `${place}.error`)
  if (type !== "finish") return
  const usage = Check.fields(part.usage, `${place}.usage`)
  Check.fields(usage.inputTokens, `${place}.usage.inputTokens`)
  Check.fields(usage.outputTokens, `${place}.usage.outputTokens`)
}

// --- the world --------------------------------------------------------------------------------------------------------

const worldOf = (given: Check.Fields): WorldJson => {
  const lists = { clock: ["millis", "nanos", "monotonic"], random: ["integers", "doubles"] }
  for (const [group, names] of Object.entries(lists)) {
    const found = Check.fields(given[group], `world.${group}`)
    for (const name of names) Check.list(found[name], `world.${group}.${name}`, limits.values)
  }
  Check.list(given.exchanges, "world.exchanges", limits.exchanges).forEach((each, index) => {
    const here = `world.exchanges[${index}]`
    const exchange = Check.fields(each, here)
    Check.text(exchange.plug, `${here}.plug`)
    requestOf(Check.fields(exchange.request, `${here}.request`), `${here}.request`)
    Check.number(exchange.took, `${here}.took`)
    const outcome = Check.fields(exchange.outcome, `${here}.outcome`)
    const tag = Check.word(outcome._tag, ["Answer", "Failure", "Interrupted"], `${here}.outcome._tag`)
    if (tag === "Failure") checkError(outcome.error, `${here}.outcome.error`)
    if (tag === "Answer") checkChanges(Check.fields(outcome.changes, `${here}.outcome.changes`), `${here}.outcome.changes`)
    for (const name of ["parts", "bytes"]) {
      if (exchange[name] === undefined) continue
      Check.list(exchange[name], `${here}.${name}`, limits.pulls).forEach((pull, at) => {
        const { error, took } = Check.fields(pull, `${here}.${name}[${at}]`)
        Check.number(took, `${here}.${name}[${at}].took`)
        if (error !== undefined) checkError(error, `${here}.${name}[${at}].error`)
      })
    }
  })
  if (given.stores !== undefined) {
    Check.list(given.stores, "world.stores", limits.values).forEach((each, index) => Check.fields(each, `world.stores[${index}]`))
  }
  Check.optional(given, "world", ["left"], Check.number)
  Check.optional(given, "world", ["spans"], Check.flag)
  return given as unknown as WorldJson
}

const checkChanges = (changes: Check.Fields, place: string): void => {
  if (changes.response === undefined) return
  const { body, headers, status } = Check.fields(changes.response, `${place}.response`)
  Check.number(status, `${place}.response.status`)
  Check.text(body, `${place}.response.body`)
  checkHeaders(headers, `${place}.response.headers`)
}
