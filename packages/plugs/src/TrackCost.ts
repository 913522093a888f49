/**
 * Writes on each request what it cost, and keeps running totals: exact decimals, every attempt counted, unknown never
 * taken for zero.
 *
 * Where retry, fallback or a cache stand in the line, put the plug twice: in front of them, where it says what the
 * request cost in all, and behind them, where it sees each attempt. Each attempt is counted once, by the plug nearest
 * to the provider. Standing alone it counts what it sees.
 *
 * @example
 * ```ts
 * import { Pipeline, Request } from "@plugline/core"
 * import { TrackCost } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const usage = { inputTokens: { total: 1_000 }, outputTokens: { total: 100 } }
 * const answer = Mock.make([Mock.text("Hello", { usage })])
 * const request = Request.make({ provider: "openai", messages: "Hi", options: { model: "gpt-4o-mini" } })
 * const program = Effect.gen(function*() {
 *   const final = yield* Pipeline.run([TrackCost.plug(), ...answer.pipeline], request)
 *   return { total: TrackCost.of(final)?.total, all: yield* TrackCost.totals({ by: ["model"] }) }
 * })
 * const { all, total } = Effect.runSync(Effect.provide(program, TrackCost.memory()))
 * total // => "0.00021"
 * all // => [{ group: { model: "gpt-4o-mini" }, cost: "0.00021", calls: 1, unknown: 0, cached: 0 }]
 * ```
 *
 * @module
 */
import { type Catalog, Cost } from "@plugline/catalog"
import { type Answer, type Handler, Key, Plug, Reply, Request } from "@plugline/core"
import { type BigDecimal, Clock, Effect, Schema } from "effect"
import * as Amount from "./cost/amount.ts"
import { type Charge, computed, modelOf, of as chargeOf, Prices } from "./cost/charge.ts"
import { attempt, effect } from "./cost/now.ts"
import { known, sourceOf, sumOf, type Tracked } from "./cost/tracked.ts"
import * as Identity from "./identity.ts"
import { counter } from "./observe/series.ts"
import { count, providerLabel } from "./retry/count.ts"
import { orElse } from "./store/patience.ts"
import { type Labels, memory, totals, TotalsStore } from "./store/TotalsStore.ts"

export { Prices } from "./cost/charge.ts"
export { known, sumOf, type Tracked } from "./cost/tracked.ts"
export { memory, totals, TotalsStore }
export { redis, type RedisTotalsOptions } from "./store/TotalsStore.redis.ts"
export { sqlite } from "./store/TotalsStore.sqlite.ts"
export type { Dimension, Labels, MemoryTotalsOptions, Total, TotalsQuery } from "./store/TotalsStore.ts"

/** Where {@link Tracked} is written. */
export const cost: Key<Tracked> = Key.make<Tracked>("trackCost.cost")

/** What a request cost, where a `TrackCost` has seen its end. */
export const of = (request: Request): Tracked | undefined => Request.get(request, cost)

/** Options of {@link plug}. */
export const Options = Schema.Struct({
  /** The name of the pipeline, to tell totals apart by. Default: none. */
  pipeline: Schema.optionalKey(Schema.String)
})

/** Counts calls by provider and by what is known of their cost. */
export const calls = counter("plugline.track_cost.calls", {
  description: "Calls by what is known of their cost"
})

/** See the module. */
export const plug: (options?: typeof Options.Encoded) => Plug<TotalsStore> = Plug.configurable(
  "trackCost",
  Options,
  ({ pipeline }) =>
    Plug.of({
      name: "trackCost",
      make: Effect.gen(function*() {
        const store = yield* TotalsStore
        const catalog = yield* Prices
        return handler(store, catalog, pipeline)
      })
    })
)

const handler = (
  store: TotalsStore["Service"],
  catalog: Catalog,
  pipeline: string | undefined
): Handler =>
(request, next) => {
  const book = new Book(Request.getPrivate(request, books))
  const end = (final: Request, left = false): Answer => {
    if (!book.empty) return write(final, book)
    const charge = chargeOf(final, catalog, left)
    book.add(charge, savedBy(final, charge, catalog))
    const counted = Effect.flatMap(Clock.currentTimeMillis, (at) => {
      const added = attempt(() =>
        store.add({
          at,
          labels: labelsOf(final, catalog, pipeline),
          amount: known(charge),
          unknown: charge._tag === "Unknown",
          cached: charge._tag === "Free" && charge.why === "cached"
        }))
      return Effect.isEffect(added)
        ? orElse(added, { store: "totals", way: "open", instead: () => Effect.void })
        : Effect.void
    })
    return Effect.as(Effect.andThen(counted, countOf(final, charge)), write(final, book))
  }
  const asked = next(Request.putPrivate(request, books, book))
  return Effect.flatMap(
    Effect.onInterrupt(asked, () => Effect.ignoreCause(effect(end(request, true)))),
    (answer) =>
      effect(Reply.atEnd(answer, {
        _tag: "Finisher",
        plug: "trackCost",
        content: false,
        always: true,
        done: (final) => end(final)
      }))
  )
}

/**
 * What the attempts behind one plug cost. Handed down the line, so that a plug in front knows what was counted behind
 * it.
 */
class Book {
  #parent: Book | undefined
  #charges: Array<Charge> = []
  #saved: BigDecimal.BigDecimal | undefined

  constructor(parent: unknown) {
    this.#parent = parent instanceof Book ? parent : undefined
  }

  get empty(): boolean {
    return this.#charges.length === 0
  }

  add(charge: Charge, saved: BigDecimal.BigDecimal | undefined): void {
    this.#charges.push(charge)
    if (saved !== undefined) this.#saved = saved
    this.#parent?.add(charge, saved)
  }

  tracked(): Tracked {
    const sum = sumOf(this.#charges)
    return this.#saved === undefined ? sum : { ...sum, saved: Amount.text(Amount.of(this.#saved)) }
  }

  toJSON(): null {
    return null
  }
}

const books = Key.make<Book>("trackCost.book")

const write = (request: Request, book: Book): Request => {
  const tracked = book.tracked()
  const { assumed: _assumed, parts: _parts, ...shown } = tracked
  return Request.putMetadata(Request.assign(request, cost, tracked), "cost", { ...shown })
}

const savedBy = (request: Request, charge: Charge, catalog: Catalog): BigDecimal.BigDecimal | undefined => {
  const { result } = request
  return charge._tag === "Free" && charge.why === "cached" && result !== undefined && "usage" in result
    ? Cost.reported(request.provider, result.usage) ?? computed(request, result.usage, catalog).total
    : undefined
}

/**
 * The model goes in by the name it has in the catalog, so that aliases count together; else by the name it was asked
 * by, if it has answered: names that callers make up must not fill a store.
 */
const labelsOf = (request: Request, catalog: Catalog, pipeline: string | undefined): Labels => {
  const { key, team, tenant, user } = Identity.of(request)
  const model = modelOf(request, catalog)?.id ?? (request.result === undefined ? undefined : request.options.model)
  return {
    provider: request.provider,
    ...(pipeline !== undefined && { pipeline }),
    ...(model !== undefined && { model }),
    ...(key !== undefined && { key }),
    ...(user !== undefined && { user }),
    ...(tenant !== undefined && { tenant }),
    ...(team !== undefined && { team })
  }
}

const countOf = (request: Request, charge: Charge): Effect.Effect<void> =>
  count(calls, { provider: providerLabel(request.provider), source: sourceOf(charge) })
