/**
 * Each law is shown to be able to fail: a fault is planted that breaks it, in a plug where a plug can commit it, in a
 * stand-in for the runner where core keeps plugs from it.
 *
 * @module
 */
import { Key, LlmError, Pipeline, Plug, Request, Result } from "@plugline/core"
import type { ChatResult, Content, Message, PlugLike } from "@plugline/core"
import { Laws } from "@plugline/testing"
import { Effect, Fiber, Scope } from "effect"
import { describe, expect, it } from "vitest"

const seed = 20_250_101

/** Checks one law and gives its breach. */
const breach = async (laws: ReadonlyArray<Laws.Law>, name: Laws.LawName): Promise<Laws.LawBroken> => {
  const found = laws.filter(({ law }) => law === name)
  expect(found.length).toBeGreaterThan(0)
  const error = await Laws.check(found).then(() => undefined, (error: unknown) => error)
  expect(error).toBeInstanceOf(Laws.LawBroken)
  return error as Laws.LawBroken
}

const holds = (laws: ReadonlyArray<Laws.Law>, ...names: ReadonlyArray<Laws.LawName>) =>
  Laws.check(laws.filter(({ law }) => names.includes(law)))

const ofPlug = (plug: PlugLike | (() => PlugLike), options: Laws.Options = {}) => Laws.plug(plug, { seed, ...options })

const flat = (pipeline: Pipeline<never>): ReadonlyArray<PlugLike> =>
  pipeline.flatMap((plug) => Array.isArray(plug) ? flat(plug as Pipeline) : [plug])

/** A stand-in for the runner: something is done to the pipeline first. */
const runner = (change: (plugs: ReadonlyArray<PlugLike>) => ReadonlyArray<PlugLike>): Laws.Run =>
  (pipeline, request, options) =>
  Pipeline.run(change(flat(pipeline as Pipeline)), request, options)

const answer: ChatResult = {
  type: "chat",
  content: [{ type: "text", text: "mine" }],
  finishReason: "stop",
  usage: { inputTokens: {}, outputTokens: {} }
}

describe("1 immutability", () => {
  it("catches a plug that writes into the messages", async () => {
    const plug = Plug.make("scribbler", (request) => {
      ;(request.messages as Array<Message>).push({ role: "system", content: "be nice" })
      return request
    })
    const error = await breach(ofPlug(plug), "immutability")
    expect(error.subject).toBe("plug \"scribbler\"")
    expect(error.message).toMatch(/was changed in place:\n\s+\+ messages\[0\]/)
  })

  it("catches a plug that changes something and puts it back", async () => {
    const plug = Plug.make("borrower", (request) => {
      const metadata = request.metadata as Record<string, number>
      metadata.mine = 1
      delete metadata.mine
      return request
    })
    expect((await breach(ofPlug(plug), "immutability")).message).toContain("once all it is handed is frozen")
  })

  it("catches a plug that writes into the answer", async () => {
    const plug = Plug.after("censor", (request) => {
      if (Result.isChat(request.result)
        && request.result.content.length > 0) (request.result.content as Array<Content>).pop()
      return request
    })
    expect((await breach(ofPlug(plug), "immutability")).message).toContain("the answer behind it was changed in place")
  })

  it("catches a plug that writes into parts", async () => {
    const plug = Plug.mapParts("shouter", (part) => {
      if (part.type === "text-delta") (part as { delta: string }).delta += "!"
      return part
    })
    await breach(ofPlug(plug), "immutability")
  })
})

describe("2 identity", () => {
  it("catches a runner that skips a plug that stands first of several", async () => {
    const run = runner((plugs) => plugs.length > 2 ? plugs.slice(1) : plugs)
    expect((await breach(ofPlug(Plug.make("mark", Request.putMetadata("mark", true)), { run }), "identity")).message)
      .toContain("identity behind it makes a difference")
  })

  it("catches a runner that answers an empty pipeline with a copy", async () => {
    const run: Laws.Run = (pipeline, request, options) =>
      pipeline.length === 0
        ? Effect.succeed(Request.withId(request, request.id))
        : Pipeline.run(pipeline, request, options)
    expect((await breach(ofPlug(Plug.identity, { run }), "identity")).observed).toContain("an empty pipeline")
  })

  it("says so when the plug is not even equal to itself", async () => {
    let count = 0
    const plug = Plug.make("counter", (request) => Request.putMetadata(request, "count", ++count))
    expect((await breach(ofPlug(plug), "identity")).observed).toContain("already two equal runs differ")
  })
})

describe("3 associativity", () => {
  it("catches a runner that runs groups last", async () => {
    const isGroup = (plug: PlugLike) => plug instanceof Plug.Plug && plug.name === "group" && "plugs" in plug.children
    const run = runner((plugs) => [...plugs.filter((plug) => !isGroup(plug)), ...plugs.filter(isGroup)])
    const laws = ofPlug(Plug.make("mark", Request.putMetadata("mark", true)), { run })
    expect((await breach(laws, "associativity")).observed).toContain("makes a difference")
  })
})

describe("4 list", () => {
  const run = runner((plugs) => [...plugs.slice(0, -1).reverse(), ...plugs.slice(-1)])
  const plug = Plug.make("mark", (request) =>
    Request.putMetadata(request, "before", Object.keys(request.assigns).length))

  it("catches a runner that runs plugs in reverse", async () => {
    expect((await breach(ofPlug(plug, { run }), "list")).observed).toContain("differently from the nesting")
  })

  it("is needed: a reversed order keeps identity", async () => {
    await holds(ofPlug(plug, { run }), "identity")
  })
})

describe("5 halt", () => {
  /** Runs each plug alone, and takes no notice of a halt. */
  const run: Laws.Run = (pipeline, request, options) =>
    flat(pipeline as Pipeline).reduce<Effect.Effect<Request, LlmError>>(
      (before, plug) =>
        Effect.flatMap(before, (request) => Pipeline.run([plug], Request.patch(request, { halted: false }), options)),
      Effect.succeed(request)
    )

  it("catches a runner that goes on after a halt", async () => {
    expect((await breach(ofPlug(Plug.identity, { run }), "halt")).observed).toMatch(/halted/)
  })

  it("catches a plug that hands on what was halted to plugs of its own", async () => {
    const inner = Plug.make("inner", (request) => request)
    const plug = Plug.of({
      name: "runs-on",
      children: { inner: [inner] },
      make: Effect.succeed((request, next) => Effect.map(next(request), (answer) => answer))
    })
    await holds(ofPlug(plug), "halt")
    const late: Laws.Run = (pipeline, request, options) =>
      Effect.map(Pipeline.run(pipeline, request, options), (final) => {
        if (final.halted) options?.observer?.enter({ name: "late", path: "9", level: 0 }, final)
        return final
      })
    expect((await breach(ofPlug(plug, { run: late }), "halt")).observed).toContain("late")
  })
})

describe("6 onion", () => {
  it("catches a plug that answers before the rest of the line has", async () => {
    const plug = Plug.around("impatient", (request, next) =>
      Effect.as(Effect.forkDetach(Effect.andThen(Effect.sleep(1), next(request))), Request.complete(request, answer)))
    expect((await breach(ofPlug(plug), "onion")).observed).toContain("after the reply had passed b")
  })

  it("catches a runner that shows replies to the outermost plugs first", async () => {
    const run = runner((plugs) => {
      const last = plugs.findIndex((plug) => (plug as Plug).name === "tracer b")
      return last < 0 ? plugs : [plugs[last]!, ...plugs.slice(0, last), ...plugs.slice(last + 1)]
    })
    expect((await breach(ofPlug(Plug.identity, { run }),
      "onion")).observed).toContain("tracer b saw a request before a")
  })

  it("catches a runner that shows each reply twice", async () => {
    const run = runner((plugs) => plugs.map((plug) =>
      (plug as Plug).name === "tracer c" ? Plug.group("twice", [plug, Plug.around("again", (request, next) =>
        Effect.tap(next(request), (answer) =>
          Effect.ignore(Pipeline.run([plug], Request.patch(answer, { halted: false })))))]) : plug))
    expect((await breach(ofPlug(Plug.identity, { run }), "onion")).observed).toContain("tracer c saw a reply before d")
  })

  it("catches a runner that loses replies when it is interrupted", async () => {
    const run: Laws.Run = (pipeline, request, options) =>
      Effect.flatMap(Effect.forkDetach(Pipeline.run(pipeline, request, options)), Fiber.join)
    const error = await breach(ofPlug(Plug.identity, { run }), "onion")
    expect(error.message).toContain("is interrupted")
    expect(error.observed).toContain("0 replies")
  })

  it("catches a runner that keeps errors from the plugs", async () => {
    const run: Laws.Run = (pipeline, request, options) =>
      Pipeline.run(flat(pipeline as Pipeline).map((plug) =>
        (plug as Plug).name === "tracer c" ? Plug.around("tracer c",
          (request, next) => Effect.flatMap(next(request), (answer) =>
          answer.state === "error"
            ? Effect.succeed(answer)
            : Pipeline.run([plug], answer).pipe(Effect.orDie))) : plug), request, options)
    expect((await breach(ofPlug(Plug.identity, { run }),
      "onion")).observed).toContain("tracer c saw 1 request and 0 replies")
  })

  it("catches a reader's leaving that nobody hears of", async () => {
    const open: Laws.Open = (pipeline, request, options) =>
      Effect.flatMap(Scope.make(), (scope) =>
        Effect.provideService(Pipeline.open(pipeline, request, options), Scope.Scope, scope))
    const error = await breach(ofPlug(Plug.identity, { open }), "onion")
    expect(error.message).toContain("is left by its reader")
  })
})

describe("7 totality", () => {
  it("catches a runner that lets an exception out", async () => {
    const run: Laws.Run = (pipeline, request, options) =>
      Effect.flatMap(Pipeline.run(pipeline, request, options), (final) =>
        final.errors.length > request.errors.length ? Effect.die(final.errors.at(-1)) : Effect.succeed(final))
    expect((await breach(ofPlug(Plug.identity, { run }), "totality")).observed).toContain("the run itself failed")
  })

  it("catches a plug that never ends on odd input", async () => {
    const plug = Plug.make("stuck", (request) => Array.isArray(request.messages) ? request : Effect.never)
    expect((await breach(ofPlug(plug, { patience: 100, timeLimit: 1_500 }),
      "totality")).observed).toContain("did not come to an end")
  })

  it("catches a runner whose errors name no plug", async () => {
    const run: Laws.Run = (pipeline, request, options) =>
      Effect.map(Pipeline.run(pipeline, request, options), (final) =>
        Request.patch(final, { errors: final.errors.map(({ reason }) => LlmError.make(reason)) }))
    expect((await breach(ofPlug(Plug.identity, { run }), "totality")).observed).toContain("names no plug")
  })
})

describe("8 errors only grow", () => {
  it("catches a plug that forgets a failed attempt", async () => {
    const plug = Plug.around("forgetful", (request, next) =>
      Effect.flatMap(next(request), (answer) =>
        answer.state === "error" ? Effect.succeed(Request.complete(request, answer0)) : Effect.succeed(answer)))
    const answer0 = answer
    expect((await breach(ofPlug(plug), "errors")).observed).toContain("drops an error of the answer it received")
  })

  it("catches a plug that hands on a request without its errors", async () => {
    const plug = Plug.around("cleaner", (request, next) => next(Request.patch(request, { errors: [] })))
    expect((await breach(ofPlug(plug), "errors")).observed).toContain("drops or moves the entry errors[0]")
  })

  it("catches a runner that clears the errors of a request that was answered", async () => {
    const run: Laws.Run = (pipeline, request, options) =>
      Effect.map(Pipeline.run(pipeline, request, options), (final) =>
        final.state === "completed" ? Request.patch(final, { errors: [] }) : final)
    expect((await breach(ofPlug(Plug.identity, { run }), "errors")).observed).toContain("the run drops")
  })
})

describe("9 state", () => {
  it.each<[string, Plug, string]>([
    ["halts without an answer", Plug.make("half", (request) =>
      Request.patch(request, { halted: true })), "neither answer nor error"],
    ["fails without halting", Plug.make("lame", (request) =>
      Request.patch(request, { state: "error" })), "halted is false"],
    ["completes without a result", Plug.make("empty", (request) =>
      Request.patch(request, { state: "completed" })), "without a result"],
    ["goes back in time", Plug.make("again", (request) =>
      Request.patch(request, { state: "pending" })), "no edge of the state machine"],
    ["streams without a reply", Plug.make("dry", (request) =>
      Request.patch(request, { state: "streaming" })), "no reply arriving"]
  ])("catches a plug that %s", async (_, plug, observed) => {
    expect((await breach(ofPlug(plug), "state")).observed).toContain(observed)
  })
})

describe("10 chunking", () => {
  it("catches a plug that changes each piece as a whole", async () => {
    const plug = Plug.mapParts("capitals", (part) =>
      part.type === "text-delta"
        ? { ...part, delta: part.delta.slice(0, 1).toUpperCase() + part.delta.slice(1) }
        : part)
    expect((await breach(ofPlug(plug), "chunking")).observed).toContain("the same stream cut in two ways")
  })

  it("catches a plug that counts pieces", async () => {
    const plug = Plug.stream("count", () => {
      let count = 0
      return {
        part: (part) => {
          count++
          return part
        },
        end: (request) => Request.putMetadata(request, "pieces", count)
      }
    })
    expect((await breach(ofPlug(plug), "chunking")).observed).toContain("metadata.pieces")
    await holds(ofPlug(plug, { ignore: ["metadata.pieces"] }), "chunking")
  })
})

describe("11 stream", () => {
  it("catches an after that rewrites what has already been streamed", async () => {
    const plug = Plug.after("late-editor", Request.mapResult((result) =>
      ({ ...result, content: [{ type: "text", text: "edited" }] }) as ChatResult))
    expect((await breach(ofPlug(plug), "stream")).observed).toContain("do not fold into the result")
  })

  it("catches a plug that treats streams in another way", async () => {
    const plug = Plug.around("two-faced", (request, next) =>
      Effect.map(next(request), (answer) =>
        answer.state === "streaming" ? answer : Request.putMetadata(answer, "whole", true)))
    expect((await breach(ofPlug(plug), "stream")).observed).toContain("metadata.whole")
  })
})

describe("12 replay", () => {
  it("catches a plug that keeps a counter of its own", async () => {
    let count = 0
    const plug = Plug.make("counter", (request) => Request.assign(request, Key.make("count"), ++count))
    expect((await breach(ofPlug(plug), "replay")).observed).toContain("assigns.count")
  })

  it("catches a plug that draws random numbers past Effect's Random", async () => {
    const plug = Plug.make("dice", (request) => Request.putMetadata(request, "dice", Math.random()))
    expect((await breach(ofPlug(plug), "replay")).observed).toContain("metadata.dice")
  })

  it("lets a plug be made anew for each run", async () => {
    await holds(ofPlug(() => {
      let count = 0
      return Plug.make("counter", (request) => Request.assign(request, Key.make("count"), ++count))
    }), "replay", "identity")
  })
})

describe("13 json", () => {
  it("catches a plug that leaves messages no constructor would make", async () => {
    const plug = Plug.make("raw", (request) => Request.patch(request, { messages: [{ role: "robot" }] as never }))
    expect((await breach(ofPlug(plug), "json")).observed).toContain("cannot be read back")
  })

  it("catches a plug that leaves a value which is another each time it is stored", async () => {
    let count = 0
    const plug = Plug.make("live", Request.assign(Key.make("now"), { toJSON: () => new Set([count++]) }))
    const options = Plug.make("odd", (request) => Request.patch(request, { options: { model: "" } }))
    expect((await breach(ofPlug([plug, options]), "json")).observed).toContain("not the same after it was stored")
  })
})

describe("what a broken law says", () => {
  it("names the law, its meaning, the subject, what was seen, and the smallest input", async () => {
    const plug = Plug.make("adder", (request) => Request.patch(request, { halted: true }))
    const error = await breach(ofPlug(plug), "state")
    expect(error.message).toMatch(/^plug "adder" breaks the law of state\n {2}The law: a request moves only along/)
    expect(error.message).toMatch(/\n {2}Observed: plug "adder": halted, but the state is still pending/)
    expect(error.message).toMatch(/\n {2}request: \{/)
    expect(error.message).toContain(`To repeat: { seed: ${seed}`)
  })

  it("gathers several", async () => {
    let count = 0
    const plug = Plug.make("counter", (request) => Request.putMetadata(request, "count", ++count))
    const error = await Laws.check(ofPlug(plug)).then(() => undefined, (error: unknown) => error)
    expect(error).toBeInstanceOf(AggregateError)
    const laws = (error as AggregateError).errors.map((error: Laws.LawBroken) => error.law)
    expect(laws).toEqual(expect.arrayContaining(["identity", "replay"]))
    expect((error as AggregateError).message).toContain("breaks the law of replay")
  })

  it("leaves out the laws a plug is not meant to keep", () => {
    const all = ofPlug(Plug.identity).map(({ law }) => law)
    expect(all.length).toBe(13)
    expect(ofPlug(Plug.identity, { except: ["chunking"] }).map(({ law }) =>
      law)).toEqual(all.filter((law) => law !== "chunking"))
  })
})

