/**
 * Names a question so that equal questions have one name, and questions that differ in anything that can change the
 * answer have two. Pure.
 *
 * The name is a SHA-256 of one JSON text: who asks, whose credential pays, which provider and where, what is asked of
 * it. As it is JSON, nothing a tenant calls itself can look like another field.
 *
 * @module
 */
import { Json, type Message, type Options, type Request } from "@plugline/core"
import { Redacted } from "effect"
import { hash } from "node:crypto"
import * as Canonical from "../canonical.ts"
import * as Identity from "../identity.ts"

/** What entries can be kept apart by: a field of who a call is for, or the credential it is paid with. */
export const dividers = ["tenant", "team", "user", "key", "tier", "credential"] as const

/** Something entries are kept apart by. */
export type Divider = typeof dividers[number]

/** What a key is made by. */
export interface KeyOptions {
  /** Who shares no entries. Default: `["tenant", "credential"]`. */
  readonly apart?: ReadonlyArray<Divider>
  /** Options that do not change the answer. Default: `["metadata", "user"]`. */
  readonly ignore?: ReadonlyArray<keyof Options>
  /** Changes every key: a new one forgets all that was kept under the one before. Default: none. */
  readonly version?: string
  /** What counts as the question, in place of options and messages. Whoever shares no entries stays apart. */
  readonly question?: (request: Request) => unknown
}

/** What is kept apart where nothing else is said. */
export const apartByDefault: ReadonlyArray<Divider> = ["tenant", "credential"]

/** The options that are left out where nothing else is said. */
export const ignoredByDefault: ReadonlyArray<keyof Options> = ["metadata", "user"]

/**
 * The key of a request, 64 hexadecimal digits. A chat has one key, whole or streamed.
 *
 * @throws where what is asked has no text of its own: nested too deep, or no JSON.
 * @example
 * ```ts
 * import { Request } from "@plugline/core"
 * import { Cache } from "@plugline/plugs"
 *
 * const ask = (operation: "chat" | "stream", temperature: number) =>
 *   Cache.key(Request.make({ provider: "openai", operation, messages: "Hi", options: { temperature } }))
 * ask("chat", 0) === ask("stream", 0) // => true
 * ask("chat", 0) === ask("chat", 1) // => false
 * ```
 */
export const key = (request: Request, options: KeyOptions = {}): string =>
  sha256(text(request, options, request.messages))

/** What a key is the hash of, for this conversation. Holds no credential, but all that is asked: not to be kept. */
export const text = (request: Request, options: KeyOptions, messages: ReadonlyArray<Message>): string => {
  const { config, operation, provider } = request
  const { question } = options
  const identity = Identity.of(request)
  let who = ""
  for (const divider of options.apart ?? apartByDefault) {
    const whose = divider === "credential" ? credential(config.apiKey) : identity[divider]
    who += `,"${divider}",${whose === undefined ? "null" : JSON.stringify(whose)}`
  }
  // A list in JSON, written out piece by piece, because this is most of what a hit costs.
  const version = JSON.stringify(options.version ?? "")
  const kind = operation === "stream" ? "chat" : operation
  const what = question === undefined
    ? `${Canonical.text(asked(request.options, options.ignore ?? ignoredByDefault))},${Canonical.text(messages)}`
    : `"question",${Canonical.text(question(request))}`
  return `["plugline cache 1",${version}${who},${JSON.stringify(provider)},${place(config)},"${kind}",${what}]`
}

const sha256 = (text: string): string => hash("sha256", text, "hex")

/** The options that count. */
const asked = (options: Options, ignore: ReadonlyArray<keyof Options>): Options => {
  if (!ignore.some((name) => options[name] !== undefined)) return options
  const rest: { -readonly [Name in keyof Options]?: Options[Name] | undefined } = { ...options }
  for (const name of ignore) rest[name] = undefined
  return rest as Options
}

/**
 * Where and how the provider is reached: all of the configuration but its time limits. Credentials go in as
 * fingerprints.
 */
const place = (config: Request["config"]): string => Canonical.fields(config, placeField)

const placeField = (value: unknown, name: string): string | undefined => {
  if (name === "apiKey" || name === "timeouts") return undefined
  const text = Canonical.text(hidden(value))
  // Headers may hold a credential, and may ask for another answer.
  return name === "headers" ? `"${sha256(text)}"` : text
}

/** A value with its secrets as fingerprints: two secrets differ, and neither can be read. */
const hidden = (value: unknown): unknown => {
  if (typeof value === "string") return value
  if (Redacted.isRedacted(value)) return { secret: credential(value) }
  if (typeof value === "function" || typeof value === "symbol") {
    throw new TypeError("a function in the configuration cannot be compared")
  }
  if (Array.isArray(value)) return value.map(hidden)
  if (!Json.isRecord(value)) return value
  const out: Record<string, unknown> = Object.create(null)
  for (const name of Object.keys(value)) out[name] = hidden(value[name])
  return out
}

const known = new WeakMap<object, string>()

/** The fingerprint of a credential; of the provider's own, which the request does not hold, none. */
const credential = (secret: unknown): string | undefined => {
  if (secret === undefined) return undefined
  if (!Redacted.isRedacted(secret)) return sha256(`credential ${Canonical.text(secret)}`)
  let found = known.get(secret)
  if (found === undefined) known.set(secret, found = sha256(`credential ${Canonical.text(Redacted.value(secret))}`))
  return found
}
