/**
 * Services of six kinds on this machine, over real HTTP. Each reads what it is asked in its own words and refuses, in
 * them too, what the real one would refuse. What the user says decides how it answers: `fail with 429` fails,
 * `hold 7` begins and does not end, anything else is answered.
 *
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { anthropic } from "./services/anthropic.ts"
import { bedrock } from "./services/bedrock.ts"
import { cohere } from "./services/cohere.ts"
import { google } from "./services/google.ts"
import { ollama } from "./services/ollama.ts"
import { googleCompatible, ollamaCompatible, openai } from "./services/openai.ts"
import { answer, type Asked, Refusal, type Service } from "./services/words.ts"

/** The services by name. */
export const services: { readonly [name: string]: Service } = { openai, anthropic, google, ollama, cohere, bedrock }

/** The models that each of them has. */
const models: { readonly [name: string]: ReadonlyArray<string> } = {
  openai: ["gpt-5-mini", "text-embedding-3-small", "omni-moderation-latest"],
  anthropic: ["claude-sonnet-4-6"],
  google: ["gemini-3-flash-preview", "gemini-embedding-001"],
  ollama: ["qwen3", "nomic-embed-text"],
  cohere: ["command-a-reasoning-08-2025", "embed-v4.0"],
  bedrock: ["anthropic.claude-sonnet-4-6", "cohere.embed-english-v3"]
}

/** A call that is being held. */
export interface Held {
  /** When the caller has left. */
  readonly left: Promise<void>
}

/** The services while they run. */
export interface Upstreams {
  readonly url: string
  /** How many calls were answered with an error that no test asked for, and what it said. */
  readonly refused: Array<string>
  /** When a call is held whose user said this. */
  readonly held: (text: string) => Promise<Held>
  readonly close: () => Promise<void>
}

/** Starts them. */
export const upstreams = async (): Promise<Upstreams> => {
  const refused: Array<string> = []
  const waiting = new Map<string, (held: Held) => void>()
  const server = createServer((request, response) => {
    const pieces: Array<Buffer> = []
    request.on("data", (piece: Buffer) => pieces.push(piece))
    request.on("end", () => reply(request, response, Buffer.concat(pieces).toString("utf8")))
  })

  const reply = (request: IncomingMessage, response: ServerResponse, text: string): void => {
    const [
      , name = "", own, path = ""
    ] = /^\/(\w+)(?:(\/openai(?=\/)|(?<=ollama)\/v1(?=\/)))?(.*)$/.exec(request.url ?? "") ?? []
    const service = own === undefined ? services[name]! : name === "google" ? googleCompatible : ollamaCompatible
    const json = (status: number, body: object, headers: Record<string, string> = {}): void =>
      void response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body))
    try {
      const asked = service.read({ path, headers: request.headers, body: JSON.parse(text) })
      const said = asked.texts[0] ?? ""
      const status = /fail with (\d+)/.exec(said)?.[1]
      if (!models[name]!.includes(asked.model)) return json(404, service.error(404, `model '${asked.model}' not found`))
      if (status !== undefined) {
        return json(
          Number(status), service.error(Number(status), "asked to fail"), status === "429" ? { "retry-after": "7" } : {}
        )
      }
      if (said.startsWith("hold")) return hold(service, asked, said, response)
      if (asked.operation === "embeddings") return json(200, service.vectors(asked))
      if (!asked.streams) return json(200, service.whole(answer(asked), asked))
      begin(service, asked, response)
      stream(service.events(answer(asked), asked), response)
    } catch (thrown) {
      const { message, status = 500 } = thrown as Refusal
      refused.push(`${name} ${status}: ${message}`)
      json(status, service.error(status, message))
    }
  }

  const hold = (service: Service, asked: Asked, text: string, response: ServerResponse): void => {
    if (asked.streams) {
      begin(service, asked, response)
      for (const event of service.events(answer(asked), asked).slice(0, asked.operation === "responses" ? 6 : 4)) {
        if (
          !/finish_reason":"stop|finishReason|"done":true|stop_reason":"end/.test(event.toString())
        ) response.write(event)
      }
    }
    const left = new Promise<void>((resolve) => void response.once("close", resolve))
    waiting.get(text)?.({ left })
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refused,
    held: (text) => new Promise((resolve) => waiting.set(text, resolve)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}

/** Says events one by one, as they are thought of. */
const stream = (events: ReadonlyArray<string | Buffer>, response: ServerResponse, at = 0): void => {
  if (at === events.length) return void response.end()
  response.write(events[at]!)
  setTimeout(() => stream(events, response, at + 1), 2)
}

const begin = ({ streamType }: Service, { operation }: Asked, response: ServerResponse): void =>
  void response.writeHead(
    200, {
      "content-type": operation === "completion" && streamType.includes("ndjson") ? "application/x-ndjson" : streamType
    }
  )
