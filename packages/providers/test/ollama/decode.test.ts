/**
 * The way back: a request in Ollama's words, read into ours, and written again as it was.
 *
 * @module
 */
import type { JsonObject, Message, Options } from "@plugline/core"
import { Request } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/ollama/index.ts"
import { failure } from "./support.ts"

const base = "http://127.0.0.1:11434"
const decode = (body: unknown, path = "/api/chat") => wires().chat.decode!(
  { url: `${base}${path}`, body: body as JsonObject },
  "ollama"
)

const again = (body: JsonObject, path?: string): unknown => {
  const asked = decode(body, path)
  const request = Request.make({ provider: "ollama", ...asked, config: { stream: body.stream === true } })
  return JSON.parse(JSON.stringify(wires()[asked.operation as "chat"].prepare(request).request.body))
}

const text = fc.string({ unit: "binary", minLength: 1, maxLength: 12 })
const image = fc.constantFrom("iVBORw0KGgoAAAA=", "/9j/4AAQ").map((data) => ({
  type: "file" as const,
  mediaType: data.startsWith("/") ? "image/jpeg" : "image/png",
  data
}))
const params = fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject)

/** A turn of the model with its calls, and the results of all of them. */
const turn = fc.record({
  thinking: fc.option(text, { nil: undefined }),
  said: fc.option(text, { nil: undefined }),
  calls: fc.array(
    fc.record({ id: fc.uuid(), name: fc.constantFrom("f", "g"), params, result: fc.string() }),
    { maxLength: 3 }
  )
}).map(({ calls, said, thinking }): ReadonlyArray<Message> => [
  {
    role: "assistant",
    content: [
      ...(
        thinking === undefined ? [] : [{
          type: "reasoning" as const,
          text: thinking,
          options: { ollama: { type: "thinking" } }
        }]
      ),
      ...(said === undefined ? [] : [{ type: "text" as const, text: said }]),
      ...calls.map(({ id, name, params }) => ({ type: "tool-call" as const, id, name, params }))
    ]
  },
  ...calls.map(({ id, name, result }): Message => ({
    role: "tool",
    content: [{ type: "tool-result", id, name, isFailure: false, result }]
  }))
])

const messages: fc.Arbitrary<ReadonlyArray<Message>> = fc.tuple(
  fc.option(text.map((content): Message => ({ role: "system", content })), { nil: undefined }),
  fc.array(fc.oneof(
    fc.tuple(text, fc.array(image, { maxLength: 2 })).map(([text, images]): ReadonlyArray<Message> => [
      { role: "user", content: [{ type: "text", text }, ...images] }
    ]),
    turn
  ), { minLength: 1, maxLength: 4 })
).map(([system, turns]) => [...(system === undefined ? [] : [system]), ...turns.flat()])

const options: fc.Arbitrary<Options> = fc.record({
  temperature: fc.double({ min: 0, max: 2, noNaN: true }),
  maxTokens: fc.integer({ min: 1, max: 1000 }),
  topP: fc.double({ min: 0, max: 1, noNaN: true }),
  topK: fc.integer({ min: 1, max: 100 }),
  frequencyPenalty: fc.double({ min: -2, max: 2, noNaN: true }),
  presencePenalty: fc.double({ min: -2, max: 2, noNaN: true }),
  stop: fc.array(fc.string(), { minLength: 1, maxLength: 3 }),
  seed: fc.integer(),
  logprobs: fc.constantFrom(true, 3),
  reasoning: fc.constantFrom({}, { effort: "none" }, { effort: "high" }),
  responseFormat: fc.constantFrom({ type: "json" as const }, { type: "json" as const, schema: { type: "object" } }),
  tools: fc.constant([{ name: "f", description: "d", parameters: { type: "object", properties: {} } }]),
  providerOptions: fc.constantFrom({ ollama: { keep_alive: 5 } }, {
    ollama: { options: { num_ctx: 10 }, x: { y: null } }
  })
}, { requiredKeys: [] }).map((it) => JSON.parse(JSON.stringify(it)) as Options)

describe("what was asked comes back", () => {
  it("whatever it was", () => {
    fc.assert(fc.property(messages, options, fc.boolean(), (messages, options, stream) => {
      const asked = {
        operation: stream ? "stream" as const : "chat" as const,
        messages,
        options: { model: "m", ...options }
      }
      const sent = wires().chat.prepare(Request.make({ provider: "ollama", ...asked }))
      const body = JSON.parse(JSON.stringify(sent.request.body)) as JsonObject
      expect(decode(body)).toEqual(asked)
      expect(again(body)).toEqual(body)
    }), { numRuns: 500 })
  })
})

describe("a request of a client", () => {
  it.each<readonly [string, JsonObject, string?]>([
    ["with everything that has no word here", {
      model: "m", stream: true, keep_alive: -1, think: true, raw: null, truncate: false, shift: true,
      options: { num_predict: -1, top_k: 0, num_ctx: 4096, temperature: null, stop: ["a"] },
      messages: [{ role: "user", content: "Hi", name: "n" }, { role: "tool", content: "x", tool_name: "f", more: 1 }]
    }],
    ["of an old client, without ids", {
      model: "m", stream: false,
      messages: [
        {
          role: "assistant",
          content: "",
          tool_calls: [{ function: { name: "f", arguments: { a: 1 } } }, { function: { name: "f", arguments: {} } }]
        },
        { role: "tool", content: "1", tool_name: "f" },
        { role: "tool", content: "2", tool_name: "f" }
      ]
    }],
    ["with calls as other clients write them", {
      model: "m", stream: false,
      messages: [{
        role: "assistant",
        content: "",
        tool_calls: [{ id: "a", type: "function", function: { index: 0, name: "f", arguments: {} } }]
      }]
    }],
    ["with tools that say more", {
      model: "m", stream: false, messages: [{ role: "user", content: "Hi" }],
      tools: [
        { type: "function", function: { name: "f" } },
        { type: "function", x: 1, function: { name: "g", parameters: {}, strict: true } },
        { type: "web_search", a: 1 }
      ]
    }],
    [
      "of generate",
      {
        model: "m",
        stream: true,
        prompt: "Hi",
        system: "Be",
        images: ["iVBORw0KGgoAAAA="],
        suffix: "s",
        context: [1],
        template: "",
        format: "",
        options: {}
      },
      "/api/generate"
    ],
    [
      "of generate with nothing in it",
      { model: "m", stream: false, prompt: "", system: "", images: [], keep_alive: null, think: null, format: null },
      "/api/generate"
    ],
    [
      "of embed",
      { model: "m", input: ["a", "b"], dimensions: 3, truncate: true, options: { num_ctx: 5 } },
      "/api/embed"
    ]
  ])("%s is written again as it was", (_, body, path) => {
    expect(again(body as JsonObject, path as string | undefined)).toEqual(body)
  })

  it("is written with the defaults it left out", () => {
    expect(again({ model: "m", messages: [{ role: "assistant", content: null }, { role: "tool", content: "Ruby" }] }))
      .toEqual({
        model: "m",
        stream: true,
        messages: [{ role: "assistant", content: "" }, { role: "tool", content: "Ruby" }]
      })
    expect(again({ model: "m", prompt: "a" }, "/api/embeddings")).toEqual({ model: "m", input: ["a"] })
    expect(again({ model: "m", input: "a" }, "/api/embed")).toEqual({ model: "m", input: ["a"] })
    const calls = [{ function: { name: "f", arguments: {} } }, { function: { name: "g", arguments: {} } }]
    expect(
      again({
        model: "m",
        stream: false,
        messages: [
          { role: "assistant", content: "", tool_calls: calls },
          { role: "tool", content: "1" },
          { role: "tool", content: "2" }
        ]
      })
    )
      .toMatchObject({ messages: [{}, { content: "1", tool_name: "f" }, { content: "2", tool_name: "g" }] })
  })

  it("gives calls and results that belong together one id", () => {
    const call = (name: string) => ({ function: { name, arguments: {} } })
    const { messages } = decode({ model: "m", messages: [
      { role: "assistant", tool_calls: [call("f"), call("g"), call("f")] },
      { role: "tool", content: "1", tool_name: "g" },
      { role: "tool", content: "2", tool_name: "f" },
      { role: "tool", content: "3", tool_name: "f" }
    ] })
    const ids = messages.flatMap(
      (message) => typeof message.content === "string" ? [] : message.content.map((part) => "id" in part ? part.id : "")
    )
    expect(ids).toEqual([
      "call_ollama_m0_0",
      "call_ollama_m0_1",
      "call_ollama_m0_2",
      "call_ollama_m0_1",
      "call_ollama_m0_0",
      "call_ollama_m0_2"
    ])
  })

  it("below /v1 is in OpenAI's words", () => {
    const wire = wires().chat
    if (wires().chat.decode === undefined) return
    expect(
      wire.decode!(
        { url: `${base}/v1/chat/completions`, body: { model: "m", messages: [{ role: "user", content: "Hi" }] } },
        "ollama"
      )
    )
      .toMatchObject({ operation: "chat" })
  })

  it.each<readonly [string, unknown, string?]>([
    ["body", undefined],
    ["body", [1]],
    ["model", { messages: [] }],
    ["model", { model: "", messages: [] }],
    ["messages", { model: "m", messages: "Hi" }],
    ["messages[0]", { model: "m", messages: ["Hi"] }],
    ["messages[0].role", { model: "m", messages: [{ role: "robot", content: "" }] }],
    ["messages[0].content", { model: "m", messages: [{ role: "user", content: [{ type: "text" }] }] }],
    ["messages[1].images[0]", { model: "m", messages: [{ role: "user" }, { role: "user", images: [1] }] }],
    ["messages[0].tool_calls[0].function", { model: "m", messages: [{ role: "assistant", tool_calls: [{}] }] }],
    [
      "messages[0].tool_calls[0].function.arguments",
      { model: "m", messages: [{ role: "assistant", tool_calls: [{ function: { name: "f", arguments: "{}" } }] }] }
    ],
    ["messages[0].thinking", { model: "m", messages: [{ role: "assistant", thinking: 1 }] }],
    ["options", { model: "m", messages: [], options: [] }],
    ["options.temperature", { model: "m", messages: [], options: { temperature: "hot" } }],
    ["options.stop[0]", { model: "m", messages: [], options: { stop: [1] } }],
    ["format", { model: "m", messages: [], format: 1 }],
    ["think", { model: "m", messages: [], think: 1 }],
    ["tools", { model: "m", messages: [], tools: {} }],
    ["tools[0].function.name", { model: "m", messages: [], tools: [{ type: "function", function: {} }] }],
    [
      "tools[0].function.parameters",
      { model: "m", messages: [], tools: [{ type: "function", function: { name: "f", parameters: 1 } }] }
    ],
    ["prompt", { model: "m", prompt: 1 }, "/api/generate"],
    ["input[1]", { model: "m", input: ["a", 1] }, "/api/embed"]
  ])("that is malformed is refused by the name %s", (field, body, path) => {
    const { reason } = failure(() => decode(body, path as string | undefined))
    expect(reason).toMatchObject({ _tag: "InvalidRequest", parameter: field })
    expect(reason.message.startsWith(`${field} must be `)).toBe(true)
  })
})
