/**
 * Requests and answers in the words of the web, `Request` and `Response`, as the server reads and writes them: an answer goes
 * no faster than it is read, and who leaves it has left the gateway.
 *
 * @module
 */
import { LlmError } from "plugline"
import { Readable, Writable } from "node:stream"
import type { Headers as Fields, Incoming, Outgoing } from "./Exchange.ts"
import type { Intake } from "./Server.ts"

/** Answers one request. `timeout`: how long its body may take to arrive, in ms. Never rejects. */
export const answered = (intake: Intake, request: Request, timeout: number): Promise<Response> => {
  const { signal } = request
  const incoming = new WebIncoming(request)
  const outgoing = new WebOutgoing()
  const leave = (): void => void outgoing.destroy()
  const exchange = intake.take(incoming, outgoing)
  const timer = incoming.complete ? undefined : setTimeout(() => {
    if (!incoming.complete) exchange.fail(slow(timeout))
  }, timeout)
  timer?.unref?.()
  incoming.once("end", () => clearTimeout(timer))
  // Whoever breaks off what he asks waits for no answer.
  incoming.once("error", leave)
  outgoing.once("close", () => {
    clearTimeout(timer)
    signal.removeEventListener("abort", leave)
    incoming.destroy()
  })
  if (signal.aborted) leave()
  else signal.addEventListener("abort", leave, { once: true })
  return outgoing.response
}

const slow = (timeout: number): LlmError => {
  const message = `the request did not arrive whole within ${timeout} ms`
  return LlmError.make({ _tag: "Timeout", status: 408, phase: "total", message })
}

/** A request, to be read as Node's are. */
class WebIncoming extends Readable implements Incoming {
  readonly method: string
  readonly url: string
  readonly headers: Incoming["headers"]
  readonly rawHeaders: Array<string>
  /** Whether all of it has arrived. */
  complete: boolean
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined

  constructor({ body, headers, method, url }: Request) {
    super()
    const { pathname, search } = new URL(url)
    this.method = method
    this.url = pathname + search
    this.headers = Object.fromEntries(headers)
    this.rawHeaders = [...headers].flat()
    this.#reader = body?.getReader()
    this.complete = this.#reader === undefined
  }

  override _read(): void {
    if (this.#reader === undefined) return void this.push(null)
    this.#reader.read().then(({ done, value }) => {
      if (this.destroyed) return
      if (done) this.complete = true
      this.push(done ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength))
    }, (cause: unknown) => this.destroy(cause instanceof Error ? cause : new Error("the body broke off", { cause })))
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // What nobody reads need not be sent.
    if (!this.complete) this.#reader?.cancel().catch(() => {})
    done(error)
  }
}

/** So many bytes wait for a reader, beside those that wait to be written. */
const ahead = 16_384

/** An answer, to be written as Node's are. Its head is known with the first word, or with the last where there is only one. */
class WebOutgoing extends Writable implements Outgoing {
  /** What the caller is given; for whoever left before there was a head, 499 and nothing. */
  readonly response: Promise<Response>
  readonly #resolve: (response: Response) => void
  #head: { readonly status: number; readonly headers: Headers } | undefined
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  /** Goes on writing, once what was written last has been read. */
  #go: (() => void) | undefined

  constructor() {
    super({ highWaterMark: 65_536 })
    const { promise, resolve } = Promise.withResolvers<Response>()
    this.response = promise
    this.#resolve = resolve
  }

  writeHead(status: number, fields: Fields): void {
    const headers = new Headers(fields)
    // Connections are the platform's.
    headers.delete("connection")
    this.#head = { status, headers }
  }

  override end(...args: ReadonlyArray<unknown>): this {
    const [body] = args
    if (this.#head !== undefined && this.#controller === undefined && this.writableLength === 0) {
      this.#respond(typeof body === "string" || Buffer.isBuffer(body) ? body : null)
      return super.end()
    }
    return super.end(...args as [])
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#controller === undefined) this.#begin()
    const controller = this.#controller!
    controller.enqueue(new Uint8Array(bytes))
    if (controller.desiredSize! > 0) done()
    else this.#go = done
  }

  override _writev(pieces: ReadonlyArray<{ readonly chunk: Buffer }>, done: (error?: Error | null) => void): void {
    this._write(Buffer.concat(pieces.map(({ chunk }) => chunk)), "buffer", done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#controller?.close()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#go = undefined
    if (!this.writableFinished) {
      this.#controller?.error(error ?? new Error("the answer was broken off"))
      this.#resolve(new Response(null, { status: 499 }))
    }
    done(error)
  }

  /** Begins to answer piece by piece, no more than {@link ahead} of the reader: some readers leave the end of it unread. */
  #begin(): void {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller
      },
      pull: () => {
        const go = this.#go
        this.#go = undefined
        go?.()
      },
      cancel: () => void this.destroy()
    }, new ByteLengthQueuingStrategy({ highWaterMark: ahead }))
    this.#respond(body)
  }

  #respond(body: string | Buffer | ReadableStream<Uint8Array> | null): void {
    const { headers, status } = this.#head!
    const isBare = status === 204 || status === 205 || status === 304
    this.#resolve(new Response(isBare ? null : Buffer.isBuffer(body) ? new Uint8Array(body) : body, { status, headers }))
  }
}
