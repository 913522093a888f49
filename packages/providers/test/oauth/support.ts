/**
 * A token server of one's own, and a provider that buys there.
 *
 * @module
 */
import { LlmError, type ProviderResponse, Request, Result } from "@plugline/core"
import { type MemoryAnswer, type Outgoing, Provider, Transport, type Wire } from "@plugline/providers"
import { Effect, Layer, type Scope } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import type { Sign } from "../../src/call/definition.ts"

/** What a token server was asked. */
export interface Asked {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: { readonly [name: string]: string | ReadonlyArray<string> | undefined }
  readonly form: URLSearchParams
}

/** What a token server answers. */
export interface Answer {
  readonly status?: number
  readonly headers?: { readonly [name: string]: string }
  readonly body: object | string
}

/** A server on this machine that answers as it is told, and what it was asked. */
export const server = (
  answer: (asked: Asked, count: number) => Answer
): Effect.Effect<{ readonly url: string; readonly asked: ReadonlyArray<Asked> }, never, Scope.Scope> => {
  const asked: Array<Asked> = []
  const http = createServer((incoming, response) => {
    let text = ""
    incoming.on("data", (piece) => text += piece).on("end", () => {
      const one: Asked = { method: incoming.method, path: incoming.url, headers: incoming.headers, form: new URLSearchParams(text) }
      asked.push(one)
      const { body, headers, status = 200 } = answer(one, asked.length)
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(typeof body === "string" ? body : JSON.stringify(body))
    })
  })
  return Effect.acquireRelease(
    Effect.promise(() => new Promise<{ readonly url: string; readonly asked: ReadonlyArray<Asked> }>((done) =>
      http.listen(0, "127.0.0.1", () => done({ url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, asked }))
    )),
    () => Effect.sync(() => {
      http.closeAllConnections()
      http.close()
    })
  )
}

/** A wire as small as can be; a status of 401 or 403 is what it says. */
export const wire: Wire = {
  prepare: ({ config }) => ({ request: { method: "POST", url: `${config.baseUrl}/ask`, headers: {}, body: {} }, warnings: [] }),
  parse: ({ body }) => Result.fold([
    { type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: body }, { type: "text-end", id: "0" },
    { type: "finish", reason: "stop", usage: { inputTokens: {}, outputTokens: {} } }
  ]),
  parts: () => {
    let text = ""
    return {
      push: (bytes) => {
        text += Buffer.from(bytes).toString("utf8")
        return []
      },
      end: () => [{ type: "error", error: LlmError.make({ _tag: "Server", message: `stream: ${text}`, raw: { text, list: [text], [text]: 1 } }).toJSON() }]
    }
  },
  reason: ({ body, status }) =>
    LlmError.make({ _tag: status === 401 ? "Authentication" : status === 403 ? "Permission" : "Server", status, message: body, raw: { body } })
}

/** A provider whose credential takes more than the key. */
export const signing = (sign: Sign) =>
  Provider.make({ name: "acme", title: "Acme", baseUrl: "https://api.acme.test", sign, wires: { chat: wire, stream: wire } })

/** A transport that asks the provider in memory and everyone else for real. `sent`: what the provider was sent. */
export const partly = (answer: (outgoing: Outgoing, count: number) => MemoryAnswer) => {
  const sent: Array<Outgoing> = []
  const memory = Transport.memory((outgoing) => Effect.sync(() => (sent.push(outgoing), answer(outgoing, sent.length))))
  const layer = Layer.effect(Transport, Effect.gen(function*() {
    const near = yield* Effect.provide(Transport, memory)
    const far = yield* Transport
    const send = (outgoing: Outgoing): Effect.Effect<ProviderResponse, LlmError> =>
      outgoing.url.startsWith("https://api.acme.test/") ? near.send(outgoing) : far.send(outgoing)
    return { send }
  })).pipe(Layer.provide(Transport.layer))
  return { sent, layer, authorizations: () => sent.map((outgoing) => Transport.headersOf(outgoing).authorization) }
}

/** A request to that provider. */
export const ask = (more: Partial<Parameters<typeof Request.make>[0]> = {}) => Request.make({ provider: "acme", messages: "Hello", ...more })

