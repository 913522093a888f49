/**
 * Services on this machine, over real HTTP, that answer as the name of the model says: well, or as services fail.
 *
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { type Script, scripts, usual, wireOf, type WireName } from "./wires.ts"

/** One request that a service got. */
export interface Asked {
  readonly path: string
  readonly wire: WireName
  readonly model: string
  readonly streams: boolean
  readonly text: string
  readonly headers: IncomingMessage["headers"]
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly script: Script
}

export type Answer = (asked: Asked) => void

export interface Upstream {
  readonly url: string
  /** What it answers by the name of the model, before the usual ways. */
  readonly answers: Map<string, Answer>
  /** Everything it was asked, newest last. */
  readonly asked: Array<Asked>
  /** Connections that are open now. */
  readonly open: () => number
  readonly close: () => Promise<void>
}

/** Begins a good answer. */
export const head = ({ response, streams }: Asked): void =>
  void response.writeHead(200, { "content-type": streams ? "text/event-stream" : "application/json" })

/** Answers well, with these events or this body. */
export const say = (asked: Asked, events: ReadonlyArray<string>, whole: string): void => {
  head(asked)
  asked.response.end(asked.streams ? events.join("") : whole)
}

export const well: Answer = (asked) => say(asked, asked.script.events, asked.script.whole)

/** Says the first half of a good answer. */
export const half: Answer = (asked) => {
  const { lead, events, whole } = asked.script
  head(asked)
  asked.response.write(asked.streams ? events.slice(0, lead).join("") : whole.slice(0, 60))
}

const refuse = (status: number, headers: Record<string, string> = {}): Answer => ({ response, script }) =>
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(script.error(status))

/** The sixteen ways but those in which no service is reached. */
export const ways: { readonly [model: string]: Answer } = {
  well,
  silent: () => {},
  "slow first token": (asked) => {
    head(asked)
    asked.response.flushHeaders()
  },
  stall: half,
  reset: (asked) => {
    half(asked)
    setTimeout(() => asked.request.socket.resetAndDestroy(), 20)
  },
  truncated: (asked) => {
    half(asked)
    asked.response.write(asked.streams ? asked.script.events[asked.script.lead]?.slice(0, 25) ?? "data: {" : "")
    setTimeout(() => asked.request.socket.end(), 20)
  },
  "no end": (asked) => {
    half(asked)
    setTimeout(() => asked.response.end(), 20)
  },
  "429": refuse(429),
  "429 after": refuse(429, { "retry-after": "7" }),
  "500": refuse(500),
  "503": refuse(503),
  "529": refuse(529),
  "error in 200": ({ response, script }) =>
    void response.writeHead(200, { "content-type": "application/json" }).end(script.error(503)),
  "malformed JSON": (asked) => say(asked, ["data: {\"id\": nope\n\n"], "{\"id\": nope"),
  "malformed event": (asked) => {
    if (!asked.streams) return say(asked, [], "{\"hello\":\"world\"}")
    half(asked)
    const { events, lead } = asked.script
    setTimeout(() => asked.response.end(["data: {\"id\": nope\n\n", ...events.slice(lead)].join("")), 20)
  }
}

/** Starts it. */
export const upstream = async (): Promise<Upstream> => {
  const answers = new Map<string, Answer>()
  const asked: Array<Asked> = []
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    const pieces: Array<Buffer> = []
    request.on("data", (piece: Buffer) => pieces.push(piece))
    request.on("end", () => {
      const path = request.url ?? ""
      const wire = wireOf(path)
      const text = Buffer.concat(pieces).toString("utf8")
      const body = JSON.parse(text) as { readonly model?: string; readonly stream?: boolean }
      const model = wire === "google" ? decodeURIComponent(/models\/([^:]*):/.exec(path)?.[1] ?? "") : body.model ?? ""
      const one: Asked = {
        path, wire, model, text, request, response,
        streams: wire === "google" ? path.includes(":stream") : body.stream === true,
        headers: request.headers,
        script: scripts[wire](usual)
      }
      asked.push(one)
      const answer = answers.get(model) ?? ways[model] ?? well
      answer(one)
    })
  })
  server.on("connection", (socket) => {
    sockets.add(socket)
    socket.once("close", () => sockets.delete(socket)).on("error", () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answers,
    asked,
    open: () => sockets.size,
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  }
}
