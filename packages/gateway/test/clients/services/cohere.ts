/** Cohere's service, second version: a plan beside calls, thoughts as blocks, vectors that say what they are for. */
import {
  answersAll, type Asked, type Fields, halves, must, Refusal, type Said, type Service, sse, tokens, vectorOf
} from "./words.ts"

const textOf = (content: unknown): string =>
  typeof content === "string" ? content : (content as ReadonlyArray<Fields> ?? []).map(
    ({ document, text }) => text ?? document?.data ?? ""
  ).join("")

const chat = ({ messages, model, response_format: format, stream, thinking, tools = [] }: Fields): Asked => {
  must(Array.isArray(messages) && messages.length > 0, "messages: at least one")
  messages.forEach(({ role, tool_calls }: Fields, at: number) => {
    must(/^(system|user|assistant|tool)$/.test(role), `messages[${at}].role: ${role}`)
    if (tool_calls === undefined) return
    for (const call of tool_calls) JSON.parse(call.function.arguments)
    const results = messages.slice(at + 1, at + 1 + tool_calls.length)
    answersAll(tool_calls.map(({ id }: Fields) => id), results.map(({ tool_call_id }: Fields) => tool_call_id))
  })
  for (const { function: tool, type } of tools) must(
    type === "function" && typeof tool.name === "string", "tools: a function with a name"
  )
  if (format?.type === "json_object") must(format.json_schema, "response_format.json_schema")
  const last = messages.at(-1)
  return {
    operation: "chat",
    model,
    streams: stream === true,
    texts: [textOf(messages.findLast(({ role }: Fields) => role === "user")?.content)],
    tools: tools.map(({ function: { name } }: Fields) => name),
    result: last.role === "tool" ? textOf(last.content) : undefined,
    isJson: format?.type === "json_object",
    thinks: thinking?.type === "enabled"
  }
}

const usage = {
  billed_units: { input_tokens: tokens.input, output_tokens: tokens.output },
  tokens: { input_tokens: tokens.input, output_tokens: tokens.output }
}

const toolCall = ({ id, name }: NonNullable<Said["call"]>, args: string) => (
  { id, type: "function", function: { name, arguments: args } }
)

/** Its words. */
export const cohere: Service = {
  streamType: "text/event-stream",
  read: ({ body, headers, path }) => {
    if (headers.authorization !== "Bearer cohere-service-key") throw new Refusal("invalid api token", 401)
    must(typeof body.model === "string", "model is required")
    if (path === "/v2/chat") return chat(body)
    const rest = { model: body.model, streams: body.stream === true, tools: [], isJson: false, thinks: false }
    if (path === "/v1/generate") return { ...rest, operation: "completion", texts: [body.prompt] }
    if (path !== "/v2/embed") throw new Refusal(`no such path: ${path}`, 404)
    must(body.input_type && body.embedding_types?.[0] === "float", "input_type and embedding_types")
    return { ...rest, operation: "embeddings", texts: body.texts }
  },
  whole: ({ call, pieces, thinking }, { operation }) => {
    if (operation === "completion") {
      const text = pieces.join("")
      return {
        id: "g1", generations: [
          { id: "g2", text, finish_reason: "COMPLETE" }
        ], prompt: "", meta: { billed_units: usage.billed_units }
      }
    }
    const content = [
      ...(thinking === undefined ? [] : [{ type: "thinking", thinking }]),
      ...(pieces.length === 0 ? [] : [{ type: "text", text: pieces.join("") }])
    ]
    return {
      id: "c1",
      message: {
        role: "assistant",
        ...(content.length > 0 && { content }),
        ...(call !== undefined && { tool_calls: [toolCall(call, JSON.stringify(call.args))] })
      },
      finish_reason: call === undefined ? "COMPLETE" : "TOOL_CALL",
      usage
    }
  },
  events: ({ call, pieces, thinking }, { operation }) => {
    if (operation === "completion") {
      return [
        ...pieces.map((text) => `${JSON.stringify({ text, is_finished: false, event_type: "text-generation" })}\n`),
        `${JSON.stringify({
          is_finished: true, event_type: "stream-end", finish_reason: "COMPLETE",
          response: {
            id: "g1",
            generations: [{ id: "g2", text: pieces.join(""), finish_reason: "COMPLETE" }],
            meta: { billed_units: usage.billed_units }
          }
        })}\n`
      ]
    }
    const event = (type: string, message: object, index?: number) => (
      { type, ...(index !== undefined && { index }), delta: { message } }
    )
    const block = (field: string, pieces: ReadonlyArray<string>, index: number) => [
      event("content-start", { content: { type: field, [field]: "" } }, index),
      ...pieces.map((piece) => event("content-delta", { content: { [field]: piece } }, index)),
      { type: "content-end", index }
    ]
    return [
      {
        id: "c1", ...event(
          "message-start", { role: "assistant", content: [], tool_plan: "", tool_calls: [], citations: [] }
        )
      },
      ...(thinking === undefined ? [] : block("thinking", halves(thinking), 0)),
      ...(pieces.length === 0 ? [] : block("text", pieces, thinking === undefined ? 0 : 1)),
      ...(call === undefined ? [] : [
        event("tool-call-start", { tool_calls: toolCall(call, "") }, 0),
        ...halves(JSON.stringify(call.args)).map(
          (text) => event("tool-call-delta", { tool_calls: { function: { arguments: text } } }, 0)
        ),
        { type: "tool-call-end", index: 0 }
      ]),
      { type: "message-end", delta: { finish_reason: call === undefined ? "COMPLETE" : "TOOL_CALL", usage } }
    ].map((value) => sse(value, value.type))
  },
  vectors: ({ texts }) => ({
    id: "e1", texts, embeddings: { float: texts.map(vectorOf) },
    meta: { api_version: { version: "2" }, billed_units: { input_tokens: tokens.input } }
  }),
  error: (_, message) => ({ id: "e1", message })
}
