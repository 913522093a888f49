/** Pipelines that are written down, presets, and the order of plugs. */
import { LlmError, Pipeline, type PlugLike, Request, Result } from "@plugline/core"
import { Cache, Lines, memory, order, Presets, Providers, shipped, TrackCost } from "@plugline/plugs"
import { Mock, VirtualClock } from "@plugline/testing"
import { Duration, Effect, Layer } from "effect"
import { describe, expect, it } from "vitest"

const services = Layer.merge(memory, Providers.of({}))

const refusal = (text: string): string => {
  try {
    Lines.parse(text, { name: "line.yaml" })
  } catch (thrown) {
    if (LlmError.isLlmError(thrown)) return thrown.reason.message
    throw thrown
  }
  throw new Error("nothing was refused")
}

describe("a pipeline that is written down", () => {
  it("is a list of plugs with their options, in YAML or JSON", async () => {
    const line = Lines.parse("- plug: cache\n  ttl: 1 hour\n- plug: retry\n  attempts: 2\n- plug: timeout\n  total: 5 seconds\n- log\n")
    expect(Pipeline.names(line)).toEqual(["cache", "retry", "timeout", "log"])
    expect(Pipeline.inspect(line)[1]).toMatchObject({ name: "retry", options: { attempts: 2 } })
    const json = JSON.stringify([{ plug: "cache", ttl: "1 hour" }, { plug: "retry", attempts: 2 }, { plug: "timeout", total: "5 seconds" }, "log"])
    expect(Pipeline.inspect(Lines.parse(json))).toEqual(Pipeline.inspect(line))
    const final = await Effect.runPromise(Effect.provide(
      Pipeline.run([...line, ...Mock.make(["Hello"]).pipeline], Request.make({ provider: "mock", messages: "Hi" })), services
    ))
    expect(Result.text(final.result)).toBe("Hello")
  })

  it.each([
    ["- retry\n- plug: cahce\n", "line.yaml, line 2: unknown plug \"cahce\"; did you mean \"cache\"?"],
    ["- plug: retry\n  attemts: 2\n", "line.yaml, line 2: retry: unknown option \"attemts\"; did you mean \"attempts\"?"],
    ["- plug: retry\n  base: 1 second\n  attempts: many\n", "line.yaml, line 3: retry: option attempts must be"],
    ["- plug: rateLimit\n  limits:\n    - per: user\n    - per: nobody\n", "line.yaml, line 4: rateLimit: option limits.1.per must be"],
    ["cache: yes\n", "line.yaml, line 1: must be a list of plugs"],
    ["- 7\n", "line.yaml, line 1: an entry must be the name of a plug, or its options with that name as `plug`"],
    ["- &a retry\n- *a\n", "line.yaml, line 1: holds an alias or anchor, which is not taken"],
    ["- !!js/function retry\n", "line.yaml, line 1: "],
    ["- plug: retry\n  attempts: 2\n  attempts: 3\n", "line.yaml, line 3: Map keys must be unique"],
    ["- plug: [retry\n", "line.yaml, line "],
    [`- plug: retry\n  x: ${"[".repeat(80)}${"]".repeat(80)}\n`, "nests deeper than 32 levels"]
  ])("is refused with its line: %j", (text, message) => {
    expect(refusal(text)).toContain(message)
  })

  it("cannot be long without end", () => {
    expect(refusal(" ".repeat(1_000_001))).toBe("line.yaml: is longer than 1000000 characters")
  })

  it("cannot be made huge by a few characters", () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefghi".split("").map((name, index) => `${name}: &${name} [${Array.from({ length: 9 }, () => `*${"abcdefgh"[index]}`).join(",")}]`).join("\n")}`
    expect(refusal(bomb)).toContain("alias or anchor")
  })
})

describe("the order of the shipped plugs", () => {
  const make: { readonly [name: string]: (options: never) => PlugLike<unknown> } = shipped
  const options: { readonly [name: string]: unknown } = {
    identity: { user: "u" }, "tokens.limit": { max: 10 }, "tokens.trim": { max: 10 }, budget: { limits: [{ per: "user", amount: "1", every: "day" }] },
    rateLimit: { limits: [{ per: "user", requestsPerMinute: 5 }] }, cascade: { steps: [{ provider: "a", model: "m" }, { provider: "b", model: "n" }] },
    fallback: { steps: [{ answer: "Later." }] }, route: { targets: [{ provider: "a", model: "m" }] }, timeout: { total: 1000 }
  }
  const plug = (name: string) => make[name]!(options[name] as never)
  const compiles = (...names: ReadonlyArray<string>) =>
    Effect.runPromise(Effect.result(Effect.provide(
      Pipeline.compile(names.map(plug) as Pipeline<never>), Layer.merge(memory, Providers.of({ a: [], b: [] }))
    )))

  it("is one in which they all stand together", async () => {
    expect(order[0]).toBe("identity")
    const all = await compiles(...order)
    expect(all._tag === "Failure" ? all.failure.message : "compiled").toBe("compiled")
  })

  it.each([["retry", "cache"], ["fallback", "cache"], ["cascade", "cache"], ["cache", "receipt"], ["retry", "fallback"]])(
    "refuses %s in front of %s, and says why",
    async (first, second) => {
      const made = await compiles(first, second)
      expect(made._tag).toBe("Failure")
      if (made._tag === "Failure") expect(made.failure.message).toMatch(new RegExp(`plug "${second}" must stand in front of "${first}", because .{10}`))
      expect((await compiles(second, first))._tag).toBe("Success")
    }
  )
})

describe("the presets", () => {
  it.each([
    ["resilient", Presets.resilient({ fallback: [{ answer: "Please try again later." }] }), ["metrics", "trackCost", "fallback", "retry", "trackCost", "circuitBreaker", "timeout"]],
    ["economical", Presets.economical({ limits: [{ per: "global", amount: "5", every: "day", kind: "soft" }] }), ["metrics", "trackCost", "cache", "retry", "trackCost", "budget", "promptCache"]],
    ["middleware", Presets.middleware(), ["log", "receipt", "trackCost", "cache", "rateLimit", "retry", "trackCost"]]
  ])("%s is a plain array that answers", async (_, line, names) => {
    expect(Pipeline.names(line)).toEqual(names)
    const mock = Mock.make([Mock.fail({ _tag: "Overloaded", message: "busy" }), "Hello"])
    const request = Request.make({ provider: "openai", messages: "Hi", options: { model: "gpt-4o-mini", maxTokens: 5 } })
    const quick = line.map((plug) => plug.name === "retry" ? shipped.retry({ base: 1 }) : plug)
    const final = await Effect.runPromise(Effect.provide(Pipeline.run([...quick, ...mock.pipeline], request), services))
    expect(Result.text(final.result)).toBe("Hello")
  })

  it.each([["a whole answer that takes half a minute", 30_000, "completed", 30_000], ["nothing beyond the deadline", 90_000, "error", 60_000]] as const)(
    "resilient waits for %s",
    async (_, delay, state, ms) => {
      const mock = Mock.make([Mock.text("Hello", { delay })])
      const request = Request.make({ provider: "mock", messages: "Hi" })
      const program = Effect.timed(Pipeline.run([...Presets.resilient({ attempts: 1 }), ...mock.pipeline], request))
      const [took, final] = await Effect.runPromise(VirtualClock.provide(Effect.provide(program, services)))
      expect([final.state, Duration.toMillis(took)]).toEqual([state, ms])
    }
  )

  it("resilient answers by rule when nobody else does", async () => {
    const line = Presets.resilient({ attempts: 1, fallback: [{ answer: "Please try again later." }] })
    const mock = Mock.make(() => Mock.fail({ _tag: "Server", message: "down", status: 500 }))
    const final = await Effect.runPromise(Effect.provide(
      Pipeline.run([...line, ...mock.pipeline], Request.make({ provider: "mock", messages: "Hi" })), services
    ))
    expect(Result.text(final.result)).toBe("Please try again later.")
  })
})

it("a line of plugs that need different services needs them all, and no others", async () => {
  const request = Request.make({ provider: "mock", messages: "Hi" })
  const mock = Mock.make(["Hello"])
  const run = Pipeline.run([[Cache.plug()], TrackCost.plug(), (given: Request) => given, ...mock.pipeline], request)
  const typed: Effect.Effect<Request, LlmError, Layer.Success<ReturnType<typeof Cache.memory>> | Layer.Success<ReturnType<typeof TrackCost.memory>>> = run
  // @ts-expect-error: the totals are missing
  const short: Effect.Effect<Request, LlmError, Layer.Success<ReturnType<typeof Cache.memory>>> = run
  expect(short).toBe(typed)
  const final = await Effect.runPromise(Effect.provide(typed, Layer.merge(Cache.memory(), TrackCost.memory())))
  expect(final.state).toBe("completed")
})
