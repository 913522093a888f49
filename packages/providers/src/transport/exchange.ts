/**
 * One request and its answer over an undici dispatcher: the time limits, the bounded queue between the socket and the reader,
 * and an end that closes the socket whenever nobody waits for it any more.
 *
 * undici calls in from inside its parser. Waiting fibers are therefore woken in a microtask: what they do next must not
 * run inside the parser, and all pieces that arrived together are handed on together.
 *
 * @module
 */
import type { Bytes, LlmError, ProviderResponse } from "@plugline/core"
import { Effect } from "effect"
import type { Socket } from "node:net"
import type { Dispatcher } from "undici"
import * as Failure from "./failure.ts"
import { inflate, isPacked, unreadable } from "./inflate.ts"
import { type Checked, defaultMaxBytes, type Headers, type Outgoing } from "./outgoing.ts"

/** Bytes that can be let go gently: what is left is read and thrown away for a moment, so that the connection can be used again. */
export interface StreamBytes extends Bytes {
  readonly release: Effect.Effect<void>
}

type Wake<A> = (outcome: Effect.Effect<A, LlmError>) => void
type Chunks = ReadonlyArray<Uint8Array>

const done = Effect.succeed(undefined)

/** From this many unread bytes on, the socket is not read any further. */
const highWater = 64 * 1024

/** How long, in ms, and for how many bytes a released answer may go on. */
const gentle = { ms: 100, bytes: 64 * 1024 }

/** See the module's words; a request's handler in undici's sense. */
export class Exchange implements Dispatcher.DispatchHandler {
  /** The socket that is being connected for this request, as long as it is. */
  connecting: Socket | undefined

  readonly #outgoing: Outgoing
  readonly #checked: Checked
  readonly #wake: Wake<ProviderResponse>
  readonly #begunAt = performance.now()

  #phase: "connect" | "first-token" | "idle" | "released" | "over" = "connect"
  #since = this.#begunAt
  #timer: NodeJS.Timeout | undefined
  #dueAt = Infinity

  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #headers: Headers = {}
  #streaming = false
  /** Whether the sender has its answer: the head of a stream, the whole of anything else, or an error. */
  #answered = false

  #chunks: Array<Uint8Array> = []
  #queued = 0
  #received = 0
  #paused = false

  /** How the body ended: `true` well, an error badly. */
  #end: true | LlmError | undefined
  #reader: Wake<Chunks | undefined> | undefined
  #waking = false

  constructor(outgoing: Outgoing, checked: Checked, wake: Wake<ProviderResponse>) {
    this.#outgoing = outgoing
    this.#checked = checked
    this.#wake = wake
  }

  /** Sends the request. */
  start(dispatcher: Dispatcher): void {
    const { headers, origin, path } = this.#checked
    const { body, method } = this.#outgoing
    this.#arm()
    dispatcher.dispatch({ origin, path, method, headers, body: body ?? null, headersTimeout: 0, bodyTimeout: 0 }, this)
  }

  /** Nobody waits any more: the request is given up and its socket closed. */
  abort(): void {
    if (this.#phase === "over") return
    this.#stop()
    this.#hangUp()
  }

  // --- what undici calls ------------------------------------------------------------------------------------------------

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.connecting = undefined
    // A request that was given up while it waited for its connection is not sent; the connection stays for others.
    if (this.#phase === "over") throw new Error("given up")
    this.#controller = controller
    this.#enter("first-token")
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: { [name: string]: string | Array<string> | undefined }): void {
    // 1xx announces, and the answer is still to come.
    if (status < 200 || this.#phase === "over") return
    this.#status = status
    this.#headers = flat(headers)
    this.#streaming = this.#outgoing.stream && status < 300
    const limit = this.#limit()
    if (Number(this.#headers["content-length"] ?? 0) > limit) return this.#fail(Failure.tooLarge(limit))
    if (!this.#streaming) return
    const encoding = this.#headers["content-encoding"]
    if (isPacked(encoding)) return this.#fail(unreadable(encoding))
    this.#answer(Effect.succeed({ status, headers: this.#headers, body: this.#open() }))
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#phase === "over") return
    this.#received += chunk.length
    if (this.#phase === "released") {
      this.#queued += chunk.length
      if (this.#queued > gentle.bytes) this.abort()
      return
    }
    const limit = this.#limit()
    if (this.#received > limit) return this.#fail(Failure.tooLarge(limit))
    this.#chunks.push(chunk)
    this.#queued += chunk.length
    if (this.#phase === "first-token") this.#enter("idle")
    else this.#since = performance.now()
    if (!this.#streaming) return
    if (this.#queued >= highWater && !this.#paused) {
      this.#paused = true
      this.#controller!.pause()
    }
    this.#wakeReader()
  }

  onResponseEnd(): void {
    if (this.#phase === "over") return
    this.#stop()
    this.#end = true
    if (this.#streaming) this.#wakeReader()
    else this.#whole()
  }

  onResponseError(_: Dispatcher.DispatchController | null, cause: Error): void {
    if (this.#phase === "over") return
    this.#fail(Failure.failure(cause, {
      origin: this.#checked.origin,
      connected: this.#phase !== "connect",
      begun: this.#status !== 0,
      streaming: this.#streaming,
      connectLimit: this.#checked.timeouts.connect
    }))
  }

  // --- what the reader calls --------------------------------------------------------------------------------------------

  #open(): StreamBytes {
    const forget = Effect.sync(() => {
      this.#reader = undefined
    })
    return {
      pull: Effect.callback<Chunks | undefined, LlmError>((wake) => {
        const now = this.#next()
        if (now !== undefined) return wake(now)
        this.#reader = wake
        return forget
      }),
      close: Effect.sync(() => {
        if (this.#phase === "released") return
        this.#drop()
        this.abort()
      }),
      release: Effect.sync(() => {
        if (this.#phase === "over" || this.#phase === "released") return
        this.#drop()
        this.#enter("released")
        this.#flow()
      })
    }
  }

  /** What a reader gets who asks now; nothing if it must wait. */
  #next(): Effect.Effect<Chunks | undefined, LlmError> | undefined {
    if (this.#chunks.length > 0) {
      const chunks = this.#chunks
      this.#chunks = []
      this.#queued = 0
      this.#flow()
      return Effect.succeed(chunks)
    }
    if (this.#end === true) return done
    if (this.#end !== undefined) return Effect.fail(this.#end)
    return this.#phase === "over" || this.#phase === "released" ? done : undefined
  }

  #wakeReader(): void {
    if (this.#reader === undefined || this.#waking) return
    this.#waking = true
    queueMicrotask(() => {
      this.#waking = false
      const reader = this.#reader
      const now = reader === undefined ? undefined : this.#next()
      if (reader === undefined || now === undefined) return
      this.#reader = undefined
      reader(now)
    })
  }

  /** Reads the socket again. The time it stood still for the reader is not the service's. */
  #flow(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#since = performance.now()
    this.#arm()
    this.#controller!.resume()
  }

  #drop(): void {
    this.#chunks = []
    this.#queued = 0
  }

  // --- how it ends ------------------------------------------------------------------------------------------------------

  #whole(): void {
    const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#queued)
    this.#drop()
    const encoding = this.#headers["content-encoding"]
    if (!isPacked(encoding)) return this.#text(bytes)
    inflate(encoding, bytes, this.#limit(), (outcome) =>
      outcome instanceof Uint8Array ? this.#text(outcome) : this.#answer(Effect.fail(outcome)))
  }

  #text(bytes: Uint8Array): void {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")
    // A byte order mark is no part of the text.
    const body = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
    this.#answer(Effect.succeed({ status: this.#status, headers: this.#headers, body }))
  }

  #answer(outcome: Effect.Effect<ProviderResponse, LlmError>): void {
    this.#answered = true
    queueMicrotask(() => this.#wake(outcome))
  }

  #fail(error: LlmError): void {
    this.#stop()
    this.#end = error
    if (this.#answered) this.#wakeReader()
    else this.#answer(Effect.fail(error))
    this.#hangUp()
  }

  #stop(): void {
    this.#phase = "over"
    clearTimeout(this.#timer)
  }

  #hangUp(): void {
    this.#controller?.abort(new Error("given up"))
    this.connecting?.destroy(new Error("given up"))
    this.connecting = undefined
  }

  /** Most bytes the body may have. */
  #limit(): number {
    return this.#outgoing.maxBytes ?? (this.#streaming ? Infinity : defaultMaxBytes)
  }

  // --- time: one timer, armed again rather than made anew for every piece -----------------------------------------------

  /** The timer has fired: a limit has passed, or has moved on meanwhile. */
  tick(): void {
    const { at, limit, phase } = this.#due()
    if (performance.now() >= at) return this.#phase === "released" ? this.abort() : this.#fail(Failure.timeout(phase, limit))
    this.#dueAt = Infinity
    this.#arm()
  }

  #enter(phase: "first-token" | "idle" | "released"): void {
    this.#phase = phase
    this.#since = performance.now()
    this.#arm()
  }

  #arm(): void {
    const { at } = this.#due()
    // One that fires earlier looks again and arms itself for what is left.
    if (this.#dueAt <= at) return
    clearTimeout(this.#timer)
    this.#dueAt = at
    this.#timer = setTimeout(tick, Math.min(Math.ceil(Math.max(at - performance.now(), 0)), longest), this)
  }

  /** The limit that passes next, and when. */
  #due(): { readonly at: number; readonly phase: "connect" | "first-token" | "idle" | "total"; readonly limit: number } {
    const { connect, firstToken, idle, total } = this.#checked.timeouts
    const end = this.#begunAt + total
    const [phase, limit] = this.#phase === "connect"
      ? ["connect", connect] as const
      : this.#phase === "first-token"
      ? ["first-token", firstToken] as const
      : ["idle", this.#phase === "released" ? gentle.ms : this.#paused ? Infinity : idle] as const
    const at = this.#since + limit
    return at <= end ? { at, phase, limit } : { at: end, phase: "total", limit: total }
  }
}

const tick = (exchange: Exchange): void => exchange.tick()

/** The longest time a timer of the platform can wait, in ms; one that waits longer is armed again. */
const longest = 2 ** 31 - 1

/** Header values as one text each; as they came where they are that already. */
const flat = (headers: { readonly [name: string]: string | Array<string> | undefined }): Headers => {
  if (isFlat(headers)) return headers
  const out: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) out[name] = typeof value === "string" ? value : value.join(", ")
  }
  return out
}

const isFlat = (headers: { readonly [name: string]: string | Array<string> | undefined }): headers is Headers => {
  for (const name in headers) if (typeof headers[name] !== "string") return false
  return true
}
