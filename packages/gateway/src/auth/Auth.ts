/**
 * Knows who asks, and what he may do: by the API keys of the configuration, by those that admins made, and by tokens
 * of an identity provider. Keys are known by their digests and answered at once; a token may have to wait for its
 * issuer.
 *
 * Whoever has no valid credential gets one and the same answer, whatever is wrong with it.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import { LlmError, Transport } from "plugline"
import { type AuthConfig, issuersOf } from "./AuthConfig.ts"
import { find, type Headers } from "./credential.ts"
import * as Jwt from "./Jwt.ts"
import { isLive, type KeyRecord, KeyStore } from "./KeyStore.ts"
import { type Env, load, principalOf } from "./load.ts"
import { rolesOf, type Role } from "./permissions.ts"
import { allows, type Doing, forbidden, type Principal } from "./Principal.ts"
import { digest, isWellFormed, prefix, same } from "./secret.ts"
import { isOpen } from "./startup.ts"

export { allows, budgetsOf, type Doing, limitsOf, type Principal } from "./Principal.ts"
export type { Headers } from "./credential.ts"

// --- models
// ----------------------------------------------------------------------------------------------------------------

/** Knows who asks, and what he may do. */
export interface Auth {
  /**
   * Whether everybody who reaches the gateway may do everything: on loopback, where no key and no issuer is
   * configured.
   */
  readonly isOpen: boolean
  readonly roles: ReadonlyMap<string, Role>
  /** Who has the keys of the configuration. */
  readonly configured: ReadonlyArray<Principal>
  /**
   * Who asks. `headers` are Node's, `raw` its `rawHeaders`, in which alone a second credential is to be seen; `query`
   * without `?`.
   */
  readonly authenticate: (
    headers: Headers,
    raw?: ReadonlyArray<string>,
    query?: string
  ) => Principal | LlmError | Effect.Effect<Principal, LlmError>
  /** Why somebody may not do something, or `undefined` where he may. */
  readonly allows: (principal: Principal, doing: Doing) => LlmError | undefined
  /**
   * Why somebody who was let in is not any more, or `undefined` where he still is: for streams that are open for
   * long. It may be asked of another `Auth` than the one that let him in.
   */
  readonly valid: (principal: Principal, now: number) => LlmError | undefined
  /** What is written down of somebody whose work goes on without him, through restarts and reloads. */
  readonly pass: (principal: Principal) => Pass | LlmError
  /** Who a pass stands for now, with what he may do now; or why nobody works with it any more. */
  readonly honour: (pass: Pass, now: number) => Principal | LlmError
}

/** Stands for somebody who is not there: plain data, and no credential. */
export type Pass =
  | { readonly kind: "open" }
  | { readonly kind: "key"; readonly digest: string }
  /** A token is over long before the work is: what it said is kept, for as long as its issuer is trusted. */
  | { readonly kind: "jwt"; readonly issuer: string; readonly principal: Principal }

/** What is known beside the configuration. */
export interface AuthOptions {
  /** The address the gateway listens on. */
  readonly host: string
  /** The variables that `env:NAME` means, where the configuration did not fill them in. Default: none. */
  readonly env?: Env
}

/**
 * The digests of the keys that were used. They stand beside the principals and not in them, so that nothing prints
 * them.
 */
const digests = new WeakMap<Principal, string>()

// --- make
// ------------------------------------------------------------------------------------------------------------------

/** See the module. Fails with `Configuration` where the section cannot be what was meant. */
export const make: (
  config: AuthConfig,
  options: AuthOptions
) => Effect.Effect<Auth, LlmError, KeyStore | Transport> = Effect.fnUntraced(function*(config, { env = {}, host }) {
  const clock = yield* Clock.Clock
  const store = yield* KeyStore
  const transport = yield* Transport
  const roles = rolesOf(config.roles)
  if (LlmError.isLlmError(roles)) return yield* Effect.fail(roles)
  const keys = load(config, roles, env)
  if (LlmError.isLlmError(keys)) return yield* Effect.fail(keys)
  const misnamed = unfitIssuer(config, roles)
  if (misnamed !== undefined) return yield* Effect.fail(misnamed)
  const issuers = new Set(issuersOf(config).map(({ issuer }) => issuer))
  const isTrusted = (issuer: string | undefined): boolean => issuer !== undefined && issuers.has(issuer)
  const verify = issuers.size === 0 ? undefined : Jwt.make(config, roles, transport)
  const open = isOpen(host, config)
  const role = roles.get("admin")!
  const anybody: Principal = Object.freeze({
    id: "open", name: "open", kind: "open", identity: Object.freeze({}), role, permissions: role.permissions
  })
  const made = new WeakMap<KeyRecord, Principal>()
  for (const { digest, principal } of keys.values()) digests.set(principal, digest)

  const ofRecord = (record: KeyRecord, sum: string): Principal | undefined => {
    const before = made.get(record)
    if (before !== undefined) return before
    const principal = principalOf(record, roles)
    if (principal === undefined) return undefined
    made.set(record, principal)
    digests.set(principal, sum)
    return principal
  }

  /** Whoever has the key with a digest now, or whether there never was such a key, or is none any more. */
  const holder = (sum: string, now: number): Principal | LlmError | "unknown" | "over" => {
    const key = keys.get(sum)
    if (key !== undefined && same(key.digest, sum)) {
      const { expires } = key.principal
      return expires === undefined || now < expires ? key.principal : "over"
    }
    let found
    try {
      found = store.find(sum, now)
    } catch (cause) {
      return unreadable(cause)
    }
    if (found === undefined || !same(found.digest, sum)) return "unknown"
    if (!isLive(found.record, now)) return "over"
    return ofRecord(found.record, sum) ?? forbidden("its role is none of this gateway")
  }

  const authenticate: Auth["authenticate"] = (headers, raw, query) => {
    const found = find(headers, raw, query)
    const stranger = (): Principal | LlmError => open ? anybody : refused()
    if (typeof found === "string") return stranger()
    const { credential } = found
    if (credential.startsWith(prefix) && !isWellFormed(credential)) return stranger()
    const sum = digest(credential)
    const principal = holder(sum, clock.currentTimeMillisUnsafe())
    // A key that is over is refused even where strangers are not: whoever sends it should hear of it.
    if (principal === "over") return refused()
    if (principal !== "unknown") return principal
    return verify === undefined || !Jwt.isToken(credential)
      ? stranger()
      : Effect.mapError(verify(credential), (error) => error === "invalid" ? refused() : error)
  }

  const pass: Auth["pass"] = (principal) => {
    if (principal.kind === "open") return { kind: "open" }
    const digest = digests.get(principal)
    if (digest !== undefined) return { kind: "key", digest }
    const issuer = Jwt.issuerOf(principal)
    return issuer === undefined ? refused() : { kind: "jwt", issuer, principal }
  }
  const honour: Auth["honour"] = (pass, now) => {
    if (pass.kind === "open") return open ? anybody : refused()
    if (pass.kind === "key") {
      const holds = holder(pass.digest, now)
      return typeof holds === "string" ? refused() : holds
    }
    if (!isTrusted(pass.issuer)) return refused()
    const { expires: _, ...kept } = pass.principal
    const role = roles.get(kept.role.name)
    if (role === undefined) return forbidden("its role is none of this gateway")
    return { ...kept, role, permissions: kept.permissions.filter((each) => role.permissions.includes(each)) }
  }

  return {
    isOpen: open,
    pass,
    honour,
    roles,
    configured: [...keys.values()].map(({ principal }) => principal),
    authenticate,
    allows,
    valid: (principal, now) => {
      const { expires, kind } = principal
      if (kind === "open") return open ? undefined : refused()
      if (expires !== undefined && now >= expires) return refused()
      if (kind === "jwt") return isTrusted(Jwt.issuerOf(principal)) ? undefined : refused()
      const sum = digests.get(principal)
      const holds = sum === undefined ? "unknown" : holder(sum, now)
      if (typeof holds === "string") return refused()
      // While the keys cannot be read, an open stream goes on; the next look will tell.
      return LlmError.isLlmError(holds) && holds.reason._tag === "Permission" ? holds : undefined
    }
  }
})

// --- helpers
// ---------------------------------------------------------------------------------------------------------------

/** The one answer to whoever has no valid credential. */
export const refused = (): LlmError =>
  LlmError.make({
    _tag: "Authentication",
    status: 401,
    message: "no valid credential: send one API key as Authorization: Bearer, x-api-key or x-goog-api-key"
  })

const unreadable = (cause: unknown): LlmError =>
  LlmError.make({ _tag: "Server", status: 503, retryAfter: 1_000, message: "keys cannot be looked up now" }, { cause })

/** What is wrong with an issuer: a role that is none, or a name that another has. */
const unfitIssuer = (config: AuthConfig, roles: ReadonlyMap<string, Role>): LlmError | undefined => {
  const unfit = (option: string, expected: string): LlmError =>
    LlmError.make({ _tag: "Configuration", option, expected, message: `${option} must be ${expected}` })
  const seen = new Set<string>()
  for (const [index, jwt] of issuersOf(config).entries()) {
    const at = config.jwt === jwt ? "auth.jwt" : `auth.issuers.${index - (config.jwt === undefined ? 0 : 1)}`
    if (seen.has(jwt.issuer)) return unfit(`${at}.issuer`, "an issuer that is not named before")
    seen.add(jwt.issuer)
    const named: ReadonlyArray<readonly [string, string]> = [
      ["role", jwt.role],
      ...Object.entries(jwt.roles ?? {}).map(([word, role]) => [`roles.${word}`, role] as const)
    ]
    const wrong = named.find(([, role]) => !roles.has(role))
    if (wrong !== undefined) return unfit(`${at}.${wrong[0]}`, `one of ${[...roles.keys()].join(", ")}`)
  }
  return undefined
}
