/** Ollama's service: lines of JSON, streamed unless told otherwise, calls whole and answered by the tool's name. */
import { type Asked, type Fields, halves, must, Refusal, type Said, type Service, tokens, vectorOf } from "./words.ts"

const chat = ({ format, messages, model, stream, think, tools = [] }: Fields): Asked => {
  must(Array.isArray(messages) && messages.length > 0, "messages: at least one")
  messages.forEach(({ content, role, tool_calls = [] }: Fields, at: number) => {
    must(/^(system|user|assistant|tool)$/.test(role), `messages[${at}].role: ${role}`)
    must(typeof content === "string", `messages[${at}].content must be a string`)
    tool_calls.forEach(({ function: { arguments: args, name } }: Fields, index: number) => {
      must(typeof args === "object" && args !== null, "arguments must be an object")
      const result = messages[at + 1 + index]
      must(result?.role === "tool" && result.tool_name === name, `no result of ${name}`)
    })
  })
  for (const { function: tool, type } of tools) must(
    type === "function" && typeof tool.name === "string", "tools: a function with a name"
  )
  const last = messages.at(-1)
  return {
    operation: "chat",
    model,
    streams: stream !== false,
    texts: [messages.findLast(({ role }: Fields) => role === "user")?.content],
    tools: tools.map(({ function: { name } }: Fields) => name),
    result: last.role === "tool" ? last.content : undefined,
    isJson: typeof format === "object",
    thinks: think !== undefined && think !== false
  }
}

const head = ({ model }: Asked) => ({ model, created_at: "2026-01-02T03:04:05.6Z" })
const end = {
  done: true, done_reason: "stop", total_duration: 900, load_duration: 100, prompt_eval_count: tokens.input,
  prompt_eval_duration: 300,
  eval_count: tokens.output, eval_duration: 500
}

const callsOf = ({ call }: Said) =>
  call === undefined ? {} : {
    tool_calls: [{ id: call.id, function: { index: 0, name: call.name, arguments: call.args } }]
  }

const message = (asked: Asked, content: string, more: object = {}): object =>
  asked.operation === "completion" ? { response: content, ...more } : {
    message: { role: "assistant", content, ...more }
  }

/** Its words. */
export const ollama: Service = {
  streamType: "application/x-ndjson",
  read: ({ body, path }) => {
    must(typeof body.model === "string", "model is required")
    if (path === "/api/chat") return chat(body)
    const rest = { model: body.model, streams: body.stream !== false, tools: [], isJson: false, thinks: false }
    if (path === "/api/generate") return { ...rest, operation: "completion", texts: [body.prompt] }
    if (path === "/api/embed") return {
      ...rest, operation: "embeddings", texts: typeof body.input === "string" ? [body.input] : body.input
    }
    throw new Refusal("404 page not found", 404)
  },
  whole: (said, asked) => {
    const { pieces, thinking } = said
    return {
      ...head(asked), ...message(
        asked, pieces.join(""), { ...(thinking !== undefined && { thinking }), ...callsOf(said) }
      ), ...end
    }
  },
  events: (said, asked) => {
    const { call, pieces, thinking } = said
    const line = (value: object): string => `${JSON.stringify({ ...head(asked), done: false, ...value })}\n`
    return [
      ...(thinking === undefined ? [] : halves(thinking).map((thinking) => line(message(asked, "", { thinking })))),
      ...pieces.map((piece) => line(message(asked, piece))),
      ...(call === undefined ? [] : [line(message(asked, "", callsOf(said)))]),
      line({ ...message(asked, ""), ...end })
    ]
  },
  vectors: ({ model, texts }) => (
    { model, embeddings: texts.map(vectorOf), total_duration: 9, load_duration: 1, prompt_eval_count: tokens.input }
  ),
  error: (_, message) => ({ error: message })
}
