/**
 * The law of every provider: a streamed answer, folded, is the whole answer, parsed, however it was cut. And its
 * sequel: what was read goes back as it was sent.
 *
 * @module
 */
import { Json, type JsonValue, Message, Part, Request, Result } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { cutBytes, decoded, own, parsed, request, sse } from "./support.ts"

/** A block as a model writes it: whole, and as the events that bring it. */
interface Model {
  readonly whole: object
  readonly start: object
  readonly deltas: ReadonlyArray<object>
}

const anyText = fc.string({ unit: "binary", maxLength: 12 })
const pieces = fc.array(anyText, { maxLength: 4 })
const id = fc.uuid()

const cutUp = (value: string, at: ReadonlyArray<number>): ReadonlyArray<string> => {
  const cuts = [0, ...at.map((place) => place % (value.length + 1)).sort((a, b) => a - b), value.length]
  return cuts.slice(1).map((end, index) => value.slice(cuts[index]!, end))
}

const citation = fc.oneof(
  fc.record({
    type: fc.constant("char_location"),
    cited_text: anyText,
    document_index: fc.nat(5),
    document_title: fc.option(anyText)
  }),
  fc.record({
    type: fc.constant("web_search_result_location"),
    url: fc.webUrl(),
    title: fc.option(anyText),
    encrypted_index: anyText
  }),
  fc.record({ type: fc.constant("search_result_location"), source: fc.oneof(anyText, fc.webUrl()), title: anyText })
)

const text: fc.Arbitrary<Model> = fc.tuple(pieces, fc.array(citation, { maxLength: 2 })).map(([pieces, citations]) => ({
  whole: { type: "text", text: pieces.join(""), citations: citations.length > 0 ? citations : null },
  start: { type: "text", text: "", ...(citations.length > 0 && { citations: [] }) },
  deltas: [
    ...citations.map((citation) => ({ type: "citations_delta", citation })),
    ...pieces.map((text) => ({ type: "text_delta", text }))
  ]
}))

const thinking: fc.Arbitrary<Model> = fc.tuple(pieces, anyText).map(([pieces, signature]) => ({
  whole: { type: "thinking", thinking: pieces.join(""), signature },
  start: { type: "thinking", thinking: "", signature: "" },
  deltas: [...pieces.map((thinking) => ({ type: "thinking_delta", thinking })), { type: "signature_delta", signature }]
}))

const asIs = (block: object): Model => ({ whole: block, start: block, deltas: [] })

const redacted = anyText.map((data) => asIs({ type: "redacted_thinking", data }))

const input = fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  .map((value): Json.JsonObject => JSON.parse(JSON.stringify(value)))

const call: fc.Arbitrary<Model> = fc.tuple(
  id,
  input,
  fc.array(fc.nat(200), { maxLength: 4 }),
  fc.constantFrom(
    { type: "tool_use", name: "f" },
    { type: "tool_use", name: "g", caller: { type: "direct" } },
    { type: "server_tool_use", name: "web_search" },
    { type: "mcp_tool_use", name: "ünï", server_name: "s" }
  )
).map(([id, input, cuts, head]) => ({
  whole: { ...head, id, input },
  start: { ...head, id, input: {} },
  deltas: Object.keys(input).length === 0
    ? []
    : cutUp(JSON.stringify(input), cuts).map((partial_json) => ({ type: "input_json_delta", partial_json }))
}))

const result = fc.tuple(id, fc.jsonValue({ maxDepth: 3 }), fc.constantFrom("web_search", "mcp", "code_execution"))
  .map(
    ([id, content, name]) => asIs(JSON.parse(JSON.stringify({ type: `${name}_tool_result`, tool_use_id: id, content })))
  )

const other = fc.tuple(
  fc.constantFrom("compaction", "container_upload", "something_new"),
  fc.jsonValue({ maxDepth: 2 })
)
  .map(([type, value]) => asIs(JSON.parse(JSON.stringify({ type, value }))))

const blocks = fc.array(fc.oneof(text, text, thinking, redacted, call, result, other), { maxLength: 5 })

const count = fc.option(fc.nat(5000), { nil: undefined })
const ends = fc.record({
  stop_reason: fc.constantFrom(
    "end_turn",
    "max_tokens",
    "tool_use",
    "pause_turn",
    "refusal",
    "stop_sequence",
    "something_new"
  ),
  stop_sequence: fc.option(anyText),
  container: fc.constantFrom(undefined, null, { id: "container_1" }),
  usage: fc.record({
    input_tokens: fc.nat(5000),
    cache_read_input_tokens: count,
    cache_creation_input_tokens: count,
    output_tokens: fc.nat(5000)
  })
})

const head = { id: "msg_1", type: "message", role: "assistant", model: "claude-sonnet-5" }

/** The answer in one document. */
const whole = (blocks: ReadonlyArray<Model>, { container, stop_reason, stop_sequence, usage }: End): object => ({
  ...head,
  content: blocks.map(({ whole }) => whole),
  stop_reason,
  stop_sequence,
  container,
  usage
})

type End = typeof ends extends fc.Arbitrary<infer A> ? A : never

/** The answer as events. */
const events = (blocks: ReadonlyArray<Model>, { usage, ...delta }: End, pings: boolean): ReadonlyArray<object> => [
  {
    type: "message_start",
    message: { ...head, content: [], stop_reason: null, usage: { input_tokens: usage.input_tokens, output_tokens: 1 } }
  },
  ...blocks.flatMap(({ deltas, start }, index) => [
    { type: "content_block_start", index, content_block: start },
    ...(pings ? [{ type: "ping" }] : []),
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index }
  ]),
  { type: "message_delta", delta, usage },
  { type: "message_stop" }
]

describe("a streamed answer, folded, is the whole answer, parsed", () => {
  it("whatever was said and however it was cut", () => {
    fc.assert(
      fc.property(blocks, ends, fc.array(
        fc.nat(100_000),
        { maxLength: 12 }
      ), fc.boolean(), (blocks, end, cuts, pings) => {
        const bytes = Buffer.from(sse(events(blocks, end, pings)))
        const parts = decoded(cutBytes(bytes, cuts))
        const expected = parsed(whole(blocks, end))
        expect(Result.fold(parts)).toStrictEqual(expected)
        expect(parts.filter(Part.isTerminal).length).toBe(1)
        expect(Json.equals(Result.fold(Result.parts(expected)), expected)).toBe(true)
      }),
      { numRuns: 800 }
    )
  })

  it("also where its events come in frames of another kind", () => {
    fc.assert(
      fc.property(blocks, ends, (blocks, end) => {
        const reader = own.reader(request({ operation: "stream" }))
        const parts = events(blocks, end, true).flatMap(
          (event) => reader.push(JSON.parse(JSON.stringify(event)) as JsonValue)
        )
        expect(reader.ended).toBe(true)
        expect(reader.end()).toEqual([])
        expect(Result.fold(parts)).toStrictEqual(parsed(whole(blocks, end)))
      }),
      { numRuns: 200 }
    )
  })
})

describe("an answer goes back as it was", () => {
  it("block by block, without what the API refuses", () => {
    fc.assert(
      fc.property(blocks, ends, (blocks, end) => {
        const answer = parsed(whole(blocks, end))
        const messages = [Message.user("Hi"), Result.toMessage(answer), Message.user("Go on")]
        const { body } = own.body(Request.make({ provider: "anthropic", messages, options: { model: "m" } }))
        const kept = blocks.map(({ whole }) => whole as { readonly [name: string]: unknown })
          .filter(({ text, type }) => type !== "text" || (text as string).trim() !== "")
          .map(({ citations, ...block }) => citations === null ? block : {
            ...block,
            ...(citations !== undefined && { citations })
          })
        const turns = body.messages as ReadonlyArray<{ readonly role: string; readonly content: unknown }>
        const expected = kept.length === 1 && kept[0]!.type === "text" && Object.keys(kept[0]!).length === 2
          ? kept[0]!.text
          : kept
        if (kept.length === 0) expect(turns).toEqual([
          { role: "user", content: [{ type: "text", text: "Hi" }, { type: "text", text: "Go on" }] }
        ])
        else expect(turns[1]).toEqual({ role: "assistant", content: expected })
      }),
      { numRuns: 400 }
    )
  })
})
