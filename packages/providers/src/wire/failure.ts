/**
 * Finds what a service says went wrong, in each of the forms that OpenAI-compatible services use:
 *
 * | form | who |
 * |---|---|
 * | `{error: {message, type, code, param}}` | OpenAI and most others |
 * | `{error: {message, code, metadata: {raw}}}` | OpenRouter, with the error of the service behind it |
 * | `{error: "…", code: "…"}` | xAI |
 * | `{object: "error", message, type, code}` | Mistral, vLLM |
 * | `{detail: "…"}`, `{detail: [{msg, loc}]}` | Voyage, Mistral and what else is built on FastAPI |
 * | `{error_code, message}` | Databricks |
 * | `{message, code, type}` | Cerebras, GPUStack |
 * | `[{error: …}]`, `{errors: […]}` | Google, gateways |
 * | `{message, __type}`, `{Message}` and the header `x-amzn-errortype` | Amazon |
 * | a plain text, a web page | Azure, DeepSeek, proxies |
 *
 * @module
 */
import { Json, type JsonValue } from "@plugline/core"
import { excerpt, type Fields, list, object, text } from "./read.ts"

/** What was said, in one form. */
export interface Failure {
  readonly message: string
  /** The service's code as sent, or its type where there is no code. */
  readonly code: string | undefined
  /** Every code and type that was said, also by the service behind it, in lower case. */
  readonly words: ReadonlyArray<string>
  readonly parameter: string | undefined
  /** A status that is part of the body, 400 to 599: what an answer that opened with 200 should have had. */
  readonly status: number | undefined
  /** The object that says it. */
  readonly fields: Fields | undefined
  readonly isHtml: boolean
}

const unsaid: Failure = {
  message: "",
  code: undefined,
  words: [],
  parameter: undefined,
  status: undefined,
  fields: undefined,
  isHtml: false
}

/** Reads an error body. */
export const read = (source: string): { readonly failure: Failure; readonly raw: JsonValue } => {
  let raw: JsonValue
  try {
    raw = Json.parse(source)
  } catch {
    const isHtml = source.trimStart().startsWith("<")
    const title = isHtml ? /<title[^>]{0,200}>([^<]{0,300})/i.exec(source.slice(0, 20_000))?.[1] : undefined
    const message = isHtml ? `a web page${title === undefined ? "" : `: ${excerpt(title)}`}` : excerpt(source, 2000)
    raw = source.slice(0, 4000)
    return { failure: { ...unsaid, message, isHtml }, raw }
  }
  return { failure: find(raw), raw }
}

/** Finds what a body says went wrong. */
export const find = (raw: JsonValue): Failure => {
  const top = object(raw) ?? object(list(raw)?.[0]) ?? {}
  const error = top.error
  const inner = object(error) ?? object(list(top.errors)?.[0])
  const fields = inner ?? top
  const behind = nested(fields)
  const said = text(fields.message) ?? text(error) ?? text(list(top.errors)?.[0]) ?? detail(top.detail)
    ?? text(fields.msg) ?? text(fields.Message) ?? text(top.message) ?? (typeof raw === "string" ? raw : "")
  const words: Array<string> = []
  const { code: innerCode } = object(fields.innererror) ?? {}
  for (const value of [fields.code, fields.type, fields.status, top.code, top.type, top.error_code, innerCode]) {
    const word = spelt(value)
    if (word !== undefined) words.push(word.toLowerCase())
  }
  for (const item of list(fields.details) ?? []) words.push(...googleWords(object(item)))
  const amazon = amazonType(text(fields.__type))
  if (amazon !== undefined) words.push(amazon.toLowerCase())
  if (behind !== undefined) words.push(...behind.words)
  const more = behind === undefined || behind.message === "" || said.includes(behind.message) ? "" : behind.message
  return {
    message: excerpt(more === "" ? said : said === "" ? more : `${said}: ${more}`, 2000),
    code: spelt(fields.code) ?? spelt(top.code) ?? spelt(top.error_code) ?? spelt(fields.type) ?? amazon
      ?? behind?.code,
    words,
    parameter: text(fields.param) ?? path(object(list(top.detail)?.[0])?.loc)
      ?? googleField(fields.details) ?? behind?.parameter,
    status: status(fields.code) ?? status(fields.status_code) ?? status(fields.status) ?? status(top.error_code)
      ?? status(top.code),
    fields,
    isHtml: false
  }
}

/** What one of Google's details adds: its reason, and which kind of quota was used up. */
const googleWords = (detail: Fields | undefined): ReadonlyArray<string> => {
  if (detail === undefined) return []
  const reason = text(detail.reason)
  const daily = list(detail.violations)?.some((item) => /per_?day/i.test(text(object(item)?.quotaId) ?? "")) === true
  return [...reason === undefined ? [] : [reason.toLowerCase()], ...daily ? ["quota_per_day"] : []]
}

/** The first field that Google finds fault with. */
const googleField = (details: JsonValue | undefined): string | undefined => {
  for (const item of list(details) ?? []) {
    const field = text(object(list(object(item)?.fieldViolations)?.[0])?.field)
    if (field !== undefined) return field
  }
  return undefined
}

/** Amazon's word for an error, without what stands around it: `com.amazon.coral.service#X`, `X:http://…`. */
const amazonType = (said: string | undefined): string | undefined => {
  const [word = ""] = (said ?? "").split(":", 1)
  return text(word.slice(word.lastIndexOf("#") + 1))
}

/** What the headers say of an error, where the body says nothing of its kind. */
export const withType = (failure: Failure, headers: { readonly [name: string]: string }): Failure => {
  const type = amazonType(headers["x-amzn-errortype"])
  return type === undefined
    ? failure
    : { ...failure, code: failure.code ?? type, words: [...failure.words, type.toLowerCase()] }
}

/** The error of the service behind a gateway: OpenRouter hands it on as text, which may be JSON. */
const nested = (fields: Fields): Failure | undefined => {
  const raw = object(fields.metadata)?.raw
  if (typeof raw === "string") return read(raw).failure
  return object(raw) === undefined ? undefined : find(raw as JsonValue)
}

/** FastAPI's `detail`: a text, an object with a message, or a list of what does not fit and where. */
const detail = (value: JsonValue | undefined): string | undefined => {
  const items = list(value)
  if (items === undefined) return text(value) ?? text(object(value)?.message) ?? text(object(value)?.msg)
  const said = items.map((item) => {
    const fields = object(item)
    const where = path(fields?.loc)
    return [where, text(fields?.msg) ?? text(item)].filter((word) => word !== undefined).join(": ")
  })
  return said.filter((item) => item !== "").join("; ")
}

const path = (value: JsonValue | undefined): string | undefined => list(value)?.map((step) => String(step)).join(".")

const spelt = (value: JsonValue | undefined): string | undefined =>
  typeof value === "number" ? String(value) : text(value)

const status = (value: JsonValue | undefined): number | undefined => {
  const number = typeof value === "string" && /^[45]\d\d$/.test(value) ? Number(value) : value
  return typeof number === "number" && Number.isInteger(number) && number >= 400 && number < 600 ? number : undefined
}
