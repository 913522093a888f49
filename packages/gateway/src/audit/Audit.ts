/**
 * Keeps what admins did: who, what, to what, what it was before and after, when, and by which request. Entries are
 * only ever added; none can be changed or taken away, and none holds a secret.
 *
 * @module
 */
import type { StoreError } from "@plugline/plugs"
import { Clock, Context, Effect, Layer } from "effect"
import { type JsonValue, Mask } from "plugline"
import type { Principal } from "../auth/Principal.ts"

// --- models
// ----------------------------------------------------------------------------------------------------------------

/** How an act ended: it was let through, it was refused, or it was let through and could not be done. */
export type Outcome = "allowed" | "refused" | "failed"

/** What somebody does. */
export interface Act {
  readonly who: Principal
  /** `keys.create`, `config.reload`. */
  readonly action: string
  /** What it is done to: an id, a name. */
  readonly target: string
  readonly outcome: Outcome
  /** How it was, in few words. */
  readonly before?: JsonValue
  /** How it is then. */
  readonly after?: JsonValue
  readonly requestId?: string
}

/** An act that was written down. */
export interface Entry {
  /** Counted from 1, without gaps in one log. */
  readonly seq: number
  /** ms since 1970. */
  readonly at: number
  readonly who: {
    readonly id: string
    readonly name: string
    readonly kind: string
    readonly role: string
    readonly tenant?: string
  }
  readonly action: string
  readonly target: string
  readonly outcome: Outcome
  readonly before?: JsonValue
  readonly after?: JsonValue
  readonly requestId?: string
}

/** Which entries are asked for: those that are all of this. */
export interface AuditQuery {
  /** The tenant of whoever acted. */
  readonly tenant?: string | undefined
  /** The id of whoever acted. */
  readonly who?: string | undefined
  readonly action?: string | undefined
  readonly target?: string | undefined
  /** Older than the entry of this number: `next` of the page before. */
  readonly before?: number | undefined
  /** Most entries of a page, up to 1,000. Default: 100. */
  readonly limit?: number | undefined
}

/** Some entries, the latest first; `next` where there are older ones. */
export interface AuditPage {
  readonly entries: ReadonlyArray<Entry>
  readonly next?: number
}

/** Keeps what admins did. */
export class Audit extends Context.Service<Audit, {
  readonly record: (act: Act) => Effect.Effect<Entry, StoreError>
  readonly read: (query?: AuditQuery) => Effect.Effect<AuditPage, StoreError>
}>()("@plugline/gateway/Audit") {}

/** How much is kept in memory. */
export interface MemoryAuditOptions {
  /** Most entries; the oldest make room. Default: 10,000. */
  readonly entries?: number
}

// --- helpers
// ---------------------------------------------------------------------------------------------------------------

/** The longest text of an entry. */
const longest = 500

/** The most characters that `before` or `after` has as JSON. */
const most = 8_192

/**
 * An act as it is written down, but for its number: secrets masked, texts of one line, nothing longer than it may be.
 */
export const entryOf = (act: Act, at: number): Omit<Entry, "seq"> => {
  const { action, after, before, outcome, requestId, target, who: { id, identity: { tenant }, kind, name, role } } = act
  return {
    at,
    who: { id: line(id), name: line(name), kind, role: line(role.name), ...(tenant !== undefined && { tenant }) },
    action: line(action),
    target: line(target),
    outcome,
    ...(before !== undefined && { before: brief(before) }),
    ...(after !== undefined && { after: brief(after) }),
    ...(requestId !== undefined && { requestId: line(requestId) })
  }
}

const line = (text: string): string => Mask.text(text).replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ").slice(0, longest)

const brief = (value: JsonValue): JsonValue => {
  const masked = Mask.json(value)
  return JSON.stringify(masked).length <= most ? masked : "[too long to be kept]"
}

/** The length of a page. */
export const pageOf = ({ limit = 100 }: AuditQuery): number => Math.min(1_000, Math.max(1, Math.floor(limit) || 1))

/** A page of entries of which one more was read than fits. */
export const paged = (entries: ReadonlyArray<Entry>, most: number): AuditPage =>
  entries.length <= most ? { entries } : { entries: entries.slice(0, most), next: entries[most - 1]!.seq }

// --- layers
// ----------------------------------------------------------------------------------------------------------------

/** The latest acts, which last as long as the program. */
export const memory = ({ entries: room = 10_000 }: MemoryAuditOptions = {}): Layer.Layer<Audit> =>
  Layer.sync(Audit, () => {
    const entries: Array<Entry> = []
    let seq = 0
    return {
      record: (act) =>
        Effect.map(Clock.currentTimeMillis, (at) => {
          const entry = freeze({ seq: ++seq, ...entryOf(act, at) })
          entries.push(entry)
          if (entries.length > room) entries.shift()
          return entry
        }),
      read: (query = {}) =>
        Effect.sync(() => {
          const { action, before, target, tenant, who } = query
          const size = pageOf(query)
          const found: Array<Entry> = []
          for (let index = entries.length - 1; index >= 0 && found.length <= size; index--) {
            const entry = entries[index]!
            if (
              (before === undefined || entry.seq < before) && (tenant === undefined || entry.who.tenant === tenant)
              && (who === undefined || entry.who.id === who) && (action === undefined || entry.action === action)
              && (target === undefined || entry.target === target)
            ) found.push(entry)
          }
          return paged(found, size)
        })
    }
  })

const freeze = <A>(value: A): A => {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(freeze)
  return value
}
