import { Message, Pipeline, Request } from "@plugline/core"
import type { Message as MessageType } from "@plugline/core"
import { Arbitrary, Mock } from "@plugline/testing"
import { Effect, Layer } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Tokens } from "../src/index.ts"
import { pieces, ready } from "../src/tokens/encoding.ts"
import { surplus } from "../src/tokens/trim.ts"

const ask = (messages: Parameters<typeof Message.from>[0], model = "gpt-4o", options: object = {}) =>
  Request.make({ provider: "openai", messages, options: { model, ...options } })
const count = (request: Request) => Effect.runPromise(Tokens.count(request))
const text = (text: string, model: string) => Effect.runPromise(Tokens.countText(text, model))
const run = (plug: Parameters<typeof Pipeline.run>[0][number], request: Request) => {
  const mock = Mock.make(["Hello"])
  return Effect.runPromise(Effect.map(Pipeline.run([plug as never, mock.plug], request), (final) => ({ final, asked: mock.calls[0]?.request })))
}

it("no tokenizer is read before one is needed, and then only that one", async () => {
  expect([ready("o200k_base"), ready("cl100k_base")]).toEqual([undefined, undefined])
  await count(ask("Hi", "claude-sonnet-5"))
  expect(ready("o200k_base")).toBeUndefined()
  await count(ask("Hi", "gpt-4o"))
  expect(ready("o200k_base")).toBeDefined()
  expect(ready("cl100k_base")).toBeUndefined()
})

describe("text", () => {
  it("is counted by the tokenizer of the model", async () => {
    expect(await text("tiktoken is great!", "gpt-4")).toEqual({ tokens: 6, error: 0, method: "exact" })
    expect((await text("antidisestablishmentarianism", "gpt-4o")).tokens).toBe(6)
    expect((await text("お誕生日おめでとう", "gpt-4")).tokens).toBe(9)
    expect((await text("お誕生日おめでとう", "gpt-4o")).tokens).toBe(8)
    expect((await text("2 + 2 = 4", "gpt-4")).tokens).toBe(7)
    expect((await text("hello world", "text-davinci-003")).tokens).toBe(2)
    expect((await text("hello world", "davinci")).tokens).toBe(2)
  })

  it("that looks like a special token is text", async () => {
    expect((await text("<|endoftext|><|im_start|>", "gpt-4o")).tokens).toBeGreaterThan(6)
  })

  it("without end or spaces takes no time", async () => {
    await text("a", "gpt-4o")
    const before = performance.now()
    for (const unit of ["a", " ", "字", "=", "\u{1f600}", "\ud800"]) await text(unit.repeat(20_000), "gpt-4o")
    expect(performance.now() - before).toBeLessThan(12_000)
  })

  it("is cut only where a run goes on too long, and nothing is lost", () => {
    expect(pieces("An ordinary sentence of ordinary words, ".repeat(100))).toHaveLength(1)
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 50 }), fc.nat(20), (unit, times) => {
      const long = unit.repeat(times * 10)
      const cut = pieces(long)
      expect(cut.join("")).toBe(long)
      expect(cut.slice(1).some((piece) => (piece.charCodeAt(0) & 0xfc00) === 0xdc00 && unit.isWellFormed())).toBe(false)
    }))
  })

  it("names of models tell their tokenizer, names of others none", () => {
    expect(["gpt-4-turbo", "gpt-4", "gpt-35-turbo", "text-embedding-3-small"].map(Tokens.encodingOf)).toEqual(Array(4).fill("cl100k_base"))
    expect(["gpt-4.1-nano", "gpt-4o-2024-08-06", "chatgpt-4o-latest", "o3-mini", "openai/gpt-oss-20b", "gpt-5.2"].map(Tokens.encodingOf))
      .toEqual(Array(6).fill("o200k_base"))
    expect(["claude-opus-5", "gemini-3", "o", "gpt-", "llama-3", "davinci9", ""].map(Tokens.encodingOf)).toEqual(Array(7).fill(undefined))
  })

  it("is estimated within the error that is stated", async () => {
    const prose = "The committee met on Thursday to discuss the budget for the coming year, and agreed that nothing should change before spring. ".repeat(5)
    const code = "export const add = (a: number, b: number): number => {\n  return a + b\n}\n".repeat(10)
    const json = JSON.stringify(Array.from({ length: 20 }, (_, id) => ({ id, name: `item ${id}`, tags: ["red", "blue"], price: id * 1.5 })))
    const german = "Die Sitzung wurde am Donnerstag eröffnet, und alle Anwesenden stimmten dem Vorschlag ohne weitere Aussprache zu. ".repeat(5)
    const chinese = "大型语言模型是一种能够理解和生成自然语言的人工智能系统。它们通过大量文本进行训练，可以回答问题。".repeat(3)
    const russian = "Большая языковая модель — это система, способная понимать и создавать тексты на естественном языке. ".repeat(3)
    for (const sample of [prose, code, json, german, chinese, russian]) {
      const exact = (await text(sample, "gpt-4o")).tokens
      const { error, tokens } = Tokens.estimateText(sample, "gpt-4o")
      expect([sample.slice(0, 20), Math.abs(tokens - exact) / exact <= error]).toEqual([sample.slice(0, 20), true])
    }
  })
})

describe("a request", () => {
  it("has tokens around its messages", async () => {
    expect(await count(ask("Hello, world!"))).toEqual({ tokens: 11, error: 0, method: "exact" })
    expect((await count(ask([{ role: "system", content: "Be brief." }, { role: "user", content: "Hello, world!" }]))).tokens).toBe(18)
  })

  it("has pictures by the formula of its provider", async () => {
    const header = Buffer.alloc(24)
    header.writeUInt32BE(0x89504e47, 0)
    header.writeUInt32BE(1_024, 16)
    header.writeUInt32BE(1_024, 20)
    const picture = { type: "file", mediaType: "image/png", data: header.toString("base64") } as const
    const of = async (model: string, part: object = picture) =>
      (await count(ask([{ role: "user", content: [part as never] }], model))).tokens - (await count(ask([{ role: "user", content: [] }], model))).tokens
    expect(await of("gpt-4o")).toBe(765)
    expect(await of("gpt-4o-mini")).toBe(2_833 + 4 * 5_667)
    expect(await of("gpt-4.1-mini")).toBe(Math.ceil(1_024 * 1.62))
    expect(await of("gpt-4o", { ...picture, options: { openai: { imageDetail: "low" } } })).toBe(85)
    expect(await of("claude-sonnet-5")).toBe(1_399)
    expect(await of("gemini-3-pro")).toBe(258 * 4)
    expect((await count(ask([{ role: "user", content: [{ type: "file", mediaType: "application/pdf", data: "AAAA" }] }]))).error).toBeGreaterThan(0.4)
  })

  it("of tools counts by OpenAI's formula", async () => {
    const tool = {
      name: "get_weather", description: "Get the weather",
      parameters: { type: "object", properties: { city: { type: "string", description: "The city", enum: ["Rome", "Oslo"] } } }
    }
    const plain = (await count(ask("Hi"))).tokens
    // 12 once; 7, name and description; 3, and 3 for the parameter with its text; -3 and 3 each for two values.
    const texts = await Promise.all(["get_weather:Get the weather", "city:string:The city", "Rome", "Oslo"].map((each) => text(each, "gpt-4o")))
    const words = texts.reduce((sum, { tokens }) => sum + tokens, 0)
    expect((await count(ask("Hi", "gpt-4o", { tools: [tool] }))).tokens).toBe(plain + 12 + 7 + 3 + 3 - 3 + 6 + words)
  })

  it("is counted by the provider where it offers that, and by us where it cannot now", async () => {
    const ours = await count(ask("Hello"))
    const by = (answer: Effect.Effect<number | undefined, unknown>) =>
      Effect.runPromise(Effect.provide(Tokens.count(ask("Hello")), Layer.succeed(Tokens.ProviderCount, () => answer)))
    expect(await by(Effect.succeed(42))).toEqual({ tokens: 42, error: 0, method: "provider" })
    expect(await by(Effect.undefined)).toEqual(ours)
    expect(await by(Effect.fail("down"))).toEqual(ours)
  })

  it("however odd, is counted without a throw", async () => {
    await fc.assert(fc.asyncProperty(Arbitrary.request(), async (request) => {
      const { error, tokens } = Tokens.estimate(request)
      expect(Number.isSafeInteger(tokens) && tokens >= 0 && error >= 0 && error <= 1).toBe(true)
      expect((await count(request)).tokens).toBeGreaterThanOrEqual(0)
    }), { numRuns: 100 })
  })

  it("with data that claims to be a picture is read without a throw", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom([], [0xff, 0xd8, 0xff], [0x52, 0x49, 0x46, 0x46], [0x89, 0x50, 0x4e, 0x47], [0x47, 0x49, 0x46, 0x38]), (bytes, head) => {
      const size = Tokens.imageSize(Buffer.from([...head, ...bytes]).toString("base64"))
      expect(size === undefined || (size.width > 0 && size.height > 0)).toBe(true)
    }))
    const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xc0, 0, 11, 8, 0, 50, 0, 100, 1, 1, 0, 0])
    expect(Tokens.imageSize(jpeg.toString("base64"))).toEqual({ width: 100, height: 50 })
  })
})

describe("a limit", () => {
  it("refuses before the provider is asked, and says by how much", async () => {
    const { asked, final } = await run(Tokens.limit({ max: 10 }), ask("Hello, world!"))
    expect(asked).toBeUndefined()
    expect(final.errors[0]!.reason).toMatchObject({ _tag: "ContextLength", message: expect.stringContaining("has 11 tokens, and at most 10") })
    expect((await run(Tokens.limit({ max: 11 }), ask("Hello, world!"))).final.state).toBe("completed")
  })

  it("goes by what the catalog knows, and lets unknown models through", async () => {
    const long = ask("word ".repeat(9_000), "gpt-4")
    expect((await run(Tokens.limit(), long)).final.errors[0]?.reason._tag).toBe("ContextLength")
    expect((await run(Tokens.limit(), ask("word ".repeat(9_000), "none-such"))).final.state).toBe("completed")
  })

  it("that is sure counts an estimate at its most", async () => {
    const request = Request.make({ provider: "anthropic", messages: "word ".repeat(100), options: { model: "claude-sonnet-5" } })
    const { tokens } = Tokens.estimate(request)
    expect((await run(Tokens.limit({ max: tokens }), request)).final.state).toBe("completed")
    expect((await run(Tokens.limit({ max: tokens, sure: true }), request)).final.state).toBe("error")
  })
})

describe("trimming", () => {
  const turn = (index: number): ReadonlyArray<MessageType> => [Message.user(`question ${index} ${"word ".repeat(20)}`), Message.assistant(`answer ${index}`)]
  const talk = [Message.system("Be brief."), ...[1, 2, 3, 4].flatMap(turn), Message.user("last")]

  it("leaves out the oldest turns, keeps the rules and the latest, and says what went", async () => {
    const { asked, final } = await run(Tokens.trim({ max: 70 }), ask(talk))
    const kept = asked!.messages
    expect(kept[0]).toBe(talk[0])
    expect(kept.at(-1)).toBe(talk.at(-1))
    const said = Request.get(final, Tokens.trimmed)!
    expect(said.dropped).toEqual(talk.slice(1, 1 + said.messages))
    expect(said.turns).toBe(said.messages / 2)
    expect([...said.dropped, ...kept.slice(1)]).toEqual(talk.slice(1))
    expect(said.after).toBe((await count(asked!)).tokens)
    expect(said.after).toBeLessThanOrEqual(70)
    expect((await run(Tokens.trim({ max: 10_000 }), ask(talk))).asked!.messages).toBe((await run(Tokens.trim({ max: 9_999 }), ask(talk))).asked!.messages)
  })

  it("refuses where what must stay is too long", async () => {
    expect((await run(Tokens.trim({ max: 12 }), ask(talk))).final.errors[0]!.reason._tag).toBe("ContextLength")
    expect((await run(Tokens.trim({ max: 70, keep: 4 }), ask(talk))).final.errors[0]!.reason._tag).toBe("ContextLength")
  })

  it("keeps every call with its result, the rules and the order, for random conversations", async () => {
    const call = fc.record({ calls: fc.integer({ min: 0, max: 3 }), late: fc.boolean(), words: fc.nat(30), system: fc.boolean() })
    await fc.assert(fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 10 }), fc.integer({ min: 20, max: 300 }), fc.integer({ min: 1, max: 3 }), async (turns, max, keep) => {
      const messages: Array<MessageType> = [Message.system("Rules.")]
      let waiting: Array<MessageType> = []
      turns.forEach(({ calls, late, system, words }, index) => {
        messages.push(Message.user("w ".repeat(words)))
        messages.push(...waiting)
        waiting = []
        const ids = Array.from({ length: calls }, (_, each) => `call_${late ? index : 0}_${each}`)
        if (system) messages.push(Message.system("By the way."))
        messages.push({ role: "assistant", content: ids.map((id) => ({ type: "tool-call", id, name: "f", params: {} })) })
        const results = ids.map((id) => Message.toolResult({ id, name: "f" }, "r"))
        if (late) waiting = results
        else messages.push(...results)
      })
      messages.push(...waiting)
      const { asked, final } = await run(Tokens.trim({ max, keep }), ask(messages))
      if (asked === undefined) {
        expect(final.errors[0]!.reason._tag).toBe("ContextLength")
        return
      }
      const kept = asked.messages
      expect((await count(asked)).tokens).toBeLessThanOrEqual(max)
      expect(kept[0]).toBe(messages[0])
      const rest = kept.slice(1)
      expect(rest).toEqual(messages.slice(messages.length - rest.length))
      expect(rest[0]?.role).toBe("user")
      // Nothing is answered that was not asked, and what went had asked for nothing that is answered here.
      const open = new Set<string>()
      for (const { content } of kept) {
        if (typeof content === "string") continue
        for (const part of content) {
          if (part.type === "tool-call") open.add(part.id)
          if (part.type === "tool-result") expect(open.has(part.id)).toBe(true)
        }
      }
      const dropped = Request.get(final, Tokens.trimmed)?.dropped ?? []
      const calls = dropped.flatMap(({ content }) => typeof content === "string" ? [] : content.filter(({ type }) => type === "tool-call"))
      const results = dropped.flatMap(({ content }) => typeof content === "string" ? [] : content.filter(({ type }) => type === "tool-result"))
      expect(calls.length).toBe(results.length)
    }), { numRuns: 150 })
  })

  it("of ten times the messages takes about ten times as long", () => {
    const long = Array.from({ length: 20_000 }, (_, index) => turn(index)).flat()
    const before = performance.now()
    const turns = Tokens.turnsOf(long)
    expect(surplus(turns, long.map(() => 1), { fixed: 0, keep: 1, max: 2 })).toBe(19_999)
    expect(performance.now() - before).toBeLessThan(1_000)
  })
})
