/**
 * What tests of authentication share: a clock that is set by hand, an `Auth` over it, and an identity provider on a port.
 *
 * @module
 */
import { Clock, Effect, Layer, Logger, ManagedRuntime, Schema } from "effect"
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose"
import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { LlmError, Transport } from "plugline"
import * as Audit from "../../src/audit/Audit.ts"
import { type Auth, make, type Principal } from "../../src/auth/Auth.ts"
import { AuthConfig } from "../../src/auth/AuthConfig.ts"
import * as KeyStore from "../../src/auth/KeyStore.ts"
import * as Keys from "../../src/auth/Keys.ts"

/** 2027-01-01T00:00:00Z. */
export const start = 1_798_761_600_000

/** A clock that stands still until it is set. */
export const handClock = (): Clock.Clock & { now: number } => {
  const clock: Clock.Clock & { now: number } = {
    now: start,
    currentTimeMillisUnsafe: () => clock.now,
    currentTimeMillis: Effect.sync(() => clock.now),
    currentTimeNanosUnsafe: () => BigInt(clock.now) * 1_000_000n,
    currentTimeNanos: Effect.sync(() => BigInt(clock.now) * 1_000_000n),
    monotonicTimeNanosUnsafe: () => BigInt(clock.now) * 1_000_000n,
    monotonicTimeNanos: Effect.sync(() => BigInt(clock.now) * 1_000_000n),
    sleep: () => Effect.never
  }
  return clock
}

export const decode = (section: unknown): AuthConfig => Schema.decodeUnknownSync(AuthConfig, { onExcessProperty: "error" })(section)

export interface Setting {
  readonly auth: Auth
  readonly keys: Keys.Keys
  readonly audit: Audit.Audit["Service"]
  readonly store: KeyStore.KeyStore["Service"]
  readonly clock: ReturnType<typeof handClock>
  /** Runs an effect by the clock; fails with what it fails with. */
  readonly run: <A, E>(effect: Effect.Effect<A, E>) => Promise<A>
  /** Who asks, awaited. */
  readonly who: (...asked: Parameters<Auth["authenticate"]>) => Promise<Principal | LlmError>
  readonly end: () => Promise<void>
}

/** An `Auth` and what belongs to it. */
export const setting = async (section: unknown, { clock = handClock(), env = {}, host = "10.0.0.1", stores, transport = Transport.layer }: {
  readonly clock?: ReturnType<typeof handClock>
  readonly env?: { readonly [name: string]: string }
  readonly host?: string
  readonly stores?: Layer.Layer<KeyStore.KeyStore | Audit.Audit, unknown>
  readonly transport?: Layer.Layer<Transport>
} = {}): Promise<Setting> => {
  const runtime = ManagedRuntime.make(Layer.mergeAll(
    stores ?? Layer.merge(KeyStore.memory, Audit.memory()),
    transport,
    Logger.layer([]),
    Layer.succeed(Clock.Clock, clock)
  ))
  const run = <A, E>(effect: Effect.Effect<A, E, Transport | KeyStore.KeyStore | Audit.Audit>) => runtime.runPromise(effect)
  const auth = await run(make(decode(section), { env, host }))
  return {
    auth,
    keys: await run(Keys.make({ roles: auth.roles })),
    audit: await run(Audit.Audit),
    store: await run(KeyStore.KeyStore),
    clock,
    run,
    who: async (...asked) => {
      const found = auth.authenticate(...asked)
      return Effect.isEffect(found) ? run(Effect.catch(found, (error) => Effect.succeed(error))) : found
    },
    end: () => runtime.dispose()
  }
}

export const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

/** An identity provider that counts what it is asked. */
export const issuer = async (algorithm = "RS256") => {
  const pairs = new Map<string, GenerateKeyPairResult>()
  const asked: Array<string> = []
  const state = {
    url: "",
    asked,
    /** What it answers with instead. */
    answer: undefined as ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined,
    jwks: async (): Promise<{ keys: Array<JWK> }> => ({
      keys: await Promise.all([...pairs].map(async ([kid, { publicKey }]) => ({ ...await exportJWK(publicKey), kid, alg: algorithm, use: "sig" })))
    }),
    add: async (kid: string) => {
      pairs.set(kid, await generateKeyPair(algorithm, { extractable: true }))
      return pairs.get(kid)!
    },
    pair: (kid: string) => pairs.get(kid)!,
    /** A token, good but for what is said otherwise. */
    sign: (claims: JWTPayload = {}, { header = {}, key, kid = "one" }: {
      readonly header?: object
      readonly kid?: string
      readonly key?: GenerateKeyPairResult["privateKey"] | Uint8Array
    } = {}) =>
      new SignJWT({ iss: state.url, aud: "plugline", sub: "ada", exp: start / 1_000 + 600, ...claims })
        .setProtectedHeader({ alg: algorithm, kid, ...header })
        .sign(key ?? pairs.get(kid)!.privateKey),
    end: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    }
  }
  const server = createServer((request, response) => {
    asked.push(request.url!)
    if (state.answer?.(request, response) === true) return
    const send = (body: unknown) => void response.setHeader("content-type", "application/json").end(JSON.stringify(body))
    if (request.url === "/.well-known/openid-configuration") return send({ issuer: state.url, jwks_uri: `${state.url}/keys` })
    if (request.url === "/keys") return void state.jwks().then(send)
    response.statusCode = 404
    response.end()
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await state.add("one")
  return state
}

export const denied = { reason: { _tag: "Authentication", status: 401 } }
export const forbidden = { reason: { _tag: "Permission", status: 403 } }
