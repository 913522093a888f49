/**
 * A service that answers at once, to be asked over loopback: the first part of a request's path says how it answers.
 *
 * - `/whole/…`: the whole answer.
 * - `/burst/…`: the streamed answer in one piece.
 * - `/paced/…`: the streamed answer, an event every {@link pace} ms.
 * - `/steady/…`: sixty events of the streamed answer and its end, one every 10 ms.
 * - `/hold/…`: nothing, ever.
 * - `/hold-stream/…`: the first two events, and then nothing.
 *
 * @module
 */
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { events, whole } from "./exchange.ts"

/** Between two events of a paced stream, in ms. */
const pace = 5

const burst = events.join("")

const id = { "x-request-id": "req_upstream" }
const json = { "content-type": "application/json", "content-length": Buffer.byteLength(whole), ...id }
const stream = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", ...id }

const steady = [...events.slice(0, 60), ...events.slice(-3)]

/** Writes events one by one, with so many ms between them. */
const one = (response: ServerResponse, events: ReadonlyArray<string>, pace: number): void => {
  response.writeHead(200, stream)
  let sent = 0
  const timer = setInterval(() => {
    response.write(events[sent++])
    if (sent < events.length) return
    clearInterval(timer)
    response.end()
  }, pace)
  response.once("close", () => clearInterval(timer))
}

const answers: { readonly [how: string]: (response: ServerResponse) => void } = {
  whole: (response) => response.writeHead(200, json).end(whole),
  burst: (response) => response.writeHead(200, stream).end(burst),
  paced: (response) => one(response, events, pace),
  steady: (response) => one(response, steady, 10),
  hold: () => {},
  "hold-stream": (response) => response.writeHead(200, stream).write(events.slice(0, 2).join(""))
}

/** What the parent hears, once the service stands and whenever it asks. */
export interface Message {
  readonly port: number
  /** How many exchanges are unfinished. */
  readonly held: number
}

let held = 0

const server = createServer({ noDelay: true, keepAliveTimeout: 600_000 }, (request, response) => {
  const answer = answers[request.url?.split("/")[1] ?? ""]
  held++
  response.once("close", () => held--)
  request.resume()
  request.once("end", () => answer === undefined ? response.writeHead(404).end() : answer(response))
})

const tell = (): void => {
  process.send?.({ port: (server.address() as AddressInfo).port, held } satisfies Message)
}

process.on("disconnect", () => process.exit())
process.on("message", tell)
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, tell)
