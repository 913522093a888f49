/**
 * A service on this machine that speaks chat completions, and insists on getting back what it said as its documentation
 * demands: thinking in its own form, calls with their ids, an answer to each of them.
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { isDeepStrictEqual } from "node:util"

/** A message as it stands in a body. */
export interface Sent {
  readonly role: string
  readonly content?: unknown
  readonly tool_calls?: ReadonlyArray<{ readonly id: string; readonly function: { readonly arguments: string } }>
  readonly tool_call_id?: string
  readonly [field: string]: unknown
}

/** A service and what it says, turn by turn. */
export interface Script {
  readonly turns: ReadonlyArray<Sent>
  /** The fields of its messages that have to come back as they were. */
  readonly back: ReadonlyArray<string>
  /** The error for thinking that did not come back. */
  readonly missing: object
}

export const key = "sk-canary-of-the-conversation"

/** A service that was started. */
export interface Listening {
  readonly server: Server
  readonly url: string
  /** The requests it was sent. */
  readonly bodies: ReadonlyArray<{ readonly messages: ReadonlyArray<Sent> }>
}

/** Starts the service. */
export const listen = (script: Script): Promise<Listening> => {
  const bodies: Array<{ readonly messages: ReadonlyArray<Sent>; readonly stream?: boolean }> = []
  const server = createServer((request, response) => {
    read(request).then((text) => {
      if (request.headers.authorization !== `Bearer ${key}`) {
        return refuse(
          response,
          401,
          {
            error: {
              message: "Incorrect API key provided",
              type: "invalid_request_error",
              param: null,
              code: "invalid_api_key"
            }
          }
        )
      }
      const body = JSON.parse(text) as { readonly messages: ReadonlyArray<Sent>; readonly stream?: boolean }
      bodies.push(body)
      const problem = refusal(body.messages, script)
      if (problem !== undefined) return refuse(response, 400, problem)
      const turn = script.turns[body.messages.filter(({ role }) => role === "assistant").length]!
      if (body.stream === true) stream(response, turn)
      else answer(response, turn)
    }, () => response.destroy())
  })
  return new Promise((done) =>
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      done({ server, bodies, url: `http://127.0.0.1:${port}/v1` })
    }))
}

const read = async (request: IncomingMessage): Promise<string> => {
  let text = ""
  for await (const piece of request.setEncoding("utf8")) text += String(piece)
  return text
}

const refuse = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
}

/** What is wrong with a conversation, in the service's words. */
const refusal = (messages: ReadonlyArray<Sent>, { back, missing, turns }: Script): object | undefined => {
  const invalid = (message: string, param: string) => ({
    error: { message, type: "invalid_request_error", param, code: null }
  })
  let turn = 0
  for (const [index, message] of messages.entries()) {
    if (message.role !== "assistant") continue
    const said = turns[turn++]!
    if (back.some((field) => !isDeepStrictEqual(message[field], said[field]))) return missing
    if (!isDeepStrictEqual(
      message.tool_calls,
      said.tool_calls
    )) return invalid("Invalid tool calls", `messages.[${index}].tool_calls`)
    const wanted = new Set((said.tool_calls ?? []).map(({ id }) => id))
    for (let next = index + 1; messages[next]?.role === "tool"; next++) {
      if (!wanted.delete(messages[next]!.tool_call_id!)) return invalid("Unexpected tool_call_id", `messages.[${next}]`)
    }
    if (wanted.size > 0) {
      return invalid("An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        + `The following tool_call_ids did not have response messages: ${[...wanted].join(", ")}`, `messages.[${index + 1}].role`)
    }
  }
  return undefined
}

const head = { id: "chatcmpl-1", created: 1_700_000_000, model: "m-1" }
const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }
const reasonOf = (turn: Sent) => turn.tool_calls === undefined ? "stop" : "tool_calls"

const answer = (response: ServerResponse, turn: Sent): void => {
  const choices = [{ index: 0, message: turn, finish_reason: reasonOf(turn) }]
  response.writeHead(200, { "content-type": "application/json" })
    .end(JSON.stringify({ ...head, object: "chat.completion", choices, usage }))
}

/** The message piece by piece: texts, the texts in lists, and arguments a few characters at a time. */
const stream = (response: ServerResponse, turn: Sent): void => {
  response.writeHead(200, { "content-type": "text/event-stream" })
  const say = (delta: object, finish: string | null = null): void => {
    const event = { ...head, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }] }
    response.write(`data: ${JSON.stringify(event)}\n\n`)
  }
  for (const delta of deltas(turn)) say(delta)
  say({}, reasonOf(turn))
  response.end(`data: ${JSON.stringify({ ...head, choices: [], usage })}\n\ndata: [DONE]\n\n`)
}

const deltas = ({ content, reasoning_details: details, role, tool_calls: calls, ...texts }: Sent): ReadonlyArray<object> => {
  const out: Array<object> = [{ role, content: "" }]
  for (const [field, text] of Object.entries(texts)) for (const piece of cut(String(text))) out.push({ [field]: piece })
  for (const [index, entry] of ((details ?? []) as ReadonlyArray<{ readonly text?: string }>).entries()) {
    const { text, ...rest } = entry
    if (text === undefined) out.push({ reasoning_details: [{ ...rest, index }] })
    else for (const piece of cut(text)) out.push({ reasoning_details: [{ ...rest, text: piece, index }] })
  }
  if (typeof content === "string") for (const piece of cut(content)) out.push({ content: piece })
  else if (Array.isArray(content)) out.push(...content.map((block) => ({ content: [block] })))
  for (const [index, call] of (calls ?? []).entries()) {
    const { function: { arguments: args, ...described }, ...rest } = call
    out.push({ tool_calls: [{ ...rest, index, function: { ...described, arguments: "" } }] })
    for (const piece of cut(args)) out.push({ tool_calls: [{ index, function: { arguments: piece } }] })
  }
  return out
}

const cut = (text: string): ReadonlyArray<string> => text.match(/[^]{1,5}/gu) ?? []
