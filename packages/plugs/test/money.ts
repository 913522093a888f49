/**
 * What the tests of money share: a catalog of round prices, requests, and a way to run a line on a clock of its own.
 *
 * @module
 */
import { Catalog } from "@plugline/catalog"
import { Request } from "@plugline/core"
import type { RequestInit, Usage } from "@plugline/core"
import { VirtualClock } from "@plugline/testing"
import { Context, Effect, Layer } from "effect"
import { Prices } from "../src/cost/charge.ts"

/** A prompt token costs 0.000001 USD, a token of the answer 0.00001. */
export const catalog = Catalog.empty.withOverrides([
  {
    provider: "mock", id: "round", context: 100_000, maxOutput: 1_000,
    prices: { input: "1", cacheRead: "0.1", cacheWrite: "1.25", output: "10" }
  },
  { provider: "mock", id: "boundless", prices: { input: "1", output: "10" } },
  { provider: "mock", id: "free", maxOutput: 1_000, prices: { input: 0, output: 0 } }
])

export const prices = Layer.succeed(Prices, catalog)

export const ask = (init: Partial<RequestInit> = {}): Request =>
  Request.make({ provider: "mock", messages: "Hi", options: { model: "round", maxTokens: 100 }, ...init })

export const usage = (input: number, output: number): Usage => ({
  inputTokens: { total: input, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: output, reasoning: 0 }
})

/** Runs a program with services that live as long as it does. */
export const play = <A, E, R>(program: Effect.Effect<A, E, R>, services: Layer.Layer<R, unknown>, start = 0): Promise<A> =>
  Effect.runPromise(VirtualClock.provide(
    Effect.scoped(Effect.flatMap(Layer.build(Layer.mergeAll(services, prices)), (context) =>
      Effect.provideContext(program, context as Context.Context<R>))),
    start
  ))
