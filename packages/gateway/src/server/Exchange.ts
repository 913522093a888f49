/**
 * One request of a client and its answer: read within bounds, answered exactly once, and known to be gone as soon as the client
 * is.
 *
 * @module
 */
import type { IncomingMessage } from "node:http"
import type { Readable, Writable } from "node:stream"
import { type JsonObject, LlmError, type JsonValue } from "plugline"
import type { Principal } from "../auth/Principal.ts"
import type { Call, Dialect } from "../Dialect.ts"
import type { Noted } from "../inspector/Recorder.ts"
import { parse } from "./json.ts"
import { retryAfterOf, statusOf } from "./status.ts"

/** Headers by name, in lower case. */
export type Headers = { [name: string]: string }

/** What of Node's request is read; whoever takes requests in by other ways gives the same. */
export type Incoming = Readable & Pick<IncomingMessage, "complete" | "headers" | "method" | "rawHeaders" | "url">

/** What of Node's answer is written to. */
export type Outgoing = Writable & { readonly writeHead: (status: number, headers: Headers) => unknown }

/** One request of a client. */
export class Exchange {
  readonly request: Incoming
  readonly response: Outgoing
  /** The gateway's id of the request. */
  readonly id: string
  /** When it came, in ms since 1970. */
  readonly came: number
  /** The path, without query. */
  readonly path: string
  /** The query, without `?`. */
  readonly query: string
  /** In which format errors are written. */
  dialect: Dialect
  /** What the open place of the route's path holds. */
  parameter: string | undefined
  /** Who asks; nobody before that is known. */
  principal: Principal | undefined
  /** The path of the route, for metrics and logs; the empty text where there is none. */
  route = ""
  /** What went wrong, for the log. */
  error: LlmError | undefined
  /** What else the log should say. */
  note: { readonly [name: string]: JsonValue | undefined } | undefined
  /** What the inspector knows of the call; nothing where it is off, or before the call runs. */
  noted: Noted | undefined
  /** Called when the client leaves before it has been answered. */
  onLeave: (() => void) | undefined
  /** Sent with the answer, whatever it is. */
  readonly headers: Headers
  #status = 0

  constructor(request: Incoming, response: Outgoing, id: string, came: number, dialect: Dialect) {
    this.request = request
    this.response = response
    this.id = id
    this.came = came
    this.dialect = dialect
    const { url = "/" } = request
    const at = url.indexOf("?")
    this.path = at < 0 ? url : url.slice(0, at)
    this.query = at < 0 ? "" : url.slice(at + 1)
    this.headers = { "x-request-id": id }
    response.on("close", () => {
      if (response.writableFinished) return
      const leave = this.onLeave
      this.onLeave = undefined
      leave?.()
    })
  }

  /** The status of the answer; 0 before there is one. */
  get status(): number {
    return this.#status
  }

  /** Whether the client has gone before it was answered. */
  get hasLeft(): boolean {
    return this.response.destroyed && !this.response.writableFinished
  }

  /** Answers whole, once: a second answer is thrown away. */
  send(status: number, body: string | Buffer, type: string): void {
    const { response } = this
    if (this.#status !== 0 || response.destroyed) return
    this.#status = status
    const { headers } = this
    headers["content-type"] = type
    if (status !== 304) headers["content-length"] = String(typeof body === "string" ? Buffer.byteLength(body) : body.length)
    if (status >= 400 && !this.request.complete) headers.connection = "close"
    response.writeHead(status, headers)
    response.end(this.request.method === "HEAD" ? undefined : body)
  }

  /** Answers with JSON. */
  json(body: JsonValue, status = 200): void {
    this.send(status, JSON.stringify(body), "application/json")
  }

  /** Answers with an error, in the caller's dialect. */
  fail(error: LlmError): void {
    const status = statusOf(error)
    this.error = error
    const wait = retryAfterOf(error)
    if (wait !== undefined) this.headers["retry-after"] = wait
    if (status === 401) this.headers["www-authenticate"] = "Bearer"
    this.json(this.dialect.encodeError(error, status, this), status)
  }

  /** Begins a streamed answer, once. */
  begin(type: string): void {
    if (this.#status !== 0 || this.response.destroyed) return
    this.#status = 200
    const { headers } = this
    headers["content-type"] = type
    headers["cache-control"] = "no-cache"
    headers["x-accel-buffering"] = "no"
    this.response.writeHead(200, headers)
  }

  /** The body, at most `limit` bytes of it. `done` is called exactly once unless the client leaves. */
  read(limit: number, done: (body: Buffer | LlmError) => void): void {
    const { request } = this
    const coding = request.headers["content-encoding"]
    if (coding !== undefined && coding !== "identity") {
      return done(LlmError.make({
        _tag: "InvalidRequest",
        status: 415,
        message: "packed bodies are not taken: send the body without content-encoding"
      }))
    }
    if (Number(request.headers["content-length"] ?? 0) > limit) return done(tooLarge(limit))
    const pieces: Array<Buffer> = []
    let size = 0
    let over = false
    request.on("data", (piece: Buffer) => {
      if (over) return
      size += piece.length
      if (size > limit) {
        over = true
        pieces.length = 0
        return done(tooLarge(limit))
      }
      pieces.push(piece)
    })
    request.on("end", () => {
      if (!over) done(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces))
    })
  }

  /** What the dialects are told of a call. */
  call(asked: JsonObject, operation: Call["operation"], model: string, provider?: string): Call {
    return { id: this.id, operation, model, now: this.came, asked, ...(provider !== undefined && { provider }) }
  }
}

/** A body as an object; an error in its place where it is none. */
export const bodyOf = (body: Buffer): JsonObject | LlmError => {
  try {
    return parse(body)
  } catch (thrown) {
    return LlmError.fromUnknown(thrown)
  }
}

const tooLarge = (limit: number): LlmError =>
  LlmError.make({ _tag: "InvalidRequest", status: 413, message: `the body is larger than ${limit} bytes` })
