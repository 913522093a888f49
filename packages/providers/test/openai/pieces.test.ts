/**
 * The small tables behind an answer: usage, reasons to stop, tool calls in odd pieces, what is kept of unknown fields.
 *
 * @module
 */
import { Result } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { finishReason } from "../../src/wire/finish.ts"
import { usage } from "../../src/openai/usage.ts"
import { answer, chunk, decoded, parsed, sse } from "./support.ts"

describe("usage", () => {
  const numbers = (sent: object) => {
    const { inputTokens, outputTokens } = usage(sent as never)
    return [inputTokens, outputTokens]
  }

  it("of OpenAI holds thinking in the answer", () => {
    expect(numbers({
      prompt_tokens: 8,
      completion_tokens: 82,
      total_tokens: 90,
      prompt_tokens_details: { cached_tokens: 2, cache_write_tokens: 3 },
      completion_tokens_details: { reasoning_tokens: 64 }
    })).toStrictEqual([{ total: 8, uncached: 3, cacheRead: 2, cacheWrite: 3 }, { total: 82, text: 18, reasoning: 64 }])
  })

  it("of xAI holds it beside the answer, with the sum and without", () => {
    const details = { completion_tokens_details: { reasoning_tokens: 624 } }
    const expected = [{ total: 32 }, { total: 664, text: 40, reasoning: 624 }]
    expect(numbers({ prompt_tokens: 32, completion_tokens: 40, total_tokens: 696, ...details })).toStrictEqual(expected)
    expect(numbers({ prompt_tokens: 32, completion_tokens: 40, ...details })).toStrictEqual(expected)
  })

  it("of Gemini hides it in the sum, of Mistral hides sound there", () => {
    expect(numbers({ prompt_tokens: 35, completion_tokens: 12, total_tokens: 109 })).toStrictEqual([
      { total: 35 },
      { total: 74, text: 12, reasoning: 62 }
    ])
    const sound = { prompt_tokens_details: { audio_tokens: 375 } }
    expect(numbers({ prompt_tokens: 9, completion_tokens: 201, total_tokens: 585, ...sound })).toStrictEqual([
      { total: 384 },
      { total: 201 }
    ])
  })

  it("of embeddings may be the sum alone", () => {
    expect(numbers({ total_tokens: 12 })).toStrictEqual([{ total: 12 }, {}])
  })

  it("names cached tokens in several ways, and never more of them than there are", () => {
    const base = { prompt_tokens: 10, completion_tokens: 1, total_tokens: 11 }
    for (
      const cached of [
        { prompt_cache_hit_tokens: 4 },
        { num_cached_tokens: 4 },
        { cached_tokens: 4 },
        { prompt_tokens_details: { cached_tokens: 4 } }
      ]
    ) {
      expect(numbers({ ...base, ...cached })[0]).toStrictEqual({ total: 10, uncached: 6, cacheRead: 4 })
    }
    expect(numbers({ ...base, cached_tokens: 40 })[0]).toStrictEqual({ total: 10, uncached: 0, cacheRead: 10 })
  })

  it("that is not said is unknown, never zero", () => {
    expect(usage(undefined)).toStrictEqual({ inputTokens: {}, outputTokens: {} })
    expect(usage(null)).toStrictEqual({ inputTokens: {}, outputTokens: {} })
    expect(usage({})).toStrictEqual({ inputTokens: {}, outputTokens: {}, raw: {} })
    expect(numbers({ prompt_tokens: 3 })).toStrictEqual([{ total: 3 }, {}])
  })

  it("of a stream is the last that was said", () => {
    const sent = (completion: number) => ({
      prompt_tokens: 1,
      completion_tokens: completion,
      total_tokens: 1 + completion
    })
    const result = Result.fold(decoded([sse([
      chunk({ content: "a" }, {}, { usage: sent(1) }),
      chunk({ content: "b" }, { finish_reason: "stop" }, { usage: sent(2) }),
      chunk(undefined, {}, { usage: null }),
      chunk(undefined, {}, { x_groq: { id: "r", usage: null } })
    ])]))
    expect(result.usage).toStrictEqual({ inputTokens: { total: 1 }, outputTokens: { total: 2 }, raw: sent(2) })
  })
})

describe("a service's ways of its own", () => {
  it("usage inside a choice", () => {
    const sent = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }
    const result = Result.fold(decoded([sse([chunk({ content: "a" }, { finish_reason: "stop", usage: sent })])]))
    expect(result.usage.raw).toEqual(sent)
    expect(result.metadata).toBeUndefined()
  })

  it("an error beside the answer's own fields", () => {
    const last = decoded([
      sse([chunk({ content: "a" }), chunk({}, {}, { x_groq: { id: "r", error: "over capacity" } })])
    ]).at(-1)
    expect(last).toMatchObject({ type: "error", error: { reason: { _tag: "Server", message: "over capacity" } } })
  })

  it("an error that says nothing, and one without its own field", () => {
    for (const error of [null, "", false]) {
      expect(Result.text(parsed(answer({ content: "Hi" }, { error })))).toBe("Hi")
      expect(
        Result.text(Result.fold(decoded([sse([chunk({ content: "Hi" }, { finish_reason: "stop" }, { error })])])))
      ).toBe("Hi")
    }
    const last = decoded([sse([{ code: 429, message: "slow down" }])]).at(-1)
    expect(last).toMatchObject({ type: "error", error: { reason: { _tag: "RateLimit", message: "slow down" } } })
  })

  it("a time in ms, and none", () => {
    expect(parsed(answer({ content: "Hi" }, { created: 1_700_000_000_123 })).timestamp).toBe("2023-11-14T22:13:20.123Z")
    expect(parsed(answer({ content: "Hi" }, { created: 1_700_000_000.7 })).timestamp).toBe("2023-11-14T22:13:20.000Z")
    expect(parsed(answer({ content: "Hi" }, { created: "now" })).timestamp).toBeUndefined()
  })

  it("known fields of an unknown kind", () => {
    const odd = { reasoning: { steps: 3 }, content: { parts: ["x"] } }
    expect(parsed(answer(odd)).metadata).toEqual({ openai: { choice: odd } })
    expect(parsed(answer(odd)).content).toEqual([])
  })
})

describe("the reason to stop", () => {
  it.each([
    ["stop", "stop"],
    ["STOP", "stop"],
    ["eos", "stop"],
    ["end_turn", "stop"],
    ["length", "length"],
    ["model_length", "length"],
    ["tool_calls", "tool-calls"],
    ["function_call", "tool-calls"],
    ["content_filter", "content-filter"],
    ["sensitive", "content-filter"],
    ["error", "error"],
    ["insufficient_system_resource", "error"],
    ["something_new", "other"],
    ["__proto__", "other"],
    ["", "unknown"],
    [undefined, "unknown"]
  ])("%j is %j", (word, reason) => {
    expect(finishReason(word, false)).toBe(reason)
  })

  it("is a tool call where there is one, unless the service had another reason", () => {
    expect(finishReason("stop", true)).toBe("tool-calls")
    expect(finishReason("", true)).toBe("tool-calls")
    expect(finishReason(undefined, true)).toBe("tool-calls")
    expect(finishReason("length", true)).toBe("length")
    expect(finishReason("content_filter", true)).toBe("content-filter")
  })

  it("is the last one said, and an empty one takes nothing back", () => {
    const raw = (...reasons: ReadonlyArray<string | null>) =>
      Result.fold(
        decoded([sse(reasons.map((finish_reason) => chunk({ content: "a" }, { finish_reason })))])
      ).rawFinishReason
    expect(raw("tool_calls", "stop", null)).toBe("stop")
    expect(raw("stop", "")).toBe("stop")
    expect(raw("", "")).toBe("")
    expect(raw(null)).toBeUndefined()
  })

  it("that is empty in every event does not make a broken stream whole", () => {
    const parts = decoded([sse([chunk({ content: "a" }, { finish_reason: "" })], "")])
    expect(parts.at(-1)?.type).toBe("error")
  })

  it("must have come for every choice before a stream without [DONE] is whole", () => {
    const events = [chunk({ content: "a" }, { finish_reason: "stop" }), chunk({ content: "b" }, { index: 1 })]
    expect(decoded([sse(events, "")]).at(-1)?.type).toBe("error")
    expect(decoded([sse([...events, chunk({}, { index: 1, finish_reason: "stop" })], "")]).at(-1)?.type).toBe("finish")
  })
})

describe("tool calls", () => {
  const calls = (...pieces: ReadonlyArray<ReadonlyArray<object>>) =>
    Result.toolCalls(Result.fold(decoded([sse([
      ...pieces.map((tool_calls) => chunk({ tool_calls })),
      chunk({}, { finish_reason: "tool_calls" })
    ])]))).map(({ id, name, params }) => [id, name, params])

  it("keep together when a service repeats id and name with every piece, or sends them empty", () => {
    expect(calls(
      [{ index: 0, id: "a", function: { name: "f", arguments: "{\"x\"" } }],
      [{ index: 0, id: "a", function: { name: "f", arguments: ":" } }],
      [{ index: 0, id: "", function: { name: "f", arguments: "1" } }],
      [{ index: 0, id: "", function: { name: "", arguments: "}" } }]
    )).toEqual([["a", "f", { x: 1 }]])
  })

  it("keep together when each piece has an id of its own but no name", () => {
    expect(calls(
      [{ index: 0, id: "a", function: { name: "f", arguments: "{\"x\"" } }],
      [{ index: 0, id: "b", function: { arguments: ":1}" } }]
    )).toEqual([["a", "f", { x: 1 }]])
  })

  it("may leave out the index", () => {
    expect(calls(
      [{ id: "a", function: { name: "f", arguments: "{\"x\":" } }],
      [{ function: { arguments: "1}" } }],
      [{ id: "b", function: { name: "f", arguments: "{" } }],
      [{ id: "b", function: { arguments: "}" } }]
    )).toEqual([["a", "f", { x: 1 }], ["b", "f", {}]])
  })

  it("may bring their arguments as an object, and fields of their own", () => {
    const [call] = Result.toolCalls(parsed(answer({
      tool_calls: [
        { id: "a", type: "function", function: { name: "f", arguments: { x: 1 } }, score: 0.5, nothing: null }
      ]
    })))
    expect(call).toStrictEqual({
      type: "tool-call",
      id: "a",
      name: "f",
      params: { x: 1 },
      metadata: { openai: { response: { score: 0.5 } } }
    })
  })

  it("carry what must go back with the message only once", () => {
    const result = parsed(answer({
      extra_content: { google: { thought_signature: "s" } },
      tool_calls: [
        { id: "a", function: { name: "f", arguments: "{}" } },
        { id: "b", function: { name: "f", arguments: "{}" } }
      ]
    }))
    expect(result.content.map((part) => part.metadata)).toEqual([
      { openai: { message: { extra_content: { google: { thought_signature: "s" } } } } },
      undefined
    ])
    expect(result.metadata).toBeUndefined()
  })

  it("that the service ran are each called once and answered once", () => {
    const tool = (more: object) => chunk({ executed_tools: [{ index: 0, type: "search", arguments: "{}", ...more }] })
    const parts = decoded([
      sse([tool({}), tool({ output: "a" }), tool({ output: "a" }), chunk({}, { finish_reason: "stop" })])
    ])
    expect(parts.filter((part) => part.type === "tool-call").length).toBe(1)
    expect(parts.filter((part) => part.type === "tool-result").length).toBe(1)
    // The arguments may still be on their way when the call is first heard of.
    const slow = decoded([sse([
      tool({ arguments: "" }),
      tool({ arguments: "{\"q\":1}", output: "a" }),
      chunk({}, { finish_reason: "stop" })
    ])])
    expect(slow.find((part) => part.type === "tool-call")).toMatchObject({ params: { q: 1 } })
    const never = decoded([sse([tool({}), chunk({ content: "x" }, { finish_reason: "stop" })])])
    expect(never.filter((part) => part.type === "tool-call").length).toBe(1)
    expect(never.filter((part) => part.type === "tool-result").length).toBe(0)
    expect(never.at(-1)).toMatchObject({ type: "finish", reason: "stop" })
  })
})

describe("text", () => {
  it("that a service repeats in another field is read once", () => {
    const together = decoded([sse([chunk({ content: "Hi" }, { text: "Hi", finish_reason: "eos" })])])
    expect(Result.text(Result.fold(together))).toBe("Hi")
    const perplexity = decoded([sse([
      chunk({ content: "Hi" }),
      { ...chunk(undefined), choices: [{ index: 0, message: { content: "Hi" }, finish_reason: "stop" }] }
    ])])
    expect(Result.text(Result.fold(perplexity))).toBe("Hi")
    // One that sends nothing but the message in its only event is heard all the same.
    const only = decoded([
      sse([{ ...chunk(undefined), choices: [{ index: 0, message: { content: "Hi" }, finish_reason: "stop" }] }])
    ])
    expect(Result.text(Result.fold(only))).toBe("Hi")
  })

  it("and thinking that take turns stay in their order", () => {
    const result = Result.fold(decoded([sse([
      chunk({ reasoning: "a" }),
      chunk({ content: "b" }),
      chunk({ reasoning: "c" }),
      chunk({ content: "d" }, { finish_reason: "stop" })
    ])]))
    expect(result.content).toEqual([
      { type: "reasoning", text: "a" },
      { type: "text", text: "b" },
      { type: "reasoning", text: "c" },
      { type: "text", text: "d" }
    ])
  })

  it("is not cut in two by details of thinking that come late", () => {
    const encrypted = { type: "reasoning.encrypted", data: "AAAA", index: 0 }
    const result = Result.fold(decoded([sse([
      chunk({ content: "a" }),
      chunk({ content: "", reasoning_details: [encrypted] }),
      chunk({ content: "b" }, { finish_reason: "stop" })
    ])], "openrouter"))
    expect(result.content).toEqual([
      { type: "text", text: "ab" },
      { type: "reasoning", text: "", metadata: { openrouter: { reasoning_details: [encrypted] } } }
    ])
  })
})
