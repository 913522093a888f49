/**
 * Looks at where a client would have requests go: services of its own choice, which are refused, and images and files.
 * The gateway reads none of these; a service behind it may, and some stand inside the network that the client is kept
 * out of.
 *
 * @module
 */
import { Json, type JsonObject, LlmError, type Message, type MessagePart } from "plugline"
import { isPrivate } from "../config/guard.ts"

/** What other gateways take for an address or a credential; one that stands behind this one would follow it. */
const steering: ReadonlySet<string> = new Set([
  "api_base", "apiBase", "api_url", "apiUrl", "base_url", "baseUrl", "baseURL", "custom_host", "customHost", "endpoint",
  "proxy", "api_key", "apiKey", "extra_headers", "extraHeaders"
])

/**
 * Refuses a body that says where a request is to go, or with which key.
 *
 * @throws LlmError `InvalidRequest`, status 400.
 */
export const checkFields = (body: JsonObject): void => {
  for (const name in body) {
    if (steering.has(name)) {
      throw LlmError.make({
        _tag: "InvalidRequest",
        status: 400,
        parameter: name,
        message: `${name} is not taken from a request: where a provider is, and its key, belongs to the configuration`
      })
    }
  }
  if (Json.isRecord(body.extra_body)) checkFields(body.extra_body as JsonObject)
}

/** Stores that services read by themselves. */
const schemes: ReadonlySet<string> = new Set(["http:", "https:", "data:", "gs:", "s3:"])

/** Names that mean something inside a network alone. */
const inside = /^[^.]+$|\.(internal|local|localdomain|lan|intranet|corp|home\.arpa)$/i

/**
 * Refuses messages with addresses that no service should be sent to: `file:` and the like, this machine, private
 * networks. A name that only resolves to such an address is not known for one here.
 *
 * @throws LlmError `InvalidRequest`, status 400.
 */
export const checkAddresses = (messages: ReadonlyArray<Message>): void => {
  for (const { content } of messages) if (typeof content !== "string") for (const part of content) look(part)
}

const look = (part: MessagePart): void => {
  switch (part.type) {
    case "file":
      return check(typeof part.data === "string" ? part.data : part.data._tag === "URL" ? part.data.href : "")
    case "raw":
      return search(part.value)
    case "tool-result":
      return part.modelOutput?.forEach(look)
  }
}

/** Blocks of a service's own hold addresses in fields of such names. */
const search = (value: Json.Json): void => {
  if (Array.isArray(value)) return value.forEach(search)
  if (!Json.isRecord(value)) return
  for (const [name, field] of Object.entries(value)) {
    if (typeof field !== "string") search(field as Json.Json)
    else if (/(url|uri)$/i.test(name)) check(field)
  }
}

const check = (address: string): void => {
  const scheme = /^\s*([a-z][a-z0-9+.-]{0,30}:)/i.exec(address.slice(0, 64))?.[1]?.toLowerCase()
  // Without one it is data, or the id of a file.
  if (scheme === undefined) return
  if (!schemes.has(scheme)) throw refused(`begin with http: or https:, not with ${scheme}`)
  if (scheme !== "http:" && scheme !== "https:") return
  const host = URL.parse(address)?.hostname.replace(/\.$/, "")
  if (host === undefined) throw refused("be a whole URL")
  const isInside = isPrivate(address) || (!host.startsWith("[") && inside.test(host))
  if (isInside) throw refused("not lead into a private network")
}

const refused = (what: string): LlmError =>
  LlmError.make({
    _tag: "InvalidRequest", status: 400, parameter: "url", message: `the address of an image or file must ${what}`
  })
