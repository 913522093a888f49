/**
 * A transport that answers from a function: no network, time by Effect's clock.
 *
 * @module
 */
import type { Bytes, LlmError, ProviderResponse } from "@plugline/core"
import { Clock, Effect } from "effect"
import * as Failure from "./failure.ts"
import { inflate, isPacked, unreadable } from "./inflate.ts"
import { check, defaultMaxBytes, type Headers, type Outgoing } from "./outgoing.ts"

/** What the function answers with. */
export interface MemoryAnswer {
  /** Default: 200. */
  readonly status?: number
  /** Names in lower case. Default: none. */
  readonly headers?: Headers
  /** The whole body, or its pieces. A piece may be an Effect: one that waits, fails or never comes. Default: an empty text. */
  readonly body?: string | Iterable<Piece>
}

/** One piece of a body. */
export type Piece = string | Uint8Array | Effect.Effect<string | Uint8Array, LlmError>

/** Answers requests. */
export type MemoryHandler = (outgoing: Outgoing) => Effect.Effect<MemoryAnswer, LlmError>

/** `send` of a transport, from a function. */
export const memory = (handler: MemoryHandler) => (outgoing: Outgoing): Effect.Effect<ProviderResponse, LlmError> =>
  Effect.gen(function*() {
    const { timeouts } = yield* Effect.try({ try: () => check(outgoing), catch: (refused) => refused as LlmError })
    const clock = yield* Clock.Clock
    const begunAt = clock.currentTimeMillisUnsafe()

    /** Waits for the service, as long as the limit of this phase and of the whole allow. */
    const within = <A>(phase: "first-token" | "idle", effect: Effect.Effect<A, LlmError>) => {
      const limit = phase === "first-token" ? timeouts.firstToken : timeouts.idle
      const left = begunAt + timeouts.total - clock.currentTimeMillisUnsafe()
      const error = limit <= left ? Failure.timeout(phase, limit) : Failure.timeout("total", timeouts.total)
      const shorter = Math.min(limit, left)
      return shorter === Infinity
        ? effect
        : Effect.timeoutOrElse(effect, { duration: Math.max(shorter, 0), orElse: () => Effect.fail(error) })
    }

    const { body = "", headers = {}, status = 200 } = yield* within("first-token", handler(outgoing))
    const streaming = outgoing.stream && status >= 200 && status < 300
    const limit = outgoing.maxBytes ?? (streaming ? Infinity : defaultMaxBytes)
    const encoding = headers["content-encoding"]
    const pieces = (typeof body === "string" ? [body] : body)[Symbol.iterator]()
    let received = 0
    let first = true
    let closed = false
    let failed: LlmError | undefined

    const pull: Bytes["pull"] = Effect.suspend(() => {
      if (failed !== undefined) return Effect.fail(failed)
      const next = closed ? undefined : pieces.next()
      if (next === undefined || next.done === true) return Effect.succeed(undefined)
      const piece: Effect.Effect<string | Uint8Array, LlmError> = Effect.isEffect(next.value) ? next.value : Effect.succeed(next.value)
      const waited = within(first ? "first-token" : "idle", piece)
      first = false
      const arrived = Effect.flatMap(waited, (piece) => {
        const bytes = typeof piece === "string" ? Buffer.from(piece) : piece
        received += bytes.length
        return received > limit ? Effect.fail(Failure.tooLarge(limit)) : Effect.succeed([bytes])
      })
      return Effect.tapError(arrived, (error) => Effect.sync(() => {
        failed = error
      }))
    })
    const close = Effect.sync(() => {
      if (closed) return
      closed = true
      pieces.return?.()
    })

    if (streaming) {
      return isPacked(encoding) ? yield* Effect.fail(unreadable(encoding)) : { status, headers, body: { pull, close } }
    }
    const chunks: Array<Uint8Array> = []
    for (let more = yield* pull; more !== undefined; more = yield* pull) chunks.push(...more)
    const bytes = Buffer.concat(chunks)
    const unpacked = isPacked(encoding) ? yield* unpack(encoding, bytes, limit) : bytes
    const text = unpacked.toString("utf8")
    return { status, headers, body: text.charCodeAt(0) === 0xfeff ? text.slice(1) : text }
  })

const unpack = (encoding: string, bytes: Buffer, limit: number): Effect.Effect<Buffer, LlmError> =>
  Effect.callback((wake) => inflate(encoding, bytes, limit, (outcome) =>
    wake(outcome instanceof Uint8Array ? Effect.succeed(outcome) : Effect.fail(outcome))))
