/**
 * A request, written as a body and read again, is the same request. The requests say nothing that can be written in two
 * ways: their texts are not blank, their neighbours are of different roles, their results are texts.
 *
 * @module
 */
import { type Message, type Options, Request } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { own } from "./support.ts"

const word = fc.string({
  unit: "grapheme",
  minLength: 1,
  maxLength: 10
}).filter((text) => text.trim() !== "" && text.trimEnd() === text)
const name = fc.constantFrom("f", "g", "look_up")
const marks = fc.option(
  fc.record({
    anthropic: fc.constantFrom(
      { cache_control: { type: "ephemeral" } },
      { cache_control: { type: "ephemeral", ttl: "1h" } }
    )
  }),
  { nil: undefined }
)
const marked = <A extends object>(part: fc.Arbitrary<A>): fc.Arbitrary<A> =>
  fc.tuple(part, marks).map(([part, options]) => options === undefined ? part : { ...part, options })

const text = marked(fc.record({ type: fc.constant("text"), text: word }))
const base64 = fc.uint8Array({ minLength: 1, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString("base64"))
const file = marked(fc.oneof(
  fc.record({ type: fc.constant("file"), mediaType: fc.constantFrom("image/png", "image/jpeg"), data: base64 }),
  fc.webUrl().map((href) => ({ type: "file", mediaType: "image/*", data: { _tag: "URL", href } })),
  fc.record({ type: fc.constant("file"), mediaType: fc.constant("application/pdf"), data: base64, fileName: word }),
  fc.webUrl().map((href) => ({ type: "file", mediaType: "application/pdf", data: { _tag: "URL", href } })),
  word.map((said) => ({ type: "file", mediaType: "text/plain", data: Buffer.from(said).toString("base64") }))
))
const input = fc.dictionary(
  word,
  fc.jsonValue({ maxDepth: 2 }),
  { maxKeys: 3 }
).map((value): object => JSON.parse(JSON.stringify(value)))

const reasoning = fc.oneof(
  fc.record({
    type: fc.constant("reasoning"),
    text: fc.string(),
    options: fc.record({ anthropic: fc.record({ signature: word }) })
  }),
  word.map((data) => ({ type: "reasoning", text: "", options: { anthropic: { type: "redacted_thinking", data } } }))
)

const ran = fc.uuid().map((id) => [
  {
    type: "tool-call",
    id,
    name: "web_search",
    params: { query: "q" },
    providerExecuted: true,
    options: { anthropic: { type: "server_tool_use" } }
  },
  {
    type: "tool-result",
    id,
    name: "web_search",
    isFailure: false,
    result: [],
    providerExecuted: true,
    options: { anthropic: { type: "web_search_tool_result" } }
  }
])

const said = fc.array(
  fc.oneof(
    text.map((part) => [part]),
    reasoning.map((part) => [part]),
    ran,
    fc.constant([{ type: "raw", provider: "anthropic", value: { type: "container_upload", file_id: "x" } }])
  ),
  { minLength: 1, maxLength: 3 }
).map((parts): ReadonlyArray<object> => parts.flat())

const answered = fc.oneof(
  word.map((result) => ({ result })),
  fc.constant({ result: null }),
  fc.array(
    fc.record({ type: fc.constant("file"), mediaType: fc.constant("image/png"), data: base64 }),
    { minLength: 1, maxLength: 2 }
  )
    .map((modelOutput) => ({ result: "", modelOutput }))
)

/** What the person says, and a round of the model: perhaps with calls of tools and their answers. */
const round = fc.record({
  asks: fc.array(fc.oneof(text, file), { minLength: 1, maxLength: 3 }),
  says: said,
  calls: fc.array(
    fc.record({ id: fc.uuid(), name, params: input, failed: fc.boolean(), answer: answered }),
    { maxLength: 2 }
  ),
  ends: said
}).map(({ asks, calls, ends, says }): ReadonlyArray<object> => [
  { role: "user", content: asks },
  {
    role: "assistant",
    content: [...says, ...calls.map(({ id, name, params }) => ({ type: "tool-call", id, name, params }))]
  },
  ...(calls.length === 0 ? [] : [
    {
      role: "tool",
      content: calls.map(({ answer, failed, id, name }) => ({
        type: "tool-result",
        id,
        name,
        isFailure: failed,
        ...answer
      }))
    },
    { role: "assistant", content: ends }
  ])
])

const messages = fc.tuple(
  fc.array(marked(fc.record({ role: fc.constant("system"), content: word })), { maxLength: 2 }),
  fc.array(round, { minLength: 1, maxLength: 3 }),
  fc.array(fc.record({ role: fc.constant("system"), content: word }), { maxLength: 1 })
).map(([rules, rounds, late]) => [
  ...rules,
  ...rounds.flat(),
  ...late,
  { role: "user", content: [{ type: "text", text: "Go" }] }
] as unknown as ReadonlyArray<Message>)

const schema = fc.constant({ type: "object", properties: { a: { type: "string" } }, additionalProperties: false })
const tools = fc.record({
  tools: fc.tuple(
    fc.record(
      { name: fc.constant("f"), description: word, parameters: schema, strict: fc.boolean() },
      { requiredKeys: ["name", "parameters"] }
    ),
    fc.constantFrom(
      { type: "provider" as const, id: "anthropic.web_search_20250305", args: { max_uses: 1 } },
      { type: "provider" as const, id: "anthropic.bash_20250124" },
      { type: "provider" as const, id: "anthropic.future_20990101", args: { name: "x" } }
    )
  ),
  toolChoice: fc.constantFrom<NonNullable<Options["toolChoice"]>>("auto", "required", { tool: "f" }),
  parallelToolCalls: fc.boolean()
}, { requiredKeys: ["tools", "toolChoice"] })

const options = fc.tuple(
  fc.record({
    model: fc.constant("claude-sonnet-5"),
    maxTokens: fc.integer({ min: 1, max: 9999 }),
    stop: fc.array(word, { minLength: 1, maxLength: 2 }),
    user: word,
    serviceTier: fc.constant("auto"),
    responseFormat: fc.record({ type: fc.constant("json" as const), schema }),
    providerOptions: fc.constant({ anthropic: { container: "c", output_config: { task_budget: { total: 1 } } } })
  }, { requiredKeys: ["model", "maxTokens"] }),
  fc.oneof(
    fc.record(
      {
        temperature: fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10),
        topP: fc.constant(0.5),
        topK: fc.integer({ min: 1, max: 99 })
      },
      { requiredKeys: [] }
    ),
    fc.record({
      reasoning: fc.constantFrom(
        { budgetTokens: 2000 },
        { budgetTokens: 2000, effort: "low", summary: "omitted" },
        { effort: "high" },
        { effort: "none" },
        {},
        { summary: "summarized" }
      )
    })
  ),
  fc.option(tools, { nil: {} })
).map(([base, drawn, tools]): Options => ({ ...base, ...drawn, ...tools }))

const operation = fc.constantFrom("chat" as const, "stream" as const)

describe("a request, written and read again", () => {
  it("is the same request", () => {
    fc.assert(
      fc.property(messages, options, operation, (messages, options, operation) => {
        const {
          request: { body, url }
        } = own.chat.prepare(Request.make({ provider: "anthropic", operation, messages, options }))
        const sent = { url, body: JSON.parse(JSON.stringify(body)) as NonNullable<typeof body> }
        const read = own.chat.decode!(sent, "anthropic")
        expect(read).toEqual({ operation, messages, options })
      }),
      { numRuns: 500 }
    )
  })
})
