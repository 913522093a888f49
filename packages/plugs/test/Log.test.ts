import { LlmError, Message, Pipeline, Plug, Request } from "@plugline/core"
import { Identity, Log } from "@plugline/plugs"
import { Arbitrary, Laws, Mock } from "@plugline/testing"
import { Effect, Logger, Random, Redacted, References } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { alone, broken, chat, endings, hello, run } from "./observe/endings.ts"

interface Line {
  readonly level: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

const logged = async (effect: Effect.Effect<unknown, unknown>, minimum: "Trace" | "Info" = "Trace"): Promise<ReadonlyArray<Line>> => {
  const lines: Array<Line> = []
  const keep = Logger.make(({ fiber, logLevel, message }) => {
    lines.push({ level: logLevel, message: String(message), fields: { ...fiber.getRef(References.CurrentLogAnnotations) } })
  })
  await alone(Effect.provideService(Effect.provide(effect, Logger.layer([keep])), References.MinimumLogLevel, minimum))
  return lines
}

const ask = (reply: Mock.Answer, options: Parameters<typeof Log.plug>[0] = {}, request = chat()) =>
  logged(Pipeline.run([Log.plug(options), Mock.make([reply]).plug], request))

describe("laws", () => {
  for (const [name, options] of Object.entries({ usual: {}, full: { start: true, content: true, sample: 0.5 } })) {
    for (const law of Laws.plug(Log.plug(options), { numRuns: 20, services: Logger.layer([]) })) it(`${name}: ${law.law}`, law.check)
  }

  it("writes exactly one line at the end of each request, with its id", () =>
    fc.assert(fc.asyncProperty(endings(), Arbitrary.text(), async (ending, id) => {
      const lines = await logged(run([Log.plug()], ending, chat({ id })))
      expect(lines, ending.name).toHaveLength(1)
      expect(lines[0]!.fields).toHaveProperty("requestId")
      expect(ending.state).toContain(lines[0]!.fields.state)
      expect(lines[0]!.message + String(lines[0]!.fields.requestId)).not.toMatch(/[\n\r]/)
    }), { numRuns: 100 }))
})

describe("writes", () => {
  it("what a call was, and nothing that was said", async () => {
    const request = chat({ provider: "openai", messages: "private", options: { model: "gpt-4o-mini" } })
    const [line] = await logged(Pipeline.run([Identity.plug({ tenant: "acme" }), Log.plug(), Mock.make([Mock.parts(hello, { delay: 100 })]).plug], request))
    expect(line).toEqual({
      level: "Info",
      message: "stream openai/gpt-4o-mini completed after 100 ms, 10 + 2 tokens",
      fields: {
        requestId: "call-1", tenant: "acme", operation: "stream", provider: "openai", asked: "gpt-4o-mini", state: "completed", finish: "stop",
        latency: 100, firstToken: 100, tokens: { input: 10, cacheRead: 4, output: 2 }, cost: "0.0000024"
      }
    })
  })

  it("at a level that fits the outcome", async () => {
    const at = async (reply: Mock.Answer, options: Parameters<typeof Log.plug>[0] = {}) => (await ask(reply, options)).map(({ level }) => level)
    expect(await at("Hi")).toEqual(["Info"])
    expect(await at(Mock.fail(broken))).toEqual(["Error"])
    expect(await at(Mock.fail({ _tag: "RateLimit", message: "slow down" }))).toEqual(["Warn"])
    expect(await at(Mock.throws(new Error("x")))).toEqual(["Error"])
    expect(await at(Mock.cut(hello.slice(0, 2)))).toEqual(["Error"])
    expect(await at("Hi", { levels: { completed: "Debug" } })).toEqual(["Debug"])
    expect(await at("Hi", { levels: { completed: "None" } })).toEqual([])
    const refused = await logged(Pipeline.run([Log.plug(), Plug.make("guard", Request.refuse("no"))], chat()))
    expect(refused).toMatchObject([{ level: "Warn", message: "stream mock failed (Halted) after 0 ms", fields: { error: { reason: "Halted", plug: "guard" } } }])
    const left = await logged(Effect.scoped(Pipeline.open([Log.plug(), Mock.make([Mock.stall(hello.slice(0, 2))]).plug], chat())))
    expect(left).toMatchObject([{ level: "Info", fields: { state: "left" } }])
  })

  it("a line at the beginning, if asked", async () => {
    const lines = await ask("Hi", { start: true })
    expect(lines.map(({ level, message }) => [level, message])).toEqual([["Debug", "stream mock begins"], ["Info", "stream mock completed after 0 ms"]])
    expect(lines[0]!.fields).toEqual({ requestId: "call-1", operation: "stream", provider: "mock" })
  })

  it("question and answer, if asked, cut and without credentials", async () => {
    const request = chat({ messages: [Message.user(`hello sk-abcdef1234567890 ${"x".repeat(3_000)}`)] })
    const [line] = await ask("my answer", { content: true }, request)
    expect(line!.fields.answer).toBe("my answer")
    expect(String(line!.fields.question)).toMatch(/^hello <redacted> x+…$/)
    expect(String(line!.fields.question).length).toBe(2_001)
  })

  it("a share of the calls, and all that failed", async () => {
    const many = (reply: Mock.Answer) =>
      logged(Random.withSeed(Effect.forEach(Array.from({ length: 400 }, (_, id) => chat({ id: String(id) })), (request) =>
        Pipeline.run([Log.plug({ sample: 0.25, start: true }), Mock.make([reply]).plug], request)), "seed"))
    const lines = await many("Hi")
    const begun = lines.filter(({ message }) => message.includes("begins")).map(({ fields }) => fields.requestId)
    const ended = lines.filter(({ message }) => message.includes("completed")).map(({ fields }) => fields.requestId)
    expect(begun).toEqual(ended)
    expect(ended.length).toBeGreaterThan(60)
    expect(ended.length).toBeLessThan(140)
    expect((await many(Mock.fail(broken))).filter(({ message }) => message.includes("failed"))).toHaveLength(400)
    expect((await logged(Pipeline.run([Log.plug({ sample: 0 }), Mock.make(["Hi"]).plug], chat())))).toEqual([])
  })

  it("no credential and no line of somebody else's making", async () => {
    const canary = "canary-7f3a9b-credential"
    const error = LlmError.make({ _tag: "Authentication", message: `key ${canary} is wrong\nINFO forged line` })
    const request = chat({
      id: `id\n${canary}`,
      provider: "mock\nforged",
      options: { model: canary },
      config: { apiKey: Redacted.make(canary), headers: { "x-key": "other-secret-value" } },
      metadata: { retry: { said: `${canary} other-secret-value` } }
    })
    for (const content of [false, true]) {
      const lines = JSON.stringify(await ask(Mock.fail(error), { start: true, content }, request))
      expect(lines).not.toContain(canary)
      expect(lines).not.toContain("other-secret-value")
      expect(lines).not.toMatch(/\\n/)
    }
  })

  it("refuses options that do not fit", async () => {
    for (const options of [{ sample: 2 }, { sample: Number.NaN }, { levels: { completed: "Loud" } }, { contents: true }]) {
      await expect(logged(Pipeline.run([Log.plug(options as never)], chat()))).rejects.toThrow(/option/)
    }
  })
})
