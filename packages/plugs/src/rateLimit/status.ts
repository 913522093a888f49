/**
 * Says how much of each limit is left, for the caller and as the headers that clients know.
 *
 * @module
 */
import { Key, Request } from "@plugline/core"
import type { Claim, What } from "./limits.ts"
import { type Ask, parts } from "../store/LimitStore.ts"

/** How one limit stands. */
export interface Standing {
  /** What the limit is counted by, or its name. */
  readonly name: string
  readonly what: What
  /** The most that is there at a time: calls or tokens. */
  readonly limit: number
  readonly remaining: number
  /** ms until all of it is there again; 0 for calls at a time. */
  readonly reset: number
}

/** What a request came through, or did not. Plain JSON; times in ms. */
export interface Status {
  /** Whether it was let through. */
  readonly admitted: boolean
  /** How long it waited. */
  readonly waited: number
  /** When to come again, where it was refused and that is known. */
  readonly retryAfter?: number
  /** Every limit that held for it; none where the store did not answer. */
  readonly limits: ReadonlyArray<Standing>
}

/** Where {@link Status} is written. Of several plugs in a line the last adds its limits to those before. */
export const status: Key<Status> = Key.make<Status>("rateLimit.status")

/** How a limit stands: `level` is what was there before, in {@link parts}; `taken` what is gone now. */
export const standing = ({ measure, rule }: Claim, ask: Ask, level: number, taken: number): Standing => {
  const left = level - taken * parts
  const missing = ask.capacity * parts - left
  return {
    name: rule.name,
    what: measure.what,
    limit: ask.capacity,
    remaining: Math.max(0, Math.floor(left / parts)),
    reset: missing <= 0 || ask.kind === "slots" ? 0 : ask.kind === "day" ? ask.resets : Math.ceil(missing / ask.rate)
  }
}

/**
 * The headers that tell a client how its limits stand: `ratelimit-*` of the limit that is nearest to its end,
 * `x-ratelimit-*-requests` and `x-ratelimit-*-tokens` as OpenAI sends them, and `retry-after` where it was refused.
 * Empty where no limit held.
 *
 * @example
 * ```ts
 * import { Request } from "@plugline/core"
 * import { RateLimit } from "@plugline/plugs"
 *
 * const limits = [{ name: "user", what: "requestsPerMinute", limit: 60, remaining: 59, reset: 1000 }] as const
 * const request = Request.make({ provider: "local", messages: "Hi" }).pipe(
 *   Request.assign(RateLimit.status, { admitted: true, waited: 0, limits })
 * )
 * RateLimit.headers(request)["x-ratelimit-remaining-requests"] // => "59"
 * RateLimit.headers(request)["ratelimit-reset"] // => "1"
 * ```
 */
export const headers = (request: Request): { readonly [name: string]: string } => {
  const said = Request.get(request, status)
  if (said === undefined) return {}
  const out: Record<string, string> = {}
  const counted = said.limits.filter(({ what }) => what !== "concurrency")
  const first = tightest(counted)
  if (first !== undefined) {
    out["ratelimit-limit"] = String(first.limit)
    out["ratelimit-remaining"] = String(first.remaining)
    out["ratelimit-reset"] = String(Math.ceil(first.reset / 1_000))
  }
  for (const kind of ["requests", "tokens"]) {
    const one = tightest(counted.filter(({ what }) => what.startsWith(kind)))
    if (one === undefined) continue
    out[`x-ratelimit-limit-${kind}`] = String(one.limit)
    out[`x-ratelimit-remaining-${kind}`] = String(one.remaining)
    out[`x-ratelimit-reset-${kind}`] = duration(one.reset)
  }
  if (said.retryAfter !== undefined) out["retry-after"] = String(Math.max(1, Math.ceil(said.retryAfter / 1_000)))
  return out
}

const tightest = (standings: ReadonlyArray<Standing>): Standing | undefined => {
  let least: Standing | undefined
  for (const each of standings) {
    if (least === undefined || each.remaining / each.limit < least.remaining / least.limit) least = each
  }
  return least
}

/** `20ms`, `1.5s`, `6m0s`, `1h0m0s`: as OpenAI writes it. */
const duration = (ms: number): string => {
  if (ms < 1_000) return `${ms}ms`
  const hours = Math.floor(ms / 3_600_000)
  const minutes = Math.floor(ms / 60_000) % 60
  const seconds = `${Math.round((ms % 60_000)) / 1_000}s`
  return `${hours > 0 ? `${hours}h` : ""}${hours > 0 || minutes > 0 ? `${minutes}m` : ""}${seconds}`
}
