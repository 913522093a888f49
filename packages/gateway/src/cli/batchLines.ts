/**
 * Reads the lines of a batch file, and writes those of its results: both as OpenAI's batches have them.
 *
 * @module
 */
import { hash } from "node:crypto"
import { type JsonObject, LlmError } from "plugline"
import { type Answered, endpoints, kept } from "../batches/lines.ts"
import { parse } from "../server/json.ts"

/** What a line asks for. */
export interface Asked {
  readonly line: number
  readonly custom_id: string
  /** The id of its result: another where anything of what is asked is another. */
  readonly id: string
  readonly url: string
  readonly body: JsonObject
}

/** A line that cannot be asked, and why. */
export interface Unread {
  readonly line: number
  readonly custom_id: string
  readonly code: string
  readonly message: string
}

/** Whom lines are for. */
export interface Whom {
  readonly provider: string
  /** Which model, whatever the lines say. */
  readonly model: string | undefined
}

/** Whether a line can be asked. */
export const isAsked = (line: Asked | Unread): line is Asked => "body" in line

/** The lines of a text that are not blank: `{custom_id, url, body}`, or a body by itself, such as `{messages}`. */
export const linesOf = (text: string, whom: Whom): ReadonlyArray<Asked | Unread> => {
  const known = new Set<string>()
  return text.replace(/^\ufeff/, "").split("\n").flatMap((line, index) =>
    line.trim() === "" ? [] : [lineOf(line, index + 1, known, whom)])
}

const chat = "/v1/chat/completions"

const lineOf = (text: string, line: number, known: Set<string>, whom: Whom): Asked | Unread => {
  let custom_id = `line-${line}`
  const wrong = (code: string, message: string): Unread => ({ line, custom_id, code, message })
  let read: JsonObject
  try {
    read = parse(Buffer.from(text, "utf8"))
  } catch (thrown) {
    return wrong("invalid_json_line", LlmError.fromUnknown(thrown).reason.message.replaceAll("the body", "the line"))
  }
  const { custom_id: given = custom_id, ...rest } = read
  if (typeof given !== "string" || given === "" || given.length > 512) {
    return wrong("invalid_custom_id", "custom_id must be a text of 1 to 512 characters")
  }
  custom_id = given
  if (known.has(custom_id)) return wrong("duplicate_custom_id", "custom_id must be another for each line")
  known.add(custom_id)
  const { body = rest, method = "POST", url = chat } = "body" in rest ? rest : { body: rest }
  if (method !== "POST") return wrong("invalid_method", "method must be POST")
  if (typeof url !== "string" || !Object.hasOwn(endpoints, url)) {
    return wrong("invalid_url", `url must be one of ${Object.keys(endpoints).join(", ")}`)
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    return wrong("invalid_body", "body must be an object")
  }
  if ((body as JsonObject).stream === true) return wrong("invalid_body", "the lines of a batch are not streamed")
  const sum = hash("sha256", JSON.stringify([whom.provider, whom.model, url, body]), "hex")
  return { line, custom_id, id: `batch_req_${sum.slice(0, 32)}`, url, body: body as JsonObject }
}

/** The line of a result that there is. The body is JSON already. */
export const answeredLine = ({ custom_id, id }: Asked, answered: Answered): string =>
  `{"id":${JSON.stringify(id)},"custom_id":${JSON.stringify(custom_id)},"response":${kept(answered)},"error":null}\n`

/** The line of a result that there cannot be. */
export const unreadLine = ({ code, custom_id, line, message }: Unread): string =>
  `${JSON.stringify({ id: `batch_req_line_${line}`, custom_id, response: null, error: { code, message } })}\n`

/**
 * The lines of an earlier run that need not be asked again, by the ids of their results: those that were answered. A
 * line that a crash cut off is none.
 */
export const answeredBefore = (text: string): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  for (const line of text.split("\n")) {
    try {
      const { custom_id, id, response } = JSON.parse(line) as { readonly [field: string]: unknown }
      const status = (response as { readonly status_code?: unknown } | null | undefined)?.status_code
      if (status === 200) found.set(nameOf({ custom_id, id }), `${line}\n`)
    } catch {
      // Cut off: it is asked again.
    }
  }
  return found
}

/** What tells a result from others. */
export const nameOf = ({ custom_id, id }: { readonly custom_id: unknown; readonly id: unknown }): string =>
  `${String(id)} ${String(custom_id)}`
