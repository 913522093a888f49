/**
 * Reads the lines of a batch, and writes those of its results.
 *
 * @module
 */
import { type JsonObject, LlmError } from "plugline"
import { openai } from "../dialects/openai/index.ts"
import { responses } from "../dialects/responses/index.ts"
import type { Kind } from "../server/call.ts"
import { parse } from "../server/json.ts"
import { statusOf } from "../server/status.ts"
import type { Fault, Line, NewLine } from "./Register.ts"

/** What a batch may ask, by the path its lines name. */
export const endpoints: { readonly [path: string]: Kind } = {
  "/v1/chat/completions": { dialect: openai, operation: "chat", permission: "chat" },
  "/v1/completions": { dialect: openai, operation: "completion", permission: "completion" },
  "/v1/embeddings": { dialect: openai, operation: "embeddings", permission: "embeddings" },
  "/v1/moderations": { dialect: openai, operation: "moderations", permission: "moderations" },
  "/v1/responses": { dialect: responses, operation: "chat", permission: "chat" }
}

/** Longest `custom_id`, in characters. */
const longestId = 512

/** Cuts bytes into lines, however they come; a line longer than `longest` comes as what there is of it, and ends the reading. */
export class Splitter {
  #rest: Array<Uint8Array> = []
  #size = 0
  readonly #longest: number

  constructor(longest: number) {
    this.#longest = longest
  }

  /** The lines that are whole by now; `undefined` where one is too long. */
  push(bytes: Uint8Array): ReadonlyArray<Buffer> | undefined {
    const lines: Array<Buffer> = []
    let from = 0
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
      if (this.#size + at - from > this.#longest) return undefined
      lines.push(this.#take(bytes.subarray(from, at)))
      from = at + 1
    }
    this.#rest.push(bytes.subarray(from))
    this.#size += bytes.length - from
    return this.#size > this.#longest ? undefined : lines
  }

  /** What came after the last line break. */
  end(): Buffer {
    return this.#take(new Uint8Array())
  }

  #take(bytes: Uint8Array): Buffer {
    const line = Buffer.concat([...this.#rest, bytes])
    this.#rest = []
    this.#size = 0
    return line
  }
}

/** One line of a batch, or what is wrong with it. `known`: the ids of the lines before it, to which its own is added. */
export const lineOf = (bytes: Buffer, line: number, endpoint: string, known: Set<string>): NewLine | Fault => {
  const wrong = (code: string, param: string | null, message: string): Fault => ({ code, line, message, param })
  let read: JsonObject
  try {
    read = parse(bytes)
  } catch (thrown) {
    return wrong("invalid_json_line", null, LlmError.fromUnknown(thrown).reason.message.replaceAll("the body", "the line"))
  }
  const { body, custom_id, method, url } = read
  if (typeof custom_id !== "string" || custom_id === "" || custom_id.length > longestId || custom_id.includes("\0")) {
    return wrong("missing_required_parameter", "custom_id", `custom_id must be a text of 1 to ${longestId} characters`)
  }
  if (known.has(custom_id)) return wrong("duplicate_custom_id", "custom_id", "custom_id must be another for each line")
  if (method !== "POST") return wrong("invalid_method", "method", "method must be POST")
  if (url !== endpoint) return wrong("mismatched_endpoint", "url", `url must be that of the batch, ${endpoint}`)
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    return wrong("missing_required_parameter", "body", "body must be an object")
  }
  known.add(custom_id)
  return { line, custom_id, request: JSON.stringify(body) }
}

/** Whether a line was taken. */
export const isFault = (line: NewLine | Fault): line is Fault => "code" in line

/** How a line ended: with a status and a body, as if it had been asked by itself. */
export interface Answered {
  readonly status: number
  readonly id: string
  readonly body: string
}

/** The answer to a line that failed. */
export const failed = (error: LlmError, id: string, { dialect }: Kind): Answered => {
  const status = statusOf(error)
  return { status, id, body: JSON.stringify(dialect.encodeError(error, status, { id })) }
}

/** A line of the file of results. The body is JSON already, and stays to the letter what it was but for line breaks. */
export const written = (batch: string, { custom_id, line, response }: Line, why: string): string => {
  const head = `{"id":${JSON.stringify(`batch_req_${batch.slice(6)}_${line}`)},"custom_id":${JSON.stringify(custom_id)}`
  if (response !== null) return `${head},"response":${response},"error":null}\n`
  const message = `the line was not answered before the batch was ${why}`
  return `${head},"response":null,"error":${JSON.stringify({ code: `batch_${why}`, message })}}\n`
}

/** An answer as it is kept. */
export const kept = ({ body, id, status }: Answered): string =>
  `{"status_code":${status},"request_id":${JSON.stringify(id)},"body":${onOneLine(body)}}`

/** JSON without the line breaks that may stand between its values; there are none inside of them. */
const onOneLine = (json: string): string => /[\r\n]/.test(json) ? json.replace(/[\r\n]+/g, " ") : json
