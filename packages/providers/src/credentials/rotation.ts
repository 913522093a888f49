/**
 * Takes the keys of a provider in turn, and passes over one that the service has refused while another is fit.
 *
 * @module
 */
import type { LlmError } from "@plugline/core"
import { Clock, Effect, Redacted } from "effect"

/** A key. */
export type Key = Redacted.Redacted<string>

/** How long a key rests for each reason, in ms, where the service does not say. */
const rests = {
  Authentication: 600_000,
  Permission: 60_000,
  RateLimit: 30_000,
  Quota: 600_000
} as const

/** No service is believed that asks for more: 24 hours, in ms. */
const longest = 24 * 60 * 60 * 1000

/** Most keys whose rest is remembered. */
const most = 1_000

/** Chooses between keys, and is told how they did. */
export interface Rotation {
  /** The one key, or the next of several; of several that all rest the one whose rest ends first. Empty keys are none. */
  readonly pick: (provider: string, keys: Key | ReadonlyArray<Key> | undefined) => Effect.Effect<Key | undefined>
  /** A call with this key failed. */
  readonly report: (provider: string, key: Key, error: LlmError) => Effect.Effect<void>
}

const nothing = Effect.succeed(undefined)

/** A rotation of its own, in which every key is fit. */
export const rotation = (): Rotation => {
  /** Whose turn it is, by provider. */
  const turns = new Map<string, number>()
  /** When the rest of a key ends, by its text: a vault wraps the same text anew at each call. Seldom more than a few. */
  const resting = new Map<string, number>()

  const take = (provider: string, keys: ReadonlyArray<Key>, now: number): Key => {
    const turn = turns.get(provider) ?? 0
    let chosen = 0
    let soonest = Infinity
    for (let step = 0; step < keys.length; step++) {
      const index = (turn + step) % keys.length
      const until = resting.get(Redacted.value(keys[index]!)) ?? 0
      if (until < soonest) {
        chosen = index
        soonest = until
      }
      if (until <= now) break
    }
    turns.set(provider, (chosen + 1) % keys.length)
    return keys[chosen]!
  }

  return {
    pick: (provider, given) => {
      if (given === undefined) return nothing
      if (Redacted.isRedacted(given)) return isEmpty(given) ? nothing : Effect.succeed(given)
      const keys = given.some(isEmpty) ? given.filter((key) => !isEmpty(key)) : given
      if (keys.length <= 1) return Effect.succeed(keys[0])
      return resting.size === 0
        ? Effect.succeed(take(provider, keys, 0))
        : Effect.map(Clock.currentTimeMillis, (now) => take(provider, keys, now))
    },
    report: (provider, key, error) => {
      const rest = restOf(error)
      if (rest === undefined) return Effect.void
      return Effect.flatMap(Clock.currentTimeMillis, (now) => {
        forgetOld(resting, now)
        const text = Redacted.value(key)
        resting.set(text, Math.max(resting.get(text) ?? 0, now + rest))
        return Effect.logDebug(`${key.label ?? `a key of ${provider}`} rests for ${rest} ms: ${error.reason._tag}`)
      })
    }
  }
}

const isEmpty = (key: Key): boolean => Redacted.value(key).trim() === ""

const restOf = (error: LlmError): number | undefined => {
  const { _tag } = error.reason
  if (!(_tag in rests)) return undefined
  const asked = error.retryAfter
  const rest = asked !== undefined && asked >= 0 ? asked : rests[_tag as keyof typeof rests]
  return Math.min(rest, longest)
}

const forgetOld = (resting: Map<string, number>, now: number): void => {
  for (const [text, until] of resting) if (until <= now || resting.size >= most) resting.delete(text)
}
