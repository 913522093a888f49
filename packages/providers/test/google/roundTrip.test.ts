/**
 * What is written is read as it was: the way to the service's words and back.
 *
 * @module
 */
import { type Json, type Message, type Options, Request } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/google/index.ts"
import type { Asked } from "../../src/Wire.ts"
import { surfaceOf } from "./support.ts"

const read = (body: object, at: string, provider = "google"): Asked =>
  wires(surfaceOf(provider)).chat.decode!({ url: at, body: body as Json.JsonObject }, provider)

const text = fc.string({ unit: "grapheme", maxLength: 12 })
const own = (provider: string) => fc.record({ [provider]: fc.record({ thoughtSignature: fc.constant("c2ln") }) })
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as Json.Json)
const args = fc.dictionary(fc.string({ maxLength: 5 }), json, { maxKeys: 3, noNullPrototype: true })
const optionally = <A extends object, B extends object>(some: fc.Arbitrary<A>, more: fc.Arbitrary<B>) =>
  fc.oneof(some, fc.tuple(some, more).map(([a, b]) => ({ ...a, ...b })))

const textPart = fc.record({ type: fc.constant("text" as const), text })
const image = fc.oneof(
  fc.record({ type: fc.constant("file" as const), mediaType: fc.constant("image/png"), data: fc.base64String() }),
  fc.record({
    type: fc.constant("file" as const),
    mediaType: fc.constantFrom("image/png", "application/pdf", "video/mp4"),
    data: fc.record({ _tag: fc.constant("URL" as const), href: fc.webUrl() })
  })
)
const result = fc.oneof(json, args, fc.record({ output: json }), fc.record({ error: json }), text)

/** A turn: the person, then the model with calls, then every call's answer. */
const turn = (provider: string): fc.Arbitrary<ReadonlyArray<Message>> =>
  fc.record({
    asked: fc.array(fc.oneof(textPart, image), { minLength: 1, maxLength: 3 }),
    said: fc.array(fc.oneof(
      optionally(textPart, fc.record({ options: own(provider) })),
      fc.record({
        type: fc.constant("reasoning" as const),
        text,
        options: fc.constant({ [provider]: { thought: true, thoughtSignature: "c2ln" } })
      }),
      image
    ), { minLength: 1, maxLength: 3 }),
    calls: fc.uniqueArray(fc.record({ id: fc.uuid(), name: fc.constantFrom("f", "g"), params: args }), {
      maxLength: 3,
      selector: ({ id }) => id
    }),
    results: fc.array(fc.tuple(result, fc.boolean(), fc.boolean()), { minLength: 3, maxLength: 3 })
  }).map(({ asked, calls, results, said }): ReadonlyArray<Message> => [
    { role: "user", content: asked },
    { role: "assistant", content: [...said, ...calls.map((call) => ({ type: "tool-call" as const, ...call }))] },
    ...(calls.length === 0 ? [] : [{
      role: "tool" as const,
      content: calls.map(({ id, name }, index) => {
        const [result, isFailure] = results[index]!
        return { type: "tool-result" as const, id, name, isFailure, result }
      })
    }])
  ])

const options: fc.Arbitrary<Options> = fc.record({
  temperature: fc.constantFrom(0, 0.5, 2),
  maxTokens: fc.integer({ min: 1, max: 9000 }),
  topP: fc.constantFrom(0, 0.5, 1),
  topK: fc.integer({ min: 1, max: 100 }),
  frequencyPenalty: fc.constantFrom(-2, 0.5),
  presencePenalty: fc.constantFrom(-2, 0.5),
  stop: fc.array(text, { maxLength: 3 }),
  seed: fc.integer(),
  tools: fc.constant([
    { name: "f", description: "does f", parameters: { type: "object", properties: { a: { type: "string" } } } },
    { name: "g" },
    { type: "provider" as const, id: "google.googleSearch" },
    { type: "provider" as const, id: "google.fileSearch", args: { fileSearchStoreNames: ["a"] } }
  ]),
  responseFormat: fc.constantFrom<NonNullable<Options["responseFormat"]>>(
    { type: "json" },
    { type: "json", schema: { type: "object", properties: { a: { $ref: "#/x" } } } }
  ),
  reasoning: fc.constantFrom({ budgetTokens: 0 }, { budgetTokens: 500, summary: "auto" }, { summary: "none" }),
  n: fc.integer({ min: 1, max: 8 }),
  logprobs: fc.constantFrom(true, 3),
  serviceTier: fc.constant("flex"),
  providerOptions: fc.constant({
    google: {
      safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
      cachedContent: "cachedContents/1",
      generationConfig: { responseModalities: ["TEXT"], mediaResolution: "MEDIA_RESOLUTION_LOW" }
    }
  })
}, { requiredKeys: [] })

const choice = fc.constantFrom<NonNullable<Options["toolChoice"]>>("auto", "none", "required", { tool: "f" })

describe("what is written is read as it was", () => {
  it("for every conversation and all options", () => {
    fc.assert(fc.property(
      fc.array(turn("google"), { minLength: 1, maxLength: 3 }),
      fc.array(text, { maxLength: 2 }),
      options,
      fc.option(choice, { nil: undefined }),
      fc.boolean(),
      (turns, rules, options, toolChoice, streamed) => {
        const asked: Asked = {
          operation: streamed ? "stream" : "chat",
          messages: [...rules.map((content): Message => ({ role: "system", content })), ...turns.flat()],
          options: {
            model: "gemini-2.5-flash",
            ...options,
            ...(options.tools !== undefined && toolChoice !== undefined && { toolChoice })
          }
        }
        const request = Request.make({ provider: "google", ...asked })
        const { request: sent, warnings } = wires("gemini").chat.prepare(request)
        expect(warnings).toEqual([])
        expect(read(JSON.parse(JSON.stringify(sent.body)), sent.url)).toEqual(asked)
      }
    ), { numRuns: 500 })
  })

  it("also an answer with files, for models that take it", () => {
    const asked: Asked = {
      operation: "chat",
      messages: [
        { role: "user", content: [{ type: "text", text: "Draw" }] },
        {
          role: "assistant",
          content: [
            { type: "tool-call", id: "1", name: "draw", params: {}, options: { vertex: { thoughtSignature: "s" } } }
          ]
        },
        {
          role: "tool",
          content: [{
            type: "tool-result",
            id: "1",
            name: "draw",
            isFailure: false,
            result: "done",
            modelOutput: [
              { type: "text", text: "done" },
              { type: "file", mediaType: "image/png", data: "aGk=", fileName: "a.png" }
            ]
          }]
        }
      ],
      options: { model: "gemini-3-pro-preview", reasoning: { effort: "low" } }
    }
    const { request } = wires("vertex").chat.prepare(Request.make({ provider: "vertex", ...asked }))
    expect(request.body).toMatchObject({
      contents: [{}, {}, {
        role: "user",
        parts: [{
          functionResponse: {
            id: "1",
            name: "draw",
            response: { output: "done" },
            parts: [{ inlineData: { mimeType: "image/png", data: "aGk=", displayName: "a.png" } }]
          }
        }]
      }],
      generationConfig: { thinkingConfig: { thinkingLevel: "low" } }
    })
    expect(read(request.body!, request.url, "vertex")).toEqual(asked)
  })
})
