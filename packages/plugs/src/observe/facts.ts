/**
 * What there is to tell of a request once it has ended: who answered, how long it took, what it used and cost, what
 * went wrong. No content. `Receipt`, `Log` and `Metrics` all write from here, so that they never disagree.
 *
 * @module
 */
import type { Catalog } from "@plugline/catalog"
import {
  type FinishReason, type JsonObject, type JsonValue, type LlmError, Mask, type Part, Request, Result
} from "@plugline/core"
import { type Clock, Redacted } from "effect"
import { of as chargeOf } from "../cost/charge.ts"
import { sumOf, type Tracked } from "../cost/tracked.ts"
import type { Ending } from "../Passthrough.ts"
import { of as trackedOf } from "../TrackCost.ts"

/** A request that is being watched. */
export interface Begun {
  /** As it came. */
  readonly request: Request
  /** When, in ms since 1970. */
  readonly at: number
  /** The same on a clock that is never set back, in ms. */
  readonly started: number
  /** When the first content of a streamed reply came, on that clock. */
  first: number | undefined
}

/** Begins to watch a request. */
export const begin = (request: Request, clock: Clock.Clock): Begun => ({
  request,
  at: clock.currentTimeMillisUnsafe(),
  started: elapsed(clock),
  first: undefined
})

/** Notes when the first content came. */
export const part = (part: Part, begun: Begun | undefined, clock: Clock.Clock): void => {
  if (begun !== undefined && begun.first === undefined && isContent(part)) begun.first = elapsed(clock)
}

const elapsed = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

/** Something of the answer itself, as against its frame. */
const isContent = ({ type }: Part): boolean => {
  switch (type) {
    case "text-start":
    case "reasoning-start":
    case "response-metadata":
    case "warning":
    case "raw":
    case "finish":
    case "error":
      return false
    default:
      return true
  }
}

/** Tokens of a call; what is absent is unknown. */
export interface Tokens {
  readonly input?: number
  readonly cacheRead?: number
  readonly cacheWrite?: number
  readonly output?: number
  readonly reasoning?: number
}

/** See the module. */
export interface Facts {
  readonly ending: Ending
  /** Who was asked last, and so who answered. */
  readonly provider: string
  /** The model that was asked for when the request came. */
  readonly asked: string | undefined
  /** The model that answered. */
  readonly model: string | undefined
  readonly finish: FinishReason | undefined
  readonly tokens: Tokens | undefined
  /** What `TrackCost` has counted, every attempt of it; else what the answer cost by itself. */
  readonly cost: Tracked | undefined
  /** From its coming to its end, in ms. */
  readonly latency: number
  /** From its coming to the first content of a streamed reply, in ms. */
  readonly firstToken: number | undefined
  readonly error: LlmError | undefined
  /** What other plugs wrote about it. */
  readonly notes: JsonObject | undefined
}

/** What there is to tell. */
export const of = (final: Request, begun: Begun, ending: Ending, clock: Clock.Clock, catalog: Catalog): Facts => {
  const { result } = final
  const usage = result !== undefined && "usage" in result ? result.usage : undefined
  return {
    ending,
    provider: final.provider,
    asked: begun.request.options.model,
    model: result !== undefined && "model" in result ? result.model : undefined,
    finish: Result.isChat(result) ? result.finishReason : undefined,
    tokens: usage === undefined ? undefined : tokensOf(usage),
    cost: trackedOf(final)
      ?? (ending === "unanswered" ? undefined : sumOf([chargeOf(final, catalog, ending === "interrupted")])),
    latency: ms(elapsed(clock) - begun.started),
    firstToken: begun.first === undefined ? undefined : ms(begun.first - begun.started),
    error: Request.failure(final),
    notes: notesOf(final)
  }
}

const ms = (value: number): number => Math.max(0, Math.round(value * 1_000) / 1_000)

const tokensOf = (
  { inputTokens, outputTokens }: NonNullable<Extract<Result, { readonly usage: unknown }>["usage"]>
): Tokens | undefined => {
  const tokens: Tokens = {
    ...(inputTokens.total !== undefined && { input: inputTokens.total }),
    ...(inputTokens.cacheRead !== undefined && { cacheRead: inputTokens.cacheRead }),
    ...(inputTokens.cacheWrite !== undefined && { cacheWrite: inputTokens.cacheWrite }),
    ...(outputTokens.total !== undefined && { output: outputTokens.total }),
    ...(outputTokens.reasoning !== undefined && { reasoning: outputTokens.reasoning })
  }
  return Object.keys(tokens).length === 0 ? undefined : tokens
}

/** Fields of the metadata that plugs write about the way of a request. */
const noted = [
  "budget", "cache", "cascade", "circuitBreaker", "embeddings", "fallback", "guard", "hedge", "once", "promptCache",
  "queue", "rateLimit", "retry", "route", "semanticCache", "timeout", "tokens"
] as const

/** The longest note, in characters of JSON. */
const longest = 1_000

const notesOf = ({ metadata }: Request): JsonObject | undefined => {
  let notes: Record<string, JsonValue> | undefined
  for (const name of noted) {
    if (!Object.hasOwn(metadata, name) || metadata[name] === undefined) continue
    const note = Mask.json(metadata[name])
    notes ??= {}
    notes[name] = JSON.stringify(note).length > longest ? "[too long]" : note
  }
  return notes
}

/**
 * Takes out of a text whatever looks like a credential, and the credentials and header values these requests hold,
 * whatever they look like.
 */
export const scrub = (text: string, ...requests: ReadonlyArray<Request>): string => {
  let out = text
  for (const { config } of requests) {
    const { apiKey, headers } = config
    if (Redacted.isRedacted(apiKey)) out = without(out, Redacted.value(apiKey))
    if (headers !== undefined) for (const value of Object.values(headers)) out = without(out, value)
  }
  return Mask.text(out)
}

/** A text of a few characters is no secret, and would be found everywhere. */
const without = (text: string, secret: unknown): string =>
  typeof secret === "string" && secret.length >= 6 ? text.replaceAll(secret, Mask.masked) : text
