/**
 * One line for each request when it is over: JSON for machines, a short sentence for people at a terminal. Never what was asked or
 * answered, and no credential.
 *
 * @module
 */
import { styleText } from "node:util"
import { Mask } from "plugline"
import type { Exchange } from "./Exchange.ts"

/** How requests are logged. */
export interface LogOptions {
  readonly write: (text: string) => void
  /** `json` for machines, `text` for people. */
  readonly format: "json" | "text"
  /** The least that is logged: `info` everything, `warn` what failed, `error` what failed on our side. Default: `info`. */
  readonly level?: "info" | "warn" | "error"
  /** Whether lines may be coloured. Default: no. */
  readonly color?: boolean
}

/** A log of requests. `flush` writes what waits. */
export interface RequestLog {
  readonly ended: (exchange: Exchange, took: number) => void
  readonly flush: () => void
}

const ranks = { info: 0, warn: 1, error: 2 }

/** A log. Lines are gathered for 50 ms, so that a busy gateway writes seldom. */
export const requestLog = ({ color = false, format, level = "info", write }: LogOptions): RequestLog => {
  let waiting = ""
  let timer: NodeJS.Timeout | undefined
  const flush = (): void => {
    if (timer !== undefined) clearTimeout(timer)
    timer = undefined
    if (waiting !== "") write(waiting)
    waiting = ""
  }
  return {
    flush,
    ended: (exchange, took) => {
      const status = exchange.hasLeft ? 499 : exchange.status
      const severity = status >= 500 || exchange.error !== undefined && status === 200 ? "error" : status >= 400 ? "warn" : "info"
      if (ranks[severity] < ranks[level]) return
      waiting += `${format === "json" ? json(exchange, status, took, severity) : sentence(exchange, status, took, color)}\n`
      if (waiting.length > 65_536) flush()
      else timer ??= setTimeout(flush, 50).unref()
    }
  }
}

const json = (exchange: Exchange, status: number, took: number, severity: string): string => {
  const { came, error, id, note, principal, request, route } = exchange
  return JSON.stringify({
    time: new Date(came).toISOString(),
    level: severity,
    message: "request",
    requestId: id,
    method: request.method,
    // What a stranger wrote is no field name and no path of ours.
    route: route === "" ? undefined : route,
    status,
    durationMs: took,
    principal: principal?.id,
    tenant: principal?.identity.tenant,
    ...note,
    error: error === undefined ? undefined : { reason: error.reason._tag, message: Mask.text(error.message).slice(0, 500), plug: error.plug }
  })
}

const sentence = (exchange: Exchange, status: number, took: number, color: boolean): string => {
  const { error, note, request, route } = exchange
  const paint = (style: Parameters<typeof styleText>[0], text: string) => color ? styleText(style, text, { validateStream: false }) : text
  const words = [
    paint("dim", new Date(exchange.came + took).toISOString().slice(11, 19)),
    paint(status >= 500 ? "red" : status >= 400 ? "yellow" : "green", String(status)),
    `${request.method} ${route === "" ? "(no route)" : route}`,
    paint("dim", `${took} ms`)
  ]
  if (note?.provider !== undefined) words.push(`${note.provider}${note.model === undefined ? "" : ` ${note.model}`}`)
  if (note?.inputTokens !== undefined || note?.outputTokens !== undefined) {
    words.push(paint("dim", `${note.inputTokens ?? "?"} tokens in, ${note.outputTokens ?? "?"} out`))
  }
  if (note?.cache === "hit" || note?.cache === "stale") words.push(paint("cyan", `cache ${note.cache}`))
  if (error !== undefined) words.push(paint("yellow", printable(Mask.text(error.message)).slice(0, 300)))
  return words.join("  ")
}

/** A service's words cannot move the cursor or forge a line. */
const printable = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, " ")
