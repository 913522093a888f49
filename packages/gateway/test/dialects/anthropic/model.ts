/**
 * Random messages as Anthropic writes them, whole and as the events that bring them.
 *
 * @module
 */
import { Arbitrary } from "@plugline/testing"
import * as fc from "fast-check"

/** A block: whole, and as it is streamed. */
export interface Block {
  readonly whole: object
  readonly start: object
  readonly deltas: ReadonlyArray<object>
}

const anyText = Arbitrary.text()
const pieces = fc.array(anyText, { maxLength: 4 })
const id = fc.uuid()
const plain = (value: unknown): object => JSON.parse(JSON.stringify(value))

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

const text: fc.Arbitrary<Block> = fc.tuple(pieces, fc.array(citation, { maxLength: 2 })).map(([pieces, citations]) => ({
  whole: { type: "text", text: pieces.join(""), ...(citations.length > 0 && { citations }) },
  start: { type: "text", text: "", ...(citations.length > 0 && { citations: [] }) },
  deltas: [
    ...citations.map((citation) => ({ type: "citations_delta", citation })),
    ...pieces.map((text) => ({ type: "text_delta", text }))
  ]
}))

const thinking: fc.Arbitrary<Block> = fc.tuple(pieces, anyText).map(([pieces, signature]) => ({
  whole: { type: "thinking", thinking: pieces.join(""), signature },
  start: { type: "thinking", thinking: "", signature: "" },
  deltas: [...pieces.map((thinking) => ({ type: "thinking_delta", thinking })), { type: "signature_delta", signature }]
}))

const asIs = (block: object): Block => ({ whole: block, start: block, deltas: [] })

const redacted = anyText.map((data) => asIs({ type: "redacted_thinking", data }))

const cutUp = (value: string, at: ReadonlyArray<number>): ReadonlyArray<string> => {
  const cuts = [0, ...at.map((place) => place % (value.length + 1)).sort((a, b) => a - b), value.length]
  return cuts.slice(1).map((end, index) => value.slice(cuts[index]!, end))
}

const toolUse: fc.Arbitrary<Block> = fc.tuple(
  id,
  Arbitrary.jsonObject().map(plain),
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

const toolResult = fc.tuple(id, Arbitrary.json(), fc.constantFrom("web_search", "mcp", "code_execution"))
  .map(([id, content, name]) => asIs(plain({ type: `${name}_tool_result`, tool_use_id: id, content })))

const other = fc.tuple(fc.constantFrom("compaction", "container_upload", "something_new"), Arbitrary.json())
  .map(([type, value]) => asIs(plain({ type, value })))

/** Blocks of a message. */
export const blocks = fc.array(fc.oneof(text, text, thinking, redacted, toolUse, toolResult, other), { maxLength: 5 })

const count = fc.option(fc.nat(5000), { nil: undefined })

/** How a message ends. */
export const ends = fc.record({
  stop_reason: fc.constantFrom(
    "end_turn", "max_tokens", "tool_use", "pause_turn", "refusal", "stop_sequence", "something_new"
  ),
  stop_sequence: fc.option(anyText),
  container: fc.constantFrom(undefined, null, { id: "container_1" }),
  usage: fc.record({
    input_tokens: fc.nat(5000),
    cache_read_input_tokens: count,
    cache_creation_input_tokens: count,
    output_tokens: fc.nat(5000),
    output_tokens_details: fc.constantFrom(undefined, { thinking_tokens: 3 }),
    service_tier: fc.constantFrom(undefined, "standard")
  })
})

/** How a message ends. */
export type End = typeof ends extends fc.Arbitrary<infer A> ? A : never

const head = { id: "msg_1", type: "message", role: "assistant", model: "claude-sonnet-5" }

/** The message in one document. */
export const whole = (blocks: ReadonlyArray<Block>, { usage, ...end }: End): object =>
  plain({ ...head, content: blocks.map(({ whole }) => whole), ...end, usage })

/** The message as its events. */
export const sse = (blocks: ReadonlyArray<Block>, { usage, ...delta }: End): string =>
  [
    {
      type: "message_start",
      message: {
        ...head,
        content: [],
        stop_reason: null,
        usage: { input_tokens: usage.input_tokens, output_tokens: 1 }
      }
    },
    ...blocks.flatMap(({ deltas, start }, index) => [
      { type: "content_block_start", index, content_block: start },
      { type: "ping" },
      ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
      ...(says(deltas) ? [{ type: "content_block_delta", index, delta: { type: "unheard_of_delta" } }] : []),
      { type: "content_block_stop", index }
    ]),
    { type: "unheard_of", of: 1 },
    { type: "message_delta", delta, usage },
    { type: "message_stop" }
  ].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("")

/** Whether a text has begun to be written: events that nobody knows go on where their block does. */
const says = (deltas: ReadonlyArray<object>): boolean =>
  deltas.some((delta) => "text" in delta && delta.text !== "")
