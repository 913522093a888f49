/**
 * The laws hold for every kind of plug core has, for random pipelines of them, and for plugs with services and options.
 *
 * @module
 */
import { LlmError, Pipeline, Plug, Request, Result } from "@plugline/core"
import type { PlugLike } from "@plugline/core"
import { Arbitrary, Laws, Mock } from "@plugline/testing"
import { Context, Effect, Layer, Random, Ref, Schema } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"

const cap = Plug.configurable("configurable", Schema.Struct({ most: Schema.Int }), ({ most }) =>
  Plug.make("configurable", Request.mergeOptions({ maxTokens: most })))

const kinds: ReadonlyArray<PlugLike> = [
  Plug.identity,
  Plug.make("make", Request.mergeOptions({ temperature: 0 })),
  Plug.make("make-effect", (request) => Effect.succeed(Request.putMetadata(request, "x", 1))),
  Plug.make("make-later", (request) => Effect.as(Effect.sleep("1 minute"), request)),
  Plug.after("after", (request) => Request.putMetadata(request, "length", Result.text(request.result).length)),
  Plug.after("after-light", Request.putMetadata("seen", true), { content: false }),
  Plug.around("around", (request, next) => Effect.map(next(request), Request.putMetadata("seen", true))),
  Plug.mapParts("map-parts", (part) =>
    part.type === "text-delta" ? { ...part, delta: part.delta.replaceAll("a", "bb") } : part),
  Plug.mapParts("map-parts-later", (part) => Effect.as(Effect.sleep(1), part.type === "warning" ? [] : [part])),
  Plug.stream("stream", () =>
    ({ end: Request.putMetadata("ended", true), error: Request.putMetadata("ended", false) })),
  Plug.monitor("monitor", { every: 3 }, ({ length }) => length > 12 ? "too long" : undefined),
  Plug.branch("branch", (request) =>
    request.messages.length > 1, { yes: [Plug.make("long", Request.putMetadata("long", true))] }),
  Plug.parallel("parallel", {
    a: [Plug.make("one", Request.putMetadata("one", 1))],
    b: [Plug.make("two", Request.putMetadata("two", 2))]
  }),
  Plug.race("race", {
    a: [Plug.make("slow", (request) => Effect.as(Effect.sleep(10), request))],
    b: [Plug.make("fast", Request.putMetadata("fast", 1))]
  }),
  Plug.group("group", [Plug.identity, Plug.after("inner", (request) => request)]),
  cap({ most: 7 }),
  Plug.make("refuse", Request.refuse("no")),
  Plug.make("throw", () => {
    throw new Error("no")
  }),
  Plug.after("throw-back", () => {
    throw new Error("no")
  }),
  Plug.around("fail", () => Effect.fail(LlmError.make({ _tag: "Quota", message: "used up" }))),
  function bare(request: Request) {
    return request
  },
  [Plug.identity, [Plug.identity]]
]

describe("every kind of plug", () => {
  for (const plug of kinds) Laws.plug(plug, { numRuns: 30 }).forEach(({ check, name }) => it(name, check))
})

describe("random pipelines", () => {
  const pipelines = fc.sample(Arbitrary.pipeline(), 30)
  const laws = pipelines.map((pipeline) => Laws.pipeline(pipeline, { numRuns: 8 }))
  for (const name of laws[0]!.map(({ law }) => law)) {
    it(`keep the law of ${name}`, async () => {
      await Laws.check(laws.flatMap((each) => each.filter(({ law }) => law === name)))
    })
  }
})

describe("a plug with services", () => {
  class Store extends Context.Service<Store, { readonly counts: Ref.Ref<number> }>()("test/Store") {}
  const layer = Layer.effect(Store, Effect.map(Ref.make(0), (counts) => Store.of({ counts })))
  const counter = Plug.of({
    name: "counter",
    make: Effect.map(Store, ({ counts }) =>
      new Plug.Linear((request) =>
        Effect.map(Ref.updateAndGet(counts, (count) => count + 1), (count) =>
          Request.putMetadata(request, "count", count))))
  })

  it("keeps the laws, for each run has services of its own", async () => {
    await Laws.check(Laws.plug(counter, { services: layer, numRuns: 30 }))
  })

  it("cannot be tried without them", () => {
    // @ts-expect-error the services are missing
    expect(Laws.plug(counter).length).toBe(13)
  })

  it("is told when it cannot be made", async () => {
    const error = await Laws.check(Laws.plug(cap({ most: 0.5 }), { numRuns: 3 })).then(() =>
      undefined, (error: unknown) => error)
    expect(String((error as Error).message)).toContain("option most must be")
  })
})

describe("what plugs are given", () => {
  const request = Request.make({ provider: "p", operation: "embeddings", messages: "Hi" })

  it("may be chosen", async () => {
    const seen = new Set<string>()
    const spy = Plug.make("spy", (request) => {
      seen.add(`${request.provider} ${request.operation}`)
      return request
    })
    await Laws.check(Laws.plug(spy, { requests: fc.constant(request), numRuns: 3, except: ["totality"] }))
    expect([...seen]).toEqual(["p embeddings"])
  })

  it("is repeated by its seed", async () => {
    const seen: Array<string> = []
    const spy = Plug.make("spy", (request) => {
      seen.push(JSON.stringify(request))
      return request
    })
    const check = () => Laws.check(Laws.plug(spy, { seed: 42, numRuns: 4 }))
    await check()
    const first = seen.splice(0)
    await check()
    expect(seen).toEqual(first)
  })

  it("is a world without waiting, with random numbers that repeat", async () => {
    const jitter = Plug.around("jitter", (request, next) =>
      Effect.flatMap(Random.nextIntBetween(1, 1_000), (seconds) =>
        Effect.andThen(Effect.sleep(seconds * 1_000), Effect.suspend(() =>
          next(Request.putMetadata(request, "waited", seconds))))))
    await Laws.check(Laws.plug(jitter, { numRuns: 20 }))
  })
})

describe("plugs as people write them", () => {
  it("a retry that keeps what went wrong keeps the laws", async () => {
    const retry = Plug.around("retry", (request, next) => {
      const ask = (request: Request, left: number): Effect.Effect<Request> =>
        Effect.flatMap(Effect.suspend(() => next(request)), (answer) =>
          answer.state === "error" && left > 0
            ? Effect.andThen(Effect.sleep("1 second"), Effect.suspend(() =>
              ask(answer.errors.slice(request.errors.length).reduce((request, error) =>
                Request.addError(request, error), request), left - 1)))
            : Effect.succeed(answer))
      return ask(request, 2)
    })
    await Laws.check(Laws.plug(retry, { numRuns: 40 }))
  })

  it("a time-out keeps the laws", async () => {
    const timeout = Plug.around("timeout", (request, next) =>
      Effect.timeoutOrElse(Effect.suspend(() => next(request)), {
        duration: 20,
        orElse: () =>
          Effect.succeed(Request.fail(request,
            LlmError.make({ _tag: "Timeout", phase: "total", limit: 20, message: "too slow" })))
      }))
    await Laws.check(Laws.plug(timeout, { numRuns: 40 }))
  })

  it("a whole line with its provider keeps the laws", async () => {
    const provider = () => Mock.make(() => Mock.text("Hello, world", { cut: 3 })).plug
    await Laws.check(Laws.pipeline(() =>
      [Plug.monitor("watch", { every: 5 }, () => undefined), provider()], { numRuns: 30 }))
    expect(Pipeline.names([provider()])).toEqual(["mock"])
  })
})
