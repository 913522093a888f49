/** Anthropic's service: messages in turns, calls answered at once, thoughts that come back signed as they were. */
import {
  answersAll, type Fields, halves, must, Refusal, type Said, type Service, signature, sse, tokens
} from "./words.ts"

const blocksOf = (content: unknown): ReadonlyArray<Fields> =>
  typeof content === "string" ? [{ type: "text", text: content }] : content as ReadonlyArray<Fields>

const textOf = (content: unknown): string => blocksOf(content ?? []).map(({ text }) => text ?? "").join("")

/** Holds turns to what the service insists on. */
const check = (messages: ReadonlyArray<Fields>, isThinking: boolean): void => {
  must(Array.isArray(messages) && messages.length > 0, "messages: at least one message is required")
  messages.forEach(({ content, role }, at) => {
    must(role === (at % 2 === 0 ? "user" : "assistant"), "messages: roles must alternate")
    const blocks = blocksOf(content)
    must(blocks.length > 0, `messages.${at}: content is empty`)
    for (const block of blocks) {
      if (block.type === "text") must(block.text.trim(), `messages.${at}: text content blocks must be non-empty`)
      if (block.type === "thinking") must(
        block.signature === signature, `messages.${at}: Invalid \`signature\` in \`thinking\` block`
      )
    }
    const calls = blocks.filter(({ type }) => type === "tool_use")
    if (calls.length === 0) return
    must(
      !isThinking || blocks[0]!.type === "thinking",
      `messages.${at}: when thinking is on, a final assistant message must start with it`
    )
    const results = blocksOf(messages[at + 1]?.content ?? []).filter(({ type }) => type === "tool_result")
    answersAll(calls.map(({ id }) => id), results.map(({ tool_use_id }) => tool_use_id))
  })
}

const blocks = ({ call, pieces, thinking }: Said): ReadonlyArray<Fields> => [
  ...(thinking === undefined ? [] : [{ type: "thinking", thinking, signature }]),
  ...(pieces.length === 0 ? [] : [{ type: "text", text: pieces.join("") }]),
  ...(call === undefined ? [] : [{ type: "tool_use", id: call.id, name: call.name, input: call.args }])
]

const eventsOf = (block: Fields, { pieces }: Said, index: number): ReadonlyArray<Fields> => {
  const deltas: ReadonlyArray<Fields> = block.type === "text"
    ? pieces.map((text) => ({ type: "text_delta", text }))
    : block.type === "thinking"
    ? [
      ...halves(block.thinking).map(
        (thinking) => ({ type: "thinking_delta", thinking })
      ), { type: "signature_delta", signature }
    ]
    : halves(JSON.stringify(block.input)).map((partial_json) => ({ type: "input_json_delta", partial_json }))
  const start = block.type === "text" ? { ...block, text: "" }
    : block.type === "thinking" ? { ...block, thinking: "", signature: "" }
    : { ...block, input: {} }
  return [
    { type: "content_block_start", index, content_block: start },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index }
  ]
}

const head = { id: "msg_01", type: "message", role: "assistant" }

/** Its words. */
export const anthropic: Service = {
  streamType: "text/event-stream; charset=utf-8",
  read: ({ body, headers, path }) => {
    if (headers["x-api-key"] !== "sk-anthropic-service") throw new Refusal("invalid x-api-key", 401)
    if (path !== "/messages") throw new Refusal("Not Found", 404)
    must(headers["anthropic-version"] === "2023-06-01", "anthropic-version: header is required")
    must(typeof body.model === "string", "model: Field required")
    must(Number.isInteger(body.max_tokens) && body.max_tokens > 0, "max_tokens: Field required")
    const { messages, output_config: output, thinking, tools = [] } = body
    const isThinking = thinking !== undefined && thinking.type !== "disabled"
    if (thinking?.budget_tokens !== undefined) {
      must(
        thinking.budget_tokens >= 1024 && thinking.budget_tokens < body.max_tokens,
        "`max_tokens` must be greater than `thinking.budget_tokens`"
      )
    }
    // Whoever thinks within a budget must begin with a thought; whoever thinks as it likes need not.
    check(messages, thinking?.type === "enabled")
    for (const tool of tools) must(
      typeof tool.name === "string" && tool.input_schema?.type === "object", "tools: name and input_schema"
    )
    if (output?.format !== undefined) must(
      output.format.type === "json_schema" && output.format.schema, "output_config.format: schema"
    )
    const last = blocksOf(messages.at(-1).content).find(({ type }) => type === "tool_result")
    return {
      operation: "chat",
      model: body.model,
      streams: body.stream === true,
      texts: [
        textOf(messages.findLast(({ content, role }: Fields) => role === "user" && textOf(content) !== "")?.content)
      ],
      tools: tools.map(({ name }: Fields) => name),
      result: last === undefined ? undefined : textOf(last.content),
      isJson: output?.format !== undefined,
      thinks: isThinking
    }
  },
  whole: (said, { model }) => ({
    ...head, model, content: blocks(said), stop_reason: said.call === undefined ? "end_turn" : "tool_use",
    stop_sequence: null,
    usage: { input_tokens: tokens.input, output_tokens: tokens.output }
  }),
  events: (said, { model }) => [
    {
      type: "message_start",
      message: {
        ...head, model, content: [], stop_reason: null, stop_sequence: null, usage: {
          input_tokens: tokens.input, output_tokens: 1
        }
      }
    },
    { type: "ping" },
    ...blocks(said).flatMap((block, index) => eventsOf(block, said, index)),
    {
      type: "message_delta",
      delta: { stop_reason: said.call === undefined ? "end_turn" : "tool_use", stop_sequence: null },
      usage: { output_tokens: tokens.output }
    },
    { type: "message_stop" }
  ].map((event) => sse(event, event.type)),
  vectors: () => {
    throw new Refusal("Not Found", 404)
  },
  error: (status, message) => (
    { type: "error", error: { type: types[status] ?? "invalid_request_error", message }, request_id: "req_011" }
  )
}

const types: Record<number, string> = {
  401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error", 500: "api_error"
}
