/**
 * Chooses for each request who is asked, asks, and writes down what was chosen and why.
 *
 * @module
 */
import type { Catalog } from "@plugline/catalog"
import { type Handler, LlmError, type Next, Request, Suggest } from "@plugline/core"
import { BigDecimal, Effect, Random } from "effect"
import { computed } from "../cost/charge.ts"
import { effect } from "../cost/now.ts"
import { walk } from "../fallback/walk.ts"
import { count, providerLabel } from "../retry/count.ts"
import { ms } from "../retry/span.ts"
import * as Tokens from "../Tokens.ts"
import { meant, personOf, stickyKeyOf } from "./choose.ts"
import { calls, type Decision, decision, type RouteOptions } from "./decision.ts"
import { lacks, needs } from "./fit.ts"
import { order, type Strategy } from "./order.ts"
import type { Ready } from "./ready.ts"
import type { RouteState } from "./RouteState.ts"

/** Chooses for each request. Holds no state of its own. */
export class Router {
  readonly #options: RouteOptions
  readonly #targets: ReadonlyArray<Ready>
  readonly #state: RouteState["Service"]
  readonly #catalog: Catalog
  readonly #strategy: Strategy
  readonly #pool: string

  constructor(options: RouteOptions, targets: ReadonlyArray<Ready>, state: RouteState["Service"], catalog: Catalog) {
    this.#options = options
    this.#targets = targets
    this.#state = state
    this.#catalog = catalog
    this.#strategy = options.strategy ?? "first"
    this.#pool = options.pool ?? targets.map(({ name }) => name).join(" ")
  }

  readonly handle: Handler = (request, next) => {
    if (request.state !== "pending") return next(request)
    const { model } = request.options
    const candidates = meant(model, this.#targets, this.#options.aliases ?? {})
    if (candidates.length === 0) return this.#options.otherModels === "pass" ? next(request) : Request.fail(request, this.#unknown(model ?? ""))
    return Effect.withFiber((fiber) => {
      const random = fiber.getRef(Random.Random)
      return Effect.clockWith((clock) =>
        effect(this.#route(request, next, candidates, clock.currentTimeMillisUnsafe(), () => random.nextDoubleUnsafe())))
    })
  }

  #route(
    request: Request,
    next: Next,
    candidates: ReadonlyArray<Ready>,
    now: number,
    chance: () => number
  ): Request | Effect.Effect<Request> {
    const excluded: Record<string, string> = {}
    const able = this.#able(request, candidates, excluded)
    if (able.length === 0) return Request.fail(request, unable(excluded))
    const key = this.#keyOf(request)
    // Whose variant it is does not depend on what is asked: an experiment divides all.
    const contenders = (this.#strategy === "experiment" ? candidates : able).map((target) => ({
      ...this.#state.look(target.name, now),
      ...this.#cost(request, target),
      name: target.name,
      weight: target.weight,
      target
    }))
    const arranged = order(this.#strategy, contenders, {
      chance,
      turn: () => this.#state.turn(this.#pool),
      experiment: this.#options.experiment ?? this.#pool,
      explore: this.#options.explore ?? 0.05,
      ...(key !== undefined && { key })
    })
    const fit = arranged.filter(({ name }) => !Object.hasOwn(excluded, name))
    // Vectors of different models cannot be compared: a failure must not mix them.
    const listed = request.operation === "embeddings" ? fit.filter(({ target }) => target.model === fit[0]!.target.model) : fit
    const unhealthy = listed.filter(({ healthy }) => !healthy).map(({ name }) => name)
    const assigned = this.#strategy === "experiment" && key !== undefined
      ? order("experiment", contenders.map((contender) => ({ ...contender, healthy: true })), {
        chance, turn: () => 0, key, experiment: this.#options.experiment ?? this.#pool
      })[0]!.name
      : undefined
    const { model } = request.options
    const limits = { deadline: ms(this.#options.deadline, undefined), most: this.#options.attempts ?? 3 }
    return Effect.flatMap(walk(listed.map(({ target }) => target), request, next, limits), ({ by, request: final, tried }) => {
      const made: Decision = {
        strategy: this.#strategy,
        ...(by !== undefined && { chosen: by.name }),
        order: listed.map(({ name }) => name),
        excluded,
        unhealthy,
        ...(assigned !== undefined && { assigned }),
        ...(model !== undefined && { asked: model }),
        steps: tried
      }
      const told = Request.putMetadata(Request.assign(final, decision, made), "route", {
        strategy: made.strategy,
        ...(made.chosen !== undefined && { chosen: made.chosen }),
        ...(assigned !== undefined && { assigned }),
        failed: tried.flatMap(({ error, name }) => error === undefined ? [] : [`${name}: ${error.reason._tag}`])
      })
      return Effect.as(count(calls, { provider: by === undefined ? "none" : providerLabel(by.provider), strategy: this.#strategy }), told)
    })
  }

  /** The targets nothing is known against. */
  #able(request: Request, candidates: ReadonlyArray<Ready>, excluded: Record<string, string>): ReadonlyArray<Ready> {
    if (request.operation === "list_models" || request.operation === "validate") return candidates
    // Counting takes time that grows with the prompt: only where somebody's size is known.
    const sized = candidates.some(({ known, own }) => (own.context ?? known?.context ?? known?.maxInput) !== undefined)
    const needed = needs(request, sized ? Tokens.estimate(request).tokens : 0)
    return candidates.filter(({ known, name, own }) => {
      const why = lacks(needed, known, own, this.#options.strict ?? false)
      if (why !== undefined) excluded[name] = why
      return why === undefined
    })
  }

  /** What the request is expected to cost, which is asked for only where it decides. */
  #cost(request: Request, { model, provider }: Ready): { readonly cost?: number } {
    if (this.#strategy !== "cost" || model === undefined) return {}
    const asked = Request.mergeOptions(Request.patch(request, { provider }), { model })
    const { total } = computed(asked, {
      inputTokens: { total: Tokens.estimate(asked).tokens, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: request.options.maxTokens ?? usualAnswer, reasoning: 0 }
    }, this.#catalog)
    return total === undefined ? {} : { cost: BigDecimal.toNumberUnsafe(total) }
  }

  #keyOf(request: Request): string | undefined {
    if (this.#strategy !== "sticky" && this.#strategy !== "experiment") return undefined
    if (this.#options.key !== undefined) return this.#options.key(request)
    return this.#strategy === "sticky" ? stickyKeyOf(request) : personOf(request)
  }

  #unknown(model: string): LlmError {
    const known = ["auto", ...Object.keys(this.#options.aliases ?? {}), ...this.#targets.map(({ name }) => name)]
    return LlmError.make({ _tag: "NotFound", status: 404, message: Suggest.refusal("model", model, known) })
  }
}

/** How many tokens an answer is taken to have where the request sets no limit. */
const usualAnswer = 500

const unable = (excluded: { readonly [target: string]: string }): LlmError =>
  LlmError.make({
    _tag: "Unsupported",
    message: `no target can take this request: ${Object.entries(excluded).map(([name, why]) => `${name} ${why}`).join("; ")}`
  })
