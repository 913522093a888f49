/** OpenAI's Responses: items in, items out, a thought only where it comes back as it was. */
import { answersAll, type Asked, type Fields, halves, must, type Said, signature, sse, tokens } from "./words.ts"

const usage = {
  input_tokens: tokens.input, input_tokens_details: { cached_tokens: 0 }, output_tokens: tokens.output,
  output_tokens_details: { reasoning_tokens: 0 }, total_tokens: tokens.input + tokens.output
}

const textOf = (content: unknown): string =>
  typeof content === "string" ? content : (content as ReadonlyArray<Fields>).map(({ text }) => text ?? "").join("")

const read = (body: Fields): Asked => {
  const items: ReadonlyArray<Fields> = typeof body.input === "string" ? [
    { role: "user", content: body.input }
  ] : body.input
  must(Array.isArray(items) && items.length > 0, "input: at least one item")
  for (const [at, item] of items.entries()) {
    if (item.type === "reasoning") must(
      item.encrypted_content === signature || item.id === "rs_1", `input[${at}]: a thought of nobody`
    )
    else if (item.type === "function_call") JSON.parse(item.arguments)
    else if (item.type !== "function_call_output") must(typeof item.role === "string", `input[${at}]: role`)
  }
  const ids = (type: string) => items.filter((item) => item.type === type).map(({ call_id }) => call_id)
  answersAll(ids("function_call"), ids("function_call_output"))
  const tools: ReadonlyArray<Fields> = body.tools ?? []
  for (const { name, type } of tools) must(
    type === "function" && typeof name === "string", "tools: a function with a name"
  )
  const format = body.text?.format
  if (format?.type === "json_schema") must(
    format.name && typeof format.schema === "object", "text.format: name and schema"
  )
  const last = items.at(-1)!
  return {
    operation: "responses",
    model: body.model,
    streams: body.stream === true,
    texts: [textOf(items.findLast(({ role }) => role === "user")?.content ?? "")],
    tools: tools.map(({ name }) => name),
    result: last.type === "function_call_output" ? textOf(last.output) : undefined,
    isJson: format?.type === "json_schema",
    thinks: body.reasoning?.summary !== undefined && body.reasoning.summary !== null
  }
}

const itemsOf = ({ call, pieces, thinking }: Said): ReadonlyArray<Fields> => {
  const part = { type: "output_text", text: pieces.join(""), annotations: [], logprobs: [] }
  return [
    ...(thinking === undefined ? [] : [{
      type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: thinking }], encrypted_content: signature
    }]),
    ...(
      pieces.length === 0 ? [] : [
        { type: "message", id: "msg_1", role: "assistant", status: "completed", content: [part] }
      ]
    ),
    ...(call === undefined ? [] : [{
      type: "function_call", id: "fc_1", call_id: call.id, name: call.name,
      arguments: JSON.stringify(call.args), status: "completed"
    }])
  ]
}

const response = (asked: Asked, output: ReadonlyArray<Fields>, done: boolean) => ({
  id: "resp_1", object: "response", created_at: 1_760_000_000, model: asked.model,
  status: done ? "completed" : "in_progress",
  error: null, incomplete_details: null, instructions: null, output,
  parallel_tool_calls: true, tool_choice: "auto", tools: [],
  usage: done ? usage : null
})

const pieceEvents = (item: Fields, { call, pieces, thinking }: Said, at: object): ReadonlyArray<Fields> => {
  if (item.type === "message") {
    const [part] = item.content
    return [
      { type: "response.content_part.added", ...at, content_index: 0, part: { ...part, text: "" } },
      ...pieces.map((delta) => ({ type: "response.output_text.delta", ...at, content_index: 0, delta, logprobs: [] })),
      { type: "response.output_text.done", ...at, content_index: 0, text: part.text, logprobs: [] },
      { type: "response.content_part.done", ...at, content_index: 0, part }
    ]
  }
  if (item.type === "function_call") {
    const text = JSON.stringify(call!.args)
    return [
      ...halves(text).map((delta) => ({ type: "response.function_call_arguments.delta", ...at, delta })),
      { type: "response.function_call_arguments.done", ...at, arguments: text }
    ]
  }
  const part = { type: "summary_text", text: thinking }
  return [
    { type: "response.reasoning_summary_part.added", ...at, summary_index: 0, part: { ...part, text: "" } },
    ...halves(thinking!).map(
      (delta) => ({ type: "response.reasoning_summary_text.delta", ...at, summary_index: 0, delta })
    ),
    { type: "response.reasoning_summary_text.done", ...at, summary_index: 0, text: thinking },
    { type: "response.reasoning_summary_part.done", ...at, summary_index: 0, part }
  ]
}

const begun = (item: Fields): Fields => ({
  ...item,
  ...(item.type !== "reasoning" && { status: "in_progress" }),
  ...(item.type === "message" ? { content: [] } : item.type === "function_call" ? { arguments: "" } : { summary: [] })
})

/** Its words. */
export const responses = {
  read,
  whole: (said: Said, asked: Asked): object => response(asked, itemsOf(said), true),
  events: (said: Said, asked: Asked): ReadonlyArray<string> => {
    const items = itemsOf(said)
    const events: ReadonlyArray<Fields> = [
      { type: "response.created", response: response(asked, [], false) },
      { type: "response.in_progress", response: response(asked, [], false) },
      ...items.flatMap((item, output_index) => [
        { type: "response.output_item.added", output_index, item: begun(item) },
        ...pieceEvents(item, said, { item_id: item.id, output_index }),
        { type: "response.output_item.done", output_index, item }
      ]),
      { type: "response.completed", response: response(asked, items, true) }
    ]
    return events.map((event, sequence_number) => sse({ ...event, sequence_number }, event.type))
  }
}
