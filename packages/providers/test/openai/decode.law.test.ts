/**
 * The law of the way back: whatever we ask, written in a service's words and read again, is what it was.
 *
 * @module
 */
import { Json, type JsonObject, type JsonValue, type Message, type Options, Request } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type Quirks, wires } from "../../src/openai/index.ts"

const word = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 })
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as JsonValue)
const fields = fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), json, { maxKeys: 3 }) as fc.Arbitrary<JsonObject>
const base64 = fc.uint8Array({ minLength: 3, maxLength: 9 }).map((bytes) => Buffer.from(bytes).toString("base64"))
const text = word.map((value) => ({ type: "text" as const, text: value }))

const file = fc.oneof(
  fc.tuple(fc.constantFrom("image/png", "image/jpeg"), base64).map(([mediaType, data]) => (
    { type: "file" as const, mediaType, data }
  )),
  fc.webUrl().map((href) => ({ type: "file" as const, mediaType: "image/*", data: { _tag: "URL" as const, href } })),
  fc.tuple(fc.constantFrom("audio/wav", "audio/mpeg"), base64).map(([mediaType, data]) => (
    { type: "file" as const, mediaType, data }
  )),
  fc.tuple(fc.constantFrom("application/pdf", "text/csv"), word, base64)
    .map(([mediaType, fileName, data]) => ({ type: "file" as const, mediaType, fileName, data })),
  base64.map((data) => (
    { type: "file" as const, mediaType: "image/png", data, options: { deepseek: { imageDetail: "low" } } }
  ))
)

const user = fc.oneof(text.map((part) => [part]), fc.array(fc.oneof(text, file), { minLength: 2, maxLength: 4 }))
  .map((content): Message => ({ role: "user", content }))

const system = fc.tuple(fc.string({ maxLength: 9 }), fc.boolean()).map(([content, named]): Message => ({
  role: "system",
  content,
  ...(named && { options: { deepseek: { name: "ada" } } })
}))

/** What the model said, and what its tools answered to that. */
const turn = fc.record({
  reasoning: fc.option(word, { nil: undefined }),
  details: fc.option(fields, { nil: undefined }),
  said: fc.option(word, { nil: undefined }),
  calls: fc.array(
    fc.record({ name: fc.constantFrom("f", "g"), params: fields, result: fc.string({ maxLength: 9 }) }),
    { maxLength: 2 }
  )
})

const conversation = fc.array(fc.oneof(user, system, turn), { minLength: 1, maxLength: 5 }).map((items) =>
  items.flatMap((item, place): ReadonlyArray<Message> => {
    if ("role" in item) return [item]
    const calls = item.calls.map(({ name, params }, index) => (
      { type: "tool-call" as const, id: `c${place}_${index}`, name, params }
    ))
    return [
      {
        role: "assistant",
        content: [
          ...(item.reasoning === undefined ? [] : [{
            type: "reasoning" as const,
            text: item.reasoning,
            ...(item.details !== undefined && { options: { deepseek: { reasoning_details: [item.details] } } })
          }]),
          ...(item.said === undefined ? [] : [{ type: "text" as const, text: item.said }]),
          ...calls
        ]
      },
      ...item.calls.map(({ name, result }, index): Message => ({
        role: "tool",
        content: [{ type: "tool-result", id: `c${place}_${index}`, name, isFailure: false, result }]
      }))
    ]
  })
)

const tools = fc.array(fc.record({ description: word, parameters: fields, strict: fc.boolean() }, { requiredKeys: ["parameters"] }), {
  minLength: 1,
  maxLength: 3
}).map((tools) => tools.map((tool, index) => ({ name: `t${index}`, ...tool })))

const options = fc.tuple(
  fc.record({
    temperature: fc.double({ min: 0, max: 2, noNaN: true }).map(Math.abs),
    maxTokens: fc.integer({ min: 1, max: 9999 }),
    topP: fc.double({ min: 0, max: 1, noNaN: true }).map(Math.abs),
    topK: fc.integer({ min: 1, max: 99 }),
    frequencyPenalty: fc.integer({ min: -2, max: 2 }),
    presencePenalty: fc.integer({ min: -2, max: 2 }),
    stop: fc.oneof(word, fc.array(word, { maxLength: 3 })),
    seed: fc.integer(),
    n: fc.integer({ min: 1, max: 3 }),
    logprobs: fc.oneof(fc.constant(true), fc.integer({ min: 1, max: 20 })),
    logitBias: fc.constant({ 50256: -100 }),
    user: fc.stringMatching(/^[a-z]{1,9}$/),
    serviceTier: fc.constantFrom("flex", "priority"),
    metadata: fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), word, { maxKeys: 2 }),
    reasoning: fc.oneof(
      fc.record({ effort: fc.constantFrom("none", "low", "high") }),
      fc.record({ effort: fc.constantFrom("low", "high"), budgetTokens: fc.integer({ min: 1, max: 9999 }) }),
      fc.record({ budgetTokens: fc.integer({ min: 1, max: 9999 }) })
    ),
    responseFormat: fc.oneof(
      fc.constant({ type: "json" as const }),
      fc.record({ type: fc.constant("json" as const), schema: fields, name: word, strict: fc.boolean() }, {
        requiredKeys: ["type", "schema", "name"]
      })
    ),
    providerOptions: fc.dictionary(
      fc.constantFrom("store", "verbosity", "prediction", "x_new"),
      json,
      { minKeys: 1, maxKeys: 3 }
    )
      .map((own) => ({ deepseek: own }))
  }, { requiredKeys: [] }),
  fc.option(
    fc.tuple(tools, fc.constantFrom("auto", "none", "required", { tool: "t0" }), fc.boolean(), fc.boolean()),
    { nil: undefined }
  )
).map(([options, offered]): Options => ({
  model: "m",
  ...options,
  ...(offered !== undefined && {
    tools: [
      ...offered[0],
      ...(offered[3] ? [{ type: "provider" as const, id: "deepseek.web_search", args: { size: "low" } }] : [])
    ],
    toolChoice: offered[1] as NonNullable<Options["toolChoice"]>,
    parallelToolCalls: offered[2]
  })
}))

/** A service that takes all of it. */
const all: Quirks = {
  unsupported: [],
  metadata: "always",
  reasoningBack: "reasoning_content",
  reasoning: {
    effort: "reasoning_effort",
    budget: { in: "thinking", field: "budget_tokens", with: { type: "enabled" } },
    switch: { field: "reasoning", off: { enabled: false } }
  }
}

describe("what we ask, written and read again", () => {
  it.each<[string, Quirks]>([
    ["all words", all],
    ["other words", {
      ...all,
      systemRole: "developer",
      maxTokensField: "max_completion_tokens",
      toolChoiceRequired: "any",
      toolFields: {},
      seedField: "random_seed",
      logprobs: "count",
      documents: "document_url",
      reasoning: {
        effort: "reasoning_effort",
        budget: "thinking_budget",
        switch: { field: "enable_thinking", on: true, off: false }
      }
    }],
    ["an object for reasoning", { ...all, reasoning: "object", reasoningBack: "reasoning" }]
  ])("is what it was, for a service with %s", (_, quirks) => {
    fc.assert(
      fc.property(conversation, options, fc.constantFrom("chat", "stream"), (messages, options, operation) => {
        const documents = quirks.documents === "document_url"
        // The name of a document has another place there.
        const asked = documents ? messages.filter((message) => !JSON.stringify(message).includes("fileName")) : messages
        if (asked.length === 0) return
        const given = quirks.logprobs === "count" && options.logprobs === true ? { ...options, logprobs: 1 } : options
        const request = Request.make({ provider: "deepseek", operation, messages: asked, options: given })
        const { request: sent, warnings } = wires(quirks).chat.prepare(request)
        const read = wires(quirks).chat.decode!(
          { url: sent.url, body: JSON.parse(JSON.stringify(sent.body)) },
          "deepseek"
        )
        const expected = { operation, messages: asked, options: given }
        if (!Json.equals(read, expected)) expect(read).toEqual(expected)
        expect(warnings).toEqual([])
      }),
      { numRuns: 500 }
    )
  })
})
