/**
 * Reads tokens of an identity provider: who signed them, for whom, whether they hold now, and who is asking by them.
 *
 * @module
 */
import { Clock, Effect, Schema } from "effect"
import { decodeJwt, decodeProtectedHeader, type JWTPayload, jwtVerify } from "jose"
import { Json, type LlmError, type Transport } from "plugline"
import { type AuthConfig, type Jwt, Name } from "./AuthConfig.ts"
import * as Jwks from "./Jwks.ts"
import { expand, type Permission, type Role } from "./permissions.ts"
import { forbidden, type Principal } from "./Principal.ts"

/** Whether a credential has the form of a token. */
export const isToken = (credential: string): boolean => /^eyJ[\w-]*\.[\w-]*\.[\w-]*$/.test(credential)

/** What is wrong with a token that proves nothing. */
export type Invalid = "invalid"

/** Somebody who vouches for others. */
interface Issuer {
  readonly config: Jwt
  readonly jwks: Jwks.Jwks
  /** Whether its subjects are called by their name alone; those of all others bear its name too. */
  readonly isFirst: boolean
}

/** Checks tokens of some issuers; fails with `invalid` where one proves nothing. */
export const make = (
  { issuers, jwt }: Pick<AuthConfig, "issuers" | "jwt">,
  roles: ReadonlyMap<string, Role>,
  transport: Transport["Service"]
): (token: string) => Effect.Effect<Principal, LlmError | Invalid> => {
  const known = new Map<unknown, Issuer>((issuers ?? []).map((config) =>
    [config.issuer, { config, jwks: Jwks.make(config, transport), isFirst: false }]))
  if (jwt !== undefined) known.set(jwt.issuer, { config: jwt, jwks: Jwks.make(jwt, transport), isFirst: true })
  return Effect.fnUntraced(function*(token: string) {
    const now = yield* Clock.currentTimeMillis
    const header = yield* attempt(() => decodeProtectedHeader(token))
    const claimed = yield* attempt(() => decodeJwt(token))
    const issuer = known.get(claimed.iss)
    if (issuer === undefined) return yield* Effect.fail("invalid" as const)
    const { config, jwks } = issuer
    // Whatever is wrong without asking the issuer is refused without asking it.
    if (!isFit(header, config) || !isMeant(claimed, config, now)) return yield* Effect.fail("invalid" as const)
    const key = yield* jwks.find(header as Parameters<typeof jwks.find>[0])
    if (key === undefined) return yield* Effect.fail("invalid" as const)
    const verified = yield* Effect.tryPromise({
      try: () =>
        jwtVerify(token, key, {
          issuer: config.issuer,
          audience: typeof config.audience === "string" ? config.audience : [...config.audience],
          algorithms: [...config.algorithms],
          requiredClaims: ["exp", "sub"],
          clockTolerance: config.clockTolerance / 1_000,
          currentDate: new Date(now)
        }),
      catch: () => "invalid" as const
    })
    return yield* principalOf(verified.payload, issuer, roles)
  })
}

const attempt = <A>(run: () => A): Effect.Effect<A, Invalid> =>
  Effect.try({ try: run, catch: () => "invalid" as const })

/** Whether a token is signed in a way that is taken, and names no key but by its name among the issuer's. */
const isFit = (header: ReturnType<typeof decodeProtectedHeader>, { algorithms, jwksUrl }: Jwt): boolean =>
  (algorithms as ReadonlyArray<string>).includes(header.alg ?? "none")
  && (header.kid === undefined || (typeof header.kid === "string" && header.kid.length <= 200))
  && header.jwk === undefined && header.x5u === undefined && (header.jku === undefined || header.jku === jwksUrl)

/** Whether a token says that it comes from the issuer and is not over. Says nothing about whether that is true. */
const isMeant = ({ exp, iss }: JWTPayload, { clockTolerance, issuer }: Jwt, now: number): boolean =>
  iss === issuer && typeof exp === "number" && exp * 1_000 + clockTolerance > now - 1_000

/** Who asks by a token that was checked. */
const principalOf = (
  payload: JWTPayload,
  { config, isFirst }: Issuer,
  roles: ReadonlyMap<string, Role>
): Effect.Effect<Principal, LlmError | Invalid> => {
  const { claims, clockTolerance, issuer } = config
  const subject = textOf(payload.sub)
  const tenant = config.tenant ?? textOf(claimOf(payload, claims.tenant))
  const team = textOf(claimOf(payload, claims.team))
  const tier = textOf(claimOf(payload, claims.tier))
  const user = textOf(claimOf(payload, claims.user))
  if (typeof subject !== "string" || [tenant, team, tier, user].includes(false)) return Effect.fail("invalid")
  if (claims.tenant !== undefined && tenant === undefined) return Effect.fail("invalid")
  const scopes = claims.scope === undefined ? undefined : scopesOf(claimOf(payload, claims.scope))
  if (scopes === false) return Effect.fail("invalid")
  const role = roleOf(claimOf(payload, claims.role), config, roles)
  if (role === undefined) return Effect.fail(forbidden("its role is none of this gateway"))
  // A subject is somebody only together with who vouches for him; an address holds no blank once it is escaped.
  const whose = isFirst ? "" : `${encodeURI(issuer)} `
  const id = isFirst ? `jwt:${subject}` : `jwt ${whose}${subject}`
  const principal: Principal = Object.freeze({
    id,
    name: subject,
    kind: "jwt",
    identity: Object.freeze({
      key: id,
      ...(tenant !== undefined && { tenant: tenant as string }),
      ...(team !== undefined && { team: team as string }),
      ...(user !== undefined && { user: claims.user === "sub" ? `${whose}${user}` : user as string }),
      ...(tier !== undefined && { tier: tier as string })
    }),
    role,
    permissions: scopes === undefined ? role.permissions : narrowed(role.permissions, scopes, config),
    expires: payload.exp! * 1_000 + clockTolerance
  })
  issuers.set(principal, issuer)
  return Effect.succeed(principal)
}

const issuers = new WeakMap<Principal, string>()

/** Who vouched for somebody. */
export const issuerOf = (principal: Principal): string | undefined => issuers.get(principal)

/** A claim by its name, which may hold dots itself, or lead into objects by them. */
const claimOf = (payload: JWTPayload, name: string | undefined): unknown =>
  name === undefined
    ? undefined
    : Object.hasOwn(payload, name)
    ? payload[name]
    : name.split(".").reduce<unknown>(fieldOf, payload)

const fieldOf = (value: unknown, name: string): unknown =>
  Json.isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined

const isName = Schema.is(Name)

/** A claim as a text; `false` where it is there and can be none. */
const textOf = (claim: unknown): string | undefined | false =>
  claim === undefined || claim === null
    ? undefined
    : typeof claim === "number" && Number.isSafeInteger(claim)
    ? String(claim)
    : isName(claim) ? claim : false

/** Scopes as a list; none where there is no such claim, `false` where it can be none. */
const scopesOf = (claim: unknown): ReadonlyArray<string> | false => {
  if (claim === undefined || claim === null) return []
  const list: ReadonlyArray<unknown> = typeof claim === "string" ? claim.split(" ") : Array.isArray(claim) ? claim : [undefined]
  return list.every((each) => typeof each === "string") ? list : false
}

/** What of some permissions scopes leave. */
const narrowed = (own: ReadonlyArray<Permission>, given: ReadonlyArray<string>, { scopes }: Jwt): ReadonlyArray<Permission> => {
  if (scopes === undefined) return own.filter((each) => given.includes(each))
  const permitted = expand(given.flatMap((scope) => Object.hasOwn(scopes, scope) ? scopes[scope]! : []))
  return own.filter((each) => permitted.includes(each))
}

/** The role a token names, or that of tokens which name none; `undefined` where it names none that is known. */
const roleOf = (claim: unknown, config: Jwt, roles: ReadonlyMap<string, Role>): Role | undefined => {
  if (claim === undefined || claim === null) return roles.get(config.role)
  const named: ReadonlyArray<unknown> = Array.isArray(claim) ? claim : [claim]
  const { roles: words } = config
  if (words === undefined) return [...roles.values()].find(({ name }) => named.includes(name))
  const word = Object.keys(words).find((each) => named.includes(each))
  return word === undefined ? undefined : roles.get(words[word]!)
}
