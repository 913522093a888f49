/** The laws of providers, for the chat of each one that is shipped, with answers as its service writes them. */
import { Laws } from "@plugline/testing"
import { describe, expect, it } from "vitest"
import { all } from "@plugline/providers/all"

interface Exchange {
  readonly whole: string
  readonly stream?: string
}

const json = (value: unknown) => JSON.stringify(value)
const sse = (
  events: ReadonlyArray<object>,
  end = ""
) => events.map((event) => `data: ${json(event)}\n\n`).join("") + end
const named = (
  events: ReadonlyArray<{ readonly type: string; readonly [field: string]: unknown }>
) => events.map((event) => `event: ${event.type}\ndata: ${json(event)}\n\n`).join("")

// --- chat completions -------------------------------------------------------------------------------------------------

const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
const chunk = (delta: object, finish: string | null = null) =>
  ({ id: "c1", created: 1741569952, model: "m-1", choices: [{ index: 0, delta, finish_reason: finish }] })
const openai: Exchange = {
  whole: json({
    id: "c1", object: "chat.completion", created: 1741569952, model: "m-1", usage,
    choices: [{
      index: 0,
      finish_reason: "tool_calls",
      message: {
        role: "assistant",
        content: "Hé 😀 there",
        reasoning_content: "hm, hm",
        tool_calls: [{ id: "t1", type: "function", function: { name: "look", arguments: `{"at":"wörld"}` } }]
      }
    }]
  }),
  stream: sse([
    chunk({
      role: "assistant",
      reasoning_content: "hm, "
    }), chunk({ reasoning_content: "hm" }), chunk({ content: "Hé 😀" }), chunk({ content: " there" }),
    chunk({ tool_calls: [{ index: 0, id: "t1", type: "function", function: { name: "look", arguments: "" } }] }),
    chunk({ tool_calls: [{ index: 0, function: { arguments: `{"at":` } }] }), chunk({
      tool_calls: [{ index: 0, function: { arguments: `"wörld"}` } }]
    }),
    chunk({}, "tool_calls"), { choices: [], usage }
  ], "data: [DONE]\n\n")
}

// --- the others -------------------------------------------------------------------------------------------------------

const counted = { input_tokens: 3, output_tokens: 2 }
const anthropic: Exchange = {
  whole: json({
    id: "m1",
    type: "message",
    role: "assistant",
    model: "m-1",
    content: [{ type: "text", text: "Hé 😀 there" }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: counted
  }),
  stream: named([
    {
      type: "message_start",
      message: {
        id: "m1",
        type: "message",
        role: "assistant",
        model: "m-1",
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: counted
      }
    },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hé 😀" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: " there" } },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: counted },
    { type: "message_stop" }
  ])
}

const candidate = (text: string, finish?: string) => ({
  candidates: [
    { index: 0, content: { role: "model", parts: [{ text }] }, ...(finish !== undefined && { finishReason: finish }) }
  ],
  usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 },
  modelVersion: "m-1",
  responseId: "r1"
})
const google: Exchange = {
  whole: json(candidate("Hé 😀 there", "STOP")),
  stream: sse([candidate("Hé 😀"), candidate(" there", "STOP")])
}

const cohereUsage = {
  billed_units: { input_tokens: 3, output_tokens: 2 },
  tokens: { input_tokens: 3, output_tokens: 2 }
}
const cohere: Exchange = {
  whole: json({
    id: "c1",
    finish_reason: "COMPLETE",
    message: { role: "assistant", content: [{ type: "text", text: "Hé 😀 there" }] },
    usage: cohereUsage
  }),
  stream: named([
    {
      id: "c1",
      type: "message-start",
      delta: { message: { role: "assistant", content: [], tool_plan: "", tool_calls: [], citations: [] } }
    },
    { type: "content-start", index: 0, delta: { message: { content: { type: "text", text: "" } } } },
    { type: "content-delta", index: 0, delta: { message: { content: { text: "Hé 😀" } } } },
    { type: "content-delta", index: 0, delta: { message: { content: { text: " there" } } } },
    { type: "content-end", index: 0 },
    { type: "message-end", delta: { finish_reason: "COMPLETE", usage: cohereUsage } }
  ])
}

const line = (content: string, more: object = { done: false }) =>
  ({ model: "m-1", created_at: "2026-01-01T00:00:00Z", message: { role: "assistant", content }, ...more })
const done = { done: true, done_reason: "stop", prompt_eval_count: 3, eval_count: 2 }
const ollama: Exchange = {
  whole: json(line("Hé 😀 there", done)),
  stream: [line("Hé 😀"), line(" there"), line("", done)].map((event) => `${json(event)}\n`).join("")
}

/** Its stream is binary, and has tests of its own. */
const bedrock: Exchange = {
  whole: json({
    output: { message: { role: "assistant", content: [{ text: "Hé 😀 there" }] } },
    stopReason: "end_turn",
    usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 },
    metrics: { latencyMs: 1 }
  })
}

const own: { readonly [provider: string]: Exchange } = { anthropic, google, vertex: google, cohere, ollama, bedrock }

const chatting = all.filter(({ wires }) => wires.chat !== undefined)

describe.each(chatting.map((provider) => [provider.name, provider] as const))("the wire of %s", (name, { wires }) => {
  const laws = Laws.provider({ name, wire: wires.chat!, exchanges: [own[name] ?? openai], numRuns: 15 })
  it("has laws", () => expect(laws.length).toBeGreaterThan(1))
  laws.forEach(({ check, name }) => it(name, check))
})
