/**
 * Keeps the API keys that admins make while the gateway runs: what each may be used for, and the digest it is known by.
 *
 * @module
 */
import type { StoreError } from "@plugline/plugs"
import { Context, Effect, Layer } from "effect"
import type { ApiKey } from "./AuthConfig.ts"

// --- models
// ----------------------------------------------------------------------------------------------------------------

/** What a key may be used for. */
export type Grant = Pick<
  ApiKey,
  "role" | "tenant" | "team" | "user" | "tier" | "scopes" | "models" | "providers" | "limits" | "budgets"
>

/** A key without itself. Times in ms since 1970. */
export interface KeyRecord {
  readonly id: string
  readonly name: string
  /** Its beginning, to know it again. */
  readonly prefix: string
  /** What its calls are counted under: the id of the first key of a row of rotations. */
  readonly account: string
  readonly grant: Grant
  readonly created: number
  /** Who made it: the id of a principal. */
  readonly by: string
  /** From when it is refused. */
  readonly expires?: number
  /** When it was revoked. */
  readonly revoked?: number
  /** The id of the key it took the place of. */
  readonly replaces?: string
  /** The id of the key that took its place. */
  readonly replacedBy?: string
}

/** A key that was found, and the digest it was found by. */
export interface Known {
  readonly record: KeyRecord
  readonly digest: string
}

/** Which keys are asked for. */
export interface KeyQuery {
  /** Those of one tenant. Default: of all. */
  readonly tenant?: string | undefined
  /** What came last on the page before. */
  readonly after?: string | undefined
  /** Most keys of a page, up to 1,000. Default: 100. */
  readonly limit?: number | undefined
}

/** Some keys, in the order they were made; `next` where there are more. */
export interface KeyPage {
  readonly keys: ReadonlyArray<KeyRecord>
  readonly next?: string
}

/** What can be changed of a key. */
export interface KeyChange {
  readonly expires?: number
  readonly revoked?: number
}

/** Keeps keys. */
export class KeyStore extends Context.Service<KeyStore, {
  /**
   * The key with a digest, at once: this is asked with every call. What another process changed is seen within
   * {@link staleness}.
   *
   * @throws StoreError where the keys cannot be read.
   */
  readonly find: (digest: string, now: number) => Known | undefined
  readonly get: (id: string) => Effect.Effect<KeyRecord | undefined, StoreError>
  readonly list: (query?: KeyQuery) => Effect.Effect<KeyPage, StoreError>
  /** Adds a key; not where its id or digest is there already. Answers whether it did. */
  readonly add: (record: KeyRecord, digest: string) => Effect.Effect<boolean, StoreError>
  /**
   * Adds a key in the place of another, which ends at `ends` if not before; all or nothing. Not where the other is
   * gone, revoked, over or replaced already. Answers whether it did.
   */
  readonly rotate: (record: KeyRecord, digest: string, ends: number) => Effect.Effect<boolean, StoreError>
  /** Changes a key, and answers with how it is then. A key that was revoked stays so, from when it was first. */
  readonly change: (id: string, change: KeyChange) => Effect.Effect<KeyRecord | undefined, StoreError>
}>()("@plugline/gateway/KeyStore") {}

/** How long, in ms, what another process changed may go unseen. */
export const staleness = 1_000

// --- helpers
// ---------------------------------------------------------------------------------------------------------------

/** Whether a key can be used. */
export const isLive = ({ expires, revoked }: KeyRecord, now: number): boolean =>
  revoked === undefined && (expires === undefined || now < expires)

/** A key as a change leaves it. */
export const changed = (record: KeyRecord, change: KeyChange): KeyRecord => ({
  ...record,
  ...(change.expires !== undefined && { expires: change.expires }),
  ...(change.revoked !== undefined && { revoked: record.revoked ?? change.revoked })
})

/** A key once another has taken its place, or `undefined` where that cannot be. */
export const replaced = (record: KeyRecord | undefined, by: KeyRecord, ends: number): KeyRecord | undefined =>
  record === undefined || record.replacedBy !== undefined || !isLive(record, by.created)
    ? undefined
    : { ...record, replacedBy: by.id, expires: Math.min(record.expires ?? Infinity, ends) }

/** The length of a page. */
export const pageOf = ({ limit = 100 }: { readonly limit?: number | undefined }): number =>
  Math.min(1_000, Math.max(1, Math.floor(limit) || 1))

// --- layers
// ----------------------------------------------------------------------------------------------------------------

/** Keys that last as long as the program. */
export const memory: Layer.Layer<KeyStore> = Layer.sync(KeyStore, () => {
  const byId = new Map<string, KeyRecord>()
  const byDigest = new Map<string, { readonly digest: string; readonly id: string }>()
  const add = (record: KeyRecord, digest: string): boolean => {
    if (byId.has(record.id) || byDigest.has(digest)) return false
    byId.set(record.id, record)
    byDigest.set(digest, { digest, id: record.id })
    return true
  }
  return {
    find: (digest) => {
      const found = byDigest.get(digest)
      return found === undefined ? undefined : { digest: found.digest, record: byId.get(found.id)! }
    },
    get: (id) => Effect.sync(() => byId.get(id)),
    list: (query = {}) =>
      Effect.sync(() => {
        const { after, tenant } = query
        const all = [...byId.values()]
        const from = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1
        if (after !== undefined && from === 0) return { keys: [] }
        const rest = all.slice(from).filter(({ grant }) => tenant === undefined || grant.tenant === tenant)
        return paged(rest, pageOf(query))
      }),
    add: (record, digest) => Effect.sync(() => add(record, digest)),
    rotate: (record, digest, ends) =>
      Effect.sync(() => {
        const old = replaced(byId.get(record.replaces ?? ""), record, ends)
        if (old === undefined || !add(record, digest)) return false
        byId.set(old.id, old)
        return true
      }),
    change: (id, change) =>
      Effect.sync(() => {
        const record = byId.get(id)
        if (record === undefined) return undefined
        const after = changed(record, change)
        byId.set(id, after)
        return after
      })
  }
})

/** A page of a list of which more was read than fits. */
export const paged = (keys: ReadonlyArray<KeyRecord>, most: number): KeyPage =>
  keys.length <= most ? { keys } : { keys: keys.slice(0, most), next: keys[most - 1]!.id }
