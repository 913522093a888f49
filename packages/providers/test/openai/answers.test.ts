/**
 * Whole and streamed answers in each form that services document.
 *
 * @module
 */
import { type LlmError, Part, Result } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/openai/index.ts"
import { answers } from "./fixtures/answers.ts"
import { streams } from "./fixtures/streams.ts"
import { answer, chunk, decoded, failure, parsed, request, response, sse } from "./support.ts"

describe("a whole answer", () => {
  it.each(answers.map((fixture) => [fixture.name, fixture] as const))("%s", (_, { body, provider, result }) => {
    const expected = { type: "chat", usage: { inputTokens: {}, outputTokens: {} }, ...result }
    expect(parsed(body, provider)).toStrictEqual(expected)
    // The same as the one document some services answer a stream with.
    expect(Result.fold(decoded([JSON.stringify(body)], provider))).toStrictEqual(expected)
  })

  it.each([
    ["a web page", "<!doctype html><html><title>Sign in</title></html>", "NotAnLlm", /web page/],
    ["text", "upstream is asleep", "MalformedResponse", /no JSON: upstream is asleep/],
    ["nothing", "", "MalformedResponse", /empty/],
    ["half an answer", "{\"choices\":[{\"mess", "MalformedResponse", /no JSON/],
    ["another service's answer", { temperature: 21, unit: "C" }, "NotAnLlm", /no choices, only temperature, unit/],
    ["a list", [1, 2], "NotAnLlm", /no object/],
    ["no choices", { ...answer({}), choices: [] }, "MalformedResponse", /no choice/],
    ["only an error", { error: { message: "boom", code: 502 } }, "Server", /boom/],
    ["only an error text", { error: "slow down", code: 429 }, "RateLimit", /slow down/],
    [
      "an error of Mistral's",
      { object: "error", message: "bad", type: "invalid_request_error" },
      "InvalidRequest",
      /bad/
    ],
    [
      "an error in its choice",
      { ...answer({}), choices: [{ error: { code: 503, message: "gone" } }] },
      "Overloaded",
      /gone/
    ]
  ])("that is %s is an error", (_, body, tag, message) => {
    const error = failure(() => parsed(body))
    expect(error.reason._tag).toBe(tag)
    expect(error.reason.message).toMatch(message)
    expect(error.provider).toBe("openai")
    const parts = decoded([response(body).body])
    expect(parts.at(-1)?.type).toBe("error")
    expect(parts.filter(Part.isTerminal).length).toBe(1)
  })

  it("that failed half-way keeps what had been said, in the error", () => {
    const body = {
      ...answer({}),
      choices: [{ message: { content: "Once upon" }, error: { code: 502, message: "gone" } }]
    }
    expect(
      failure(() => parsed(body)).reason
    ).toMatchObject({ _tag: "Server", status: 502, message: "gone", raw: body })
  })

  it("of a completion is its text", () => {
    const body = {
      id: "cmpl-1",
      object: "text_completion",
      created: 1_700_000_000,
      model: "m-1",
      choices: [{ text: " time", index: 0, logprobs: null, finish_reason: "length" }],
      usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 }
    }
    const asked = request({ operation: "completion" })
    const whole = wires().completion.parse(response(body), asked)
    expect(whole).toStrictEqual({
      type: "completion",
      id: "cmpl-1",
      model: "m-1",
      timestamp: "2023-11-14T22:13:20.000Z",
      content: [{ type: "text", text: " time" }],
      finishReason: "length",
      rawFinishReason: "length",
      usage: { inputTokens: { total: 3 }, outputTokens: { total: 1 }, raw: body.usage }
    })
    const decoder = wires().completion.parts!(asked)
    const streamed = [...decoder.push(Buffer.from(sse([body]))), ...decoder.end()]
    expect(Result.fold(streamed, "completion")).toStrictEqual(whole)
  })
})

describe("a streamed answer", () => {
  it.each(streams.map((fixture) => [fixture.name, fixture] as const))("%s", (_, { bytes, parts, provider }) => {
    const whole = decoded([bytes], provider)
    expect(whole).toStrictEqual(parts)
    const buffer = Buffer.from(bytes)
    const folded = Result.fold(parts)
    for (let cut = 0; cut <= buffer.length; cut++) {
      expect(Result.fold(decoded([buffer.subarray(0, cut), buffer.subarray(cut)], provider))).toStrictEqual(folded)
    }
  })

  it("cut off anywhere is an error, unless the service had said why it stopped", () => {
    const bytes = Buffer.from(sse([
      chunk({ role: "assistant", content: "" }),
      chunk({ content: "Grüße" }),
      chunk({ tool_calls: [{ index: 0, id: "a", function: { name: "f", arguments: "{\"x\":1}" } }] }),
      chunk({}, { finish_reason: "tool_calls" }),
      chunk(undefined, {}, { usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } })
    ]))
    // The reason counts once its event is whole, be it without the line break that closes it.
    const said = bytes.indexOf("\"finish_reason\":\"tool_calls\"}]}") + "\"finish_reason\":\"tool_calls\"}]}".length
    for (let length = 0; length < bytes.length; length++) {
      const result = decoded([bytes.subarray(0, length)])
      const last = result.at(-1)!
      expect(result.filter(Part.isTerminal).length).toBe(1)
      if (length < said) {
        expect(last.type === "error" && Part.errorOf(last).reason._tag).toBe("CutStream")
        // A call whose arguments may be incomplete is not one that can be run.
        expect(result.some((part) => part.type === "tool-call")).toBe(false)
      } else expect(last.type === "finish" && last.reason).toBe("tool-calls")
    }
  })

  it("has nothing to say after its end", () => {
    const decoder = wires().chat.parts!(request({ operation: "stream" }))
    const bytes = Buffer.from(sse([chunk({ content: "Hi" }, { finish_reason: "stop" })]))
    expect(decoder.push(bytes).at(-1)?.type).toBe("finish")
    expect(decoder.push(bytes)).toEqual([])
    expect(decoder.end()).toEqual([])
    const more = sse([chunk({ content: "Hi" }, { finish_reason: "stop" })]) + sse([chunk({ content: "again" })])
    expect(decoded([more])).toEqual(decoded([bytes]))
  })

  it("that fails says so once, and keeps what came before", () => {
    const parts = decoded([
      sse([
        chunk({ content: "Hel" }),
        { error: { message: "Overloaded", type: "overloaded_error" } },
        chunk({ content: "lo" })
      ])
    ])
    expect(parts.map((part) => part.type)).toEqual(["response-metadata", "text-start", "text-delta", "error"])
    const error = parts.at(-1)!
    expect(
      error.type === "error" && Part.errorOf(error)
    ).toSatisfy((it: LlmError) => it.reason._tag === "Overloaded" && it.provider === "openai")
    const folded = Result.fold(parts)
    expect(folded.finishReason).toBe("error")
    expect(Result.text(folded)).toBe("Hel")
  })

  it.each([
    ["an event named error", `event: error\ndata: {"message":"no","code":"rate_limit_exceeded"}\n\n`, "RateLimit"],
    ["an event named error that is text", "event: error\ndata: out of order\n\n", "Server"],
    [
      "an error beside a choice",
      sse([chunk({ content: "" }, { finish_reason: "error" }, { error: { code: 502, message: "x" } })]),
      "Server"
    ],
    ["an event that is no JSON", sse(["{\"choices\": nope"]), "MalformedResponse"],
    ["an event that is no object", sse(["[1]"]), "MalformedResponse"],
    ["nothing but the end", "data: [DONE]\n\n", "MalformedResponse"],
    ["nothing at all", "", "CutStream"],
    ["comments alone", ": still here\n\n: still here\n\n", "CutStream"],
    ["a web page", "<html><title>Sign in</title></html>", "NotAnLlm"]
  ])("that is %s is an error", (_, bytes, tag) => {
    const parts = decoded([bytes])
    const last = parts.at(-1)!
    expect(last.type === "error" && Part.errorOf(last).reason._tag).toBe(tag)
    expect(parts.filter(Part.isTerminal).length).toBe(1)
  })

  it("names the event that cannot be read", () => {
    const last = decoded([sse([chunk({ content: "a" }), "{\"choices\": nope"])]).at(-1)!
    expect(
      last.type === "error" && Part.errorOf(last).reason.message
    ).toMatch(/\(message\) is no JSON: \{"choices": nope/)
  })
})

describe("what a model said goes back as it was", () => {
  const back = (body: object, provider: string, quirks = {}): unknown => {
    const messages = [{ role: "user" as const, content: "Hi" }, Result.toMessage(parsed(body, provider))]
    const sent = wires(quirks).chat.prepare(request({ provider, messages })).request.body!.messages
    return Array.isArray(sent) ? sent[1] : undefined
  }
  const body = (name: string) => answers.find((fixture) => fixture.name === name)!.body

  it("tool calls with their signatures", () => {
    expect(
      back(body("tool calls without ids, with a signature that must go back, finished as stop"), "google")
    ).toEqual({
      role: "assistant",
      content: null,
      tool_calls: [
        {
          id: "call_chatcmpl-1_0",
          type: "function",
          function: { name: "now", arguments: "{}" },
          extra_content: { google: { thought_signature: "s" } }
        },
        { id: "call_chatcmpl-1_1", type: "function", function: { name: "now", arguments: "{}" } }
      ]
    })
  })

  it("a signature of the message itself", () => {
    const signed = answer({ content: "Noon.", extra_content: { google: { thought_signature: "s" } } })
    expect(back(signed, "google")).toEqual({
      role: "assistant",
      content: "Noon.",
      extra_content: { google: { thought_signature: "s" } }
    })
  })

  it("reasoning details, and the reasoning where it is taken", () => {
    const sent = back(
      body("reasoning with details, images and the provider behind"),
      "openrouter",
      { reasoningBack: "reasoning" }
    )
    expect(sent).toEqual({
      role: "assistant",
      content: "Here.",
      reasoning: "Plan.",
      reasoning_details: [
        { type: "reasoning.summary", summary: "Plan.", format: "f", index: 0 },
        { type: "reasoning.encrypted", data: "AAAA", format: "f", index: 0 }
      ]
    })
    expect(back(body("reasoning_content"), "deepseek", { reasoningBack: "reasoning_content" })).toEqual({
      role: "assistant",
      content: "42",
      reasoning_content: "Hm."
    })
    expect(back(body("reasoning_content"), "deepseek")).toEqual({ role: "assistant", content: "42" })
    expect(
      back(body("content as blocks with a summary of reasoning"), "mistral", { reasoningBack: "thinking" })
    ).toEqual({
      role: "assistant",
      content: [{ type: "thinking", thinking: [{ type: "text", text: "Short." }] }, { type: "text", text: "Hi" }]
    })
  })

  it("refusals, sounds by their id, custom tools, and no log probabilities", () => {
    expect(
      back(body("a refusal"), "openai")
    ).toEqual({ role: "assistant", content: null, refusal: "I cannot help with that." })
    expect(back(body("sound"), "openai")).toEqual({ role: "assistant", content: null, audio: { id: "audio_1" } })
    expect(back(body("log probabilities"), "openai")).toEqual({ role: "assistant", content: "Hi" })
    expect(back(body("a custom tool, whose input is free text"), "openai")).toEqual({
      role: "assistant",
      content: null,
      tool_calls: [{ id: "a", type: "custom", custom: { name: "sql", input: "select 1" } }]
    })
  })

  it("but not what the service ran itself", () => {
    expect(back(body("tools that the service ran"), "groq")).toEqual({ role: "assistant", content: "Sunny." })
  })
})
