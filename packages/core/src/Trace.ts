/**
 * What each plug of a run was handed and handed on, with times. Requests are immutable, so recording keeps references and
 * copies nothing; when nobody records, a run pays nothing for it.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import * as Diff from "./Diff.ts"
import { isRecord, type Json, type JsonObject } from "./Json.ts"
import * as LlmError from "./LlmError.ts"
import * as Mask from "./Mask.ts"
import type { Part } from "./Part.ts"
import * as Pipeline from "./Pipeline.ts"
import {
  fieldNames, fieldToJson, fromJson, type Observer, type Parts, type Request, type RequestJson, runOf, withoutHeaderValues
} from "./Request.ts"

/** One visit of a request to a plug. Times are in ms since the run began. */
export interface Step {
  readonly name: string
  /** Where the plug stands: `2`, or `2.yes.0` for a child. */
  readonly path: string
  readonly level: number
  /** How many times this plug has been visited in this run, counted from 1. */
  readonly attempt: number
  readonly startedAt: number
  /** `undefined` when the run was interrupted here. */
  readonly endedAt: number | undefined
  /** What the plug was handed. */
  readonly in: Request
  /** What it answered. */
  readonly out: Request | undefined
  /** Each time it called the rest of the line: once for most, several times for a retry, never for a linear plug. */
  readonly calls: ReadonlyArray<Call>
}

/** A plug's call of the rest of the line. */
export interface Call {
  readonly passedAt: number
  readonly passed: Request
  readonly receivedAt: number | undefined
  readonly received: Request | undefined
}

/** A plug saw the end of a streamed reply. */
export interface End {
  readonly plug: string
  readonly at: number
  readonly before: Request
  readonly after: Request
}

/** A part, when it passed, and whom it left changed; without `plug`, it reached the reader. */
export interface PartEvent {
  readonly at: number
  readonly plug?: string
  readonly part: Part
}

/** A recorded run. Prints as a table, and as JSON with secrets masked. */
export class Trace {
  /** When the run began, ms since 1970. */
  readonly startedAt: number
  readonly steps: ReadonlyArray<Step>
  readonly ends: ReadonlyArray<End>
  readonly parts: ReadonlyArray<PartEvent>
  /** The request after the run; `undefined` if it was interrupted. */
  readonly final: Request | undefined

  constructor(fields: Pick<Trace, "startedAt" | "steps" | "ends" | "parts" | "final">) {
    this.startedAt = fields.startedAt
    this.steps = fields.steps
    this.ends = fields.ends
    this.parts = fields.parts
    this.final = fields.final
  }

  toJSON(): TraceJson {
    return encode(this)
  }

  [Symbol.for("nodejs.util.inspect.custom")]() {
    return `Trace\n${render(this)}`
  }
}

/** Something that records a run. */
export interface Recorder {
  /** To be given to `Pipeline.run`, `open` or `stream`. */
  readonly observer: Observer
  /** What has been recorded so far. */
  readonly trace: (final?: Request) => Trace
}

/** A recorder. `now`: ms with fractions, from any fixed point; `startedAt`: ms since 1970. */
export const recorder = (options: { readonly now: () => number; readonly startedAt?: number }): Recorder => {
  const begun = options.now()
  const at = () => options.now() - begun
  const steps: Array<Writable<Step>> = []
  const ends: Array<End> = []
  const parts: Array<PartEvent> = []
  const visits = new Map<string, number>()
  const self: Recorder = {
    observer: {
      enter: ({ level, name, path }, request) => {
        const attempt = (visits.get(path) ?? 0) + 1
        visits.set(path, attempt)
        const step: Writable<Step> = {
          name, path, level, attempt, startedAt: at(), endedAt: undefined, in: request, out: undefined, calls: []
        }
        steps.push(step)
        return step
      },
      pass: (visit, passed) => {
        const calls = (visit as Writable<Step>).calls as Array<Call>
        calls.push({ passedAt: at(), passed, receivedAt: undefined, received: undefined })
      },
      receive: (visit, received) => {
        const calls = (visit as Writable<Step>).calls as Array<Call>
        const open = calls.findLastIndex((call) => call.received === undefined)
        if (open >= 0) calls[open] = { ...calls[open]!, receivedAt: at(), received }
      },
      leave: (visit, out) => {
        const step = visit as Writable<Step>
        step.endedAt = at()
        step.out = out
      },
      finish: (plug, before, after) => {
        ends.push({ plug, at: at(), before, after })
      },
      parts: (plug, more) => {
        const now = at()
        for (const part of more) parts.push(plug === undefined ? { at: now, part } : { at: now, plug, part })
      }
    },
    trace: (final) =>
      new Trace({
        startedAt: options.startedAt ?? 0,
        steps: steps.map((step) => ({ ...step, calls: [...step.calls] })),
        ends: [...ends],
        parts: [...parts],
        final
      })
  }
  recorders.set(self.observer, self)
  return self
}

/** Who records with which observer: so that a request can be asked how it came here. */
const recorders = new WeakMap<Observer, Recorder>()

/**
 * What has been recorded so far of the run that a request is on: at a breakpoint, how it came here. `undefined` where
 * nobody records.
 *
 * @example
 * ```ts
 * import { Plug, Request, Trace } from "@plugline/core"
 * import { Effect } from "effect"
 *
 * const seen: Array<string> = []
 * const first = Plug.make("first", Request.mergeOptions({ temperature: 0 }))
 * const second = Plug.make("second", (request) => {
 *   seen.push(...Trace.of(request)?.steps.map(({ name }) => name) ?? [])
 *   return request
 * })
 * Effect.runSync(Trace.run([first, second], Request.make({ provider: "local", messages: "Hi" })))
 * seen // => ["first", "second"]
 * ```
 */
export const of = (request: Request): Trace | undefined => {
  const observer = runOf(request)?.observer
  return observer === undefined ? undefined : recorders.get(observer)?.trace()
}

type Writable<A> = { -readonly [Field in keyof A]: A[Field] }

/** A recorder on the clock of the running Effect. */
export const record: Effect.Effect<Recorder> = Clock.clockWith((clock) =>
  Effect.sync(() =>
    recorder({
      now: () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6,
      startedAt: clock.currentTimeMillisUnsafe()
    })))

/**
 * Runs a request like `Pipeline.run` and gives the trace of it; the final request is `trace.final`.
 *
 * @example
 * ```ts
 * import { Plug, Request, Trace } from "@plugline/core"
 * import { Effect } from "effect"
 *
 * const calm = Plug.make("calm", Request.mergeOptions({ temperature: 0 }))
 * const request = Request.make({ provider: "local", messages: "Hi" })
 * const trace = Effect.runSync(Trace.run([calm], request))
 * trace.steps.map((step) => step.name) // => ["calm"]
 * Trace.changes(trace.steps[0]!).added // => [{ path: "options.temperature", value: 0 }]
 * ```
 */
export const run = <R = never>(
  pipeline: Pipeline.Pipeline<R>,
  request: Request,
  options?: { readonly spans?: boolean }
): Effect.Effect<Trace, LlmError.LlmError, R> =>
  Effect.flatMap(record, ({ observer, trace }) =>
    Effect.map(Pipeline.run(pipeline, request, { ...options, observer }), trace))

// --- what changed -----------------------------------------------------------------------------------------------------

/** What differs between two requests, by path. */
export const diff = (before: Request, after: Request): Diff.Diff => Diff.between(fields(before), fields(after))

/** What a plug changed in the request it handed on, or answered with where it called nobody. */
export const changes = (step: Step): Diff.Diff => diff(step.in, step.calls[0]?.passed ?? step.out ?? step.in)

/** What a plug changed in the answer on its way back; `undefined` for a plug that called nobody. */
export const changesBack = (step: Step): Diff.Diff | undefined => {
  const received = step.calls.at(-1)?.received
  return received === undefined || step.out === undefined ? undefined : diff(received, step.out)
}

/** Time in ms the plug took itself: without the rest of the line it called. */
export const ownTime = (step: Step): number | undefined => {
  if (step.endedAt === undefined) return undefined
  let time = step.endedAt - step.startedAt
  for (const { passedAt, receivedAt } of step.calls) time -= (receivedAt ?? step.endedAt) - passedAt
  return Math.max(0, time)
}

/** A request's fields as plain data; a reply that is still arriving is shown by the plugs that will change it. */
const fields = (request: Request) => ({
  id: request.id,
  operation: request.operation,
  provider: request.provider,
  messages: request.messages,
  options: request.options,
  config: withoutHeaderValues(request.config),
  state: request.state,
  halted: request.halted,
  providerRequest: request.providerRequest,
  response: request.response === undefined || typeof request.response.body === "string"
    ? request.response
    : { ...request.response, body: "(arriving)" },
  reply: request.reply === undefined ? undefined : { arriving: true, through: request.reply.stages.map(({ plug }) => plug) },
  result: request.result,
  assigns: request.assigns,
  private: request.private,
  metadata: request.metadata,
  errors: request.errors
})

// --- showing ----------------------------------------------------------------------------------------------------------

/** A trace as text: each plug, its own time, and what it changed on the way down (`→`) and back (`←`). */
export const render = (trace: Trace, options: { readonly width?: number } = {}): string => {
  const rows = trace.steps.map((step) => {
    const depth = Math.floor((step.path.split(".").length - 1) / 2)
    const time = ownTime(step)
    const back = changesBack(step)
    return {
      name: `${"  ".repeat(depth)}${step.name}${step.attempt > 1 ? ` (${step.attempt})` : ""}`,
      time: time === undefined ? "interrupted" : milliseconds(time),
      notes: [
        ...describe(changes(step)).map((note) => `→ ${note}`),
        ...(step.calls.length > 1 ? [`→ called the rest of the line ${step.calls.length} times`] : []),
        ...(back === undefined ? [] : describe(back).map((note) => `← ${note}`))
      ]
    }
  })
  for (const end of trace.ends) {
    rows.push({
      name: end.plug,
      time: milliseconds(end.at),
      notes: ["at the end of the stream", ...describe(diff(end.before, end.after)).map((note) => `← ${note}`)]
    })
  }
  const width = Math.max(4, ...rows.map(({ name }) => name.length))
  const timeWidth = Math.max(4, ...rows.map(({ time }) => time.length))
  const room = Math.max(20, (options.width ?? 120) - width - timeWidth - 4)
  const lines = rows.flatMap(({ name, notes, time }) =>
    (notes.length === 0 ? ["·"] : notes).map((note, index) =>
      `${(index === 0 ? name : "").padEnd(width)}  ${(index === 0 ? time : "").padStart(timeWidth)}  ${cut(note, room)}`))
  const reached = trace.parts.filter(({ plug }) => plug === undefined)
  if (reached.length > 0) {
    lines.push(`${reached.length} parts reached the reader from ${milliseconds(reached[0]!.at)} to ${milliseconds(reached.at(-1)!.at)}`)
  }
  return lines.join("\n")
}

/** A diff in words, one change a line, secrets masked. */
export const describe = ({ added, changed, removed }: Diff.Diff): ReadonlyArray<string> => [
  ...changed.map(({ after, before, path }) => `${path}: ${short(path, before)} ⇒ ${short(path, after)}`),
  ...added.map(({ path, value }) => `+ ${path}: ${short(path, value)}`),
  ...removed.map(({ path }) => `- ${path}`)
]

const short = (path: string, value: unknown): string => {
  const name = /[^.[\]"]+(?="?\]?$)/.exec(path)?.[0] ?? path
  if (value instanceof LlmError.LlmError) return value.message
  if (isRecord(value) || Array.isArray(value)) return JSON.stringify(Mask.json(value))
  return Mask.isSecretName(name) ? Mask.masked : JSON.stringify(Mask.json(value))
}

const cut = (text: string, room: number): string => {
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, " ")
  return line.length > room ? `${line.slice(0, room - 1)}…` : line
}

const milliseconds = (ms: number): string => ms < 10 ? `${ms.toFixed(2)} ms` : ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`

// --- storing ----------------------------------------------------------------------------------------------------------

/** A trace as JSON. Requests share most of their fields; each value is written once and named by its place in `values`. */
export interface TraceJson {
  readonly version: 1
  readonly startedAt: number
  readonly values: ReadonlyArray<Json>
  /** Each request as its fields: a short value itself, or `[place in values]`. */
  readonly requests: ReadonlyArray<JsonObject>
  /** As {@link Step}, with requests by their place in `requests`. */
  readonly steps: ReadonlyArray<JsonObject>
  readonly ends: ReadonlyArray<JsonObject>
  readonly parts: ReadonlyArray<JsonObject>
  readonly final: number | null
}

/** The trace as JSON, secrets masked. */
export const encode = (trace: Trace): TraceJson => {
  const values: Array<Json> = []
  const places = Object.fromEntries(fieldNames.map((name) => [name, new Map()])) as {
    readonly [Name in keyof RequestJson]-?: Map<object, number>
  }
  const requests: Array<JsonObject> = []
  const known = new Map<Request, number>()
  const request = (value: Request | undefined): number | null => {
    if (value === undefined) return null
    let place = known.get(value)
    if (place === undefined) {
      place = known.size
      known.set(value, place)
      const written: Record<string, Json> = {}
      for (const name of fieldNames) {
        const own = value[name]
        if (own === undefined) continue
        if (typeof own !== "object") written[name] = own
        else {
          let at = places[name].get(own)
          if (at === undefined) places[name].set(own, at = values.push(fieldToJson(value, name)) - 1)
          written[name] = [at]
        }
      }
      requests[place] = written
    }
    return place
  }
  return {
    version: 1,
    startedAt: trace.startedAt,
    steps: trace.steps.map((step) => ({
      ...step,
      endedAt: step.endedAt ?? null,
      in: request(step.in),
      out: request(step.out),
      calls: step.calls.map((call) => ({
        passedAt: call.passedAt,
        passed: request(call.passed),
        receivedAt: call.receivedAt ?? null,
        received: request(call.received)
      }))
    })),
    ends: trace.ends.map((end) => ({ ...end, before: request(end.before), after: request(end.after) })),
    parts: trace.parts.map((event) => ({ ...event, part: Mask.content(event.part) })),
    final: request(trace.final),
    values,
    requests
  }
}

/**
 * Reads a trace back.
 *
 * @throws LlmError `InvalidRequest` when the JSON is no trace.
 */
export const decode = (json: unknown): Trace => {
  const no = (what: string) => LlmError.make({ _tag: "InvalidRequest", parameter: what, message: `this JSON is no trace: ${what} does not fit` })
  if (!isRecord(json) || json.version !== 1) throw no("version")
  const list = (name: string): ReadonlyArray<Readonly<Record<string, unknown>>> => {
    const value = json[name]
    if (!Array.isArray(value) || !value.every(isRecord)) throw no(name)
    return value
  }
  if (!Array.isArray(json.values)) throw no("values")
  const values: ReadonlyArray<unknown> = json.values
  const requests = list("requests").map((fields) =>
    fromJson(Object.fromEntries(Object.entries(fields).map(([name, field]) => {
      if (!Array.isArray(field)) return [name, field]
      if (!Number.isInteger(field[0]) || !(field[0] in values)) throw no(`requests.${name}`)
      return [name, values[field[0]]]
    }))))
  const request = (place: unknown): Request => {
    const found = typeof place === "number" ? requests[place] : undefined
    if (found === undefined) throw no("a request's place")
    return found
  }
  const maybe = (place: unknown): Request | undefined => place === null ? undefined : request(place)
  const time = (value: unknown): number => {
    if (typeof value !== "number") throw no("a time")
    return value
  }
  return new Trace({
    startedAt: time(json.startedAt),
    steps: list("steps").map((step) => {
      if (typeof step.name !== "string" || typeof step.path !== "string" || !Array.isArray(step.calls)) throw no("steps")
      return {
        name: step.name,
        path: step.path,
        level: time(step.level),
        attempt: time(step.attempt),
        startedAt: time(step.startedAt),
        endedAt: step.endedAt === null ? undefined : time(step.endedAt),
        in: request(step.in),
        out: maybe(step.out),
        calls: step.calls.map((call: Record<string, unknown>) => ({
          passedAt: time(call.passedAt),
          passed: request(call.passed),
          receivedAt: call.receivedAt === null ? undefined : time(call.receivedAt),
          received: maybe(call.received)
        }))
      }
    }),
    ends: list("ends").map((end) => ({
      plug: String(end.plug), at: time(end.at), before: request(end.before), after: request(end.after)
    })),
    parts: list("parts").map((event) => ({
      at: time(event.at),
      ...(typeof event.plug === "string" && { plug: event.plug }),
      part: event.part as Parts[number]
    })),
    final: maybe(json.final)
  })
}
