/**
 * A service in OpenAI's words on this machine that fails in every way services fail, chosen by a number in the question.
 *
 * @module
 */
import { createServer, type Server, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"

/** The ways it answers; each is as likely as its weight. */
export const ways = [
  ["well", 34], ["slow", 4], ["reset", 4], ["half-close", 4], ["truncated", 4], ["429", 5], ["429-after", 5], ["500", 5], ["529", 5],
  ["error-in-200", 5], ["error-mid-stream", 5], ["no-end", 5], ["never", 3], ["stall", 3], ["garbage", 3], ["web-page", 3], ["slow-first", 3]
] as const

/** One of the ways. */
export type Way = typeof ways[number][0]

const total = ways.reduce((sum, [, weight]) => sum + weight, 0)

/** The way of a number from 0 up. */
export const wayOf = (seed: number): Way => {
  let at = seed % total
  for (const [way, weight] of ways) {
    if (at < weight) return way
    at -= weight
  }
  return "well"
}

export interface Faulty {
  readonly url: string
  /** Questions by the way they were answered. */
  readonly asked: Map<Way, number>
  /** Answers that went out whole, with usage: what is to be paid. */
  readonly paid: () => number
  /** Connections that are open now. */
  readonly open: () => number
  readonly close: () => Promise<void>
}

const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }
const head = { id: "c", created: 1_760_000_000, model: "gpt-4o-mini" }

const whole = JSON.stringify({
  ...head, object: "chat.completion", usage,
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "Fine, thanks." } }]
})
const chunk = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ ...head, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`
const events = [
  chunk({ role: "assistant", content: "" }), chunk({ content: "Fine, " }), chunk({ content: "thanks." }), chunk({}, "stop"),
  `data: ${JSON.stringify({ ...head, choices: [], usage })}\n\n`, "data: [DONE]\n\n"
]

/** Starts it. `next` says how the next question is answered. */
export const faulty = async (next: () => Way): Promise<Faulty> => {
  const asked = new Map<Way, number>()
  const sockets = new Set<Socket>()
  let paid = 0
  const json = (response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}) =>
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body))
  const well = (response: ServerResponse, stream: boolean) => {
    paid++
    if (stream) response.writeHead(200, { "content-type": "text/event-stream" }).end(events.join(""))
    else response.writeHead(200, { "content-type": "application/json" }).end(whole)
  }
  const begin = (response: ServerResponse, stream: boolean) => {
    response.writeHead(200, { "content-type": stream ? "text/event-stream" : "application/json" })
    response.write(stream ? events.slice(0, 2).join("") : whole.slice(0, 40))
  }
  const server: Server = createServer((request, response) => {
    let body = ""
    request.on("data", (more) => body += more)
    request.on("end", () => {
      const stream = body.includes(`"stream":true`)
      const way = next()
      asked.set(way, (asked.get(way) ?? 0) + 1)
      switch (way) {
        case "well":
          return well(response, stream)
        case "slow":
          return setTimeout(() => well(response, stream), 20)
        case "slow-first":
        case "never":
          return setTimeout(() => response.destroyed || response.destroy(), 5_000).unref()
        case "reset":
          return request.socket.resetAndDestroy()
        case "half-close":
          begin(response, stream)
          return setTimeout(() => request.socket.end(), 2)
        case "truncated":
          begin(response, stream)
          return setTimeout(() => response.destroy(), 2)
        case "429":
          return json(response, 429, { error: { message: "slow down", code: "rate_limit_exceeded" } })
        case "429-after":
          return json(response, 429, { error: { message: "slow down" } }, { "retry-after-ms": "3" })
        case "500":
          return json(response, 500, { error: { message: "boom" } })
        case "529":
          return json(response, 529, { error: { message: "overloaded" } })
        case "error-in-200":
          return json(response, 200, { error: { message: "no capacity", code: 503 } })
        case "error-mid-stream":
          if (!stream) return json(response, 502, { error: { message: "bad gateway" } })
          response.writeHead(200, { "content-type": "text/event-stream" })
          return response.end(`${events.slice(0, 2).join("")}data: {"error":{"message":"it broke","code":500}}\n\n`)
        case "no-end":
          if (!stream) return response.writeHead(200).end("")
          return response.writeHead(200, { "content-type": "text/event-stream" }).end(events.slice(0, 3).join(""))
        case "stall":
          return begin(response, stream)
        case "garbage":
          return response.writeHead(200, { "content-type": stream ? "text/event-stream" : "application/json" }).end("data: {nope\n\n")
        case "web-page":
          return response.writeHead(200, { "content-type": "text/html" }).end("<html><title>Sign in</title></html>")
      }
    })
  })
  server.on("connection", (socket) => {
    sockets.add(socket)
    socket.once("close", () => sockets.delete(socket)).on("error", () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    paid: () => paid,
    open: () => sockets.size,
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  }
}
