/**
 * Anthropic: `ANTHROPIC_API_KEY` from the environment, or `config.apiKey`. A token of `ANTHROPIC_AUTH_TOKEN` goes out
 * as `authorization: Bearer …` in place of `x-api-key`. `config.betas` names the beta features a call is to have.
 *
 * @module
 */
import { defaultBaseUrl } from "./anthropic/quirks.ts"
import { wires } from "./anthropic/index.ts"
import * as Provider from "./Provider.ts"
import type { Headers } from "./Transport.ts"

const { chat, list_models, stream, validate } = wires()

/**
 * A key has a header of its own. A token, in the form of credentials with several fields or of OAuth, has the usual
 * one.
 */
const authorize = (key: string): Headers => {
  const token = key.startsWith("{") ? tokenOf(key) : key.startsWith("sk-ant-oat") ? key : undefined
  return token === undefined ? { "x-api-key": key } : { authorization: `Bearer ${token}` }
}

const tokenOf = (credential: string): string | undefined => {
  try {
    const { authToken } = JSON.parse(credential) as { readonly authToken?: unknown }
    return typeof authToken === "string" ? authToken : undefined
  } catch {
    return undefined
  }
}

/** The provider `anthropic`. */
export const anthropic = Provider.make({
  name: "anthropic",
  title: "Anthropic",
  baseUrl: defaultBaseUrl,
  keys: ["ANTHROPIC_API_KEY", { fields: { authToken: "ANTHROPIC_AUTH_TOKEN" } }],
  authorize,
  wires: { chat, stream, list_models, validate }
})
