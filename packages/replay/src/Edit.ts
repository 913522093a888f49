/**
 * Changes any field of a request by its path, and refuses what would leave no request behind, with the path and what is
 * there. Pure.
 *
 * @module
 */
import { Json, LlmError, Message, Options, Request, Suggest } from "@plugline/core"
import type { JsonValue, MessagesInput, ProviderRequest, ProviderResponse, Result } from "@plugline/core"

/** What is to be another way. */
export interface Edits {
  /** Values to put in the places of those of the request: `options.temperature`, `messages[1].content`, `assigns["x y"]`. */
  readonly set?: ReadonlyArray<{ readonly path: string; readonly value: JsonValue }>
  /** Fields to take out, and items: what comes behind an item moves up. */
  readonly unset?: ReadonlyArray<string>
}

/** The fields that may be edited. */
const open = [
  "id", "operation", "provider", "messages", "options", "config", "providerRequest", "response", "result", "assigns", "private",
  "metadata"
] as const

type Open = typeof open[number]

/** Why the others may not. */
const closed: Readonly<Record<string, string>> = {
  state: "it follows from what happens to the request",
  halted: "it follows from what happens to the request",
  reply: "it is still arriving",
  errors: "they only grow"
}

/**
 * The request with some fields changed: first what is set, in order, then what is taken out.
 *
 * @throws LlmError `InvalidRequest` where a path leads nowhere, or the request would be none.
 * @example
 * ```ts
 * import { Request } from "@plugline/core"
 * import { Replay } from "@plugline/testing"
 *
 * const request = Request.make({ provider: "openai", messages: "Hello", options: { temperature: 1 } })
 * const edited = Replay.edit(request, { set: [{ path: "options.temperature", value: 0 }] })
 * edited.options // => { temperature: 0 }
 * ```
 */
export const edit = (request: Request, { set = [], unset = [] }: Edits): Request => {
  let out = request
  for (const { path, value } of set) out = changed(out, path, (holder, key) => put(path, holder, key, value))
  for (const path of unset) out = changed(out, path, (holder, key) => take(path, holder, key))
  return out
}

type Holder = ReadonlyArray<unknown> | Readonly<Record<string, unknown>>
type Key = string | number

/** The request with the last holder on a path changed. */
const changed = (request: Request, path: string, f: (holder: Holder, key: Key) => Holder): Request => {
  const keys = keysOf(path)
  const root = keys[0]
  if (typeof root === "string" && Object.hasOwn(closed, root)) throw refused(path, `${root} cannot be edited: ${closed[root]}`)
  if (!open.includes(root as Open)) throw refused(path, Suggest.refusal("field", String(root), open))
  const name = root as Open
  if (name === "config" && keys[1] === "apiKey") throw refused(path, "a key is no part of a record and cannot be put into one")
  if (request[name] === undefined) throw refused(path, `the request has no ${name} here`)
  if (name === "response" && typeof request.response?.body !== "string") throw refused(path, "the response is still arriving")
  const fields = Object.fromEntries(open.map((field) => [field, request[field]]))
  return requestOf(request, name, walk(fields, keys, path, f)[name], path)
}

/** A copy of a value with the last holder on a path changed. */
const walk = (
  holder: Holder,
  keys: ReadonlyArray<Key>,
  path: string,
  f: (holder: Holder, key: Key) => Holder
): Readonly<Record<string, unknown>> => {
  const step = (at: unknown, depth: number): unknown => {
    const key = keys[depth]!
    if (!isHolder(at)) throw refused(path, `${text(keys.slice(0, depth))} is ${shape(at)} and has no ${text([key])}`)
    if (Array.isArray(at) && typeof key !== "number") {
      throw refused(path, `${text(keys.slice(0, depth))} is a list: say which item, as in ${text([...keys.slice(0, depth), 0])}`)
    }
    if (depth === keys.length - 1) return f(at, key)
    if (!has(at, key)) throw refused(path, missing(at, key, keys.slice(0, depth)))
    return replaced(at, key, step(valueAt(at, key), depth + 1))
  }
  return step(holder, 0) as Record<string, unknown>
}

const put = (path: string, holder: Holder, key: Key, value: JsonValue): Holder => {
  if (Array.isArray(holder) && (key as number) > holder.length) {
    throw refused(path, `there ${holder.length === 1 ? "is" : "are"} ${items(holder.length)}: the next is [${holder.length}]`)
  }
  if (!isJson(value)) throw refused(path, "the value must be plain JSON")
  return replaced(holder, key, value)
}

const take = (path: string, holder: Holder, key: Key): Holder => {
  if (!has(holder, key)) throw refused(path, missing(holder, key, keysOf(path).slice(0, -1)))
  if (Array.isArray(holder)) return holder.toSpliced(key as number, 1)
  return Object.fromEntries(Object.entries(holder).filter(([name]) => name !== key))
}

/** The request with another value in one field, checked as if it had come from outside. */
const requestOf = (request: Request, name: Open, value: unknown, path: string): Request => {
  const plain = (): Readonly<Record<string, unknown>> => {
    if (!Json.isRecord(value)) throw refused(path, `${name} must be an object`)
    return value
  }
  switch (name) {
    case "id":
    case "provider":
      if (typeof value !== "string" || (name === "provider" && value === "")) throw refused(path, `${name} must be a text`)
      return Request.patch(request, { [name]: value })
    case "operation":
      if (!Request.operations.includes(value as Request["operation"])) {
        throw refused(path, Suggest.refusal("operation", String(value), Request.operations))
      }
      return Request.patch(request, { operation: value as Request["operation"] })
    case "messages":
      return checked(path, () => Request.patch(request, { messages: Message.from(value as MessagesInput) }))
    case "options":
      return checked(path, () => Request.patch(request, { options: Options.check(value as Options) }))
    case "private":
      return withPrivate(request, plain())
    case "result":
      if (plain().type !== request.result?.type) throw refused(path, `an answer of type ${request.result?.type} stays one`)
      return Request.patch(request, { result: value as Result })
    case "response":
      if (typeof plain().body !== "string") throw refused(path, "the body of a response must be a text")
      if (!Number.isInteger(plain().status)) throw refused(path, "the status of a response must be a number")
      return Request.patch(request, { response: value as ProviderResponse })
    case "providerRequest":
      if (typeof plain().url !== "string") throw refused(path, "what is sent must have a url")
      return Request.patch(request, { providerRequest: value as ProviderRequest })
    default:
      return Request.patch(request, { [name]: plain() })
  }
}

const withPrivate = (r: Request, own: Readonly<Record<string, unknown>>): Request =>
  new Request.Request(r.id, r.operation, r.provider, r.messages, r.options, r.config, r.state, r.halted, r.providerRequest,
    r.response, r.reply, r.result, r.assigns, own, r.metadata, r.errors, Request.runOf(r))

const checked = (path: string, f: () => Request): Request => {
  try {
    return f()
  } catch (thrown) {
    throw refused(path, LlmError.fromUnknown(thrown).reason.message)
  }
}

// --- paths ------------------------------------------------------------------------------------------------------------

/** A path as its keys: `messages[1]["a b"]` is `messages`, `1`, `a b`. */
const keysOf = (path: string): ReadonlyArray<Key> => {
  const keys: Array<Key> = []
  const token = /(?:^|\.)([\p{L}_$][\p{L}\p{N}_$-]*)|\[(\d{1,9})\]|\[("(?:[^"\\]|\\.)*")\]/uy
  while (token.lastIndex < path.length) {
    const found = token.exec(path)
    if (found === null) {
      throw refused(path, "a path is made of names and places: options.temperature, messages[0].content, assigns[\"a name\"]")
    }
    const [, name, index, quoted] = found
    keys.push(name ?? (index === undefined ? unquoted(path, quoted!) : Number(index)))
  }
  if (keys.length === 0) throw refused(path, `it names no field: ${open.join(", ")}`)
  return keys
}

const unquoted = (path: string, text: string): string => {
  try {
    return JSON.parse(text) as string
  } catch {
    throw refused(path, `${text} is no JSON text`)
  }
}

const text = (keys: ReadonlyArray<Key>): string =>
  keys.map((key, index) =>
    typeof key === "number" ? `[${key}]` : isName(key) ? `${index === 0 ? "" : "."}${key}` : `[${JSON.stringify(key)}]`).join("")

const isName = (key: string): boolean => /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key)

const isHolder = (value: unknown): value is Holder => Array.isArray(value) || Json.isRecord(value)

const has = (holder: Holder, key: Key): boolean =>
  Array.isArray(holder) ? (key as number) < holder.length : Object.hasOwn(holder, key) && valueAt(holder, key) !== undefined

const valueAt = (holder: Holder, key: Key): unknown => (holder as Readonly<Record<Key, unknown>>)[key]

const replaced = (holder: Holder, key: Key, value: unknown): Holder => {
  if (Array.isArray(holder)) return [...holder.slice(0, key as number), value, ...holder.slice(key as number + 1)]
  // A field named `__proto__` stays a field.
  return Object.fromEntries([...Object.entries(holder).filter(([name]) => name !== String(key)), [String(key), value]])
}

const missing = (holder: Holder, key: Key, above: ReadonlyArray<Key>): string => {
  const where = above.length === 0 ? "the request" : text(above)
  if (Array.isArray(holder)) return `${where} has ${items(holder.length)}, and none at [${key}]`
  const known = Object.keys(holder)
  return known.length === 0 ? `${where} is empty` : `in ${where}: ${Suggest.refusal("field", String(key), known)}`
}

const items = (count: number): string => count === 1 ? "1 item" : `${count} items`

const shape = (value: unknown): string => value === null ? "null" : value === undefined ? "absent" : `a ${typeof value}`

const isJson = (value: unknown, depth = 0): value is JsonValue => {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true
  if (typeof value === "number") return Number.isFinite(value)
  if (depth > Json.maxDepth) return false
  if (Array.isArray(value)) return value.every((item) => isJson(item, depth + 1))
  return Json.isRecord(value) && Object.values(value).every((item) => item === undefined || isJson(item, depth + 1))
}

/** An error that says where and why. */
export const refused = (path: string, why: string): LlmError =>
  LlmError.make({ _tag: "InvalidRequest", parameter: path, message: `cannot edit ${JSON.stringify(path)}: ${why}` })
