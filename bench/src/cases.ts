/**
 * Each shipped plug as it is measured: its options, the requests it is given, and how one sees that it did its work.
 *
 * @module
 */
import { type ChatResult, type PlugLike, Request } from "@plugline/core"
import {
  Batch, Budget, Cache, Cascade, CircuitBreaker, Fallback, Hedge, Idempotency, Identity, Log, Metrics, PromptCache,
  type Providers, RateLimit, Receipt, Retry, Route, SemanticCache, type shipped, type Stores, Timeout, Tokens, TrackCost
} from "@plugline/plugs"
import { question, text } from "./exchange.ts"

/** One way in which a plug is measured. */
export interface Case {
  /** What the table says. Default: the plug's name. */
  readonly title?: string
  readonly plug: () => PlugLike<Stores | Providers.Providers>
  /** The requests it is given in turn. Default: one request, each time. */
  readonly requests?: ReadonlyArray<Request>
  /** Whether it did what it is there for. Default: not asked. */
  readonly did?: (final: Request) => boolean
  /** Whether it does something while parts arrive or when they end, so that streams are measured too. */
  readonly streams?: true
  /** How many requests are under way at a time. Default: 1. */
  readonly together?: number
}

/** What is answered, whole. */
export const answer: ChatResult = {
  type: "chat",
  id: "chatcmpl-1",
  model: "gpt-5-mini-2025-08-07",
  content: [{ type: "text", text }],
  finishReason: "stop",
  usage: { inputTokens: { total: 48 }, outputTokens: { total: 200 } }
}

const ask = (user: string, changes: object = {}): Request =>
  Identity.as(
    Request.make({
      id: "req_bench",
      provider: "openai",
      messages: [{ role: "system", content: question.system }, { role: "user", content: user }],
      options: { model: question.model },
      ...changes
    }),
    { tenant: "acme", user: "ada" }
  )

/** The request where nothing else is said. */
export const usual: ReadonlyArray<Request> = [ask(question.user)]

const many = (count: number, make: (index: number) => Request): ReadonlyArray<Request> =>
  Array.from({ length: count }, (_, index) => make(index))

const prefix = ask(question.user, {
  provider: "anthropic",
  options: { model: "claude-haiku-4-5" },
  messages: [{ role: "system", content: `${question.system}\n`.repeat(250) }, { role: "user", content: question.user }]
})

/** By the names of the shipped plugs, and what else is worth a row of its own. */
export const cases = {
  identity: {
    plug: () => Identity.plug({ tenant: "other", user: "ada" }),
    did: (final) => Identity.of(final).tenant === "other"
  },
  log: { plug: () => Log.plug(), streams: true },
  receipt: { plug: () => Receipt.plug(), streams: true },
  metrics: { plug: () => Metrics.plug(), streams: true },
  trackCost: { plug: () => TrackCost.plug(), streams: true, did: (final) => TrackCost.of(final)?.total !== undefined },
  idempotency: {
    title: "`idempotency`, a new key",
    plug: () => Idempotency.plug({ ttl: 1 }),
    requests: many(10_000, (index) => Idempotency.withKey(ask(question.user), `key-${index}`)),
    streams: true,
    did: (final) => Idempotency.of(final) !== undefined
  },
  "tokens.trim": { plug: () => Tokens.trim({ max: 10_000 }) },
  "tokens.limit": {
    plug: () => Tokens.limit({ max: 10_000 }),
    did: (final) => Request.get(final, Tokens.counted) !== undefined
  },
  cache: {
    title: "`cache`, a miss",
    plug: () => Cache.plug({ ttl: 1 }),
    requests: many(10_000, (index) => ask(`${question.user} ${index}`)),
    streams: true,
    did: (final) => Cache.of(final)?.status === "miss" && Cache.of(final)?.stored === true
  },
  "cache.hit": {
    title: "`cache`, a hit",
    plug: () => Cache.plug(),
    did: (final) => Cache.of(final) !== undefined,
    streams: true
  },
  semanticCache: {
    title: "`semanticCache`, a hit among 100",
    plug: () => SemanticCache.plug(),
    requests: many(100, (index) => ask(`What is the ${index}th prime number, and ${index} times ${index}?`))
  },
  rateLimit: {
    plug: () => RateLimit.plug({ limits: [{ per: "user", requestsPerMinute: 1e9, tokensPerMinute: 1e10 }] }),
    did: (final) => Request.get(final, RateLimit.status) !== undefined,
    streams: true
  },
  cascade: {
    plug: () => Cascade.plug({ steps: [{ provider: "openai" }, { provider: "anthropic" }] }),
    did: (final) => Request.get(final, Cascade.report) !== undefined
  },
  fallback: { plug: () => Fallback.plug({ steps: [{ answer: "Later." }] }), streams: true },
  route: {
    plug: () =>
      Route.plug({
        targets: [{ provider: "openai", model: "gpt-5-mini" }, { provider: "openai", model: "gpt-5-nano" }]
      }),
    streams: true
  },
  retry: { plug: () => Retry.plug(), streams: true },
  hedge: { plug: () => Hedge.plug({ delay: 1_000 }), streams: true },
  budget: {
    plug: () => Budget.plug({ limits: [{ per: "user", amount: "1000000", every: "day" }] }),
    did: (final) => Request.get(final, Budget.state) !== undefined,
    streams: true
  },
  embeddings: {
    title: "`embeddings`, 32 calls made one",
    plug: () => Batch.embeddings({ maxItems: 32 }),
    requests: [
      ask(question.user, {
        operation: "embeddings",
        messages: question.user,
        options: { model: "text-embedding-3-small" }
      })
    ],
    together: 32
  },
  promptCache: { title: "`promptCache`, a prefix of 22 kB", plug: () => PromptCache.plug(), requests: [prefix] },
  circuitBreaker: { plug: () => CircuitBreaker.plug({ consecutive: 5 }), streams: true },
  timeout: { plug: () => Timeout.plug({ firstToken: 10_000, idle: 10_000, total: 60_000 }), streams: true }
} satisfies { readonly [Name in keyof typeof shipped]: Case } & { readonly [name: string]: Case }

/** The name of a case. */
export type CaseName = keyof typeof cases

/** The names of all cases. */
export const names = Object.keys(cases) as ReadonlyArray<CaseName>
