/**
 * The way back: whatever was asked, in Cohere's words and read again, is what was asked.
 *
 * @module
 */
import { type JsonObject, type Message, type Options, Request } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/cohere/index.ts"
import { v1 } from "./support.ts"

const base = "https://api.cohere.com"
const at = (path: string) => path.endsWith("embed") ? wires().embeddings : path.endsWith("generate") ? wires().completion : wires().chat
const decode = (body: unknown, path = "/v2/chat") => at(path).decode!(
  { url: `${base}${path}`, body: body as JsonObject },
  "cohere"
)

const again = (body: JsonObject, path = "/v2/chat"): unknown => {
  const asked = decode(body, path)
  const config = { ...(path.startsWith("/v1") && v1), stream: body.stream === true }
  return JSON.parse(
    JSON.stringify(
      wires()[asked.operation as "chat"].prepare(Request.make({ provider: "cohere", ...asked, config })).request.body
    )
  )
}

const text = fc.string({ unit: "binary", minLength: 1, maxLength: 12 })
const file = fc.constantFrom<{
  readonly mediaType: string; readonly data: string | { readonly _tag: "URL"; readonly href: string }
}>(
  { mediaType: "image/png", data: "iVBORw0KGgoAAAA=" },
  { mediaType: "image/*", data: { _tag: "URL", href: "https://x.test/a.png" } }
).chain(
  (it) => fc.constantFrom({ type: "file" as const, ...it }, {
    type: "file" as const,
    ...it,
    options: { cohere: { imageDetail: "low" } }
  })
)
const object = fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject)
const result = fc.oneof(fc.string(), object, fc.array(object, { minLength: 2, maxLength: 3 }))

const said = fc.record({
  thinking: fc.option(text, { nil: undefined }),
  texts: fc.array(text, { minLength: 1, maxLength: 2 })
})
  .map(({ texts, thinking }): Message => ({
    role: "assistant",
    content: [
      ...(
        thinking === undefined ? [] : [{
          type: "reasoning" as const,
          text: thinking,
          options: { cohere: { type: "thinking" } }
        }]
      ),
      ...texts.map((text) => ({ type: "text" as const, text }))
    ]
  }))

const called = fc.record({
  kind: fc.constantFrom("thinking", "tool_plan"),
  thought: fc.option(text, { nil: undefined }),
  calls: fc.array(
    fc.record({ id: fc.uuid(), name: fc.constantFrom("f", "g"), params: object, result }),
    { minLength: 1, maxLength: 3 }
  )
}).map(({ calls, kind, thought }): ReadonlyArray<Message> => [
  {
    role: "assistant",
    content: [
      ...(
        thought === undefined ? [] : [{
          type: "reasoning" as const,
          text: thought,
          options: { cohere: { type: kind } }
        }]
      ),
      ...calls.map(({ id, name, params }) => ({ type: "tool-call" as const, id, name, params }))
    ]
  },
  ...calls.map(
    ({ id, name, result }): Message => ({
      role: "tool",
      content: [{ type: "tool-result", id, name, isFailure: false, result }]
    })
  )
])

const messages = fc.tuple(
  fc.option(text.map((content): Message => ({ role: "system", content })), { nil: undefined }),
  fc.array(fc.oneof(
    fc.tuple(text, fc.array(file, { maxLength: 2 })).map(([text, files]): ReadonlyArray<Message> => [
      { role: "user", content: [{ type: "text", text }, ...files] }
    ]),
    said.map((message) => [message]),
    called
  ), { minLength: 1, maxLength: 4 })
).map(([system, turns]): ReadonlyArray<Message> => [...(system === undefined ? [] : [system]), ...turns.flat()])

const sampling = {
  temperature: fc.double({ min: 0, max: 2, noNaN: true }),
  maxTokens: fc.integer({ min: 1, max: 1000 }),
  topP: fc.double({ min: 0, max: 1, noNaN: true }),
  topK: fc.integer({ min: 1, max: 100 }),
  frequencyPenalty: fc.double({ min: 0, max: 1, noNaN: true }),
  presencePenalty: fc.double({ min: 0, max: 1, noNaN: true }),
  stop: fc.array(fc.string(), { minLength: 1, maxLength: 3 }),
  seed: fc.integer()
}
const tool = {
  name: "f",
  description: "d",
  parameters: { type: "object", properties: { a: { type: "string", description: "x" } }, required: ["a"] }
}
const clean = <A>(it: A): A => JSON.parse(JSON.stringify(it)) as A

const options: fc.Arbitrary<Options> = fc.record({
  ...sampling,
  logprobs: fc.constant(true),
  reasoning: fc.constantFrom({}, { effort: "none" }, { budgetTokens: 100 }),
  responseFormat: fc.constantFrom({ type: "text" as const }, { type: "json" as const }, {
    type: "json" as const,
    schema: { type: "object" }
  }),
  tools: fc.constantFrom([tool], [{ ...tool, strict: true }]),
  providerOptions: fc.constantFrom({
    cohere: { safety_mode: "STRICT", documents: [{ id: "d", data: { text: "x" } }, "plain"] }
  })
}, { requiredKeys: [] }).chain(
  (it) => it.tools === undefined ? fc.constant(it) : fc.constantFrom<Options>(
    it,
    { ...it, toolChoice: "required" },
    { ...it, toolChoice: "none" }
  )
).map(clean)

describe("what was asked comes back", () => {
  it("whatever it was", () => {
    fc.assert(fc.property(messages, options, fc.boolean(), (messages, options, stream) => {
      const asked = {
        operation: stream ? "stream" as const : "chat" as const,
        messages,
        options: { model: "m", ...options }
      }
      const body = clean(
        wires().chat.prepare(Request.make({ provider: "cohere", ...asked })).request.body
      ) as JsonObject
      expect(decode(body)).toEqual(asked)
      expect(again(body)).toEqual(body)
    }), { numRuns: 500 })
  })

  it("over the first interface", () => {
    const user = text.map((text): Message => ({ role: "user", content: [{ type: "text", text }] }))
    const round = fc.record({
      said: fc.option(text, { nil: undefined }),
      calls: fc.array(
        fc.record({ name: fc.constantFrom("f", "g"), params: object, result: object }),
        { minLength: 1, maxLength: 2 }
      )
    })
    const conversation = fc.record({
      system: fc.option(text, { nil: undefined }),
      rounds: fc.array(
        fc.oneof(user, text.map((text): Message => ({ role: "assistant", content: [{ type: "text", text }] })), round),
        { maxLength: 4 }
      ),
      last: user
    })
    const v1Options = fc.record({
      ...sampling,
      responseFormat: fc.constantFrom({ type: "json" as const }, { type: "json" as const, schema: { type: "object" } }),
      tools: fc.constantFrom([tool], [tool, { type: "provider" as const, id: "cohere.web-search" }]),
      providerOptions: fc.constantFrom({ cohere: { citation_quality: "fast", documents: [{ text: "x" }] } })
    }, { requiredKeys: [] }).map(clean)
    fc.assert(fc.property(conversation, v1Options, fc.boolean(), ({ last, rounds, system }, options, stream) => {
      const messages: Array<Message> = system === undefined ? [] : [{ role: "system", content: system }]
      let index = 0
      for (const round of rounds) {
        if ("role" in round) {
          messages.push(round)
          index++
          continue
        }
        const ids = round.calls.map((_, number) => `call_${index}_${number}`)
        messages.push({
          role: "assistant",
          content: [
            ...(round.said === undefined ? [] : [{ type: "text" as const, text: round.said }]),
            ...round.calls.map(
              ({ name, params }, number) => ({ type: "tool-call" as const, id: ids[number]!, name, params })
            )
          ]
        }, {
          role: "tool",
          content: round.calls.map(
            ({ name, result }, number) => ({ type: "tool-result", id: ids[number]!, name, isFailure: false, result })
          )
        })
        index += 2
      }
      messages.push(last)
      const asked = {
        operation: stream ? "stream" as const : "chat" as const,
        messages,
        options: { model: "m", ...options }
      }
      const body = clean(
        wires().chat.prepare(Request.make({ provider: "cohere", config: v1, ...asked })).request.body
      ) as JsonObject
      expect(decode(body, "/v1/chat")).toEqual(asked)
      expect(again(body, "/v1/chat")).toEqual(body)
    }), { numRuns: 300 })
  })
})
