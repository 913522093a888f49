import { Message, Request } from "@plugline/core"
import { Replay } from "@plugline/testing"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { PlugNode } from "../../src/api.ts"
import { editable, editsOf, forkOf, isIdle, lineOf, moved, placesOf, sameLine } from "../../src/page/views/trace/replay/edits.ts"
import { added, bodyOf, empty, open, type Settings, type Turn } from "../../src/page/views/playground/chat.ts"

const request = Request.make({
  id: "req_1",
  provider: "openai",
  messages: [Message.system("Be brief."), Message.user("Hi")],
  options: { model: "gpt-5", temperature: 1, stop: ["x"] }
})

describe("edits", () => {
  it("are the least that lead from one request to the other", () => {
    const before = editable(Request.toJson(request), false)
    const after = JSON.parse(JSON.stringify(before)) as {
      options: { temperature?: number; seed?: number }
      messages: Array<{ content: unknown }>
    }
    after.messages[0]!.content = "Be kind."
    after.options.seed = 7
    delete after.options.temperature
    expect(editsOf(before, after as never)).toEqual({
      set: [
        { path: "messages[0].content", value: "Be kind." },
        { path: "options.seed", value: 7 }
      ],
      unset: ["options.temperature"]
    })
  })

  it("are taken by a fork, and lead to what was typed", () => {
    const options = fc.record(
      {
        temperature: fc.integer({ min: 0, max: 2 }),
        stop: fc.array(fc.string({ maxLength: 3 }), { maxLength: 3 }),
        seed: fc.nat()
      },
      { requiredKeys: [] }
    )
    const texts = fc.array(fc.record({ role: fc.constantFrom("user", "assistant"), content: fc.string() }), {
      minLength: 1,
      maxLength: 4
    })
    fc.assert(
      fc.property(options, texts, (options, messages) => {
        const before = editable(Request.toJson(request), false)
        const after = { ...before, options: { model: "gpt-5", ...options }, messages: Message.from(messages as never) } as never
        const edited = Replay.edit(request, editsOf(before, after))
        expect(editable(Request.toJson(edited), false)).toEqual(JSON.parse(JSON.stringify(after)))
      }),
      { numRuns: 60 }
    )
  })

  it("are none where nothing was changed, and such a fork is idle", () => {
    const before = editable(Request.toJson(request), false)
    const edits = editsOf(before, before)
    expect(edits).toEqual({ set: [], unset: [] })
    const idle = { at: undefined, edits, options: [], line: undefined, upstream: "recorded" } as const
    expect(isIdle(forkOf(idle))).toBe(true)
    expect(isIdle(forkOf({ ...idle, upstream: "live" }))).toBe(false)
    expect(isIdle(forkOf({ ...idle, line: [] }))).toBe(false)
  })

  it("of a live run are those of the question alone", () => {
    const answered = { ...Request.toJson(request), metadata: { a: 1 }, assigns: { b: 2 }, config: { api: "chat" } }
    expect(Object.keys(editable(answered, false))).toEqual([
      "provider",
      "operation",
      "messages",
      "options",
      "config",
      "assigns",
      "metadata"
    ])
    expect(Object.keys(editable(answered, true))).toEqual(["provider", "messages", "options", "metadata"])
  })
})

describe("a line", () => {
  const plug = (name: string, children: PlugNode["children"] = {}): PlugNode => ({ name, level: 0, options: { a: 1 }, children })
  const line = lineOf(
    [plug("metrics"), plug("retry"), plug("ask")],
    [
      { name: "metrics", says: "" },
      { name: "retry", says: "" }
    ]
  )

  it("holds the shipped plugs of the recorded one", () => {
    expect(line.map(({ name }) => name)).toEqual(["metrics", "retry"])
  })

  it("is put in another order, up to its ends", () => {
    expect(moved(line, 1, -1).map(({ name }) => name)).toEqual(["retry", "metrics"])
    expect(moved(line, 1, 1)).toBe(line)
    expect([sameLine(line, [...line]), sameLine(line, moved(line, 1, -1))]).toEqual([true, false])
  })

  it("names the places of plugs as the walk does", () => {
    expect(placesOf([plug("a"), plug("b", { yes: [plug("c")] })]).map(({ path }) => path)).toEqual(["0", "1", "1.yes.0"])
  })
})

describe("the playground", () => {
  const settings: Settings = {
    pipeline: "default",
    model: " gpt-5-mini ",
    system: "",
    temperature: "",
    maxTokens: "",
    stream: true,
    tools: "",
    schema: ""
  }
  const chunk = (delta: object, more: object = {}) => ({ choices: [{ index: 0, delta, finish_reason: null }], ...more })

  it("says what is set and nothing else", () => {
    expect(bodyOf(settings, [{ role: "user", text: "Hi" }])).toEqual({
      model: "gpt-5-mini",
      messages: [{ role: "user", content: "Hi" }],
      stream: true,
      stream_options: { include_usage: true }
    })
    expect(() => bodyOf({ ...settings, temperature: "warm" }, [])).toThrow("Temperature must be a number")
    expect(() => bodyOf({ ...settings, tools: "{" }, [])).toThrow("The list of tools is not JSON")
    expect(() => bodyOf({ ...settings, tools: "{}" }, [])).toThrow("must be a list")
  })

  it("gathers text, calls of tools and usage from the pieces of a stream", () => {
    const pieces = [
      chunk({ role: "assistant", content: "" }, { model: "gpt-5-mini" }),
      chunk({ content: "Let me " }),
      chunk({ content: "look." }),
      chunk({ tool_calls: [{ index: 0, id: "call_1", function: { name: "weather", arguments: "" } }] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: '"Rome"}' } }] }),
      { choices: [], usage: { prompt_tokens: 9, completion_tokens: 4 } }
    ]
    const answer = pieces.reduce(added, empty)
    expect(answer.text).toBe("Let me look.")
    expect(answer.calls).toEqual([{ id: "call_1", name: "weather", arguments: '{"city":"Rome"}' }])
    expect(answer.about).toEqual({ model: "gpt-5-mini", inputTokens: 9, outputTokens: 4 })
    const turns: ReadonlyArray<Turn> = [{ role: "user", text: "?" }, answer]
    expect(open(turns)).toEqual(answer.calls)
    const told: ReadonlyArray<Turn> = [...turns, { role: "tool", text: "21", call: answer.calls[0]! }]
    expect(open(told)).toEqual([])
    expect(bodyOf(settings, told).messages).toEqual([
      { role: "user", content: "?" },
      {
        role: "assistant",
        content: "Let me look.",
        tool_calls: [{ id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Rome"}' } }]
      },
      { role: "tool", tool_call_id: "call_1", content: "21" }
    ])
  })

  it("shows an error in the middle of a stream", () => {
    expect(added(empty, { error: { message: "overloaded" } }).about.error).toBe("overloaded")
  })
})
