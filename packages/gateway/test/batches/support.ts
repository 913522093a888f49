/**
 * A gateway for batches, over a service on this machine that answers chats and counts who asked what.
 *
 * @module
 */
import { Effect, Exit, Scope } from "effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import OpenAI, { toFile } from "openai"
import { start } from "../../src/Gateway.ts"

// oxlint-disable-next-line typescript/no-explicit-any -- tests take JSON as they expect it
type Fields = Record<string, any>

/** One question to the service. */
export interface Question {
  readonly path: string
  readonly body: Fields
  readonly text: string
  readonly response: ServerResponse
  readonly request: IncomingMessage
}

/** A service that echoes. */
export interface Service {
  readonly url: string
  readonly asked: Array<Question>
  /** How it answers instead. */
  answer: (question: Question) => void
  readonly close: () => Promise<void>
}

/** A good answer to a chat. */
export const echo = ({ body, response, text }: Pick<Question, "body" | "response" | "text">): void => {
  response.writeHead(200, { "content-type": "application/json" })
  response.end(JSON.stringify({
    id: "chatcmpl-1", object: "chat.completion", created: 1_700_000_000, model: body.model,
    choices: [{ index: 0, message: { role: "assistant", content: `you said ${text}` }, finish_reason: "stop" }],
    usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 }
  }))
}

/** Answers with an error. */
export const refuse = (status: number, message: string, headers: Record<string, string> = {}) => ({ response }: Question): void => {
  response.writeHead(status, { "content-type": "application/json", ...headers })
  response.end(JSON.stringify({ error: { message, type: "invalid_request_error", param: null, code: null } }))
}

/** Starts it. */
export const service = async (): Promise<Service> => {
  const asked: Array<Question> = []
  const server = createServer((request, response) => {
    const pieces: Array<Buffer> = []
    request.on("data", (piece: Buffer) => pieces.push(piece))
    request.on("error", () => {})
    request.on("end", () => {
      const body = JSON.parse(Buffer.concat(pieces).toString("utf8")) as Fields
      const question = { path: request.url ?? "", body, text: body.messages?.[0]?.content ?? body.input ?? "", request, response }
      asked.push(question)
      made.answer(question)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const made: Service = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer: echo,
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  }
  return made
}

/** The keys of the gateways: two of one tenant, one of another, one of none. */
export const keys = {
  ada: "ada-0123456789abcdef0123456789abcdef",
  bob: "bob-0123456789abcdef0123456789abcdef",
  eve: "eve-0123456789abcdef0123456789abcdef",
  ida: "ida-0123456789abcdef0123456789abcdef"
}

/** The configuration of a gateway. */
export const yamlOf = (url: string, more = "", pipelines = "pipelines: { default: [] }"): string => [
  "providers:",
  `  openai: { baseUrl: "${url}/v1", apiKey: sk-test-0123456789, allowPrivate: true }`,
  "auth:",
  "  keys:",
  `    - { name: ada, key: "${keys.ada}", tenant: acme }`,
  `    - { name: bob, key: "${keys.bob}", tenant: acme }`,
  `    - { name: eve, key: "${keys.eve}", tenant: evil }`,
  `    - { name: ida, key: "${keys.ida}" }`,
  pipelines,
  more
].join("\n")

/** A gateway in this process. */
export interface Stage {
  readonly service: Service
  readonly address: string
  readonly path: string
  readonly client: (key?: string) => OpenAI
  /** Ends the gateway and starts it again on the same folder. */
  readonly restart: () => Promise<void>
  readonly close: () => Promise<void>
}

/** A client of a gateway. It tries nothing again by itself. */
export const clientOf = (address: string, key: string): OpenAI =>
  new OpenAI({ baseURL: `${address}/v1`, apiKey: key, maxRetries: 0 })

/** Sets a stage. */
export const stage = async (more = "", pipelines?: string): Promise<Stage> => {
  const upstream = await service()
  const folder = mkdtempSync(join(tmpdir(), "plugline-batches-"))
  const path = join(folder, "gateway.yaml")
  writeFileSync(path, yamlOf(upstream.url, more, pipelines))
  const run = async () => {
    const scope = Scope.makeUnsafe()
    const gateway = await Effect.runPromise(Scope.provide(start({ config: path, port: 0, env: {}, reload: false }), scope))
    return { address: gateway.server.address, stop: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
  }
  let at = await run()
  return {
    service: upstream,
    path,
    get address() {
      return at.address
    },
    client: (key = keys.ada) => clientOf(at.address, key),
    restart: async () => {
      await at.stop()
      at = await run()
    },
    close: async () => {
      await upstream.close()
      await at.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** A line that asks for an echo. */
export const lineOf = (id: string, text: string, more: Fields = {}): string =>
  JSON.stringify({
    custom_id: id, method: "POST", url: "/v1/chat/completions",
    body: { model: "openai/gpt-x", messages: [{ role: "user", content: text }], ...more }
  })

/** Sends lines up. */
export const upload = async (client: OpenAI, lines: ReadonlyArray<string>) =>
  client.files.create({ file: await toFile(Buffer.from(lines.join("\n")), "lines.jsonl"), purpose: "batch" })

/** Sends lines up and has them asked. */
export const begin = async (client: OpenAI, lines: ReadonlyArray<string>) =>
  client.batches.create({
    input_file_id: (await upload(client, lines)).id, endpoint: "/v1/chat/completions", completion_window: "24h"
  })

/** Waits until a batch is as wished, or has ended. */
export const until = async (client: OpenAI, id: string, wished: (batch: OpenAI.Batch) => boolean = () => false): Promise<OpenAI.Batch> => {
  while (true) {
    const batch = await client.batches.retrieve(id)
    if (wished(batch) || ["completed", "failed", "cancelled", "expired"].includes(batch.status)) return batch
    await after(50)
  }
}

/** The lines of a file. */
export const contentOf = async (client: OpenAI, id: string): Promise<ReadonlyArray<Fields>> => {
  const text = await (await client.files.content(id)).text()
  return text.trimEnd().split("\n").map((line) => JSON.parse(line) as Fields)
}

/** Waits, in ms. */
export const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
