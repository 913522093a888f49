/**
 * Measures requests of clients by the names of OpenTelemetry: how long they took by route and status, and how many are under way.
 *
 * @module
 */
import { type Context, Metric } from "effect"
import type { Exchange } from "./Exchange.ts"

/** How long requests took, in seconds, until their answer's last byte. */
export const duration = Metric.histogram("http.server.request.duration", {
  description: "Duration of HTTP server requests",
  attributes: { unit: "s" },
  boundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 120, 300]
})

/** Requests that are under way. */
export const active = Metric.gauge("http.server.active_requests", { description: "Number of active HTTP server requests" })

/** Streams that ended in an error after their first word. */
export const cut = Metric.counter("plugline.gateway.cut_streams", {
  description: "Streams that ended in an error event",
  incremental: true
})

/** Requests whose client left before they were answered. */
export const left = Metric.counter("plugline.gateway.left", {
  description: "Requests whose client left before the answer's end",
  incremental: true
})

/** Writes down what is over. Routes are those of the table, so labels are bounded. */
export const measure = (context: Context.Context<never>): (exchange: Exchange, took: number, open: number) => void => {
  const known = new Map<string, Metric.Metric<number, unknown>>()
  const lost = new Map<string, Metric.Metric<number, unknown>>()
  return (exchange, took, open) => {
    active.updateUnsafe(open, context)
    const { error, request, route } = exchange
    const path = route === "" ? "none" : route
    if (exchange.hasLeft) return one(lost, `left ${path}`, () => Metric.withAttributes(left, { "http.route": path })).updateUnsafe(1, context)
    const { status } = exchange
    const method = methods.has(request.method ?? "") ? request.method! : "_OTHER"
    one(known, `${method} ${path} ${status}`, () =>
      Metric.withAttributes(duration, {
        "http.request.method": method,
        "http.route": path,
        "http.response.status_code": String(status)
      })).updateUnsafe(took / 1_000, context)
    if (status === 200 && error !== undefined) {
      one(lost, `cut ${path}`, () => Metric.withAttributes(cut, { "http.route": path })).updateUnsafe(1, context)
    }
  }
}

const methods: ReadonlySet<string> = new Set(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])

const one = (
  known: Map<string, Metric.Metric<number, unknown>>,
  name: string,
  make: () => Metric.Metric<number, unknown>
): Metric.Metric<number, unknown> => {
  let found = known.get(name)
  if (found === undefined) known.set(name, found = make())
  return found
}
