/**
 * A service that speaks OpenAI's wire and answers what a stage wrote down: for a real gateway to ask.
 *
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"

/** What is answered to one request. */
export interface Answer {
  /** Default: 200. */
  readonly status?: number
  readonly headers?: { readonly [name: string]: string }
  readonly text?: string
  readonly tool?: { readonly name: string; readonly arguments: string }
  readonly error?: string
  /** Ms before it begins, and between two pieces of a stream. */
  readonly delay?: number
  readonly between?: number
}

/** Chooses the answer to a request; `call` counts the requests with this very body, from 1. */
export type Script = (body: Body, call: number) => Answer

export interface Body {
  readonly model: string
  readonly stream?: boolean
  readonly messages: ReadonlyArray<{ readonly role: string; readonly content: unknown }>
}

export interface Upstream {
  readonly url: string
  /** How many requests came. */
  readonly asked: () => number
  readonly close: () => Promise<void>
}

export const upstream = async (script: Script): Promise<Upstream> => {
  const calls = new Map<string, number>()
  let asked = 0
  const server = createServer((request, response) => {
    void read(request)
      .then(async (text) => {
        asked++
        const body = JSON.parse(text) as Body
        const call = (calls.get(text) ?? 0) + 1
        calls.set(text, call)
        await answer(response, body, script(body, call))
      })
      .catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked: () => asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}

const read = async (request: IncomingMessage): Promise<string> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** About as many as a tokenizer would count. */
const tokens = (text: string): number => Math.max(1, Math.round(text.length / 4))

const answer = async (response: ServerResponse, body: Body, said: Answer): Promise<void> => {
  const { between = 0, delay = 0, error, headers = {}, status = 200, text = "", tool } = said
  await sleep(delay)
  if (error !== undefined) {
    response.writeHead(status, { "content-type": "application/json", "x-request-id": "up_1", ...headers })
    response.end(
      JSON.stringify({
        error: {
          message: error,
          type: status === 429 ? "requests" : "server_error",
          code: status === 429 ? "rate_limit_exceeded" : null
        }
      })
    )
    return
  }
  const usage = { prompt_tokens: tokens(JSON.stringify(body.messages)), completion_tokens: tokens(text), total_tokens: 0 }
  const known = {
    id: "chatcmpl-9f2c",
    object: "chat.completion",
    created: 1_795_000_000,
    model: `${body.model}-2025-08-07`,
    usage: { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens }
  }
  const calls = tool === undefined ? {} : { tool_calls: [{ id: "call_71", type: "function", function: tool }] }
  if (body.stream !== true) {
    const message = { role: "assistant", content: tool === undefined ? text : null, ...calls }
    response.writeHead(200, { "content-type": "application/json", "x-request-id": "up_1", ...headers })
    response.end(
      JSON.stringify({ ...known, choices: [{ index: 0, message, finish_reason: tool === undefined ? "stop" : "tool_calls" }] })
    )
    return
  }
  response.writeHead(200, { "content-type": "text/event-stream", "x-request-id": "up_1", ...headers })
  const chunk = { ...known, usage: null, object: "chat.completion.chunk" }
  const send = (delta: object, finish: string | null = null, more: object = {}): void => {
    response.write(`data: ${JSON.stringify({ ...chunk, choices: [{ index: 0, delta, finish_reason: finish }], ...more })}\n\n`)
  }
  send({ role: "assistant", content: "" })
  const pieces = tool === undefined ? text.split(/(?<= )/).map((content) => ({ content })) : toolPieces(tool)
  for (const delta of pieces) {
    if (response.destroyed) return
    if (between > 0) await sleep(between)
    send(delta)
  }
  send({}, tool === undefined ? "stop" : "tool_calls")
  send({}, null, { choices: [], usage: known.usage })
  response.end("data: [DONE]\n\n")
}

const toolPieces = (tool: NonNullable<Answer["tool"]>): ReadonlyArray<object> => [
  { tool_calls: [{ index: 0, id: "call_71", type: "function", function: { name: tool.name, arguments: "" } }] },
  ...(tool.arguments.match(/.{1,6}/gs) ?? []).map((piece) => ({ tool_calls: [{ index: 0, function: { arguments: piece } }] }))
]
