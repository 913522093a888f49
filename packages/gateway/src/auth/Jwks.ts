/**
 * The public keys of an identity provider: fetched from its own address alone, kept for a while, and never fetched
 * more often than the cool-down allows, whatever tokens ask for.
 *
 * @module
 */
import type { Transport } from "plugline"
import { Clock, Deferred, Effect, Exit } from "effect"
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWSHeaderParameters } from "jose"
import { Json, LlmError } from "plugline"
import type { Jwt } from "./AuthConfig.ts"

/** A public key. */
export type Key = Awaited<ReturnType<ReturnType<typeof createLocalJWKSet>>>

/** The keys of an identity provider. */
export interface Jwks {
  /**
   * The key that a token says it is signed with; `undefined` where the issuer has none such. Fails where the issuer
   * cannot be asked.
   */
  readonly find: (header: JWSHeaderParameters) => Effect.Effect<Key | undefined, LlmError>
}

/** How long, in ms, keys are used on while the issuer does not answer. */
const grace = 3_600_000

/** Most bytes of what an issuer answers. */
const maxBytes = 256 * 1024

/** What is fetched, and from where. */
export const make = (config: Jwt, transport: Transport["Service"]): Jwks => {
  const { issuer } = config
  let keys: ReturnType<typeof createLocalJWKSet> | undefined
  /** When the keys came, and when they were last asked for. */
  let came = -Infinity
  let asked = -Infinity
  /** How often in a row the issuer did not answer. */
  let failures = 0
  let address = config.jwksUrl
  let flight: Deferred.Deferred<void> | undefined

  const get = (url: string): Effect.Effect<unknown, LlmError> => {
    const { timeout } = config
    return Effect.flatMap(
      transport.send({
        method: "GET",
        url,
        headers: { accept: "application/json" },
        stream: false,
        timeouts: { connect: timeout, firstToken: timeout, idle: timeout, total: timeout },
        maxBytes
      }),
      ({ body, status }) =>
        status === 200 && typeof body === "string"
          ? Effect.try({ try: () => JSON.parse(body) as unknown, catch: () => unanswered("something that is no JSON") })
          : Effect.fail(unanswered(`status ${status}`))
    )
  }

  const discover = Effect.gen(function*() {
    const found = yield* get(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`)
    const { issuer: named, jwks_uri: url } = Json.isRecord(found) ? found : {}
    if (named !== issuer) return yield* Effect.fail(unanswered("another issuer's name"))
    if (typeof url !== "string") return yield* Effect.fail(unanswered("no address of keys"))
    return URL.parse(url)?.origin === new URL(issuer).origin
      ? url
      : yield* Effect.fail(unanswered("an address of keys elsewhere, which jwksUrl has to name"))
  })

  const fetch = Effect.gen(function*() {
    address ??= yield* discover
    const found = yield* get(address)
    const set = yield* Effect.try({
      try: () => createLocalJWKSet(found as JSONWebKeySet),
      catch: () => unanswered("something that is no set of keys")
    })
    keys = set
    came = yield* Clock.currentTimeMillis
    failures = 0
  })

  /**
   * Asks the issuer, unless it was asked a moment ago. Who leaves while the answer is under way takes it from nobody:
   * it is waited for by a fiber of its own, for no longer than the time-out.
   */
  const refresh = (now: number): Effect.Effect<void> => Effect.suspend(() => {
    if (flight !== undefined) return Deferred.await(flight)
    const pause = failures === 0 ? config.cooldown : Math.min(config.cooldown, 1_000 * 2 ** (failures - 1))
    if (now >= asked && now - asked < pause) return Effect.void
    asked = now
    const landing = flight = Deferred.makeUnsafe<void>()
    const land = (exit: Exit.Exit<void, LlmError>): Effect.Effect<void> =>
      Effect.suspend(() => {
        flight = undefined
        if (Exit.isSuccess(exit)) return Deferred.succeed(landing, undefined)
        failures++
        address = config.jwksUrl
        return Effect.andThen(
          Effect.logWarning("the keys of the identity provider could not be fetched", { issuer, failures }, exit.cause),
          Deferred.succeed(landing, undefined)
        )
      })
    return Effect.uninterruptibleMask((restore) =>
      Effect.andThen(
        Effect.forkDetach(Effect.flatMap(Effect.exit(restore(fetch)), land)),
        restore(Deferred.await(landing))
      ))
  })

  const look = (header: JWSHeaderParameters): Effect.Effect<Key | undefined, LlmError> =>
    Effect.tryPromise({ try: () => keys!(header), catch: (thrown) => thrown }).pipe(
      Effect.catch((thrown) =>
        // Keys that cannot be used, several that may be meant, and none at all: the token proves nothing.
        thrown instanceof errors.JOSEError || thrown instanceof TypeError || thrown instanceof DOMException
          ? Effect.undefined
          : Effect.fail(unanswered("keys that cannot be read"))
      )
    )

  return {
    find: Effect.fnUntraced(function*(header) {
      const now = yield* Clock.currentTimeMillis
      if (keys === undefined || now - came >= config.maxAge) yield* refresh(now)
      const then = yield* Clock.currentTimeMillis
      if (keys === undefined || then - came >= config.maxAge + grace) return yield* Effect.fail(unanswered("nothing"))
      const found = yield* look(header)
      if (found !== undefined) return found
      const before = came
      yield* refresh(then)
      return came === before ? undefined : yield* look(header)
    })
  }
}

const unanswered = (with_: string): LlmError =>
  LlmError.make({
    _tag: "Server",
    status: 503,
    retryAfter: 5_000,
    message: `tokens cannot be checked now: the identity provider answered with ${with_}`
  })
