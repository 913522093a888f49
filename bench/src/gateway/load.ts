/**
 * Asks a gateway: many at a time, one after the other, streams read to their end, or held open.
 *
 * @module
 */
import { Agent, type Dispatcher } from "undici"
import type { Peer } from "./peers.ts"

const agent = new Agent({ keepAliveTimeout: 60_000, headersTimeout: 0, bodyTimeout: 0, connections: null })

const messages = [
  { role: "system", content: "You answer in one short sentence." },
  { role: "user", content: "What is the capital of France, and how many people live there? ".repeat(8) }
]

const bodies = new Map<string, string>()

const bodyOf = (how: string, stream: boolean): string => {
  const name = `${how} ${stream}`
  let body = bodies.get(name)
  if (body === undefined) {
    bodies.set(name, body = JSON.stringify({
      model: `${how}/gpt-4o-mini`, messages, temperature: 0.2, max_tokens: 100, ...(stream && { stream, stream_options: { include_usage: true } })
    }))
  }
  return body
}

const requestOf = (peer: Peer, how: string, stream: boolean): Dispatcher.DispatchOptions => ({
  origin: `http://127.0.0.1:${peer.port}`,
  path: "/v1/chat/completions",
  method: "POST",
  headers: { "content-type": "application/json", ...peer.headers(how) },
  // Portkey hands the model on as it is; the upstream does not read it.
  body: bodyOf(how, stream)
})

/** One call to its end; answers how many pieces its body came in. */
export const ask = (peer: Peer, how: string, stream = false, again = false): Promise<number> =>
  new Promise((resolve, reject) => {
    let pieces = 0
    let size = 0
    agent.dispatch(requestOf(peer, how, stream), {
      onRequestStart: () => {},
      onResponseStart: (_controller, status) => {
        if (status !== 200) reject(new Error(`${peer.name} answered ${how} with ${status}`))
      },
      onResponseData: (_controller, piece) => {
        pieces++
        size += piece.length
      },
      onResponseEnd: () => size < 100 ? reject(new Error(`${peer.name} answered ${how} with ${size} bytes`)) : resolve(pieces),
      onResponseError: (_controller, cause) =>
        // A kept connection may be closed by the other side just as it is used again.
        size === 0 && !again
          ? resolve(ask(peer, how, stream, true))
          : reject(new Error(`${peer.name} broke off ${how} after ${size} bytes: ${cause.message}`, { cause }))
    })
  })

/** So many calls, so many at a time. */
export const many = async (peer: Peer, how: string, count: number, atATime: number, stream = false): Promise<void> => {
  let left = count
  await Promise.all(Array.from({ length: atATime }, async () => {
    while (left-- > 0) await ask(peer, how, stream)
  }))
}

/** Calls one after the other; how long each took, in µs. */
export const latencies = async (peer: Peer, how: string, count: number): Promise<ReadonlyArray<number>> => {
  const took: Array<number> = []
  for (let run = 0; run < count; run++) {
    const from = performance.now()
    await ask(peer, how)
    took.push((performance.now() - from) * 1_000)
  }
  return took
}

/** Opens so many calls that are never answered to their end; what is answered closes them. */
export const hold = async (peer: Peer, how: string, count: number, stream: boolean): Promise<() => void> => {
  const controllers: Array<Dispatcher.DispatchController> = []
  await Promise.all(Array.from({ length: count }, () =>
    new Promise<void>((resolve, reject) => {
      agent.dispatch(requestOf(peer, how, stream), {
        onRequestStart: (controller) => {
          controllers.push(controller)
          if (!stream) resolve()
        },
        onResponseStart: (_controller, status) => {
          if (status !== 200) reject(new Error(`${peer.name} answered ${how} with ${status}`))
        },
        onResponseData: () => resolve(),
        onResponseEnd: () => {},
        onResponseError: () => resolve()
      })
    })))
  return () => controllers.forEach((controller) => controller.abort(new Error("enough")))
}

/** Closes all connections. */
export const close = (): Promise<void> => agent.destroy()
