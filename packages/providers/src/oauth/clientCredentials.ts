/**
 * Signs calls with a token that is bought with a client id and a client secret (OAuth 2.0 client credentials): Microsoft
 * Entra ID, Databricks and others.
 *
 * @module
 */
import { LlmError } from "@plugline/core"
import { Effect, Redacted } from "effect"
import { baseUrl } from "../call/address.ts"
import type { Sign } from "../call/definition.ts"
import { fieldsOf, type Parts } from "../credentials/fields.ts"
import type { Headers } from "../Transport.ts"
import { bearer, type Order, plain, unusable } from "./purchase.ts"

/** Where and how tokens are bought. */
export interface ClientCredentials {
  /**
   * Where tokens are bought. Each `{name}` is a field of the credential, which stands there beside the secret that is sent:
   * `https://login.microsoftonline.com/{tenantId}/oauth2/v2.0/token`. At the very beginning it is a whole address, `https` or
   * this machine: `{host}/oidc/v1/token`.
   */
  readonly tokenUrl: string
  /** What the token may be used for; several are separated by a space. Default: what the service gives. */
  readonly scope?: string
  /** The names of the credential's fields. Default: `clientId` and `clientSecret`. */
  readonly fields?: { readonly id: string; readonly secret: string }
  /** Where id and secret are sent: as basic authorization, or in the form, as Microsoft describes it. Default: `header`. */
  readonly secretIn?: "header" | "form"
  /** The headers for a key that is no JSON. Default: `authorization: Bearer …`. */
  readonly otherwise?: (key: string) => Headers
}

/**
 * A `Sign` for a credential with a client id and a secret: `{ fields: { clientId: "MY_CLIENT_ID", clientSecret: "MY_SECRET" } }`
 * among the `keys` of a provider. A token is bought once for all calls and kept until shortly before it expires.
 */
export const clientCredentials = (options: ClientCredentials): Sign => {
  const { otherwise = plain, scope, secretIn = "header", tokenUrl } = options
  const { fields = { id: "clientId", secret: "clientSecret" } } = options
  return (input) => {
    const { key } = input
    if (key === undefined) return Effect.succeed({})
    const parts = fieldsOf(key)
    if (parts === "text") return Effect.succeed(otherwise(Redacted.value(key)))
    if (parts === "broken") return Effect.fail(unusable(input, "the credential begins like JSON and is none"))
    const url = address(tokenUrl, parts)
    const id = parts[fields.id]
    const secret = parts[fields.secret]
    if (url === undefined || id === undefined || secret === undefined) {
      const needed = [...namesIn(tokenUrl), fields.id, fields.secret].join(", ")
      return Effect.fail(unusable(input, `the credential must have the fields ${needed}, each a text that fits`))
    }
    const order: Order = {
      url,
      form: {
        grant_type: "client_credentials",
        ...(scope !== undefined && { scope }),
        ...(secretIn === "form" && { client_id: id, client_secret: secret })
      },
      ...(secretIn === "header" && { secrets: { authorization: `Basic ${basic(id, secret)}` } })
    }
    return bearer(input, { key, purpose: `${url} ${scope ?? ""}`, order: Effect.succeed(order) })
  }
}

/** Both are written like fields of a form first (RFC 6749, 2.3.1), so that a colon in the id is none between the two. */
const basic = (id: string, secret: string): string =>
  Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString("base64")

const place = /\{([A-Za-z_]+)\}/g

const namesIn = (template: string): ReadonlyArray<string> => [...template.matchAll(place)].map(([, name]) => name!)

/** The filled address, or `undefined` where a field is missing or would lead elsewhere. */
const address = (template: string, fields: Parts): string | undefined => {
  let fits = true
  const filled = template.replace(place, (_, name: string, at: number) => {
    const value = Object.hasOwn(fields, name) ? fields[name]!.trim() : ""
    if (at === 0) {
      const url = site(value)
      fits &&= url !== undefined
      return url ?? ""
    }
    fits &&= /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(value)
    return value
  })
  return fits ? filled : undefined
}

/** An address a secret may be sent to: over TLS, or within this machine. A host alone is meant with `https`. */
const site = (given: string): string | undefined => {
  try {
    const url = baseUrl(/^[a-z]+:\/\//i.test(given) ? given : `https://${given}`)
    return isSafe(url) ? url : undefined
  } catch (thrown) {
    if (LlmError.isLlmError(thrown)) return undefined
    throw thrown
  }
}

/** Whether what is sent there can be read by nobody on the way. */
const isSafe = (url: string): boolean => {
  const parsed = URL.parse(url)
  return parsed !== null && (parsed.protocol === "https:" || /^(127(\.\d+){3}|localhost|\[::1\])$/.test(parsed.hostname))
}
