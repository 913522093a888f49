/**
 * What clients of chat completions look at, field by field: words, usage, lists, errors, and what stays apart.
 *
 * @module
 */
import { type ChatResult, LlmError, Part, type Parts, Result, type Usage } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { encodeModel, openai } from "../../../src/dialects/openai/index.ts"
import { call, decoded, events, failures, type Loose, objects, parsed, request, written } from "../exchange.ts"

const usage: Usage = { inputTokens: { total: 12, cacheRead: 5, uncached: 7 }, outputTokens: { total: 9, reasoning: 4, text: 5 } }
const answer = (init: Partial<ChatResult> = {}): ChatResult =>
  ({ type: "chat", content: [{ type: "text", text: "Hi" }], finishReason: "stop", usage, ...init })
const body = (init: Partial<ChatResult> = {}, asked = {}, more = {}): Loose => openai.encode(answer(init), call({ asked, ...more }))
const chunks = (parts: Parts, asked = {}, more = {}) => objects(written(openai, parts, call({ asked, ...more }), [1]))
const hi: Parts = [
  { type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: "Hi" }, { type: "text-end", id: "0" }
]
const finish: Part = { type: "finish", reason: "stop", usage }

describe("a whole answer", () => {
  it("has every field that clients expect", () => {
    expect(body()).toEqual({
      id: "gw-1",
      object: "chat.completion",
      created: 1_700_000_123,
      model: "asked",
      choices: [{ index: 0, message: { role: "assistant", content: "Hi", refusal: null }, logprobs: null, finish_reason: "stop" }],
      usage: {
        prompt_tokens: 12,
        completion_tokens: 9,
        total_tokens: 21,
        prompt_tokens_details: { cached_tokens: 5 },
        completion_tokens_details: { reasoning_tokens: 4 }
      }
    })
  })

  it.each([
    ["stop", "end_turn", "stop"], ["length", "max_tokens", "length"], ["tool-calls", "tool_use", "tool_calls"],
    ["content-filter", "refusal", "content_filter"], ["error", undefined, "error"], ["pause", "pause_turn", "stop"],
    ["other", "what", "stop"], ["unknown", undefined, "stop"]
  ] as const)("says of %s (%s) %s", (finishReason, rawFinishReason, word) => {
    const said = body({ finishReason, ...(rawFinishReason !== undefined && { rawFinishReason }) })
    expect(said.choices[0].finish_reason).toBe(word)
    const ended = chunks([...hi, { ...finish, reason: finishReason, ...(rawFinishReason !== undefined && { rawReason: rawFinishReason }) }])
    expect(ended.at(-1)!.choices[0].finish_reason).toBe(word)
  })

  it("repeats the word of a service that speaks the same", () => {
    expect(body({ rawFinishReason: "eos" }, {}, { provider: "together" }).choices[0].finish_reason).toBe("eos")
  })

  it("answers functions of old with one", () => {
    const content = [{ type: "tool-call", id: "a", name: "f", params: { x: 1 } }] as const
    const asked = { functions: [{ name: "f" }] }
    const [choice] = body({ content, finishReason: "tool-calls" }, asked).choices
    expect(choice).toMatchObject({ finish_reason: "function_call", message: { function_call: { name: "f", arguments: "{\"x\":1}" } } })
    expect(choice.message.tool_calls).toBeUndefined()
    const parts = [...Result.parts(answer({ content, finishReason: "tool-calls" }))]
    const deltas = chunks(parts, asked).map(({ choices }) => choices[0]?.delta.function_call).filter(Boolean)
    expect(deltas).toEqual([{ name: "f", arguments: "" }, { arguments: "{\"x\":1}" }])
  })

  it("counts anew what a service counts otherwise, and says nothing of usage nobody knows", () => {
    const raw = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 115, cost: 3, completion_tokens_details: { reasoning_tokens: 100 } }
    const counted = body({ usage: { inputTokens: { total: 10 }, outputTokens: { total: 105, reasoning: 100, text: 5 }, raw } })
    expect(counted.usage).toEqual({ ...raw, completion_tokens: 105 })
    expect(body({ usage: Part.unknownUsage })).not.toHaveProperty("usage")
    expect(body({ usage: { inputTokens: {}, outputTokens: { total: 3 } } }).usage)
      .toEqual({ prompt_tokens: 0, completion_tokens: 3, total_tokens: 3 })
    const foreign = { input_tokens: 12, output_tokens: 9 }
    expect(body({ usage: { ...usage, raw: foreign } }).usage).not.toHaveProperty("input_tokens")
  })

  it("keeps what the service alone says, and not what it says by its other interface", () => {
    const said = body({
      metadata: { openai: { service_tier: "flex", system_fingerprint: "fp", incomplete_details: {}, choice: { x: 1 } }, other: { y: 1 } },
      content: [{ type: "text", text: "Hi", metadata: { openai: { logprobs: [{ token: "Hi" }], item: { id: "msg_1" } } } }]
    })
    expect(said).toMatchObject({ service_tier: "flex", system_fingerprint: "fp", choices: [{ x: 1, logprobs: { content: [{ token: "Hi" }] } }] })
    expect(JSON.stringify(said)).not.toMatch(/incomplete_details|msg_1|"y"/)
    const item = { type: "raw", provider: "openai", value: { type: "web_search_call", id: "ws" } } as const
    expect(body({ content: [item] }).choices[0].message).toEqual({ role: "assistant", content: "", refusal: null })
  })

  it("writes the continuation of a text as one", () => {
    const said = body({ type: "completion", choices: [{ index: 1, content: [{ type: "text", text: "Ho" }], finishReason: "length" }] })
    expect(said).toMatchObject({
      object: "text_completion",
      choices: [{ index: 0, text: "Hi", logprobs: null, finish_reason: "stop" }, { index: 1, text: "Ho", finish_reason: "length" }]
    })
  })
})

describe("a stream", () => {
  it("says usage once and only where it was asked for", () => {
    const with_ = chunks([...hi, finish], { stream_options: { include_usage: true } })
    expect(with_.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 12, completion_tokens: 9 } })
    expect(chunks([...hi, finish]).some((chunk) => chunk.usage !== undefined)).toBe(false)
    expect(chunks([...hi, { ...finish, usage: Part.unknownUsage }], { stream_options: { include_usage: true } })
      .some((chunk) => chunk.usage !== undefined)).toBe(false)
  })

  it("writes a call of which only the whole is known, and one that a plug cut", () => {
    const inserted: Part = { type: "tool-call", id: "a", name: "f", params: { x: 1 } }
    const deltas = chunks([inserted, finish]).flatMap(({ choices }) => choices[0].delta.tool_calls ?? [])
    expect(deltas).toEqual([{ index: 0, id: "a", type: "function", function: { name: "f", arguments: "{\"x\":1}" } }])
    const silent = chunks([{ type: "tool-params-start", id: "a", name: "f" }, inserted, finish])
      .flatMap(({ choices }) => choices[0].delta.tool_calls ?? [])
    expect(silent.map((piece: Loose) => piece.function.arguments).join("")).toBe("{\"x\":1}")
  })

  it("writes the free text of a custom tool, whole", () => {
    const asked = { tools: [{ type: "custom", custom: { name: "sql" } }] }
    const parts: Parts = [
      { type: "tool-params-start", id: "a", name: "sql" },
      { type: "tool-params-delta", id: "a", delta: "\"SEL" },
      { type: "tool-call", id: "a", name: "sql", params: "SELECT" },
      finish
    ]
    expect(chunks(parts, asked).flatMap(({ choices }) => choices[0].delta.tool_calls ?? [])).toEqual([
      { index: 0, id: "a", type: "custom", custom: { name: "sql", input: "" } }, { index: 0, custom: { input: "SELECT" } }
    ])
  })

  it("knows who answers, also where that is said late", () => {
    const who: Part = { type: "response-metadata", id: "r", modelId: "m-1", timestamp: "2025-01-01T00:00:00.000Z" }
    expect(chunks([{ type: "response-metadata", id: "r" }, who, ...hi, finish])[0])
      .toMatchObject({ id: "r", model: "m-1", created: 1_735_689_600 })
    expect(new Set(chunks([...hi, who, finish]).map(({ id, model }) => `${id} ${model}`)).size).toBe(1)
  })

  it("cannot be forged by what a model says", () => {
    const evil = "\r\n\r\ndata: [DONE]\n\nevent: error\u2028data: {}\u0085\u2029"
    const parts: Parts = [
      { type: "response-metadata", id: evil, modelId: evil },
      { type: "text-delta", id: "0", delta: evil },
      { type: "tool-params-start", id: evil, name: evil },
      { type: "tool-params-delta", id: evil, delta: evil },
      { type: "tool-call", id: evil, name: evil, params: evil },
      { type: "finish", reason: "stop", rawReason: evil, usage, metadata: { openai: { [evil]: evil } } }
    ]
    const text = written(openai, parts, call({ provider: "openai" }))
    expect(text).not.toMatch(/[\r\u0085\u2028\u2029]/)
    expect(events(text).filter(({ data }) => data === "[DONE]").length).toBe(1)
    expect(chunks(parts)[1]!.choices[0].delta.content).toBe(evil)
  })

  it("ends a choice of which nothing is known", () => {
    const ended = chunks([...hi, { type: "text-delta", id: "1", delta: "x", choice: 2 }, { ...finish, choices: [{ index: 1, reason: "length" }] }])
      .flatMap(({ choices }) => choices).filter((choice: Loose) => choice.finish_reason !== null)
    expect(ended.map(({ finish_reason: reason, index }: Loose) => [index, reason])).toEqual([[0, "stop"], [1, "length"], [2, "stop"]])
  })

  it("of a text goes on in its own chunks", () => {
    const text = written(openai, [...hi, finish], call({ operation: "completion" }))
    expect(objects(text)).toMatchObject([
      { object: "text_completion", choices: [{ index: 0, text: "Hi", logprobs: null, finish_reason: null }] },
      { choices: [{ text: "", finish_reason: "stop" }] }
    ])
    const read = decoded(openai.wires.completion!, text, request("openai", "completion"))
    expect(Result.text(Result.fold(read))).toBe("Hi")
  })

  it("breaks off with the error alone", () => {
    for (const error of failures) {
      const encoder = openai.encoder(call())
      const text = encoder.push([...hi, Part.error(error)])
      expect(JSON.parse(events(text).at(-1)!.data)).toEqual({ error: expect.objectContaining({ message: error.reason.message }) })
      expect(text).not.toContain("[DONE]")
      expect(encoder.push([finish])).toBe("")
      const last = decoded(openai.wires.stream!, text, request("openai", "stream")).at(-1)!
      expect(last.type).toBe("error")
    }
  })
})

describe("an error", () => {
  const tags = ["Authentication", "Permission", "NotFound", "InvalidRequest", "ContextLength", "ContentPolicy", "RateLimit", "Quota", "Overloaded",
    "Timeout", "Server"]
  const statuses: { readonly [tag: string]: number } = {
    Authentication: 401, Permission: 403, NotFound: 404, RateLimit: 429, Quota: 429, Overloaded: 503, Timeout: 504, Server: 500
  }

  it.each(tags)("%s is read as what it is", (tag) => {
    const error = failures.find(({ reason }) => reason._tag === tag)!
    const status = statuses[tag] ?? 400
    const said = openai.encodeError(error, status, { id: "gw-1" })
    expect(said).toEqual({ error: { message: `why ${tag}`, type: expect.any(String), param: null, code: (said.error as Loose).code } })
    const read = openai.wires.chat!.reason({ status, headers: {}, body: JSON.stringify(said) }, request("openai", "chat"))
    expect(read.reason._tag).toBe(tag)
  })

  it("names the field, repeats what OpenAI said, and shows no key", () => {
    const field = LlmError.make({ _tag: "InvalidRequest", message: "bad sk-abcdefghijklmnopqrstuvwxyz012345", parameter: "messages[0]" })
    expect(openai.encodeError(field, 400, { id: "" })).toMatchObject({ error: { param: "messages[0]", type: "invalid_request_error" } })
    expect(JSON.stringify(openai.encodeError(field, 400, { id: "" }))).not.toContain("abcdefghijklmnop")
    const own = LlmError.make(
      { _tag: "RateLimit", message: "slow", raw: { error: { message: "slow", type: "tokens", code: "rate_limit_exceeded" } } },
      { provider: "openai" }
    )
    expect(openai.encodeError(own, 429, { id: "" })).toMatchObject({ error: { type: "tokens", code: "rate_limit_exceeded" } })
  })
})

describe("lists", () => {
  it("are vectors as numbers, or in base64 where the client asked for it", () => {
    const result: Result = { type: "embeddings", embeddings: [[0.5, -1], [0.25, 3]], usage: { inputTokens: { total: 4 }, outputTokens: {} } }
    const plain: Loose = openai.encode(result, call({ operation: "embeddings" }))
    expect(plain).toMatchObject({ object: "list", model: "asked", usage: { prompt_tokens: 4, total_tokens: 4 } })
    expect(plain.data[1]).toEqual({ object: "embedding", index: 1, embedding: [0.25, 3] })
    const packed = openai.encode(result, call({ asked: { encoding_format: "base64" } })) as Loose
    expect(packed.data[0].embedding).toBe(Buffer.from(new Float32Array([0.5, -1]).buffer).toString("base64"))
    const read = parsed(openai.wires.embeddings!, packed, request("openai", "embeddings", ["a", "b"]))
    expect(read).toMatchObject({ embeddings: [[0.5, -1], [0.25, 3]] })
  })

  it("are models", () => {
    const models = [{ id: "m", ownedBy: "us", created: "2025-01-01T00:00:00.000Z", contextWindow: 8 }, { id: "n" }]
    expect(openai.encode({ type: "list_models", models, next: "n" }, call())).toEqual({
      object: "list",
      data: [
        { id: "m", object: "model", created: 1_735_689_600, owned_by: "us", context_length: 8 },
        { id: "n", object: "model", created: 0, owned_by: "" }
      ],
      has_more: true,
      last_id: "n"
    })
    const raw = { id: "m", object: "model", owned_by: "x", extra: 1 }
    expect(encodeModel({ id: "m", raw })).toBe(raw)
    expect(openai.encode({ type: "validate", usable: true }, call())).toMatchObject({ usable: true })
  })
})

describe("trimming", () => {
  const usageChunk = "data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n"
  const last = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\\"usage\\\"\"},\"finish_reason\":\"stop\"}]}\n\n"

  it("leaves out usage that was not asked for, and nothing else", () => {
    const all = `${last}: comment "usage"\n\n${usageChunk}data: [DONE]\n\n`
    expect(openai.trim!(all, call())).toBe(`${last}: comment "usage"\n\ndata: [DONE]\n\n`)
    expect(openai.trim!(all.replaceAll("\n", "\r\n"), call())).not.toContain("total_tokens")
    expect(openai.trim!(all, call({ asked: { stream_options: { include_usage: true } } }))).toBe(all)
  })
})
