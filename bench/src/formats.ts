/**
 * One streamed answer in each wire format, event by event, for measuring what reading an event takes.
 *
 * @module
 */
import { crc32 } from "node:zlib"
import { events as openAi, pieces } from "./exchange.ts"

/** A format: which provider reads it, and the events as they come. */
export interface Format {
  /** The provider, and the entry of `@plugline/providers` it is in. */
  readonly provider: string
  /** Which of its interfaces. Default: the usual one. */
  readonly api?: string
  readonly events: ReadonlyArray<Uint8Array>
  /** The JSON in each event, where there is one. */
  readonly json: ReadonlyArray<string>
}

const encoder = new TextEncoder()

const sse = (values: ReadonlyArray<readonly [name: string | undefined, value: object]>) => ({
  json: values.map(([, value]) => JSON.stringify(value)),
  events: values.map(([name, value]) =>
    encoder.encode(`${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(value)}\n\n`))
})

const typed = (values: ReadonlyArray<{ readonly type: string }>) => sse(values.map((value) => [value.type, value] as const))

const anthropic = typed([
  {
    type: "message_start",
    message: {
      id: "msg_01", type: "message", role: "assistant", model: "claude-haiku-4-5", content: [], stop_reason: null, stop_sequence: null,
      usage: { input_tokens: 48, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 1 }
    }
  },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  ...pieces.map((text) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
  { type: "content_block_stop", index: 0 },
  { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 200 } },
  { type: "message_stop" }
] as ReadonlyArray<{ readonly type: string }>)

const usageMetadata = { promptTokenCount: 48, candidatesTokenCount: 200, totalTokenCount: 248, promptTokensDetails: [{ modality: "TEXT", tokenCount: 48 }] }

const google = sse(pieces.map((text, index) => [undefined, {
  candidates: [{ content: { parts: [{ text }], role: "model" }, index: 0, ...(index === pieces.length - 1 && { finishReason: "STOP" }) }],
  usageMetadata,
  modelVersion: "gemini-2.5-flash",
  responseId: "r-1"
}] as const))

const item = { id: "msg_1", type: "message", status: "completed", role: "assistant", content: [{ type: "output_text", annotations: [], logprobs: [], text: pieces.join("") }] }
const response = { id: "resp_1", object: "response", created_at: 1_760_000_000, status: "in_progress", model: "gpt-5-mini-2025-08-07", output: [] }

const responses = typed([
  { type: "response.created", sequence_number: 0, response },
  { type: "response.in_progress", sequence_number: 1, response },
  { type: "response.output_item.added", sequence_number: 2, output_index: 0, item: { ...item, status: "in_progress", content: [] } },
  { type: "response.content_part.added", sequence_number: 3, item_id: "msg_1", output_index: 0, content_index: 0, part: { type: "output_text", annotations: [], logprobs: [], text: "" } },
  ...pieces.map((delta, index) => ({
    type: "response.output_text.delta", sequence_number: index + 4, item_id: "msg_1", output_index: 0, content_index: 0, delta, logprobs: [],
    obfuscation: "q7Zt1"
  })),
  { type: "response.output_text.done", sequence_number: 204, item_id: "msg_1", output_index: 0, content_index: 0, text: pieces.join(""), logprobs: [] },
  { type: "response.content_part.done", sequence_number: 205, item_id: "msg_1", output_index: 0, content_index: 0, part: item.content[0] },
  { type: "response.output_item.done", sequence_number: 206, output_index: 0, item },
  {
    type: "response.completed", sequence_number: 207,
    response: {
      ...response, status: "completed", output: [item],
      usage: { input_tokens: 48, input_tokens_details: { cached_tokens: 0 }, output_tokens: 200, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 248 }
    }
  }
] as ReadonlyArray<{ readonly type: string }>)

const cohere = typed([
  { type: "message-start", id: "c-1", delta: { message: { role: "assistant", content: [], tool_plan: "", tool_calls: [], citations: [] } } },
  { type: "content-start", index: 0, delta: { message: { content: { type: "text", text: "" } } } },
  ...pieces.map((text) => ({ type: "content-delta", index: 0, delta: { message: { content: { text } } } })),
  { type: "content-end", index: 0 },
  {
    type: "message-end",
    delta: { finish_reason: "COMPLETE", usage: { billed_units: { input_tokens: 40, output_tokens: 200 }, tokens: { input_tokens: 48, output_tokens: 200 } } }
  }
] as ReadonlyArray<{ readonly type: string }>)

const lines = (values: ReadonlyArray<object>) => ({
  json: values.map((value) => JSON.stringify(value)),
  events: values.map((value) => encoder.encode(`${JSON.stringify(value)}\n`))
})

const at = { model: "llama3.2", created_at: "2025-10-09T08:53:20.000000Z" }

const ollama = lines([
  ...pieces.map((content) => ({ ...at, message: { role: "assistant", content }, done: false })),
  {
    ...at, message: { role: "assistant", content: "" }, done: true, done_reason: "stop", total_duration: 4_000_000_000, load_duration: 1_000_000,
    prompt_eval_count: 48, prompt_eval_duration: 100_000_000, eval_count: 200, eval_duration: 3_000_000_000
  }
])

/** One message of AWS's event stream: its length, its headers, its payload, and two checksums. */
const framed = (name: string, value: object): Uint8Array => {
  const headers = Buffer.concat(
    Object.entries({ ":event-type": name, ":content-type": "application/json", ":message-type": "event" }).map(([key, text]) => {
      const header = Buffer.alloc(4 + key.length + text.length)
      header.writeUInt8(key.length, 0)
      header.write(key, 1)
      header.writeUInt8(7, 1 + key.length)
      header.writeUInt16BE(text.length, 2 + key.length)
      header.write(text, 4 + key.length)
      return header
    })
  )
  const payload = Buffer.from(JSON.stringify(value))
  const message = Buffer.alloc(16 + headers.length + payload.length)
  message.writeUInt32BE(message.length, 0)
  message.writeUInt32BE(headers.length, 4)
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8)
  headers.copy(message, 12)
  payload.copy(message, 12 + headers.length)
  message.writeUInt32BE(crc32(message.subarray(0, message.length - 4)), message.length - 4)
  return message
}

const frames = (values: ReadonlyArray<readonly [name: string, value: object]>) => ({
  json: values.map(([, value]) => JSON.stringify(value)),
  events: values.map(([name, value]) => framed(name, value))
})

const bedrock = frames([
  ["messageStart", { role: "assistant", p: "abcdefgh" }],
  ...pieces.map((text) => ["contentBlockDelta", { contentBlockIndex: 0, delta: { text }, p: "abcdefghijkl" }] as const),
  ["contentBlockStop", { contentBlockIndex: 0, p: "abcd" }],
  ["messageStop", { stopReason: "end_turn", p: "abcd" }],
  ["metadata", { metrics: { latencyMs: 900 }, usage: { inputTokens: 48, outputTokens: 200, totalTokens: 248 }, p: "abcd" }]
])

/** Every format, by a name for the table. */
export const formats: { readonly [name: string]: Format } = {
  "chat completions": {
    provider: "openai",
    events: openAi.map((event) => encoder.encode(event)),
    json: openAi.slice(0, -1).map((event) => event.slice("data: ".length, -2))
  },
  responses: { provider: "openai", api: "responses", ...responses },
  anthropic: { provider: "anthropic", ...anthropic },
  gemini: { provider: "google", ...google },
  bedrock: { provider: "bedrock", ...bedrock },
  cohere: { provider: "cohere", ...cohere },
  ollama: { provider: "ollama", ...ollama }
}
