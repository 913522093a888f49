/** What every transport must do. Run against each layer, with an answer that the layer can be told to give. */
import type { Bytes, LlmError } from "@plugline/core"
import type { Outgoing, Transport } from "@plugline/providers"
import { Cause, Effect, Exit, Redacted, type Scope } from "effect"
import { gzipSync } from "node:zlib"
import { describe, expect, it } from "vitest"

/** A service that gives one answer and shows what it was asked. */
export interface Service {
  readonly url: string
  readonly send: Transport["Service"]["send"]
  /** The headers and body of the last request, and how many came. */
  readonly seen: () => { readonly headers: Readonly<Record<string, unknown>>; readonly body: string; readonly count: number }
}

/** How a layer is given a service; a piece may be a delay in ms or, at the end, `"cut"`. */
export type Serve = (answer: { readonly status?: number; readonly headers?: Record<string, string>; readonly body: ReadonlyArray<string | Uint8Array | number | "cut"> }) =>
  Effect.Effect<Service, never, Scope.Scope>

export const reasonOf = (exit: Exit.Exit<unknown, LlmError>): LlmError["reason"] => {
  if (Exit.isSuccess(exit)) throw new Error(`expected a failure, got ${JSON.stringify(exit.value)}`)
  return (Cause.squash(exit.cause) as LlmError).reason
}

/** Reads bytes to their end. */
export const readAll = (bytes: Bytes): Effect.Effect<string, LlmError> =>
  Effect.gen(function*() {
    const chunks: Array<Uint8Array> = []
    for (let more = yield* bytes.pull; more !== undefined; more = yield* bytes.pull) chunks.push(...more)
    return Buffer.concat(chunks).toString("utf8")
  })

const ask = (service: Service, more: Partial<Outgoing> = {}) =>
  service.send({ method: "POST", url: `${service.url}/v1/chat`, headers: { "content-type": "application/json" }, body: "{}", stream: false, ...more })

const bytesOf = (body: string | Bytes): Bytes => {
  if (typeof body === "string") throw new Error("expected bytes")
  return body
}

export const contract = (name: string, serve: Serve): void => {
  const test = (title: string, run: Effect.Effect<void, LlmError, Scope.Scope>) =>
    it(title, () => Effect.runPromise(Effect.scoped(run)))

  describe(`${name}: the contract of a transport`, () => {
    test("a whole answer comes with status, headers in lower case and text", Effect.gen(function*() {
      const service = yield* serve({ status: 201, headers: { "X-Request-Id": "r1", "content-type": "application/json" }, body: ["{\"a\":", "\"ü\"}"] })
      const response = yield* ask(service)
      expect(response.status).toBe(201)
      expect(response.headers["x-request-id"]).toBe("r1")
      expect(response.body).toBe("{\"a\":\"ü\"}")
    }))

    test("a character cut between two pieces is one character, and a byte order mark is no text", Effect.gen(function*() {
      const bytes = Buffer.from("\ufeff{\"a\":\"€\"}")
      const service = yield* serve({ body: [bytes.subarray(0, 10), 5, bytes.subarray(10)] })
      expect((yield* ask(service)).body).toBe("{\"a\":\"€\"}")
    }))

    test("a stream comes as bytes, in order and whole", Effect.gen(function*() {
      const service = yield* serve({ body: ["data: 1\n\n", 5, "data: 2\n\n"] })
      const response = yield* ask(service, { stream: true })
      expect(yield* readAll(bytesOf(response.body))).toBe("data: 1\n\ndata: 2\n\n")
    }))

    test("an ended stream stays ended, and closing it any number of times is harmless", Effect.gen(function*() {
      const service = yield* serve({ body: ["x"] })
      const bytes = bytesOf((yield* ask(service, { stream: true })).body)
      yield* readAll(bytes)
      expect(yield* bytes.pull).toBe(undefined)
      yield* bytes.close
      yield* bytes.close
      expect(yield* bytes.pull).toBe(undefined)
    }))

    test("a closed stream hands out nothing more", Effect.gen(function*() {
      const service = yield* serve({ body: ["one", 20, "two", 20, "three"] })
      const bytes = bytesOf((yield* ask(service, { stream: true })).body)
      yield* bytes.pull
      yield* bytes.close
      expect(yield* bytes.pull).toBe(undefined)
    }))

    test("an error status is an answer, whole also where a stream was asked for", Effect.gen(function*() {
      const service = yield* serve({ status: 500, headers: { "retry-after": "3" }, body: ["{\"error\":", "1}"] })
      const response = yield* ask(service, { stream: true })
      expect([response.status, response.headers["retry-after"], response.body]).toEqual([500, "3", "{\"error\":1}"])
    }))

    test("a redirect is an answer and is not followed", Effect.gen(function*() {
      const service = yield* serve({ status: 307, headers: { location: "http://127.0.0.1:1/elsewhere" }, body: [""] })
      expect((yield* ask(service)).status).toBe(307)
      expect(service.seen().count).toBe(1)
    }))

    test("body and headers arrive, the secret ones too, and no encoding is asked for", Effect.gen(function*() {
      const service = yield* serve({ body: ["ok"] })
      yield* ask(service, { body: "{\"text\":\"ü\"}", secrets: Redacted.make({ authorization: "Bearer k" }), headers: { "accept-encoding": "gzip", "x-a": "1" } })
      const { body, headers } = service.seen()
      expect(body).toBe("{\"text\":\"ü\"}")
      expect(headers).toMatchObject({ authorization: "Bearer k", "x-a": "1", "accept-encoding": "identity" })
    }))

    for (const [title, headers, secrets] of [
      ["a line break in a header", { "x-a": "1\r\nx-b: 2" }, undefined],
      ["a line break in a secret header", {}, { authorization: "Bearer a\nb" }],
      ["a line break in a header's name", { "x-a\r\nx-b": "1" }, undefined],
      ["Bearer undefined", {}, { authorization: "Bearer undefined" }],
      ["an empty Bearer", {}, { authorization: "Bearer " }],
      ["a credential that was masked", {}, { "x-api-key": "<redacted>" }],
      ["a header of the transport's own", { "content-length": "1" }, undefined],
      ["another host", { host: "internal" }, undefined]
    ] as ReadonlyArray<[string, Record<string, string>, Record<string, string> | undefined]>) {
      test(`${title} is refused, unsent, and the value is not shown`, Effect.gen(function*() {
        const service = yield* serve({ body: ["ok"] })
        const exit = yield* Effect.exit(ask(service, { headers, ...(secrets !== undefined && { secrets: Redacted.make(secrets) }) }))
        const reason = reasonOf(exit)
        expect(reason._tag).toBe("InvalidRequest")
        expect(service.seen().count).toBe(0)
        expect(reason.message).not.toContain("x-b: 2")
      }))
    }

    for (const url of ["ftp://127.0.0.1/x", "nowhere", "http://user:secret@127.0.0.1/x", "file:///etc/passwd"]) {
      test(`the address ${url.slice(0, 12)}… is refused`, Effect.gen(function*() {
        const service = yield* serve({ body: ["ok"] })
        const reason = reasonOf(yield* Effect.exit(ask(service, { url })))
        expect(reason).toMatchObject({ _tag: "InvalidRequest", parameter: "url" })
        expect(reason.message).not.toContain("secret")
      }))
    }

    test("a body over the limit is refused, whole and streamed", Effect.gen(function*() {
      const service = yield* serve({ body: ["x".repeat(600), 5, "x".repeat(600)] })
      expect(reasonOf(yield* Effect.exit(ask(service, { maxBytes: 1000 })))).toMatchObject({ _tag: "MalformedResponse" })
      expect((yield* ask(service, { maxBytes: 1200 })).body).toBe("x".repeat(1200))
      const bytes = bytesOf((yield* ask(service, { maxBytes: 1000, stream: true })).body)
      expect(reasonOf(yield* Effect.exit(readAll(bytes)))).toMatchObject({ _tag: "MalformedResponse" })
    }))

    test("a packed body is unpacked, a bomb is not, and a packed stream is refused", Effect.gen(function*() {
      const headers = { "content-encoding": "gzip" }
      const good = yield* serve({ headers, body: [gzipSync("{\"a\":1}")] })
      expect((yield* ask(good)).body).toBe("{\"a\":1}")
      expect(reasonOf(yield* Effect.exit(ask(good, { stream: true })))._tag).toBe("MalformedResponse")
      const bomb = yield* serve({ headers, body: [gzipSync("0".repeat(5_000_000))] })
      expect(reasonOf(yield* Effect.exit(ask(bomb, { maxBytes: 100_000 })))).toMatchObject({ _tag: "MalformedResponse", message: expect.stringContaining("100000") })
      const strange = yield* serve({ headers: { "content-encoding": "rot13" }, body: ["x"] })
      expect(reasonOf(yield* Effect.exit(ask(strange)))._tag).toBe("MalformedResponse")
    }))

    test("each time limit has its phase", Effect.gen(function*() {
      const late = yield* serve({ body: [500, "x"] })
      const slow = yield* serve({ body: ["a", 500, "b"] })
      const steady = yield* serve({ body: Array.from({ length: 40 }, (_, index) => index % 2 === 0 ? "x" : 25) })
      const first = { firstToken: 60 }
      expect(reasonOf(yield* Effect.exit(ask(late, { timeouts: first })))).toMatchObject({ _tag: "Timeout", phase: "first-token", limit: 60 })
      expect(reasonOf(yield* Effect.exit(Effect.flatMap(ask(late, { timeouts: first, stream: true }), ({ body }) => readAll(bytesOf(body))))))
        .toMatchObject({ _tag: "Timeout", phase: "first-token", limit: 60 })
      expect(reasonOf(yield* Effect.exit(ask(slow, { timeouts: { idle: 60 } })))).toMatchObject({ _tag: "Timeout", phase: "idle", limit: 60 })
      expect(reasonOf(yield* Effect.exit(Effect.flatMap(ask(slow, { timeouts: { idle: 60 }, stream: true }), ({ body }) => readAll(bytesOf(body))))))
        .toMatchObject({ _tag: "Timeout", phase: "idle", limit: 60 })
      expect(reasonOf(yield* Effect.exit(ask(steady, { timeouts: { idle: 400, total: 150 } })))).toMatchObject({ _tag: "Timeout", phase: "total", limit: 150 })
      expect((yield* ask(steady, { timeouts: { idle: 400, total: 5_000 } })).body).toBe("x".repeat(20))
    }))

    test("a body that breaks off is no end: CutStream for a stream, Network for a whole answer", Effect.gen(function*() {
      const service = yield* serve({ body: ["data: 1\n\n", 10, "cut"] })
      const bytes = bytesOf((yield* ask(service, { stream: true })).body)
      expect(reasonOf(yield* Effect.exit(readAll(bytes)))._tag).toBe("CutStream")
      expect(reasonOf(yield* Effect.exit(bytes.pull))._tag).toBe("CutStream")
      expect(reasonOf(yield* Effect.exit(ask(service)))._tag).toBe("Network")
    }))
  })
}
