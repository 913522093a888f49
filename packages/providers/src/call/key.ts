/**
 * Finds the key of a call, and refuses to have it sent to anyone but the service it is for.
 *
 * @module
 */
import { LlmError, type ProviderRequest, type Request } from "@plugline/core"
import { Effect, Redacted } from "effect"
import { type Credentials, keyNames } from "../Credentials.ts"
import { andThen } from "../credentials/andThen.ts"
import { homesOf, isUnder, originOf, type Values } from "./address.ts"
import type { Definition } from "./definition.ts"

type Key = Redacted.Redacted<string>

/** The key this call is made with, for the address it goes to. */
export const keyFor = (
  provider: Definition,
  request: Request,
  { url }: ProviderRequest,
  credentials: Credentials["Service"],
  env: Values
): Key | Effect.Effect<Key | undefined, LlmError> => {
  const { apiKey, baseUrl = provider.baseUrl, headers } = request.config
  const home = isUnder(url, provider.baseUrl) || homesOf(provider, request.config, env).includes(originOf(url))
  if (!home && !isUnder(url, baseUrl) && (apiKey !== undefined || headers !== undefined)) {
    return Effect.fail(strayed(provider, originOf(url)))
  }
  if (apiKey !== undefined) return Redacted.isRedacted(apiKey) ? apiKey : Effect.fail(naked)
  if (!home) {
    const ours = homesOf(provider, request.config, env)[0] ?? "an address that the environment does not name"
    return missing(provider, request,
      `the key of ${provider.title} is for ${ours} and was not sent to ${originOf(url)}; give config.apiKey for that address`)
  }
  return andThen(credentials.get(provider), (key) =>
    key !== undefined && Redacted.value(key).trim() !== ""
      ? Effect.succeed(key)
      : missing(provider, request, `no key for ${provider.title}: ${
        provider.keys.length === 0 ? "give" : `set ${provider.keys.map(keyNames).join(" or ")} in the environment, or give`
      } config.apiKey`))
}

/** No key: an error where the provider needs one and the caller's own headers bring none. */
const missing = (provider: Definition, request: Request, message: string): Effect.Effect<undefined, LlmError> =>
  provider.needsKey && !bringsItsOwn(provider, request)
    ? Effect.fail(LlmError.make({ _tag: "Authentication", message }))
    : Effect.succeed(undefined)

const strayed = ({ name, title }: Definition, origin: string): LlmError =>
  LlmError.make({
    _tag: "Configuration",
    option: "origins",
    message: `the credential of this call is for ${title}'s address or config.baseUrl and was not sent to ${origin}`
  }, { provider: name })

const naked = LlmError.make({
  _tag: "Configuration",
  option: "apiKey",
  expected: "a key wrapped with Redacted.make",
  message: "config.apiKey must be wrapped with Redacted.make, so that it cannot be printed"
})

/** Whether the caller's own headers carry a credential. */
const bringsItsOwn = (provider: Definition, { config: { headers } }: Request): boolean => {
  if (headers === undefined) return false
  const given = Object.keys(headers).map((name) => name.toLowerCase())
  return given.includes("authorization")
    || Object.keys(provider.authorize("")).some((name) => given.includes(name.toLowerCase()))
}
