/**
 * Reads the API keys of the configuration: each becomes a digest and whoever has it. Plain keys are forgotten here.
 *
 * @module
 */
import { Redacted } from "effect"
import { LlmError } from "plugline"
import { type ApiKey, type AuthConfig, momentOf } from "./AuthConfig.ts"
import type { Grant } from "./KeyStore.ts"
import { expand, type Role } from "./permissions.ts"
import type { Principal } from "./Principal.ts"
import { digest, weakness } from "./secret.ts"

/** The variables of a process. */
export type Env = { readonly [name: string]: string | undefined }

/** A key of the configuration. */
export interface Configured {
  readonly digest: string
  readonly principal: Principal
}

/** The keys of a configuration by their digests, or what is wrong with one. */
export const load = (
  { keys }: AuthConfig,
  roles: ReadonlyMap<string, Role>,
  env: Env
): ReadonlyMap<string, Configured> | LlmError => {
  const names = new Map<string, ApiKey>()
  const ends = new Map<string, number>()
  for (const [index, key] of keys.entries()) {
    if (names.has(key.name)) return unfit(index, "name", "a name that no other key has")
    names.set(key.name, key)
  }
  for (const [index, { name, replaces }] of keys.entries()) {
    if (replaces === undefined) continue
    if (!names.has(replaces.name)) return unfit(index, "replaces.name", "the name of another key")
    if (ends.has(replaces.name)) return unfit(index, "replaces.name", "a key that no other replaces")
    if (first(name, names) === undefined) {
      return unfit(index, "replaces.name", "an older key, not one that comes after it")
    }
    ends.set(replaces.name, momentOf(replaces.since)! + replaces.overlap)
  }
  const found = new Map<string, Configured>()
  for (const [index, key] of keys.entries()) {
    const sum = digestOf(key, index, env)
    if (LlmError.isLlmError(sum)) return sum
    const same = found.get(sum)
    if (same !== undefined) {
      return unfit(index, "key", `another key than that of ${JSON.stringify(same.principal.name)}`)
    }
    const own = key.expires === undefined ? Infinity : momentOf(key.expires)!
    const expires = Math.min(own, ends.get(key.name) ?? Infinity)
    const principal = principalOf({
      id: key.name,
      name: key.name,
      account: first(key.name, names)!,
      grant: key,
      ...(expires !== Infinity && { expires })
    }, roles)
    if (principal === undefined) return unfit(index, "role", `one of ${[...roles.keys()].join(", ")}`)
    found.set(sum, { digest: sum, principal })
  }
  return found
}

/** The first key of a row of replacements; `undefined` where the row bites its own tail. */
const first = (name: string, names: ReadonlyMap<string, ApiKey>): string | undefined => {
  const seen = new Set<string>()
  let at = name
  for (let older = names.get(at)?.replaces; older !== undefined; older = names.get(at)?.replaces) {
    if (seen.has(at)) return undefined
    seen.add(at)
    at = older.name
  }
  return at
}

const digestOf = ({ hash, key }: ApiKey, index: number, env: Env): string | LlmError => {
  if (hash !== undefined) return hash.slice(hash.indexOf(":") + 1).toLowerCase()
  const given = Redacted.value(key!)
  const variable = given.startsWith("env:") ? given.slice(4) : undefined
  const plain = variable === undefined ? given : env[variable]?.trim()
  if (plain === undefined || plain === "") return unfit(index, "key", "the name of an environment variable that is set")
  const weak = weakness(plain)
  return weak === undefined ? digest(plain) : unfit(index, "key", weak)
}

/** Whoever has a key, or `undefined` where its role is none. */
export const principalOf = (
  { account, expires, grant, id, name }: {
    readonly id: string
    readonly name: string
    readonly account: string
    readonly grant: Grant
    readonly expires?: number
  },
  roles: ReadonlyMap<string, Role>
): Principal | undefined => {
  const { budgets, limits, models, providers, scopes, team, tenant, tier, user } = grant
  const role = roles.get(grant.role ?? "developer")
  if (role === undefined) return undefined
  const scope = scopes === undefined ? undefined : expand(scopes)
  return Object.freeze({
    id,
    name,
    kind: "key",
    identity: Object.freeze({
      key: account,
      ...(tenant !== undefined && { tenant }),
      ...(team !== undefined && { team }),
      ...(user !== undefined && { user }),
      ...(tier !== undefined && { tier })
    }),
    role,
    permissions: scope === undefined ? role.permissions : role.permissions.filter((each) => scope.includes(each)),
    ...(models !== undefined && { models }),
    ...(providers !== undefined && { providers }),
    ...(limits !== undefined && { limits }),
    ...(budgets !== undefined && { budgets }),
    ...(expires !== undefined && { expires })
  })
}

const unfit = (index: number, field: string, expected: string): LlmError => {
  const option = `auth.keys.${index}.${field}`
  return LlmError.make({ _tag: "Configuration", option, expected, message: `${option} must be ${expected}` })
}
