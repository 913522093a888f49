/**
 * Measures requests of clients by the names of OpenTelemetry: how long they took by route and status, and how many are under way.
 *
 * @module
 */
import { Series } from "@plugline/plugs"
import { type Context, Metric } from "effect"
import type { Exchange } from "./Exchange.ts"

/** How long requests took, in seconds, until their answer's last byte. */
export const duration = Series.histogram("http.server.request.duration", {
  description: "Duration of HTTP server requests",
  attributes: { unit: "s" },
  boundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 120, 300]
})

/** Requests that are under way. */
export const active = Metric.gauge("http.server.active_requests", { description: "Number of active HTTP server requests" })

/** Streams that ended in an error after their first word. */
export const cut = Series.counter("plugline.gateway.cut_streams", {
  description: "Streams that ended in an error event"
})

/** Requests whose client left before they were answered. */
export const left = Series.counter("plugline.gateway.left", {
  description: "Requests whose client left before the answer's end"
})

/** Writes down what is over. Routes are those of the table, so labels are bounded. */
export const measure = (context: Context.Context<never>): (exchange: Exchange, took: number, open: number) => void =>
  (exchange, took, open) => {
    const put = (metric: Metric.Metric<number, unknown>, labels: { readonly [name: string]: string }, value: number): void =>
      Series.seriesOf(metric, labels).updateUnsafe(value, context)
    active.updateUnsafe(open, context)
    const { error, request, route, status } = exchange
    const path = route === "" ? "none" : route
    if (exchange.hasLeft) return put(left, { "http.route": path }, 1)
    const method = methods.has(request.method ?? "") ? request.method! : "_OTHER"
    put(duration, { "http.request.method": method, "http.route": path, "http.response.status_code": String(status) }, took / 1_000)
    if (status === 200 && error !== undefined) put(cut, { "http.route": path }, 1)
  }

const methods: ReadonlySet<string> = new Set(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
