/**
 * A run as an OpenTelemetry trace in OTLP's JSON: a span for the whole and one for each visit, nested as they ran. The same
 * run gives the same ids.
 *
 * @module
 */
import type { Recorded } from "../api.ts"
import { type Attribute, attributesOf, errorType, operationName } from "./gen-ai.ts"
import { nanosOf } from "./moment.ts"
import { type Visit, walk } from "./walk.ts"

/** A trace as it is posted to `/v1/traces`. */
export interface OtlpTrace {
  readonly resourceSpans: ReadonlyArray<{
    readonly resource: { readonly attributes: ReadonlyArray<OtlpAttribute> }
    readonly scopeSpans: ReadonlyArray<{
      readonly scope: { readonly name: string; readonly version: string }
      readonly spans: ReadonlyArray<OtlpSpan>
    }>
  }>
}

/** One span. Times are nanoseconds since 1970 as text. */
export interface OtlpSpan {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits. */
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  /** 1: internal, 2: server, 3: client. */
  readonly kind: 1 | 2 | 3
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: ReadonlyArray<OtlpAttribute>
  readonly events: ReadonlyArray<{
    readonly timeUnixNano: string
    readonly name: string
    readonly attributes: ReadonlyArray<OtlpAttribute>
  }>
  /** 0: not said, 2: error. */
  readonly status: { readonly code: 0 | 2; readonly message?: string }
}

/** One attribute. */
export interface OtlpAttribute {
  readonly key: string
  readonly value: OtlpValue
}

/** The value of an attribute; whole numbers are text. */
export type OtlpValue =
  | { readonly stringValue: string }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly boolValue: boolean }
  | { readonly arrayValue: { readonly values: ReadonlyArray<OtlpValue> } }

/** The trace of a run. */
export const otlp = (recorded: Recorded): OtlpTrace => {
  const { summary, trace } = recorded
  const tree = walk(recorded)
  const seed = `${summary.id} ${trace.startedAt}`
  const traceId = digits(seed, 4)
  const rootId = digits(`${seed} root`, 2)
  const time = (at: number) => nanosOf(trace.startedAt, at)
  const spans: Array<OtlpSpan> = []

  const span = (visit: Visit, parent: string): string => {
    const { attempt, ends, error, id, name, outcome, own = 0, path } = visit
    const spanId = digits(`${seed} ${id}`, 2)
    spans.push({
      traceId,
      spanId,
      parentSpanId: parent,
      name: `plug ${name}`,
      kind: 1,
      startTimeUnixNano: time(visit.start ?? 0),
      endTimeUnixNano: time(visit.end ?? 0),
      attributes: attributes({
        ...(visit.in !== undefined && {
          "gen_ai.operation.name": operationName(visit.in.operation),
          "gen_ai.provider.name": visit.in.provider,
          ...(visit.in.options.model !== undefined && { "gen_ai.request.model": visit.in.options.model })
        }),
        "plugline.plug.path": path,
        "plugline.plug.attempt": attempt,
        "plugline.plug.outcome": outcome,
        "plugline.plug.own_ms": own,
        "plugline.request.id": summary.id,
        ...(error !== undefined && { "error.type": errorType(error) })
      }),
      events: ends.map(({ at }) => ({ timeUnixNano: time(at), name: "end of stream", attributes: [] })),
      status: error === undefined ? { code: 0 } : { code: 2, message: error.reason.message }
    })
    return spanId
  }

  /** Where a plug calls the rest of the line, what follows ran inside it. */
  const line = (visits: ReadonlyArray<Visit>, above: string): void => {
    let parent = above
    for (const visit of visits) {
      const here = visit.start === undefined ? parent : span(visit, parent)
      for (const { visits } of visit.branches) line(visits, here)
      if (visit.calls.length > 0 && visit.branches.every(({ kind }) => kind === "child")) parent = here
    }
  }
  line(tree.visits, rootId)

  const { final = recorded.request, firstPart } = tree
  const error = final.state === "error" ? final.errors.at(-1) : undefined
  const model = recorded.request.options.model
  const operation = operationName(recorded.request.operation)
  const whole: OtlpSpan = {
    traceId,
    spanId: rootId,
    name: model === undefined ? operation : `${operation} ${model}`,
    kind: summary.route.startsWith("/") ? 2 : 3,
    startTimeUnixNano: time(0),
    endTimeUnixNano: time(tree.total),
    attributes: attributes({
      ...attributesOf(final),
      "plugline.request.id": summary.id,
      "plugline.pipeline": summary.pipeline,
      "http.route": summary.route,
      ...(summary.cache !== undefined && { "plugline.cache": summary.cache }),
      ...(summary.attempts !== undefined && { "plugline.attempts": summary.attempts }),
      ...(summary.cost !== undefined && { "plugline.cost.usd": Number(summary.cost) })
    }),
    events: firstPart === undefined ? [] : [{ timeUnixNano: time(firstPart), name: "first part", attributes: [] }],
    status: error === undefined ? { code: 0 } : { code: 2, message: error.reason.message }
  }
  return {
    resourceSpans: [{
      resource: { attributes: attributes({ "service.name": "plugline" }) },
      scopeSpans: [{ scope: { name: "plugline", version: "0.1.0" }, spans: [whole, ...spans] }]
    }]
  }
}

const attributes = (values: { readonly [key: string]: Attribute }): ReadonlyArray<OtlpAttribute> =>
  Object.entries(values).map(([key, value]) => ({ key, value: valueOf(value) }))

const valueOf = (value: Attribute): OtlpValue => {
  if (typeof value === "string") return { stringValue: value }
  if (typeof value === "boolean") return { boolValue: value }
  if (typeof value === "number") {
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: Number.isFinite(value) ? value : 0 }
  }
  return { arrayValue: { values: value.map(valueOf) } }
}

/** So many times eight hexadecimal digits that go by a text alone (FNV-1a, each group begun its own way). Never all zero. */
const digits = (text: string, groups: number): string => {
  let out = ""
  for (let group = 0; group < groups; group++) {
    let hash = 0x811c9dc5 ^ Math.imul(group + 1, 0x9e3779b1)
    for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
    // What differs in the last character alone must differ in all digits.
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    out += ((hash ^ (hash >>> 16)) >>> 0).toString(16).padStart(8, "0")
  }
  return /^0+$/.test(out) ? `${out.slice(1)}1` : out
}
