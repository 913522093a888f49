/** OpenAI's service: chat completions, completions and embeddings; its Responses stand beside. */
import {
  answersAll, type Asked, type Fields, halves, must, Refusal, type Said, type Service, sse, tokens, vectorOf
} from "./words.ts"
import { responses } from "./responses.ts"

const head = { id: "chatcmpl-7", created: 1_760_000_000, system_fingerprint: "fp_1" }
const usage = {
  prompt_tokens: tokens.input, completion_tokens: tokens.output, total_tokens: tokens.input + tokens.output,
  completion_tokens_details: { reasoning_tokens: 0 }
}

const textOf = (content: unknown): string =>
  typeof content === "string" ? content : (content as ReadonlyArray<Fields> ?? []).map(({ text, type }) => {
    must(type === "text", `content of the type ${type}`)
    return text
  }).join("")

const chat = (body: Fields, thinks: boolean): Asked => {
  const messages: ReadonlyArray<Fields> = body.messages
  must(Array.isArray(messages) && messages.length > 0, "messages: at least one")
  messages.forEach((message, at) => {
    must(/^(system|developer|user|assistant|tool)$/.test(message.role), `messages[${at}].role: ${message.role}`)
    if (message.role !== "assistant" || message.tool_calls === undefined) return
    const calls: ReadonlyArray<Fields> = message.tool_calls
    for (const call of calls) {
      must(call.type === "function", `messages[${at}].tool_calls: type`)
      JSON.parse(call.function.arguments)
    }
    answersAll(
      calls.map(({ id }) => id), messages.slice(at + 1, at + 1 + calls.length).map(({ tool_call_id }) => tool_call_id)
    )
  })
  const tools: ReadonlyArray<Fields> = body.tools ?? []
  for (const { function: tool, type } of tools) must(
    type === "function" && typeof tool.name === "string", "tools: a function with a name"
  )
  const { response_format: format } = body
  if (format?.type === "json_schema") {
    must(
      format.json_schema?.name && typeof format.json_schema.schema === "object",
      "response_format.json_schema: name and schema"
    )
  }
  const last = messages.at(-1)!
  return {
    operation: "chat",
    model: body.model,
    streams: body.stream === true,
    texts: [textOf(messages.findLast(({ role }) => role === "user")?.content)],
    tools: tools.map(({ function: { name } }) => name),
    result: last.role === "tool" ? textOf(last.content) : undefined,
    isJson: format?.type === "json_schema",
    thinks: thinks && body.reasoning_effort !== undefined && body.reasoning_effort !== "none"
  }
}

/** What a body says whose answer has to say it too. */
const counted = new WeakSet<Asked>()

const judged = ({ model, texts }: Asked): object => ({
  id: "modr-7",
  model,
  results: texts.map((text) => {
    const violence = text.includes("hurt")
    return {
      flagged: violence,
      categories: { violence },
      category_scores: { violence: violence ? 0.9 : 0.1 },
      category_applied_input_types: { violence: ["text"] }
    }
  })
})

/** Whose words they are. */
interface Place {
  readonly key?: string
  /** The field for what was thought. OpenAI's own chat completions never show it. */
  readonly thought?: string
}

/** The words of a service that speaks so. */
const speaking = ({ key, thought }: Place): Service => ({
  streamType: "text/event-stream; charset=utf-8",
  read: ({ body, headers, path }) => {
    if (
      key !== undefined && headers.authorization !== `Bearer ${key}`
    ) throw new Refusal("Incorrect API key provided", 401)
    must(typeof body.model === "string", "you must provide a model parameter")
    if (path === "/responses") return responses.read(body)
    const texts = typeof body.input === "string" ? [body.input] : body.input
    const rest = { model: body.model, streams: body.stream === true, tools: [], isJson: false, thinks: false }
    const asked: Asked | undefined = path === "/chat/completions" ? chat(body, thought !== undefined)
      : path === "/completions" ? { ...rest, operation: "completion", texts: [body.prompt] }
      : path === "/embeddings" ? {
        ...rest, operation: "embeddings", texts, isPacked: body.encoding_format === "base64"
      }
      : path === "/moderations" ? { ...rest, operation: "moderations", texts }
      : undefined
    if (asked === undefined) throw new Refusal(`Invalid URL (POST ${path})`, 404)
    must(asked.texts.every((text) => typeof text === "string" && text !== ""), "a text")
    if (body.stream_options?.include_usage === true) counted.add(asked)
    return asked
  },
  whole: (said, asked) => {
    if (asked.operation === "responses") return responses.whole(said, asked)
    if (asked.operation === "moderations") return judged(asked)
    const { call, pieces, thinking } = said
    const text = pieces.join("")
    const finish_reason = call === undefined ? "stop" : "tool_calls"
    if (asked.operation === "completion") {
      return {
        ...head, object: "text_completion", model: asked.model, choices: [
          { index: 0, text, finish_reason, logprobs: null }
        ], usage
      }
    }
    const message = {
      role: "assistant", content: call === undefined ? text : null, refusal: null, annotations: [],
      ...(thinking !== undefined && { [thought!]: thinking }),
      ...(call !== undefined && { tool_calls: [toolCall(call, JSON.stringify(call.args))] })
    }
    return {
      ...head, object: "chat.completion", model: asked.model, choices: [
        { index: 0, message, finish_reason, logprobs: null }
      ], usage
    }
  },
  events: (said, asked) => {
    if (asked.operation === "responses") return responses.events(said, asked)
    const { call, pieces, thinking } = said
    const isChat = asked.operation === "chat"
    const object = isChat ? "chat.completion.chunk" : "text_completion"
    const chunk = (delta: object, finish_reason: string | null = null): string =>
      sse(
        { ...head, object, model: asked.model, choices: [{ index: 0, ...(isChat ? { delta } : delta), finish_reason }] }
      )
    return [
      ...(isChat ? [chunk({ role: "assistant", content: call === undefined ? "" : null, refusal: null })] : []),
      ...(thinking === undefined ? [] : halves(thinking).map((text) => chunk({ [thought!]: text }))),
      ...pieces.map((piece) => chunk(isChat ? { content: piece } : { text: piece })),
      ...(call === undefined ? [] : [
        chunk({ tool_calls: [{ index: 0, ...toolCall(call, "") }] }),
        ...halves(JSON.stringify(call.args)).map(
          (text) => chunk({ tool_calls: [{ index: 0, function: { arguments: text } }] })
        )
      ]),
      chunk(isChat ? {} : { text: "" }, call === undefined ? "stop" : "tool_calls"),
      ...(counted.has(asked) ? [sse({ ...head, object, model: asked.model, choices: [], usage })] : []),
      "data: [DONE]\n\n"
    ]
  },
  vectors: ({ isPacked, model, texts }) => ({
    object: "list",
    data: texts.map(
      (text, index) => (
        { object: "embedding", index, embedding: isPacked === true ? packed(vectorOf(text)) : vectorOf(text) }
      )
    ),
    model,
    usage: { prompt_tokens: tokens.input, total_tokens: tokens.input }
  }),
  error: (_, message) => ({ error: { message, type: "invalid_request_error", param: null, code: null } })
})

const packed = (vector: ReadonlyArray<number>): string => Buffer.from(
  new Float32Array(vector).buffer
).toString("base64")

/** OpenAI's own, and the interfaces in its words that Google and Ollama have beside theirs. */
export const openai = speaking({ key: "sk-openai-service" })
export const googleCompatible = speaking({ key: "google-service-key" })
export const ollamaCompatible = speaking({ thought: "reasoning" })

const toolCall = ({ id, name }: NonNullable<Said["call"]>, args: string) => (
  { id, type: "function", function: { name, arguments: args } }
)
