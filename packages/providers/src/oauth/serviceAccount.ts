/**
 * Signs calls to Google's services with what its console and command line hand out: the file of a service account, or that of
 * a person who has logged in; or with the identity of the machine.
 *
 * @module
 */
import { LlmError } from "@plugline/core"
import { Clock, Effect, Redacted } from "effect"
import type { Sign, SignInput } from "../call/definition.ts"
import { fieldsOf, type Parts } from "../credentials/fields.ts"
import type { Headers } from "../Transport.ts"
import { bearer, type Order, plain, unusable } from "./purchase.ts"

/** How a credential of Google's is used. */
export interface ServiceAccount {
  /**
   * What the token may be used for; several are separated by a space. Default:
   * `https://www.googleapis.com/auth/cloud-platform`.
   */
  readonly scope?: string
  /**
   * Further addresses that a credential's own `token_uri` may name. Default: none but Google's, because the file says where its
   * secret goes.
   */
  readonly tokenUris?: ReadonlyArray<string>
  /** The headers for a key that is no JSON. Default: `authorization: Bearer …`, right for a token (`ya29.…`). */
  readonly otherwise?: (key: string) => Headers
}

/**
 * Given as a key, it stands for the machine's own identity: on Google's computers the token comes from their metadata server,
 * which is asked only then.
 */
export const machine: Redacted.Redacted<string> = Redacted.make("{\"type\":\"machine\"}", { label: "machine" })

/**
 * A `Sign` for Google's services. The key is the JSON of a service account or of a person's login (`authorized_user`),
 * {@link machine}, or a token. A token is bought once for all calls and kept until shortly before it expires.
 */
export const serviceAccount = (options: ServiceAccount = {}): Sign => {
  const { otherwise = plain, scope = "https://www.googleapis.com/auth/cloud-platform", tokenUris = [] } = options
  return (input) => {
    const { key } = input
    if (key === undefined) return Effect.succeed({})
    const parts = fieldsOf(key)
    if (parts === "text") return Effect.succeed(otherwise(Redacted.value(key)))
    if (parts === "broken") return Effect.fail(unusable(input, "the credential begins like JSON and is none"))
    const order = orderOf(input, parts, scope, tokenUris)
    if (LlmError.isLlmError(order)) return Effect.fail(order)
    const headers = bearer(input, { key, purpose: scope, order })
    // The login of a person has no project of its own that quota could be counted for.
    const project = parts.quota_project_id
    return project === undefined ? headers : Effect.map(headers, (headers) => ({ ...headers, "x-goog-user-project": project }))
  }
}

const orderOf = (
  input: SignInput,
  parts: Parts,
  scope: string,
  tokenUris: ReadonlyArray<string>
): Effect.Effect<Order, LlmError> | LlmError => {
  switch (parts.type) {
    case "service_account": {
      const { client_email: email, private_key: key, private_key_id: id, token_uri: url = usual } = parts
      if (email === undefined || key === undefined) return incomplete(input, "service_account", "client_email and private_key")
      if (!isGoogles(url) && !tokenUris.includes(url)) return astray(input)
      return Effect.map(assertion(input, { email, id, key, scope, url }), (assertion) => ({
        url,
        form: { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion }
      }))
    }
    case "authorized_user": {
      const { client_id: id, client_secret: secret, refresh_token: token, token_uri: url = usual } = parts
      if (id === undefined || secret === undefined || token === undefined) {
        return incomplete(input, "authorized_user", "client_id, client_secret and refresh_token")
      }
      if (!isGoogles(url) && !tokenUris.includes(url)) return astray(input)
      return Effect.succeed({
        url,
        form: { grant_type: "refresh_token", client_id: id, client_secret: secret, refresh_token: token }
      })
    }
    case "machine":
      return Effect.succeed({
        url: `${metadataServer}?scopes=${encodeURIComponent(scope.split(" ").join(","))}`,
        headers: { "metadata-flavor": "Google" }
      })
    default:
      return LlmError.make({
        _tag: "Unsupported",
        message: "the credential must be of the type service_account or authorized_user",
        alternatives: ["service_account", "authorized_user"]
      }, { provider: input.request.provider })
  }
}

const usual = "https://oauth2.googleapis.com/token"
const metadataServer = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token"
const googles: ReadonlySet<string> = new Set([
  "https://oauth2.googleapis.com", "https://www.googleapis.com", "https://accounts.google.com"
])

const isGoogles = (url: string): boolean => googles.has(URL.parse(url)?.origin ?? "")

const incomplete = (input: SignInput, type: string, fields: string): LlmError =>
  unusable(input, `a credential of the type ${type} must have the fields ${fields}`)

const astray = (input: SignInput): LlmError =>
  unusable(input, "the token_uri of the credential is not Google's; a provider of your own may name it in tokenUris")

/** One hour, in s: the longest Google allows. */
const lifetime = 3600

interface Claims {
  readonly email: string
  /** The id of the private key. */
  readonly id: string | undefined
  readonly key: string
  readonly scope: string
  readonly url: string
}

/** What a service account pays with: its claims, signed with its private key (RFC 7523). */
const assertion = (input: SignInput, { email, id, key, scope, url }: Claims): Effect.Effect<string, LlmError> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.tryPromise({
      try: async () => {
        const { importPKCS8, SignJWT } = await import("jose")
        const seconds = Math.floor(now / 1000)
        return new SignJWT({ scope })
          .setProtectedHeader({ alg: "RS256", typ: "JWT", ...(id !== undefined && { kid: id }) })
          .setIssuer(email)
          .setAudience(url)
          .setIssuedAt(seconds)
          .setExpirationTime(seconds + lifetime)
          .sign(await importPKCS8(key, "RS256"))
      },
      catch: () => unusable(input, "the private_key of the credential cannot be read: it must be PKCS #8 in PEM")
    }))
