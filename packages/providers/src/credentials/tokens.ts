/**
 * Buys tokens, each once for all who need it, and keeps them until shortly before they expire.
 *
 * @module
 */
import { LlmError } from "@plugline/core"
import { Cause, Clock, Deferred, Effect, Exit, Fiber, Redacted } from "effect"

type Token = Redacted.Redacted<string>

/** A token that is wanted. */
export interface Purchase {
  /** What the token is for: the address it is bought at, its scope, whatever else makes two tokens differ. No secret. */
  readonly purpose: string
  /** What it is bought with. A caller with another key never gets this token. */
  readonly key: Redacted.Redacted<string>
  readonly buy: Effect.Effect<Bought, LlmError>
}

/** A token that was bought. */
export interface Bought {
  readonly token: Redacted.Redacted<string>
  /** How long it is good, in ms. Default: 5 minutes. Good for no time: it is used once. */
  readonly lifetime?: number
}

/** Buys and keeps tokens. */
export interface Tokens {
  readonly token: (purchase: Purchase) => Effect.Effect<Token, LlmError>
  readonly forget: (token: Token) => Effect.Effect<boolean>
}

/** How long before it expires a token is replaced, in ms; of a short one at its half. */
const margin = 60_000

/** A token younger than this, in ms, is not replaced because a service refused it: the next one would be refused too. */
const young = 10_000

/** How long a token is kept whose lifetime nobody said, in ms. */
const usual = 300_000

/** Most tokens that are kept. */
const most = 1_000

interface Kept {
  readonly token: Token
  readonly boughtAt: number
  /** From when on another is bought, and from when on this one is useless. */
  readonly renewAt: number
  readonly expiresAt: number
}

/** A purchase that is under way. */
interface Pending {
  readonly outcome: Deferred.Deferred<Token, LlmError>
  waiting: number
  fiber: Fiber.Fiber<unknown> | undefined
}

interface Entry {
  kept: Kept | undefined
  pending: Pending | undefined
}

/** A store of its own, with nothing in it. */
export const tokens = (): Tokens => {
  const entries = new Map<string, Entry>()

  const entryOf = ({ key, purpose }: Purchase, now: number): Entry => {
    const id = `${purpose.length}:${purpose}${Redacted.value(key)}`
    let entry = entries.get(id)
    if (entry !== undefined) return entry
    if (entries.size >= most) makeRoom(entries, now)
    entries.set(id, entry = { kept: undefined, pending: undefined })
    return entry
  }

  return {
    token: (purchase) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const entry = entryOf(purchase, now)
        return entry.kept !== undefined && now < entry.kept.renewAt
          ? Effect.succeed(entry.kept.token)
          : Effect.uninterruptibleMask((restore) =>
            Effect.flatMap(begin(entry, purchase, now), (pending) =>
              Effect.ensuring(restore(Deferred.await(pending.outcome)), Effect.suspend(() => leave(entry, pending)))))
      }),
    forget: (token) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        for (const entry of entries.values()) {
          if (entry.kept?.token !== token) continue
          if (now - entry.kept.boughtAt < young) return false
          entry.kept = undefined
        }
        return true
      })
  }
}

/** Joins the purchase that is under way, or begins one. It belongs to all who wait, so it runs in a fiber of its own. */
const begin = (entry: Entry, { buy, purpose }: Purchase, now: number): Effect.Effect<Pending> =>
  Effect.suspend(() => {
    if (entry.pending !== undefined) {
      entry.pending.waiting++
      return Effect.succeed(entry.pending)
    }
    const pending: Pending = entry.pending = { outcome: Deferred.makeUnsafe(), waiting: 1, fiber: undefined }
    const purchase = Effect.flatMap(Effect.exit(Effect.interruptible(buy)), (exit) =>
      Effect.flatMap(Clock.currentTimeMillis, (later) => {
        if (entry.pending === pending) entry.pending = undefined
        if (Exit.isSuccess(exit)) {
          entry.kept = keep(exit.value, now)
          return Deferred.succeed(pending.outcome, exit.value.token)
        }
        // One that is still good is better than none.
        const { kept } = entry
        return kept !== undefined && later < kept.expiresAt
          ? Deferred.succeed(pending.outcome, kept.token)
          : Deferred.failCause(pending.outcome, Cause.hasInterruptsOnly(exit.cause) ? Cause.fail(broken(purpose)) : exit.cause)
      }))
    return Effect.map(Effect.forkDetach(Effect.uninterruptible(purchase)), (fiber) => {
      pending.fiber = fiber
      return pending
    })
  })

/** One who waited goes. A purchase nobody waits for any more is given up. */
const leave = (entry: Entry, pending: Pending): Effect.Effect<void> => {
  pending.waiting--
  if (pending.waiting > 0 || entry.pending !== pending || pending.fiber === undefined) return Effect.void
  entry.pending = undefined
  return Fiber.interrupt(pending.fiber)
}

/** One that is good for no time is out of date at once. */
const keep = ({ lifetime = usual, token }: Bought, now: number): Kept =>
  ({ token, boughtAt: now, renewAt: now + lifetime - Math.min(margin, lifetime / 2), expiresAt: now + lifetime })

const broken = (purpose: string): LlmError =>
  LlmError.make({ _tag: "Network", message: `the purchase of a token was broken off (${purpose})` })

/** Lets go of what has expired, else of the oldest. */
const makeRoom = (entries: Map<string, Entry>, now: number): void => {
  let oldest: string | undefined
  for (const [id, { kept, pending }] of entries) {
    if (pending !== undefined) continue
    if (kept === undefined || kept.expiresAt <= now) entries.delete(id)
    else oldest ??= id
  }
  if (entries.size >= most && oldest !== undefined) entries.delete(oldest)
}
