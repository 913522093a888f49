import { Key, LlmError, Message, Pipeline, Plug, type PlugLike, Request, Result } from "@plugline/core"
import { Identity, Passthrough, Receipt, TrackCost } from "@plugline/plugs"
import { Arbitrary, Laws, Mock } from "@plugline/testing"
import { Effect, Logger, Redacted } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { alone, broken, chat, endings, hello, run } from "./observe/endings.ts"

const linesOf = (effect: Effect.Effect<unknown, unknown, Receipt.ReceiptSink>, options: Receipt.LedgerOptions = {}) =>
  alone(Effect.provide(Effect.andThen(effect, Receipt.recent), Receipt.memory(options)))

const receiptOf = async (effect: Effect.Effect<unknown, unknown, Receipt.ReceiptSink>): Promise<Receipt.Receipt> =>
  JSON.parse((await linesOf(effect)).at(-1)!)

describe("laws", () => {
  for (const [name, options] of Object.entries({ usual: {}, "with content": { content: true }, "without hashes": { hashes: false, pipeline: "p" } })) {
    for (const law of Laws.plug(Receipt.plug(options), { numRuns: 20, services: Receipt.memory() })) {
      it(`${name}: ${law.law}`, law.check)
    }
  }

  it("changes nothing", () =>
    fc.assert(fc.asyncProperty(endings().filter((ending) => ending.run._tag === "End"), async (ending) => {
      const final = (front: ReadonlyArray<Plug<Receipt.ReceiptSink>>) =>
        alone(Effect.provide(Pipeline.run([...front, ...ending.line().plugs], chat()), Receipt.memory()))
      expect((await final([Receipt.plug()])).toJSON()).toEqual((await final([])).toJSON())
    }), { numRuns: 60 }))

  it("writes exactly one receipt per request, in every ending", () =>
    fc.assert(fc.asyncProperty(endings(), Arbitrary.request({ states: ["pending"], operations: ["chat", "stream"] }), async (ending, request) => {
      const asked = Request.withOperation(request, ending.run._tag === "Leave" ? "stream" : request.operation)
      const lines = await linesOf(run([Receipt.plug({ content: true })], ending, asked))
      expect(lines, ending.name).toHaveLength(1)
      expect(lines[0]).not.toMatch(/[\n\r]/)
      expect(ending.state, ending.name).toContain(JSON.parse(lines[0]!).state)
    }), { numRuns: 150 }))

  it("has the same hashes for a stream, however cut, and for the whole answer", () =>
    fc.assert(fc.asyncProperty(Arbitrary.parts({ end: "finish" }), Arbitrary.cuts(), async (parts, cut) => {
      const of = (reply: Mock.Reply, operation: "chat" | "stream") =>
        receiptOf(Pipeline.run([Receipt.plug(), Mock.make([reply]).plug], chat({ operation })))
      const streamed = await of(Mock.parts(parts, { as: "stream", cut }), "stream")
      const whole = await of(Mock.parts(parts, { as: "whole" }), "chat")
      expect([streamed.request, streamed.response]).toEqual([whole.request, whole.response])
      expect(streamed.response).toMatch(/^[0-9a-f]{64}$/)
    }), { numRuns: 50 }))
})

describe("tells", () => {
  const clocked = Mock.parts(hello, { as: "stream", delay: 100, between: 20 })

  it("who asked, who answered, what it used, cost and took", async () => {
    const request = chat({
      provider: "openai",
      options: { model: "gpt-4o-mini", temperature: 0.5, stop: ["secret word"], tools: [{ name: "find", description: "finds" }], user: "ada@example.com" }
    })
    const receipt = await receiptOf(Pipeline.run([
      Identity.plug({ tenant: "acme", user: "ada", key: "main" }),
      Receipt.plug({ pipeline: "default" }),
      Mock.make([clocked]).plug
    ], request))
    expect(receipt).toEqual({
      id: "call-1",
      time: "1970-01-01T00:00:00.000Z",
      operation: "stream",
      tenant: "acme",
      user: "ada",
      key: "main",
      provider: "openai",
      asked: "gpt-4o-mini",
      pipeline: "default",
      request: expect.stringMatching(/^[0-9a-f]{64}$/),
      response: expect.stringMatching(/^[0-9a-f]{64}$/),
      options: { temperature: 0.5, stop: 1, tools: 1 },
      state: "completed",
      finish: "stop",
      tokens: { input: 10, cacheRead: 4, output: 2 },
      cost: "0.0000024",
      costSource: "computed",
      latency: 180,
      firstToken: 120
    })
  })

  it("the cost that TrackCost counted, attempts and all, before its own", async () => {
    const usage = { inputTokens: { total: 1_000 }, outputTokens: { total: 0 } }
    const again = Plug.around("again", (request, next) => Effect.andThen(next(request), next(request)))
    const line: ReadonlyArray<PlugLike<Receipt.ReceiptSink | TrackCost.TotalsStore>> = [Receipt.plug(), TrackCost.plug(), again, TrackCost.plug(), Mock.make(() => Mock.text("Hi", { usage })).plug]
    const request = chat({ provider: "openai", operation: "chat", options: { model: "gpt-4o-mini" } })
    const receipt = JSON.parse((await alone(Effect.provide(
      Effect.provide(Effect.andThen(Pipeline.run(line, request), Receipt.recent), TrackCost.memory()), Receipt.memory())))[0]!)
    expect(receipt.cost).toBe("0.0003")
  })

  it("why it failed, in a word and not in the sentence, which may quote what was said", async () => {
    const receipt = await receiptOf(Pipeline.run([Receipt.plug(), Mock.make([Mock.fail(broken)]).plug], chat()))
    expect(receipt.error).toEqual({ reason: "Server", status: 500, code: "internal_error", provider: "mock", plug: "mock" })
    expect(receipt.state).toBe("failed")
    const more = await receiptOf(Pipeline.run([Receipt.plug({ content: true }), Mock.make([Mock.fail(broken)]).plug], chat()))
    expect(more.error).toMatchObject({ message: "it broke" })
  })

  it("what other plugs noted, short and masked; a model that another plug chose; an unknown cost as unknown", async () => {
    const notes = Plug.make("notes", (request) => Request.mergeOptions(request, { model: "other" }).pipe(
      Request.putMetadata("retry", { attempts: 3, token: "hunter2hunter2" }),
      Request.putMetadata("cache", { status: "miss" }),
      Request.putMetadata("fallback", "x".repeat(5_000)),
      Request.putMetadata("mine", "not noted")
    ))
    const receipt = await receiptOf(Pipeline.run([Receipt.plug(), notes, Mock.make([Mock.text("Hi", { model: "answered" })]).plug], chat({ options: { model: "asked" } })))
    expect(receipt.notes).toEqual({ cache: { status: "miss" }, fallback: "[too long]", retry: { attempts: 3, token: "<redacted>" } })
    expect([receipt.asked, receipt.model]).toEqual(["asked", "answered"])
    expect([receipt.cost, receipt.costKnown, receipt.costSource]).toEqual([undefined, "0", "unknown"])
  })

  it("a cost that may have been charged as unknown, and none where nobody was asked", async () => {
    const mock = Mock.make([Mock.never()])
    const interrupted = await receiptOf(run([Receipt.plug()], {
      name: "", line: () => ({ plugs: [mock.plug], waits: () => mock.calls.length > 0 }), run: { _tag: "Interrupt" }, state: []
    }, chat()))
    expect(interrupted).toMatchObject({ state: "interrupted", costKnown: "0", costSource: "unknown" })
    expect(await receiptOf(Pipeline.run([Receipt.plug()], chat()))).not.toHaveProperty("costSource")
    expect(await receiptOf(Pipeline.run([Receipt.plug(), Plug.make("no", Request.refuse("no"))], chat()))).toMatchObject({ cost: "0", costSource: "refused" })
  })

  it("what is hashed: messages and options, whatever the order of their fields, and not who or when", () => {
    const one = chat({ options: { model: "m", temperature: 1 } })
    expect(Receipt.requestHash(one)).toBe(Receipt.requestHash(chat({ id: "other", operation: "chat", options: { temperature: 1, model: "m" } })))
    for (const other of [chat({ options: { model: "n", temperature: 1 } }), chat({ provider: "x", options: one.options }), chat({ messages: "Ho", options: one.options })]) {
      expect(Receipt.requestHash(other)).not.toBe(Receipt.requestHash(one))
    }
    const loop: Record<string, unknown> = { big: 1n }
    loop.self = loop
    const odd = chat({ messages: [{ role: "assistant", content: [{ type: "tool-call", id: "1", name: "f", params: loop }] }] })
    expect(Receipt.requestHash(odd)).toMatch(/^[0-9a-f]{64}$/)
    const answers: ReadonlyArray<Result> = [
      { type: "embeddings", embeddings: [[1]], usage: { inputTokens: {}, outputTokens: {} } },
      { type: "embeddings", embeddings: [[2]], usage: { inputTokens: {}, outputTokens: {} } },
      { type: "list_models", models: [{ id: "a" }] },
      { type: "validate", usable: true },
      Result.fold(hello)
    ]
    expect(new Set(answers.map(Receipt.responseHash)).size).toBe(answers.length)
    expect(Receipt.pipelineHash([Receipt.plug()])).not.toBe(Receipt.pipelineHash([Receipt.plug({ content: true })]))
    expect(Receipt.pipelineHash([Receipt.plug()])).toBe(Receipt.pipelineHash([Receipt.plug()]))
  })
})

describe("keeps to itself", () => {
  const canary = "canary-7f3a9b-credential"
  const word = Key.make<string>("test.word")

  it("what was said, and every credential, whatever it looks like", async () => {
    const request = chat({
      messages: [Message.system("private rules"), Message.user("private question")],
      config: { apiKey: Redacted.make(canary), headers: { "x-gateway": canary } },
      options: { model: `m-${canary}`, stop: "private stop", metadata: { label: "private label" }, user: "private-user" },
      metadata: { retry: { said: `tried with ${canary}` } }
    }).pipe(Request.assign(word, "private word"))
    const error = LlmError.make({ _tag: "Authentication", message: `bad key ${canary}: private echo`, code: canary, requestId: `req-${canary}`, raw: { key: canary } })
    for (const content of [false, true]) {
      const lines = await linesOf(Pipeline.run([Receipt.plug({ content }), Mock.make([Mock.fail(error)]).plug], request))
      expect(lines.join()).not.toContain(canary)
      expect(lines.join().includes("private question")).toBe(content)
      expect(lines.join()).not.toMatch(/private (label|word|stop)/)
      if (!content) expect(lines.join()).not.toContain("private")
    }
  })

  it("credentials that were said, where content is written", async () => {
    const said = chat({ messages: `my key is sk-abcdef1234567890 and ${canary}`, config: { apiKey: Redacted.make(canary) } })
    const receipt = await receiptOf(Pipeline.run([Receipt.plug({ content: true }), Mock.make([Mock.text(`so it is ${canary}`)]).plug], said))
    expect(receipt.content).toMatchObject({
      messages: [{ role: "user", content: [{ type: "text", text: "my key is <redacted> and <redacted>" }] }],
      result: { content: [{ type: "text", text: "so it is <redacted>" }] }
    })
  })
})

describe("a sink", () => {
  const ask = (id: string) => Pipeline.run([Receipt.plug({ hashes: false }), Mock.make(["Hi"]).plug], chat({ id }))

  it("in memory keeps the latest lines", async () => {
    const lines = await linesOf(Effect.forEach(["a", "b", "c", "d"], ask), { recent: 3 })
    expect(lines.map((line) => JSON.parse(line).id)).toEqual(["b", "c", "d"])
  })

  it("chains lines, so that one that is changed, moved or missing shows", async () => {
    const lines = await linesOf(Effect.forEach(["a", "b", "c", "d"], ask), { chain: true })
    expect(Receipt.verify(lines, { after: "" })).toEqual({ intact: true, lines: 4, last: Receipt.hash(lines[3]!) })
    expect(Receipt.verify(lines.slice(1))).toMatchObject({ intact: true })
    expect(Receipt.verify(lines.slice(1), { after: "" })).toMatchObject({ intact: false, line: 1 })
    for (let at = 0; at < 3; at++) expect(Receipt.verify(lines.toSpliced(at, 1), { after: "" }), `without ${at}`).toMatchObject({ intact: false, line: at + 1 })
    expect(Receipt.verify(lines.with(1, lines[1]!.replace("\"b\"", "\"x\"")))).toMatchObject({ intact: false, line: 3 })
    expect(Receipt.verify([lines[0]!, lines[2]!, lines[1]!])).toMatchObject({ intact: false, line: 2 })
    expect(Receipt.verify(["no json"])).toMatchObject({ intact: false, line: 1 })
    expect(Receipt.verify(["{\"id\":1}"])).toMatchObject({ intact: false, line: 1 })
    expect(Receipt.verify([])).toEqual({ intact: true, lines: 0, last: "" })
  })

  it("of one's own gets each line, and its failure or silence is no one's trouble", async () => {
    const got: Array<string> = []
    const program = (write: (line: string, receipt: Receipt.Receipt) => unknown) =>
      alone(Effect.provide(Effect.provide(Effect.andThen(Effect.forEach(["a", "b"], ask), Receipt.recent), Receipt.custom(write, { chain: true })), Logger.layer([])))
    expect(await program((line) => void got.push(line))).toEqual(got)
    expect(got.map((line) => JSON.parse(line).id)).toEqual(["a", "b"])
    expect(await program(async (_line, { id }) => {
      if (id === "a") throw new Error("no")
    })).toHaveLength(1)
    expect(await program(() => Effect.never)).toEqual([])
    expect(await program(() => {
      throw new Error("no")
    })).toEqual([])
  })

  it("refuses options that do not fit, and is needed", async () => {
    const refused = await alone(Effect.flip(Effect.provide(Pipeline.run([Receipt.plug({ contents: true } as never)], chat()), Receipt.memory())))
    expect(refused.message).toContain("did you mean")
    expect(Pipeline.inspect([Receipt.plug({ content: true })])).toMatchObject([{ name: "receipt", options: { content: true } }])
    expect(Passthrough.failures.id).toBe("plugline.passthrough.failures")
  })
})
