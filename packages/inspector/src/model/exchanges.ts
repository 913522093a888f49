/**
 * What was sent to services and what came back, to be read: headers with credentials masked, bodies as text and as JSON,
 * streams as the events they were made of.
 *
 * @module
 */
import type { JsonObject, JsonValue, LlmErrorJson, RequestJson } from "@plugline/core"
import type { Recorded, WireExchange, WirePull } from "../api.ts"
import { credentialOf } from "./credentials.ts"
import { eventsOf, type WireEvent } from "./events.ts"
import { field, number, object, text } from "./peek.ts"
import { once, view } from "./view.ts"

export type { WireEvent } from "./events.ts"

/** One request to a service and what came of it. */
export interface Exchange {
  readonly index: number
  /** The plug that sent it. */
  readonly plug: string
  /** The id of the visit in which it did. */
  readonly visit?: string
  readonly provider: string
  readonly model?: string
  /** When it was sent, in ms since the run began. */
  readonly at?: number
  /** How long it took until the answer was there: of a stream, until it began. */
  readonly took: number
  /** How long its bytes or parts took after that. */
  readonly streamed?: number
  readonly outcome: "answered" | "failed" | "interrupted"
  readonly error?: LlmErrorJson
  /** Absent where nobody outside was asked. */
  readonly request?: WireRequest
  /** Absent where there was no answer. */
  readonly response?: WireResponse
  /** How many parts it gave by itself, without a wire. */
  readonly parts?: number
}

/** What was sent. */
export interface WireRequest {
  readonly method: string
  readonly url: string
  readonly headers: ReadonlyArray<Header>
  readonly body?: JsonValue
  /** The body, laid out to be read. */
  readonly text?: string
}

/** What came back. */
export interface WireResponse {
  readonly status: number
  readonly headers: ReadonlyArray<Header>
  /** The body as it came. */
  readonly text?: string
  /** The body, where it is JSON. */
  readonly json?: JsonValue
  /** The body, where it came event by event. */
  readonly events?: ReadonlyArray<WireEvent>
  readonly bytes: number
}

/** One header. */
export interface Header {
  readonly name: string
  readonly value: string
  /** Whether a credential stands here that nobody may see. */
  readonly masked: boolean
}

/** What a run sent and got, in the order in which it was sent. */
export const exchanges: (recorded: Recorded) => ReadonlyArray<Exchange> = once((recorded) => {
  const { steps } = view(recorded)
  const visits = new Map<string, Array<{ readonly id: string; readonly at: number }>>()
  for (const { attempt, name, path, startedAt } of steps) {
    const known = visits.get(name)
    const visit = { id: `${path}#${attempt}`, at: startedAt }
    if (known === undefined) visits.set(name, [visit])
    else known.push(visit)
  }
  return recorded.world.exchanges.map((exchange, index): Exchange => {
    // Each visit of a plug at the edge is one exchange, begun as soon as it is come to.
    const visit = visits.get(exchange.plug)?.shift()
    return { index, ...(visit !== undefined && { visit: visit.id, at: visit.at }), ...exchangeOf(exchange) }
  })
})

const exchangeOf = (exchange: WireExchange): Omit<Exchange, "index" | "visit" | "at"> => {
  const { bytes, outcome, parts, plug, took } = exchange
  const asked = exchange.request as unknown as RequestJson
  const changes = outcome._tag === "Answer" ? outcome.changes : {}
  const errors = Array.isArray(changes.errors) ? changes.errors as unknown as ReadonlyArray<LlmErrorJson> : []
  const broken = [...bytes ?? [], ...parts ?? []].find(({ error }) => error !== undefined)?.error as LlmErrorJson | undefined
  const error = outcome._tag === "Failure"
    ? outcome.error as unknown as LlmErrorJson
    : (changes.state === "error" ? errors.at(-1) : undefined) ?? broken
  const pulled = (bytes ?? parts)?.reduce((sum, { took }) => sum + took, 0)
  const request = requestOf(asked, outcome._tag === "Answer" ? field(changes, "providerRequest") : undefined)
  const response = responseOf(object(changes.response), bytes)
  const model = asked.options.model
  return {
    plug,
    provider: asked.provider,
    ...(model !== undefined && { model }),
    took,
    ...(pulled !== undefined && { streamed: pulled }),
    outcome: outcome._tag === "Interrupted" ? "interrupted" : error === undefined ? "answered" : "failed",
    ...(error !== undefined && { error }),
    ...(request !== undefined && { request }),
    ...(response !== undefined && { response }),
    ...(parts !== undefined && { parts: parts.reduce((sum, { got }) => sum + (Array.isArray(got) ? got.length : 0), 0) })
  }
}

const requestOf = (asked: RequestJson, changed: JsonValue | undefined): WireRequest | undefined => {
  const sent = (changed ?? asked.providerRequest) as RequestJson["providerRequest"]
  if (sent === undefined) return undefined
  const { body, headers, method, url } = sent
  const streams = asked.operation === "stream" || field(body, "stream") === true
  const all: Array<Header> = [
    { name: "accept", value: streams ? "text/event-stream" : "application/json", masked: false },
    ...(body === undefined ? [] : [{ name: "content-type", value: "application/json", masked: false }])
  ]
  for (const [given, value] of Object.entries(headers)) {
    const name = given.toLowerCase()
    const known = all.findIndex((header) => header.name === name)
    const header = { name, value, masked: isMasked(value) }
    if (known < 0) all.push(header)
    else all[known] = header
  }
  // Credentials go out with the bytes and stand in no record.
  const { header } = credentialOf(asked.provider, url)
  if (header !== undefined && !all.some(({ name }) => name === header.name)) {
    all.push({ name: header.name, value: `${header.before}${hidden}`, masked: true })
  }
  // The caller's own headers may be credentials too: what is known of them is their names.
  for (const given of Object.keys(object(asked.config.headers) ?? {})) {
    const name = given.toLowerCase()
    if (!all.some((header) => header.name === name)) all.push({ name, value: hidden, masked: true })
  }
  return { method, url, headers: all, ...(body !== undefined && { body, text: pretty(body) }) }
}

const hidden = "<redacted>"

const isMasked = (value: string): boolean => value.includes(hidden)

const pretty = (value: JsonValue): string => JSON.stringify(value, null, 2)

const responseOf = (response: JsonObject | undefined, pulls: ReadonlyArray<WirePull> | undefined): WireResponse | undefined => {
  const status = number(response?.status)
  if (response === undefined || status === undefined) return undefined
  const headers = Object.entries(object(response.headers) ?? {}).map(([name, value]): Header =>
    ({ name, value: String(value), masked: isMasked(String(value)) }))
  const type = headers.find(({ name }) => name.toLowerCase() === "content-type")?.value ?? ""
  if (pulls === undefined) {
    const body = text(response.body) ?? ""
    const json = parsed(body)
    return { status, headers, text: body, bytes: new TextEncoder().encode(body).length, ...(json !== undefined && { json }) }
  }
  const { bytes, events, text: body } = eventsOf(pulls, type)
  const json = events === undefined && body !== undefined ? parsed(body) : undefined
  return {
    status,
    headers,
    bytes,
    ...(body !== undefined && { text: body }),
    ...(events !== undefined && { events }),
    ...(json !== undefined && { json })
  }
}

const parsed = (body: string): JsonValue | undefined => {
  if (!/^\s*[[{]/.test(body)) return undefined
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
