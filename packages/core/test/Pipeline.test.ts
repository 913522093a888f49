import { Key, LlmError, Message, type Next, Pipeline, Plug, Request, RequestFailed, Result } from "@plugline/core"
import { it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Schema } from "effect"
import { inspect } from "node:util"
import { describe, expect } from "vitest"
import { answerer, halter, never, parts, request, result, source, streamer, thrower, tracer } from "./actors.ts"

const mark = (name: string) => Plug.make(name, Request.putMetadata(name, true))
const failure = (effect: Effect.Effect<unknown, LlmError>) => Effect.runSync(Effect.flip(effect))
const thrown = (f: () => unknown): LlmError => {
  try {
    f()
  } catch (error) {
    if (LlmError.isLlmError(error)) return error
  }
  throw new Error("nothing was thrown")
}

describe("a line", () => {
  it.effect("hands requests down in order and answers up in reverse", () => {
    const log: Array<string> = []
    return Effect.gen(function*() {
      yield* Pipeline.run([tracer(log, "a"), [tracer(log, "b")], Plug.after("after", (r) => (log.push("after"), r)), tracer(log, "c"), answerer()], request())
      expect(log).toEqual(["> a", "> b", "> c", "< c", "after", "< b", "< a"])
    })
  })

  it.effect("of no plugs gives back its request", () =>
    Effect.map(Pipeline.run([], request()), (out) => expect(JSON.stringify(out)).toBe(JSON.stringify(request()))))

  it.effect("stops at a halt, and those before it see the answer", () => {
    const log: Array<string> = []
    return Effect.gen(function*() {
      const out = yield* Pipeline.run([tracer(log, "a"), halter, tracer(log, "b"), mark("c")], request())
      expect(log).toEqual(["> a", "< a"])
      expect(out.errors.map(({ message }) => message)).toEqual(['mock, plug "halter": no (Halted)'])
      expect(out.metadata).toEqual({})
    })
  })

  it.effect("gives back a request that was halted before", () => {
    const halted = Request.halt(request(), result("early"))
    return Effect.map(Pipeline.run([mark("a"), thrower], halted), (out) => expect(out).toBe(halted))
  })

  it.effect("makes an entry of a throw, a failure, a defect and a value that is no request, each naming its plug", () => {
    const bad = (name: string, f: () => unknown) => Plug.make(name, f as () => Request)
    return Effect.gen(function*() {
      for (const [plug, said] of [
        [thrower, /plug "thrower": Error: boom/],
        [bad("string", () => { throw "text" }), /plug "string": text/],
        [bad("fails", () => Effect.fail("no luck")), /plug "fails": no luck/],
        [bad("dies", () => Effect.die(new Error("dead"))), /plug "dies": Error: dead/],
        [bad("later", () => Effect.andThen(Effect.yieldNow, Effect.fail(LlmError.make({ _tag: "RateLimit", message: "slow" })))), /plug "later": slow \(RateLimit\)/],
        [bad("undefined", () => undefined), /plug "undefined": must answer with a Request.*undefined \(is a return missing\?\)/],
        [bad("promise", () => Promise.resolve(request())), /a Promise \(wrap it with Effect.promise\)/],
        [bad("object", () => ({ ...request() })), /an object of class Object/],
        [bad("nested", () => Effect.succeed(Effect.succeed(request()))), /must answer with a Request/],
        [Plug.around("around", () => { throw new Error("boom") }), /plug "around": Error: boom/],
        [Plug.after("after", () => { throw new Error("boom") }), /plug "after": Error: boom/]
      ] as const) {
        const out = yield* Pipeline.run([mark("before"), plug, answerer()], request())
        expect(out.state, plug.name).toBe("error")
        expect(out.errors).toHaveLength(1)
        expect(out.errors[0]?.message).toMatch(said)
        expect(out.metadata).toEqual({ before: true })
      }
    })
  })

  it.effect("lets errors only grow", () => {
    const forget = Plug.make("forget", (r) => Request.join(Request.fromJson({ ...Request.toJson(r), errors: [] }), Request.runOf(r)))
    return Effect.gen(function*() {
      const out = yield* Pipeline.run([
        Plug.make("note", Request.addError(LlmError.make({ _tag: "Server", message: "flaky" }))),
        forget,
        answerer()
      ], request())
      expect(out.state).toBe("completed")
      expect(out.errors.map(({ plug, reason }) => [plug, reason.message])).toEqual([["note", "flaky"]])
    })
  })

  it.effect("runs linear plugs behind the provider when there is an answer", () => {
    const read = Plug.make("read", (r) => Request.putMetadata(r, "text", Result.text(r.result)))
    return Effect.gen(function*() {
      const whole = yield* Pipeline.run([answerer("hi there"), read], request())
      const streamed = yield* Pipeline.run([streamer(source([parts("hi there")])), read], request())
      expect(whole.metadata).toEqual({ text: "hi there" })
      expect(streamed.metadata).toEqual({ text: "hi there" })
    })
  })

  it("of synchronous plugs needs no fiber: its Effect is a value already", () => {
    const exit = Pipeline.runCompiled(Effect.runSync(Pipeline.compile([mark("a"), Plug.after("b", (r) => r), answerer()])), request())
    expect(Exit.isExit(exit)).toBe(true)
  })

  it.effect("may call the rest of the line again", () => {
    let tries = 0
    const flaky = Plug.make("flaky", (r) => ++tries < 3 ? Request.fail(r, LlmError.make({ _tag: "Server", message: `try ${tries}` })) : Request.complete(r, result("ok")))
    const again = Plug.around("again", (r, next) =>
      Effect.gen(function*() {
        let out = yield* next(r)
        while (out.state === "error") out = yield* next(r)
        return out
      }))
    return Effect.map(Pipeline.run([again, flaky], request()), (out) => {
      expect(tries).toBe(3)
      expect([out.state, out.errors.length]).toEqual(["completed", 0])
    })
  })

  it.effect("is interrupted without an entry, and plugs that wait hear of it once", () => {
    const seen: Array<string> = []
    let released = 0
    return Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Pipeline.run([
        Plug.after("outer", (r) => (seen.push(`outer ${r.state}`), r)),
        Plug.around("holds", (r, next) => Effect.ensuring(next(r), Effect.sync(() => released++))),
        Plug.after("inner", (r) => (seen.push(`inner ${r.state} ${r.errors.length}`), r)),
        never
      ], request()))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      expect(seen).toEqual(["inner pending 0", "outer pending"])
      expect(released).toBe(1)
    })
  })
})

describe("execute", () => {
  it.effect("fails with what went wrong, and the error still holds the request", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Pipeline.execute([halter], request()))
      expect(error).toBeInstanceOf(RequestFailed)
      expect((error as RequestFailed).request.state).toBe("error")
      expect(inspect(error)).not.toContain("messages")
    }))

  it.effect("can be handled reason by reason", () =>
    Effect.gen(function*() {
      const handled = yield* Pipeline.execute([halter], request()).pipe(Effect.catchReason("LlmError", "Halted", (reason) => Effect.succeed(reason.message)))
      expect(handled).toBe("no")
    }))

  it.effect("fails for a pipeline nobody answered in", () =>
    Effect.map(Effect.flip(Pipeline.execute([mark("a")], request())), (error) => expect(error.message).toMatch(/no plug in it completed the request/)))
})

describe("compiling", () => {
  const cap = Plug.configurable("cap", Schema.Struct({ maxTokens: Schema.Int, mode: Schema.optionalKey(Schema.Literals(["soft", "hard"])) }), ({ maxTokens }) =>
    Plug.make("cap", Request.mergeOptions({ maxTokens })))

  it("decodes options and shows them", () => {
    expect(Effect.runSync(Pipeline.run([cap({ maxTokens: 5 })], request())).options).toEqual({ maxTokens: 5 })
    expect(Pipeline.render([cap({ maxTokens: 5 })])).toBe('cap {"maxTokens":5}')
  })

  it("names plug, option, value and what would fit", () => {
    const error = failure(Pipeline.compile([cap({ maxTokens: "many" as never })]))
    expect(error.reason).toMatchObject({ _tag: "Configuration", option: "maxTokens", value: "many" })
    expect(error.message).toMatch(/plug "cap": option maxTokens must be .*(int|number).*, not "many"/)
    expect(failure(Pipeline.compile([cap({ maxTokens: 1, mode: "sfot" as never })])).message).toMatch(/option mode must be "soft" \| "hard", not "sfot"/)
    expect(failure(Pipeline.compile([cap({} as never)])).message).toMatch(/option maxTokens must be given, not absent/)
    expect(failure(Pipeline.compile([cap({ maxTokns: 1 } as never)])).message).toMatch(/unknown option "maxTokns"; did you mean "maxTokens"/)
  })

  it("reaches into children", () => {
    const nested = [Plug.branch("b", () => true, { yes: [Plug.group("g", [cap({ maxTokens: 0.5 })])] })]
    expect(failure(Pipeline.run(nested, request())).reason).toMatchObject({ option: "maxTokens" })
  })

  it("happens once for the same list", () => {
    let made = 0
    const counted = Plug.of({ name: "counted", make: Effect.sync(() => (made++, (r: Request, next: Next) => next(r))) })
    const pipeline = [counted]
    for (let run = 0; run < 3; run++) Effect.runSync(Pipeline.run([...pipeline], request()))
    expect(made).toBe(3)
  })

  it.effect("finds services once, and asks for them in its type", () => {
    class Tariff extends Context.Service<Tariff, { readonly price: number }>()("test/Tariff") {}
    const priced = Plug.of({
      name: "priced",
      make: Effect.map(Tariff, ({ price }) => (r: Request, next: Next) => next(Request.putMetadata(r, "price", price)))
    })
    const run: Effect.Effect<Request, LlmError, Tariff> = Pipeline.run([priced, [Plug.group("g", [priced])], answerer()], request())
    return Effect.gen(function*() {
      const out = yield* run
      expect(out.metadata).toEqual({ price: 7 })
    }).pipe(Effect.provide(Layer.succeed(Tariff, { price: 7 })))
  })
})

describe("plugs that take pipelines", () => {
  const long = Plug.branch("long", (r) => Message.text(r.messages).length > 10, { yes: [mark("yes")], no: [mark("no"), halter] })

  it.effect("branch goes on behind the way it took", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const yes = yield* Pipeline.run([tracer(log, "a"), long, tracer(log, "b"), answerer()], request("a long question"))
      expect([yes.metadata, yes.state, log]).toEqual([{ yes: true }, "completed", ["> a", "> b", "< b", "< a"]])
      const no = yield* Pipeline.run([long, answerer()], request("hi"))
      expect([no.metadata, no.state, no.errors[0]?.plug]).toEqual([{ no: true }, "error", "halter"])
    }))

  it.effect("parallel runs its pipelines at once and joins what they left", () => {
    const key = Key.make<number>("n")
    const slow = (name: string, n: number) => Plug.make(name, (r) => Effect.as(Effect.yieldNow, r.pipe(Request.assign(key, n), Request.putMetadata(name, n))))
    return Effect.gen(function*() {
      const out = yield* Pipeline.run([Plug.parallel("all", { a: [slow("a", 1)], b: [slow("b", 2)] }), answerer()], request())
      expect([out.metadata, Request.get(out, key), out.state]).toEqual([{ a: 1, b: 2 }, 2, "completed"])
      const failed = yield* Pipeline.run([Plug.parallel("all", { a: [slow("a", 1)], b: [halter], c: [thrower] }), answerer()], request())
      expect([failed.state, failed.errors.map(({ plug }) => plug)]).toEqual(["error", ["halter", "thrower"]])
    })
  })

  it.effect("parallel closes the replies it does not use", () => {
    const [used, unused] = [source([parts("a")]), source([parts("b")])]
    return Effect.gen(function*() {
      const out = yield* Pipeline.run([Plug.parallel("two", { a: [streamer(used)], b: [streamer(unused)] })], request())
      expect(Result.text(out.result)).toBe("a")
      expect(unused.pulls).toBe(0)
      expect(unused.closes).toBeGreaterThan(0)
    })
  })

  it.effect("race takes the first that does not fail, interrupts the others and keeps their errors", () => {
    let interrupted = false
    const hangs = Plug.around("hangs", () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => { interrupted = true })))
    return Effect.gen(function*() {
      const out = yield* Pipeline.run([Plug.race("fastest", { a: [hangs], b: [thrower], c: [Plug.make("wait", (r) => Effect.as(Effect.yieldNow, r)), answerer("c")] })], request())
      expect([out.state, Result.text(out.result), out.errors.map(({ plug }) => plug)]).toEqual(["completed", "c", ["thrower"]])
      expect(interrupted).toBe(true)
      const lost = yield* Pipeline.run([Plug.race("none", { a: [thrower], b: [halter] })], request())
      expect([lost.state, lost.errors.map(({ plug }) => plug)]).toEqual(["error", ["thrower", "halter"]])
    })
  })

  it("are shown as a tree", () => {
    expect(Pipeline.render([long, Plug.group("g", [mark("x")]), Plug.monitor("watch", { every: 5 }, () => undefined)])).toBe(
      "long\n  yes:\n    yes\n  no:\n    no\n    halter\ng\n  plugs:\n    x\nwatch {\"every\":5,\"window\":4000,\"of\":[\"text\"]}"
    )
    expect(inspect([mark("a")])).toBe("[ Plug a ]")
    expect(JSON.parse(JSON.stringify(long))).toMatchObject({ name: "long", children: { yes: [{ name: "yes", level: 0 }] } })
  })
})

describe("editing", () => {
  const line = [mark("a"), [mark("b")], mark("c")]
  const x = mark("x")

  it("goes by name and keeps places", () => {
    expect(Pipeline.names(Pipeline.append(line, x))).toEqual(["a", "b", "c", "x"])
    expect(Pipeline.names(Pipeline.prepend(line, x))).toEqual(["x", "a", "b", "c"])
    expect(Pipeline.names(Pipeline.insertBefore(line, "b", x))).toEqual(["a", "x", "b", "c"])
    expect(Pipeline.names(Pipeline.insertAfter(line, "b", x))).toEqual(["a", "b", "x", "c"])
    expect(Pipeline.names(Pipeline.replace(line, "b", x))).toEqual(["a", "x", "c"])
    expect(Pipeline.names(Pipeline.remove("b")(line))).toEqual(["a", "c"])
    expect(Pipeline.names(line)).toEqual(["a", "b", "c"])
  })

  it("refuses a target that is not there, or there twice", () => {
    expect(thrown(() => Pipeline.insertBefore([mark("configure"), mark("send")], "confgure", x)).message).toMatch(/unknown plug "confgure"; did you mean "configure"/)
    expect(thrown(() => Pipeline.remove([x, x], "x")).message).toMatch(/more than one plug named "x"/)
  })
})

describe("a misspelt option", () => {
  const Limit = Schema.Struct({ per: Schema.String, most: Schema.optionalKey(Schema.Number) })
  const Form = Schema.Struct({
    limits: Schema.optionalKey(Schema.Array(Limit)),
    by: Schema.optionalKey(Schema.Record(Schema.String, Limit)),
    wait: Schema.optionalKey(Schema.Union([Schema.Literal(false), Schema.Struct({ most: Schema.Number }), Limit]))
  })
  const plug = Plug.configurable("limit", Form, () => Plug.identity)

  it.each([
    [{ limit: 1 }, "limit", "did you mean \"limits\"?"],
    [{ limits: [{ per: "user" }, { per: "key", moist: 1 }] }, "limits.1.moist", "did you mean \"most\"?"],
    [{ by: { free: { per: "user", mosst: 1 } } }, "by.free.mosst", "did you mean \"most\"?"],
    [{ wait: { mosst: 3 } }, "wait.mosst", "did you mean \"most\"?"]
  ])("is refused at any depth: %j", (options, option, message) => {
    const problem = plug(options as never).check()
    expect(problem?.reason).toMatchObject({ _tag: "Configuration", option })
    expect(problem?.message).toContain(message)
  })

  it("is not found where all is known", () => {
    for (const options of [undefined, {}, { wait: false }, { wait: { most: 1 } }, { wait: { per: "a" } }, { by: { a: { per: "b" } } }]) {
      expect(plug(options as never).check()).toBeUndefined()
    }
  })
})

describe("the order of a line", () => {
  const cache = Plug.of({ name: "cache", order: { before: { retry: "a hit needs no second try" } }, make: Plug.identity.make })
  const redact = Plug.of({ name: "redact", order: { after: { log: "a log would hold what it takes away" } }, make: Plug.identity.make })
  const named = (name: string) => Plug.make(name, (r) => r)
  const why = (line: Pipeline) => Effect.map(Effect.flip(Pipeline.compile(line)), ({ message }) => message)

  it.effect("is refused with the reason where a plug stands wrongly", () =>
    Effect.gen(function*() {
      expect(yield* why([named("retry"), cache])).toContain(
        "plug \"cache\" must stand in front of \"retry\", because a hit needs no second try; where this order is meant, use Plug.anywhere"
      )
      expect(yield* why([redact, named("log")])).toContain("plug \"redact\" must stand behind \"log\", because a log would hold")
      expect(yield* why([[named("retry")], Plug.group("inner", [named("other"), cache])])).toContain("must not stand inside or behind \"retry\"")
    }))

  it.effect("is fine otherwise, or where it is meant", () =>
    Effect.gen(function*() {
      for (const line of [[cache, named("retry")], [named("log"), redact], [cache], [named("retry"), Plug.anywhere(cache)]]) {
        yield* Pipeline.compile(line)
        expect((yield* Pipeline.run(line, request())).errors.map(({ reason }) => reason._tag)).not.toContain("Configuration")
      }
    }))
})
