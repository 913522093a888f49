/**
 * Reads the messages of Bedrock's streams: an event's fields, and exceptions, which can end a stream at any time.
 *
 * @module
 */
import { Json, type JsonValue, LlmError } from "@plugline/core"
import type { Headers } from "../EventStream.ts"
import { count, excerpt, type Fields, object, text } from "../wire/read.ts"
import { failed } from "../wire/reason.ts"

/**
 * The fields of an event.
 *
 * @throws LlmError `MalformedResponse`, naming the event, where they are none.
 */
export const eventOf = (headers: Headers, payload: Buffer, provider: string): Fields => {
  const source = payload.toString("utf8")
  let event: Fields | undefined
  let cause: unknown
  try {
    event = object(Json.parse(source))
  } catch (thrown) {
    cause = thrown
  }
  if (event !== undefined) return event
  const what = cause === undefined ? "object" : "JSON"
  throw LlmError.make({
    _tag: "MalformedResponse",
    message: `an event of the stream (${headers[":event-type"] ?? "unnamed"}) is no ${what}: ${excerpt(source)}`
  }, { provider, cause })
}

/**
 * What the model itself says in a message of an invoked model's stream; `undefined` where the message holds nothing of
 * it.
 *
 * @throws LlmError `MalformedResponse`, naming the event, where it cannot be read.
 */
export const chunkOf = (headers: Headers, payload: Buffer, provider: string): Fields | undefined => {
  const { bytes } = eventOf(headers, payload, provider)
  return typeof bytes === "string" ? eventOf(headers, Buffer.from(bytes, "base64"), provider) : undefined
}

/** The status that an answer would have had for each exception that ends a stream. */
const statuses: { readonly [type: string]: number } = {
  throttlingexception: 429,
  validationexception: 400,
  internalserverexception: 500,
  serviceunavailableexception: 503,
  modeltimeoutexception: 408,
  modelnotreadyexception: 429,
  accessdeniedexception: 403,
  resourcenotfoundexception: 404
}

/** Why a stream failed, where a message says that it did. */
export const exception = (headers: Headers, payload: Buffer, provider: string): LlmError | undefined => {
  const kind = headers[":message-type"]
  if (kind !== "exception" && kind !== "error") return undefined
  const type = headers[":exception-type"] ?? headers[":error-code"] ?? "exception"
  const source = payload.toString("utf8")
  let raw: JsonValue = source
  try {
    raw = Json.parse(source)
  } catch {
    // An exception whose body is no JSON is one all the same.
  }
  const fields = object(raw)
  const message = text(fields?.message) ?? text(fields?.Message) ?? text(headers[":error-message"])
    ?? excerpt(source, 2000)
  const more = text(fields?.originalMessage)
  const key = type.toLowerCase()
  const status = (Object.hasOwn(statuses, key) ? statuses[key] : undefined) ?? count(fields?.originalStatusCode)
  return failed({
    error: {
      message: more === undefined || message.includes(more) ? message : `${message}: ${more}`,
      type,
      ...(status !== undefined && { status })
    }
  }, provider, source === "" ? { type, message } : raw)
}
