/**
 * A service that answers as Anthropic's API is documented to, for the tests: it thinks, signs, runs a search of its own
 * and asks for two tools at once. It refuses, in the API's words, a conversation that does not bring back what it said
 * exactly.
 *
 * @module
 */
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { isDeepStrictEqual } from "node:util"
import { sse } from "./support.ts"

type Block = { readonly type: string; readonly [name: string]: unknown }
type Turn = { readonly role: string; readonly content: string | ReadonlyArray<Block> }
interface Body {
  readonly model?: string
  readonly max_tokens?: number
  readonly stream?: boolean
  readonly messages: ReadonlyArray<Turn>
}

/** The service while it runs. */
interface Listening {
  readonly url: string
  readonly bodies: ReadonlyArray<Body>
  readonly server: Server
}

/** The key it takes. */
export const key = "sk-ant-api03-conversation-test"

/** What it says, turn by turn. */
export const script: ReadonlyArray<ReadonlyArray<Block>> = [
  [
    { type: "thinking", thinking: "Two cities, so two calls.", signature: "c2lnbmF0dXJlLW9uZQ==" },
    { type: "redacted_thinking", data: "aGlkZGVu" },
    { type: "text", text: "Let me look." },
    { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "weather" } },
    {
      type: "web_search_tool_result",
      tool_use_id: "srvtoolu_1",
      content: [
        { type: "web_search_result", url: "https://w.example/", title: "W", encrypted_content: "ZW5j", page_age: null }
      ]
    },
    { type: "thinking", thinking: "", signature: "c2lnbmF0dXJlLXR3bw==" },
    { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Oslo" }, caller: { type: "direct" } },
    { type: "tool_use", id: "toolu_2", name: "weather", input: {} }
  ],
  [
    { type: "thinking", thinking: "One of them failed.", signature: "c2lnbmF0dXJlLXRocmVl" },
    { type: "tool_use", id: "toolu_3", name: "weather", input: { city: "Rome" } }
  ],
  [
    {
      type: "text",
      text: "Oslo: 3°.",
      citations: [
        {
          type: "web_search_result_location",
          url: "https://w.example/",
          title: "W",
          encrypted_index: "aWR4",
          cited_text: "3"
        }
      ]
    },
    { type: "text", text: " Rome: 20°." }
  ],
  [{ type: "text", text: "You are welcome." }]
]

/** Starts it on loopback. `bodies` are those it took. */
export const listen = async (): Promise<Listening> => {
  const bodies: Array<Body> = []
  const server = createServer((request, response) => {
    let text = ""
    request.on("data", (piece: Buffer) => text += piece.toString("utf8"))
    request.on("end", () => {
      const refuse = (status: number, type: string, message: string) =>
        response.writeHead(status, { "content-type": "application/json", "request-id": "req_1" })
          .end(JSON.stringify({ type: "error", error: { type, message }, request_id: "req_1" }))
      if (request.headers["x-api-key"] !== key) return refuse(401, "authentication_error", "invalid x-api-key")
      const body = JSON.parse(text) as Body
      const problem = request.headers["anthropic-version"] !== "2023-06-01"
        ? "anthropic-version: header is required"
        : refusal(body)
      if (problem !== undefined) return refuse(400, "invalid_request_error", problem)
      bodies.push(body)
      const said = body.messages.filter(({ role }) => role === "assistant").length
      const content = script[said]!
      const stop_reason = content.some(({ type }) => type === "tool_use") ? "tool_use" : "end_turn"
      const message = { id: `msg_${said}`, type: "message", role: "assistant", model: body.model }
      const usage = { input_tokens: 10, output_tokens: 20 }
      if (body.stream !== true) {
        response.writeHead(
          200,
          { "content-type": "application/json" }
        ).end(JSON.stringify({ ...message, content, stop_reason, stop_sequence: null, usage }))
        return
      }
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.end(sse([
        {
          type: "message_start",
          message: { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } }
        },
        ...content.flatMap(events),
        { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 20 } },
        { type: "message_stop" }
      ]))
    })
  })
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, bodies, server }
}

const events = (block: Block, index: number): ReadonlyArray<object> => {
  const { citations, input, signature, text, thinking, ...rest } = block
  const deltas: ReadonlyArray<object> = block.type === "text"
    ? [
      ...(citations as ReadonlyArray<object> ?? []).map((citation) => ({ type: "citations_delta", citation })),
      ...halves(text).map((text) => ({ type: "text_delta", text }))
    ]
    : block.type === "thinking"
    ? [
      ...halves(thinking).map((thinking) => ({ type: "thinking_delta", thinking })),
      { type: "signature_delta", signature }
    ]
    : input === undefined || isDeepStrictEqual(input, {})
    ? []
    : halves(JSON.stringify(input)).map((partial_json) => ({ type: "input_json_delta", partial_json }))
  const start = {
    ...rest,
    ...(text !== undefined && { text: "" }),
    ...(thinking !== undefined && { thinking: "", signature: "" }),
    ...(input !== undefined && { input: {} })
  }
  return [
    { type: "content_block_start", index, content_block: start },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index }
  ]
}

const halves = (text: unknown): ReadonlyArray<string> => {
  const whole = text as string
  return whole === "" ? [] : [whole.slice(0, whole.length >> 1), whole.slice(whole.length >> 1)]
}

// --- what it refuses ------------------------------------------------------------------------------------------------

const refusal = ({ max_tokens, messages, model }: Body): string | undefined => {
  if (model === undefined) return "model: Field required"
  if (max_tokens === undefined) return "max_tokens: Field required"
  let said = 0
  for (const [index, { content, role }] of messages.entries()) {
    const blocks: ReadonlyArray<Block> = typeof content === "string" ? [{ type: "text", text: content }] : content
    const before = index === 0 ? undefined : messages[index - 1]!
    if (role === before?.role) {
      return `messages: roles must alternate between "user" and "assistant", `
        + `but found multiple "${role}" roles in a row`
    }
    for (const [place, block] of blocks.entries()) {
      if (block.type === "text" && (block.text as string).trim() === "") {
        return `messages.${index}.content.${place}: text content blocks must contain non-whitespace text`
      }
    }
    const problem = role === "assistant" ? changed(blocks, script[said++]!, index) : unanswered(blocks, before, index)
    if (problem !== undefined) return problem
  }
  return messages.at(-1)?.role === "user"
    ? undefined
    : "This model does not support assistant message prefill. The conversation must end with a user message."
}

/** What the service said must come back as it was. */
const changed = (blocks: ReadonlyArray<Block>, said: ReadonlyArray<Block>, index: number): string | undefined => {
  for (const [place, block] of said.entries()) {
    const here = blocks[place]
    if (isDeepStrictEqual(here, block)) continue
    if (block.type === "thinking" && here?.type === "thinking" && here.signature !== block.signature) {
      return `messages.${index}.content.${place}: Invalid \`signature\` in \`thinking\` block`
    }
    if (block.type.includes("thinking")) {
      return `messages.${index}.content.${place}: \`thinking\` or \`redacted_thinking\` blocks `
        + "in the latest assistant message cannot be modified. "
        + "These blocks must remain as they were in the original response."
    }
    return `messages.${index}.content.${place}: is not what was said: ${JSON.stringify(here)}`
  }
  return blocks.length === said.length ? undefined : `messages.${index}.content: holds what was not said`
}

/** Each call must be answered at once, before anything else is said. */
const unanswered = (blocks: ReadonlyArray<Block>, before: Turn | undefined, index: number): string | undefined => {
  const called = typeof before?.content === "object" ? before.content.filter(
    ({ type }) => type === "tool_use"
  ).map(({ id }) => id as string) : []
  const results = blocks.filter(({ type }) => type === "tool_result")
  const missing = called.filter((id) => !results.some((result) => result.tool_use_id === id))
  if (missing.length > 0) {
    return `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: `
      + `${missing.join(", ")}. `
      + "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
  }
  const stray = results.find((result) => !called.includes(result.tool_use_id as string))
  if (stray !== undefined) {
    const id = String(stray.tool_use_id)
    return `messages.${index}.content.0: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}`
  }
  return blocks.slice(0, results.length).every(({ type }) => type === "tool_result")
    ? undefined
    : `messages.${index}: \`tool_result\` blocks must come first`
}
