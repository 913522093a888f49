/** Seeded secrets appear in nothing that can be printed, whatever a service says back. */
import { LlmError, Pipeline, type Request, Trace } from "@plugline/core"
import { Credentials, type MemoryAnswer, type Outgoing, Transport } from "@plugline/providers"
import { it } from "@effect/vitest"
import { Effect, Layer, Logger, Redacted, References, Tracer } from "effect"
import { TestClock } from "effect/testing"
import { generateKeyPairSync } from "node:crypto"
import { inspect } from "node:util"
import { describe, expect } from "vitest"
import type { Sign } from "../../src/call/definition.ts"
import { clientCredentials } from "../../src/oauth/clientCredentials.ts"
import { serviceAccount } from "../../src/oauth/serviceAccount.ts"
import { ask, signing } from "./support.ts"

const pem = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" }).toString()
const token = "canary.token_0123456789"
const login = "https://oauth2.googleapis.com/token"

const basic = Buffer.from("client-1:canary-secret-0123").toString("base64")
const credentials: ReadonlyArray<[string, Sign, object, ReadonlyArray<string>]> = [
  ["a client's credential in a header", clientCredentials({ tokenUrl: login }), { clientId: "client-1", clientSecret: "canary-secret-0123" }, ["canary-secret", basic]],
  ["a client's credential in a form", clientCredentials({ tokenUrl: login, secretIn: "form" }), { clientId: "client-1", clientSecret: "canary-secret-0123" }, ["canary-secret"]],
  ["a person's login", serviceAccount(), { type: "authorized_user", client_id: "id", client_secret: "canary-secret-0123", refresh_token: "canary-refresh-0123" }, ["canary-"]],
  ["a service account", serviceAccount(), { type: "service_account", client_email: "me@x.test", private_key: pem }, [pem.slice(100, 140), pem.slice(-80, -40)]],
  ["parts that a signature is made of", ({ key }) => Effect.sync(() => ({ authorization: `Signature ${Redacted.value(key!).length}`, "x-amz-security-token": "canary-session-0123" })),
    { accessKeyId: "AKID", secretAccessKey: "canary-secret-0123", sessionToken: "canary-session-0123" }, ["canary-"]]
]

/** A service that says everything it was sent, and the credential's own texts beside it. */
const echo = (outgoing: Outgoing, key: string): string => {
  const headers = Transport.headersOf(outgoing)
  const said = [...Object.values(headers).map((value) => value.replace(/^\w+ /, "")), ...Object.values(JSON.parse(key) as object), key, outgoing.body ?? "",
    ...new URLSearchParams(outgoing.body).values()]
  return JSON.stringify({ error: "said", error_description: said.join(" | "), said })
}

const api: ReadonlyArray<[string, (said: string) => MemoryAnswer]> = [
  ["answers", (said) => ({ headers: { "x-echo": said.replaceAll(/[^\x20-\x7e]/g, "") }, body: said })],
  ["refuses the credential", (said) => ({ status: 401, body: said })],
  ["refuses the request", (said) => ({ status: 400, headers: { "x-echo": said.replaceAll(/[^\x20-\x7e]/g, "") }, body: said })],
  ["breaks", () => ({ body: [Effect.fail(LlmError.make({ _tag: "Network", message: "reset" }))] })]
]

describe.each(credentials)("%s stands in nothing that can be printed", (_, sign, credential, secrets) => {
  const key = JSON.stringify(credential)

  /** A run, and everything that could be seen of it. */
  const printed = (operation: "chat" | "stream", answer: (outgoing: Outgoing) => MemoryAnswer, rounds = 1) =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const logger = Logger.make(({ cause, message }) => void seen.push(message, cause))
      const tracer = Tracer.make({ span: (options) => {
        const span = new Tracer.NativeSpan(options)
        seen.push(span)
        return span
      } })
      const assertions: Array<string> = []
      const transport = Transport.memory((outgoing) => Effect.sync(() => {
        seen.push(outgoing)
        const assertion = new URLSearchParams(outgoing.body).get("assertion")
        if (assertion !== null) assertions.push(assertion.slice(-40))
        return answer(outgoing)
      }))
      const finals: Array<Request> = []
      const provider = signing(sign)
      yield* Effect.gen(function*() {
        seen.push(yield* Credentials)
        for (let round = 0; round < rounds; round++) {
          const recorder = yield* Trace.record
          const final = yield* Pipeline.run(provider.pipelines[operation], ask({ operation }), { observer: recorder.observer, spans: true })
          finals.push(final)
          seen.push(recorder.trace(final), final, ...final.errors, ...final.errors.map(({ stack }) => stack), final.errors[0]?.cause)
          yield* TestClock.adjust(20_000)
        }
      }).pipe(
        Effect.provide(Layer.mergeAll(transport, Credentials.memory({ acme: [Redacted.make(key), Redacted.make(key)] }), Logger.layer([logger]))),
        Effect.provideService(Tracer.Tracer, tracer),
        Effect.provideService(References.MinimumLogLevel, "Trace")
      )
      const text = seen.map((value) =>
        `${json(value)}${inspect(value, { depth: 20, showHidden: true, maxStringLength: Infinity, maxArrayLength: Infinity })}${String(value)}`).join("\n")
      for (const assertion of assertions) expect(text).not.toContain(assertion)
      return { text, finals, spans: seen.filter((value) => value instanceof Tracer.NativeSpan).length }
    })
  const json = (value: unknown) => {
    try {
      return JSON.stringify(value)
    } catch {
      return ""
    }
  }
  const check = (text: string) => {
    for (const secret of [...secrets, token]) {
      const at = text.indexOf(secret)
      expect(at < 0 ? undefined : text.slice(Math.max(0, at - 200), at + 40)).toBe(undefined)
    }
  }

  for (const [title, answer] of api) {
    for (const operation of ["chat", "stream"] as const) {
      it.effect(`where the service ${title} (${operation})`, () =>
        Effect.gen(function*() {
          const { finals, spans, text } = yield* printed(operation, (outgoing) =>
            outgoing.url === login ? { body: JSON.stringify({ access_token: token, expires_in: 3600 }) } : answer(echo(outgoing, key)), 2)
          check(text)
          expect(finals.length).toBe(2)
          expect(spans).toBeGreaterThan(5)
        }))
    }
  }

  it.effect("where the token service refuses", () =>
    Effect.gen(function*() {
      for (const status of [200, 400, 401, 500]) {
        check((yield* printed("chat", (outgoing) => ({ status, body: echo(outgoing, key) }))).text)
      }
    }))
})
