/**
 * A service on the loopback that speaks the Responses API as it is documented, and insists on getting back what it said:
 * reasoning by its id or encrypted, the items that belong to it, an answer to each call.
 *
 * @module
 */
import { once } from "node:events"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { isDeepStrictEqual } from "node:util"

/** An item as it stands in bodies. */
export interface Item {
  readonly type?: string
  readonly id?: string
  readonly call_id?: string
  readonly [field: string]: unknown
}

interface Body {
  readonly input: ReadonlyArray<Item>
  readonly store?: boolean
  readonly stream?: boolean
  readonly include?: ReadonlyArray<string>
}

export const key = "sk-canary0123456789"

const secret = "gAAAAA+/=="
const text = (text: string) => ({ type: "output_text", text, annotations: [] })

/** What the model says in each turn. */
export const script: ReadonlyArray<ReadonlyArray<Item>> = [
  [
    { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "Two cities, " }, { type: "summary_text", text: "so two calls. Ünïcode 😀." }] },
    { type: "message", id: "msg_1", role: "assistant", status: "completed", phase: "commentary", content: [text("I will look.")] },
    { type: "web_search_call", id: "ws_1", status: "completed", action: { type: "search", query: "here" } },
    { type: "function_call", id: "fc_1", call_id: "call_1", name: "weather", arguments: "{\"city\":\"Oslo\"}", status: "completed" },
    { type: "function_call", id: "fc_2", call_id: "call_2", name: "weather", arguments: "{}", status: "completed" }
  ],
  [
    { type: "reasoning", id: "rs_2", summary: [] },
    { type: "custom_tool_call", id: "ct_1", call_id: "call_1", name: "sql", input: "SELECT 1" }
  ],
  [
    { type: "reasoning", id: "rs_3", summary: [] },
    { type: "message", id: "msg_3", role: "assistant", status: "completed", phase: "final_answer", content: [text("Oslo: 3°.")] }
  ],
  [{ type: "message", id: "msg_4", role: "assistant", status: "completed", content: [text("You are welcome.")] }]
]

/** The item as it is told: encrypted where that was asked for. */
export const told = (item: Item, isEncrypted: boolean): Item =>
  item.type === "reasoning" && isEncrypted ? { ...item, encrypted_content: `${secret}${item.id}` } : item

interface Refusal {
  readonly status: number
  readonly message: string
  readonly code?: string
}

/** What is wrong with a conversation, in the words of the service. */
const wrong = ({ input, store }: Body): Refusal | undefined => {
  const isStored = store !== false
  const all = script.flat()
  for (const [index, item] of input.entries()) {
    const known = all.find(({ id }) => id !== undefined && id === item.id)
    if (item.id !== undefined && known === undefined) return { status: 404, message: `Item with id '${item.id}' not found.` }
    if (item.type === "reasoning") {
      if (item.encrypted_content === undefined && !isStored) {
        return { status: 404, message: `Item with id '${item.id}' not found. Items are not persisted when \`store\` is set to false.` }
      }
      if (item.encrypted_content !== undefined && item.encrypted_content !== `${secret}${item.id}`) {
        return { status: 400, code: "invalid_encrypted_content", message: "The encrypted content could not be verified." }
      }
      if (input[index + 1]?.id === undefined) {
        return { status: 400, message: `Item '${item.id}' of type 'reasoning' was provided without its required following item.` }
      }
    }
    if (known !== undefined && !isDeepStrictEqual(item, told(known, item.encrypted_content !== undefined))) {
      return { status: 400, message: `Item '${item.id}' is not the one that was said: ${JSON.stringify(item)}` }
    }
    const turn = script.find((items) => items.some(({ id }) => id !== undefined && id === item.id))
    const thought = turn?.find(({ type }) => type === "reasoning")
    if (thought !== undefined && !input.some(({ id }) => id === thought.id)) {
      return { status: 400, message: `Item '${item.id}' of type '${item.type}' was provided without its required 'reasoning' item: '${thought.id}'.` }
    }
    if (item.type === "function_call" || item.type === "custom_tool_call") {
      const answer = item.type === "function_call" ? "function_call_output" : "custom_tool_call_output"
      if (!input.slice(index).some(({ call_id, type }) => type === answer && call_id === item.call_id)) {
        return { status: 400, message: `No tool output found for function call ${item.call_id}.` }
      }
    }
  }
  return undefined
}

const inPieces = (text: string): ReadonlyArray<string> => text.match(/.{1,4}/gsu) ?? []

/** The events of an item, as they are documented. */
const events = (item: Item, output_index: number): ReadonlyArray<object> => {
  const at = { output_index, item_id: item.id }
  const begun = { ...item, ...(item.content !== undefined && { content: [] }), ...(item.summary !== undefined && { summary: [] }) }
  const argument = item.type === "function_call" ? "arguments" : item.type === "custom_tool_call" ? "input" : undefined
  const kind = argument === "arguments" ? "response.function_call_arguments" : "response.custom_tool_call_input"
  const summary = (item.summary ?? []) as ReadonlyArray<{ readonly text: string }>
  const content = (item.content ?? []) as ReadonlyArray<{ readonly text: string }>
  return [
    { type: "response.output_item.added", output_index, item: { ...begun, ...(argument !== undefined && { [argument]: "" }) } },
    ...summary.flatMap(({ text }, summary_index) => [
      { type: "response.reasoning_summary_part.added", ...at, summary_index, part: { type: "summary_text", text: "" } },
      ...inPieces(text).map((delta) => ({ type: "response.reasoning_summary_text.delta", ...at, summary_index, delta })),
      { type: "response.reasoning_summary_text.done", ...at, summary_index, text }
    ]),
    ...content.flatMap((part, content_index) => [
      { type: "response.content_part.added", ...at, content_index, part: { ...part, text: "" } },
      ...inPieces(part.text).map((delta) => ({ type: "response.output_text.delta", ...at, content_index, delta, logprobs: [] })),
      { type: "response.content_part.done", ...at, content_index, part }
    ]),
    ...(argument === undefined ? [] : [
      ...inPieces(String(item[argument])).map((delta) => ({ type: `${kind}.delta`, ...at, delta })),
      { type: `${kind}.done`, ...at, [argument]: item[argument] }
    ]),
    { type: "response.output_item.done", output_index, item }
  ]
}

const refuse = (response: ServerResponse, { code, message, status }: Refusal): void => {
  response.writeHead(status, { "content-type": "application/json", "x-request-id": "req_1" })
  response.end(JSON.stringify({ error: { message, type: "invalid_request_error", param: "input", code: code ?? null } }))
}

/** The service, the bodies it was sent and where it listens. */
export const listen = async () => {
  const bodies: Array<Body> = []
  const server = createServer(async (request, response) => {
    let source = ""
    for await (const piece of request) source += piece
    if (request.headers.authorization !== `Bearer ${key}`) {
      return refuse(response, { status: 401, code: "invalid_api_key", message: "Incorrect API key provided." })
    }
    if (request.method !== "POST" || request.url !== "/v1/responses") return refuse(response, { status: 404, message: "Invalid URL" })
    const body: Body = JSON.parse(source)
    bodies.push(body)
    const problem = wrong(body)
    if (problem !== undefined) return refuse(response, problem)
    // One turn for each time the caller spoke after the model.
    const turn = body.input.filter((item, index) => index > 0 && isOfModel(body.input[index - 1]!) && !isOfModel(item)).length
    const isEncrypted = body.include?.includes("reasoning.encrypted_content") === true
    const output = script[turn]!.map((item) => told(item, isEncrypted))
    const usage = { input_tokens: 9, input_tokens_details: { cached_tokens: 0 }, output_tokens: 5, output_tokens_details: { reasoning_tokens: 2 }, total_tokens: 14 }
    const whole = { id: `resp_${turn}`, object: "response", created_at: 1_700_000_000, status: "completed", model: "gpt-5", output, usage }
    if (body.stream !== true) return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(whole))
    response.writeHead(200, { "content-type": "text/event-stream" })
    const all: ReadonlyArray<{ readonly type?: string }> = [
      { type: "response.created", response: { ...whole, status: "in_progress", output: [] } },
      ...output.flatMap(events),
      { type: "response.completed", response: whole }
    ]
    response.end(all.map((event, sequence_number) =>
      `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number })}\n\n`
    ).join(""))
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  return { server, bodies, url: `http://127.0.0.1:${port}/v1` }
}

const isOfModel = (item: Item): boolean => item.role !== "user" && !String(item.type).endsWith("_output")
