/**
 * The least that an exchange over HTTP takes: undici's `dispatch`, `JSON.stringify` and `JSON.parse`, and nothing
 * around them. It checks no status, knows no time limit and cannot be cancelled.
 *
 * @module
 */
import { Agent, type Dispatcher } from "undici"
import { body, chunks, text } from "../exchange.ts"
import { inTurn, type Upstream, together } from "../repeat.ts"
import type { Contenders } from "../worker.ts"

const agent = new Agent({ allowH2: false, headersTimeout: 0, bodyTimeout: 0, connections: null })

const headers = { "content-type": "application/json", authorization: "Bearer sk-bench", "user-agent": "floor" }

interface Reader {
  readonly data: (piece: Buffer) => void
  readonly end: () => void
}

const dispatch = (upstream: Upstream, sent: object, reader: Reader, fail: (cause: Error) => void): void => {
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: () => {},
    onResponseStart: () => {},
    onResponseData: (_, piece) => reader.data(piece),
    onResponseEnd: () => reader.end(),
    onResponseError: (_, cause) => fail(cause)
  }
  agent.dispatch({
    origin: upstream.origin,
    path: `/${upstream.how}/v1/chat/completions`,
    method: "POST",
    headers,
    body: JSON.stringify(sent)
  }, handler)
}

interface Completion {
  readonly choices: ReadonlyArray<{ readonly message: { readonly content: string } }>
}

const call = (upstream: Upstream): Promise<string> =>
  new Promise((resolve, reject) => {
    const pieces: Array<Buffer> = []
    dispatch(upstream, body, {
      data: (piece) => pieces.push(piece),
      end: () => {
        const all = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
        const completion: Completion = JSON.parse(all.toString("utf8"))
        resolve(completion.choices[0]!.message.content)
      }
    }, reject)
  })

interface Chunk {
  readonly choices: ReadonlyArray<{ readonly delta: { readonly content?: string } }>
}

/** Reads a stream to its end; `each` hears of every piece of text. */
const stream = (upstream: Upstream, each: (delta: string) => void = () => {}): Promise<number> =>
  new Promise((resolve, reject) => {
    const decoder = new TextDecoder()
    let rest = ""
    let seen = 0
    dispatch(upstream, { ...body, stream: true, stream_options: { include_usage: true } }, {
      data: (piece) => {
        const events = (rest + decoder.decode(piece, { stream: true })).split("\n\n")
        rest = events.pop()!
        for (const event of events) {
          const data = event.slice("data: ".length)
          if (data === "[DONE]") continue
          const delta = (JSON.parse(data) as Chunk).choices[0]?.delta.content
          if (delta === undefined || delta === "") continue
          seen++
          each(delta)
        }
      },
      end: () => resolve(seen)
    }, reject)
  })

export const contenders: Contenders<Upstream> = {
  call: (upstream) => inTurn(() => call(upstream), text),
  calls: (upstream) => together(() => call(upstream), text),
  stream: (upstream) => inTurn(() => stream(upstream), chunks),
  streams: (upstream) => together(() => stream(upstream), chunks)
}

/** What the memory of a request in flight is made of: begins it, and answers when it stands. */
export const hold = {
  call: (upstream: Upstream): void => void call(upstream),
  stream: (upstream: Upstream): Promise<void> => new Promise((resolve) => void stream(upstream, () => resolve()))
}
