import { type Message as AnyMessage, Message, Pipeline, Plug, Request, type Tool } from "@plugline/core"
import { Identity, PromptCache } from "@plugline/plugs"
import { Arbitrary, Laws, Mock } from "@plugline/testing"
import { Effect } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"

const long = "The quick brown fox jumps over the lazy dog. ".repeat(400)
const rules = Message.system(long)
const tools: ReadonlyArray<Tool> = [
  { name: "b", description: long, parameters: { type: "object", properties: {} } },
  { name: "a", description: "short" }
]
const claude = (init: Partial<Parameters<typeof Request.make>[0]>): Request =>
  Request.make({ provider: "anthropic", messages: "Hi", ...init, options: { model: "claude-sonnet-4-5", ...init.options } })

const mark = { cache_control: { type: "ephemeral" } }
/** Which messages are marked, and which tools. */
const marksOf = ({ messages, options, provider }: Request) => ({
  messages: messages.flatMap((message, index) => message.options?.[provider] === undefined ? [] : [index]),
  tools: (options.tools ?? []).flatMap((tool, index) => tool.type !== "provider" && tool.options?.[provider] !== undefined ? [index] : [])
})
const marked = (init: Partial<Parameters<typeof Request.make>[0]>, settings: Parameters<typeof PromptCache.prepare>[1] = {}) =>
  marksOf(PromptCache.prepare(claude(init), settings).request)

const call = (id: string): AnyMessage => ({ role: "assistant", content: [{ type: "tool-call", id, name: "a", params: {} }] })
const result = (id: string): AnyMessage => Message.toolResult({ id, name: "a" }, "done")

describe("laws", () => {
  for (const [name, options] of Object.entries({ usual: {}, eager: { minTokens: 0, ttl: "1h", sortTools: true, ways: { mock: "cache_control" } } as const })) {
    for (const law of Laws.plug(PromptCache.plug(options), { numRuns: 20 })) it(`${name}: ${law.law}`, law.check)
  }

  it("hands back what it was handed, and hands on no mark twice", () =>
    fc.assert(fc.property(Arbitrary.pending({ operations: ["chat"] }), (given) => {
      const request = Request.withProvider(given, "anthropic")
      const line = [PromptCache.plug({ minTokens: 0, sortTools: true }), Mock.make(["Hi"]).plug]
      const final = Effect.runSync(Pipeline.run(line, request))
      expect(final.messages).toBe(request.messages)
      expect(final.options).toEqual(request.options)
      const once = PromptCache.prepare(request, { minTokens: 0 }).request
      if (marksOf(once).messages.length > 0) expect(PromptCache.prepare(once, { minTokens: 0 })).toEqual({ request: once, marks: 0 })
    }), { numRuns: 200 }))
})

describe("marks", () => {
  it("the last tool and the last rule, where they are long", () => {
    expect(marked({ messages: [rules, Message.system("more"), Message.user("Hi")], options: { tools } })).toEqual({ messages: [1], tools: [1] })
    expect(marked({ messages: [Message.system("short"), Message.user("Hi")] })).toEqual({ messages: [], tools: [] })
    expect(marked({ messages: [Message.system("short"), Message.user("Hi")], options: { tools } })).toEqual({ messages: [0], tools: [1] })
    expect(marked({ messages: [rules, Message.system(" "), Message.user("Hi")] }).messages).toEqual([0])
    expect(PromptCache.prepare(claude({ messages: [rules, Message.user("Hi")] })).request.messages[0]!.options).toEqual({ anthropic: mark })
  })

  it("of a conversation what comes before the newest question, which may never come again", () => {
    const talk = [Message.user(long), Message.assistant("yes"), Message.user("and?")]
    expect(marked({ messages: talk.slice(0, 1) }).messages).toEqual([])
    expect(marked({ messages: talk }).messages).toEqual([1])
    expect(marked({ messages: [rules, ...talk] }).messages).toEqual([0, 2])
  })

  it("of a run of tools all of it, for the model goes on from there", () => {
    expect(marked({ messages: [Message.user(long), call("1"), result("1")] }).messages).toEqual([2])
    expect(marked({ messages: [Message.user(long), call("1"), result("1"), call("2"), result("2")] }).messages).toEqual([4])
  })

  it("the place before, too, where a service would not look back so far", () => {
    const flat: AnyMessage = { role: "tool", content: Array.from({ length: 20 }, (_, index) => ({ type: "tool-result" as const, id: `${index}`, name: "a", result: "", isFailure: false })) }
    expect(marked({ messages: [rules, Message.user("go"), call("x"), result("x"), call("y"), flat] }).messages).toEqual([0, 3, 5])
    expect(marked({ messages: [rules, Message.user("go"), call("x"), result("x"), call("y"), result("y")] }).messages).toEqual([0, 5])
  })

  it("from the length on that the model caches, or that is asked for", () => {
    const messages = [Message.system("word ".repeat(1_600)), Message.user("Hi")]
    const by = (model: string, settings = {}) => PromptCache.prepare(claude({ messages, options: { model } }), settings).marks
    expect([by("claude-sonnet-4-5"), by("claude-opus-4-5"), by("claude-haiku-4-5"), by("claude-3-5-haiku-latest")]).toEqual([1, 0, 0, 0])
    expect([by("claude-opus-4-5", { minTokens: 10 }), by("claude-sonnet-4-5", { minTokens: 100_000 })]).toEqual([1, 0])
    expect(["claude-opus-5", "claude-opus-4-7", "claude-opus-4-6", "claude-sonnet-4-6", "claude-3-haiku-20240307"].map((model) =>
      PromptCache.serviceOf("anthropic", model).minTokens)).toEqual([512, 2_048, 4_096, 1_024, 2_048])
  })

  it("for an hour, where the model can", () => {
    const own = (provider: string, model: string) =>
      PromptCache.prepare(Request.make({ provider, messages: [rules, Message.user("Hi")], options: { model } }), { ttl: "1h", minTokens: 100 }).request.messages[0]!.options?.[provider]
    expect(own("anthropic", "claude-sonnet-4-5")).toEqual({ cache_control: { type: "ephemeral", ttl: "1h" } })
    expect(own("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0")).toEqual({ cachePoint: { type: "default", ttl: "1h" } })
    expect(own("bedrock", "us.anthropic.claude-3-7-sonnet-20250219-v1:0")).toEqual({ cachePoint: { type: "default" } })
    expect(own("bedrock", "amazon.nova-pro-v1:0")).toEqual({ cachePoint: { type: "default" } })
    expect(own("vertex", "claude-sonnet-4-5")).toEqual({ cache_control: { type: "ephemeral", ttl: "1h" } })
  })

  it("nothing where a mark would be refused or is not known", () => {
    const marks = (provider: string, model: string, settings = {}) =>
      PromptCache.prepare(Request.make({ provider, messages: [rules, Message.user("Hi")], options: { model, tools } }), { minTokens: 0, ...settings }).marks
    expect(marks("bedrock", "meta.llama3-1-70b-instruct-v1:0")).toBe(0)
    expect(marks("bedrock", "anthropic.claude-3-haiku-20240307-v1:0")).toBe(0)
    expect(marks("bedrock", "amazon.nova-pro-v1:0")).toBe(1)
    expect(marks("vertex", "gemini-2.5-pro")).toBe(0)
    expect(marks("google", "gemini-2.5-pro")).toBe(0)
    expect(marks("somebody", "claude")).toBe(0)
    expect(marks("somebody", "claude", { ways: { somebody: "cache_control" } })).toBe(2)
    expect(marks("anthropic", "claude-sonnet-4-5", { ways: { anthropic: "none" } })).toBe(0)
    expect(PromptCache.prepare(Request.make({ provider: "anthropic", operation: "embeddings", messages: long }), { minTokens: 0 }).marks).toBe(0)
  })

  it("nothing where the caller has marked something", () => {
    const own = { options: { anthropic: mark } }
    for (const init of [
      { messages: [{ ...rules, ...own }, Message.user("Hi")] },
      { messages: [rules, { role: "user" as const, content: [{ type: "text" as const, text: "Hi", ...own }] }] },
      { messages: [rules], options: { tools: [{ name: "a", ...own }] } },
      { messages: [rules], options: { providerOptions: { anthropic: mark } } },
      { messages: [rules], options: { tools: [{ type: "provider" as const, id: "anthropic.bash", args: mark }] } }
    ]) {
      const request = claude(init)
      expect(PromptCache.prepare(request, { minTokens: 0 })).toEqual({ request, marks: 0 })
    }
  })

  it("puts tools in the order of their names, if asked", () => {
    const names = (settings: object) => PromptCache.prepare(claude({ options: { tools: [...tools, { type: "provider", id: "anthropic.bash" }] } }), settings).request.options.tools!
      .map((tool) => tool.type === "provider" ? tool.id : tool.name)
    expect(names({ sortTools: true })).toEqual(["a", "anthropic.bash", "b"])
    expect(names({})).toEqual(["b", "a", "anthropic.bash"])
    expect(marked({ messages: [rules, Message.user("Hi")], options: { tools: [...tools, { type: "provider", id: "anthropic.bash" }] } }).tools).toEqual([1])
  })
})

describe("a key", () => {
  const keyOf = (init: Partial<Parameters<typeof Request.make>[0]>, who: Identity.Identity = {}) =>
    PromptCache.prepare(Identity.as(Request.make({ provider: "openai", messages: [rules, Message.user("Hi")], options: { model: "gpt-4o" }, ...init }), who)).request
      .options.providerOptions?.openai?.prompt_cache_key

  it("is the same for the same beginning and tenant, and for no others", () => {
    const key = keyOf({})
    expect(key).toMatch(/^[0-9a-f]{32}$/)
    expect(keyOf({ messages: [rules, Message.user("something else")] })).toBe(key)
    expect(keyOf({ messages: [Message.system(`${long}!`), Message.user("Hi")] })).not.toBe(key)
    expect(keyOf({}, { tenant: "acme" })).not.toBe(key)
    expect(keyOf({ options: { model: "gpt-4o", providerOptions: { openai: { prompt_cache_key: "mine", store: true } } } })).toBe("mine")
    expect(keyOf({ messages: "Hi" })).toBeUndefined()
  })
})

describe("reports", () => {
  const reportOf = async (inputTokens: object, as: "whole" | "stream") => {
    const usage = { inputTokens, outputTokens: {} }
    const mock = Mock.make([Mock.text("Hi", { usage, as })])
    const final = await Effect.runPromise(Pipeline.run([PromptCache.plug(), mock.plug], claude({ operation: "stream", messages: [rules, Message.user("Hi")] })))
    expect(final.metadata.promptCache).toEqual(PromptCache.of(final))
    return PromptCache.of(final)
  }

  it.each(["whole", "stream"] as const)("what the provider's cache did, of a %s reply", async (as) => {
    expect(await reportOf({ total: 300, cacheRead: 200, cacheWrite: 50 }, as)).toEqual({ status: "hit", marks: 1, read: 200, written: 50, total: 300, share: 0.667 })
    expect(await reportOf({ total: 300, cacheRead: 0, cacheWrite: 250 }, as)).toEqual({ status: "written", marks: 1, read: 0, written: 250, total: 300, share: 0 })
    expect(await reportOf({ total: 300, cacheRead: 0 }, as)).toEqual({ status: "missed", marks: 1, read: 0, total: 300, share: 0 })
    expect(await reportOf({}, as)).toEqual({ status: "unknown", marks: 1 })
  })

  it("nothing of a call that failed; and keeps what plugs behind it changed", async () => {
    const failed = await Effect.runPromise(Pipeline.run([PromptCache.plug(), Mock.make([Mock.fail({ _tag: "Server", message: "no" })]).plug], claude({})))
    expect(PromptCache.of(failed)).toBeUndefined()
    const change = Plug.make("change", (request) => Request.mapMessages(request, () => "changed").pipe(Request.mergeOptions({ temperature: 1 })))
    const final = await Effect.runPromise(Pipeline.run([PromptCache.plug({ minTokens: 0 }), change, Mock.make(["Hi"]).plug], claude({ messages: [rules, Message.user("Hi")] })))
    expect(Message.text(final.messages)).toBe("changed")
    expect(final.options.temperature).toBe(1)
  })

  it("refuses options that do not fit", async () => {
    for (const options of [{ ttl: "2h" }, { minTokens: -1 }, { ways: { x: "no" } }, { tll: "1h" }]) {
      await expect(Effect.runPromise(Pipeline.run([PromptCache.plug(options as never)], claude({})))).rejects.toThrow(/option/)
    }
  })
})
