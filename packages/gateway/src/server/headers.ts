/**
 * What a client is told about its call in headers, and what the log says of it.
 *
 * @module
 */
import { Cache, Idempotency, RateLimit, Retry, TrackCost } from "@plugline/plugs"
import { type JsonValue, Request } from "plugline"
import type { Headers } from "./Exchange.ts"

/** `x-plugline-*` and the usual rate-limit headers, as far as they are known. */
export const headersOf = (request: Request): Headers => {
  const headers: Headers = { "x-plugline-provider": plain(request.provider) }
  const { model } = facts(request)
  if (model !== undefined) headers["x-plugline-model"] = plain(model)
  const cache = Cache.of(request)
  if (cache !== undefined) headers["x-plugline-cache"] = cache.status
  const repeated = Idempotency.of(request)
  if (repeated !== undefined) headers["x-plugline-idempotency"] = repeated.status
  const attempts = Request.get(request, Retry.attempts)
  if (attempts !== undefined) headers["x-plugline-attempts"] = String(attempts.length)
  const cost = TrackCost.of(request)
  if (cost !== undefined) headers["x-plugline-cost-usd"] = cost.total ?? "unknown"
  const limits = RateLimit.headers(request)
  for (const name in limits) headers[name] = limits[name]!
  return headers
}

/** What the log says of a call: who answered, tokens, cost, how often it was tried. */
export const noteOf = (request: Request): { readonly [name: string]: JsonValue | undefined } => {
  const { model, usage } = facts(request)
  const cost = TrackCost.of(request)
  return {
    provider: request.provider,
    model,
    operation: request.operation,
    inputTokens: usage?.inputTokens.total,
    outputTokens: usage?.outputTokens.total,
    costUsd: cost?.total,
    cache: Cache.of(request)?.status,
    attempts: Request.get(request, Retry.attempts)?.length
  }
}

const facts = ({ options, result }: Request) => ({
  model: (result !== undefined && "model" in result ? result.model : undefined) ?? options.model,
  usage: result !== undefined && "usage" in result ? result.usage : undefined
})

/** What may stand in a header. */
const plain = (text: string): string => text.replace(/[^\x20-\x7e]/g, "?").slice(0, 200)
