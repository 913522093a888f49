import { it } from "@effect/vitest"
import { Laws } from "@plugline/testing"
import { Effect, Layer, Redacted, Schema, Stream } from "effect"
import { inspect } from "node:util"
import { build, Credentials, LlmError, make, Pipeline, Plug, Request, Transport } from "plugline"
import { describe, expect } from "vitest"

const mark = (name: string) => Plug.make(name, Request.putMetadata(name, true))
const names = (builder: { inspect(): ReadonlyArray<{ readonly name: string }> }) => builder.inspect().map(({ name }) => name)
const answer = (content: string) => ({
  id: "c1", model: "m-1", choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }], usage: { prompt_tokens: 1, completion_tokens: 1 }
})
const services = (content: string, sent: Array<string> = []) =>
  Layer.merge(
    Transport.memory(({ body }) => Effect.sync(() => (sent.push(body ?? ""), { status: 200, headers: {}, body: JSON.stringify(answer(content)) }))),
    Credentials.memory({ openai: Redacted.make("sk-canary0123456789") })
  )

describe("the builder", () => {
  it("composes a pipeline one can see", () => {
    const base = build("openai", "Hi")
    expect(names(base)).toEqual(["validate", "configure", "prepare", "send", "parse"])
    const full = base
      .withPlug(mark("a")).withPlug(mark("b")).withoutPlug("a")
      .insertBefore("send", mark("before")).insertAfter("parse", mark("after")).replacePlug("prepare", mark("mine"))
    expect(names(full)).toEqual(["validate", "configure", "b", "mine", "before", "send", "parse", "after"])
    expect(names(base)).toEqual(["validate", "configure", "prepare", "send", "parse"])
    expect(names(build("openai", "Hi").withPipeline([mark("x"), mark("y")]).withPlug(mark("z")))).toEqual(["z", "x", "y"])
  })

  it("refuses a change to a plug that is not there, when it is looked at and when it is run", () => {
    const wrong = build("openai", "Hi").insertBefore("snd", mark("x"))
    expect(() => wrong.inspect()).toThrow(/unknown plug "snd"; did you mean "send"/)
    expect(wrong.debugInfo().pipeline).toMatchObject({ error: expect.stringContaining("did you mean") })
    const error = Effect.runSync(Effect.flip(Effect.provide(wrong.execute(), services("x"))))
    expect(LlmError.isLlmError(error) && error.reason._tag).toBe("Configuration")
  })

  it("keeps the builder's laws", async () => {
    const laws = Laws.builder({
      make: () => build("openai", "Hi").withPlug(mark("mine")),
      withs: {
        withModel: (b) => b.withModel("m"),
        withTemperature: (b) => b.withTemperature(0),
        withMaxTokens: (b) => b.withMaxTokens(5),
        withOptions: (b) => b.withOptions({ seed: 1, topP: 0.5 }),
        withTools: (b) => b.withTools([{ name: "t" }], "auto"),
        withResponseFormat: (b) => b.withResponseFormat({ type: "json" }),
        withTimeout: (b) => b.withTimeout({ idle: 5 }),
        withApiKey: (b) => b.withApiKey("k"),
        withId: (b) => b.withId("i"),
        withMetadata: (b) => b.withMetadata({ a: 1 }),
        withPlug: (b) => b.withPlug(mark("another"))
      },
      withouts: { withPlug: (b) => b.withoutPlug("another") },
      replace: (b, target) => b.replacePlug(target, Plug.identity),
      remove: (b, target) => b.withoutPlug(target),
      insertBefore: (b, target) => b.insertBefore(target, Plug.identity),
      insertAfter: (b, target) => b.insertAfter(target, Plug.identity),
      state: (b) => ({ ...b.debugInfo(), edits: [], request: Request.toJson(Effect.runSync(b.request())) })
    })
    expect(laws.length).toBeGreaterThan(4)
    for (const law of laws) await law.check()
  })

  it("prints its state, and no secret", () => {
    const builder = build("openai", "Hi", { model: "m" }).withApiKey("sk-canary0123456789").withTimeout(500).withPlug(mark("a"))
    expect(builder.debugInfo()).toEqual({
      provider: "openai", operation: "chat", messages: 1, options: { model: "m" },
      config: { apiKey: "<redacted>", timeouts: { total: 500 } },
      base: "provider", edits: ["with a"],
      pipeline: ["validate", "configure", "a", "prepare", "send", "parse"]
    })
    expect(inspect(builder, { depth: 10 })).not.toContain("canary")
    expect(JSON.stringify(builder)).not.toContain("canary")
  })

  it("takes options away with undefined", () => {
    expect(build("openai", "Hi", { model: "m", seed: 1 }).withOptions({ seed: undefined }).debugInfo().options).toEqual({ model: "m" })
  })

  it.effect("gives answers, the final request, parts and a trace of the same call", () => {
    const sent: Array<string> = []
    const builder = build("openai", "Hi").withModel("m-1").withMaxTokens(5).withPlug(mark("a"))
    return Effect.gen(function*() {
      const reply = yield* builder.execute()
      expect([reply.text, reply.model, reply.request.metadata.a]).toEqual(["Hello", "m-1", true])
      expect((yield* builder.run()).state).toBe("completed")
      const trace = yield* builder.trace()
      expect(trace.steps.map(({ name }) => name)).toEqual(["validate", "configure", "a", "prepare", "send", "parse"])
      expect(JSON.stringify(trace)).not.toContain("canary")
      expect(JSON.parse(sent[0]!)).toMatchObject({ model: "m-1", messages: [{ role: "user", content: "Hi" }] })
    }).pipe(Effect.provide(services("Hello", sent)))
  })

  it.effect("reads objects against a Schema, and says what does not fit", () => {
    const Person = Schema.Struct({ name: Schema.String, age: Schema.Int })
    const sent: Array<string> = []
    return Effect.gen(function*() {
      const reply = yield* build("openai", "who?").withModel("m").withResponseFormat(Person).execute()
      const error = yield* Effect.flip(reply.object(Person))
      expect(error.reason._tag).toBe("MalformedResponse")
      expect(error.message).toMatch(/does not fit the schema/)
      expect(yield* reply.object(Schema.Struct({ name: Schema.String }))).toEqual({ name: "Ada" })
      expect(JSON.parse(sent[0]!).response_format).toMatchObject({
        type: "json_schema",
        json_schema: { schema: { type: "object", properties: { name: { type: "string" }, age: { type: "integer" } }, required: ["name", "age"] } }
      })
    }).pipe(Effect.provide(services(`{"name":"Ada","age":"old"}`, sent)))
  })

  it.effect("streams text", () =>
    Effect.gen(function*() {
      const text = yield* Stream.mkString(build("local", "What is 6 times 7?").textStream())
      expect(text).toBe((yield* build("local", "What is 6 times 7?").execute()).text)
    }).pipe(Effect.provide(services(""))))

  it("names who has an operation a provider lacks", () => {
    const { local, openai } = Object.fromEntries(make().providers.map((provider) => [provider.name, provider]))
    const { chat, stream } = local!.pipelines
    const small = { ...local!, name: "small", pipelines: { chat: chat!, stream: stream! } }
    const face = make({ providers: [local!, openai!, small] })
    expect(() => face.build("small").withOperation("embeddings").inspect()).toThrow(/has no operation "embeddings"; these have: local, openai/)
  })

  it("asks for the services of its plugs in its type", () => {
    const needs: Pipeline<Transport | Credentials> = build("openai", "Hi").pipeline()
    expect(Pipeline.names(needs)).toContain("send")
  })
})
