/**
 * Lets pages of other origins ask, as the configuration says and no further.
 *
 * @module
 */
import { isLoopback } from "../auth/startup.ts"
import { LlmError } from "plugline"
import type { Headers } from "./Exchange.ts"

/** Who may ask from a page. */
export interface Cors {
  /** Origins such as `https://app.example.com`, or `*` for any. */
  readonly origins: ReadonlyArray<string>
  /** How long a browser may remember the answer, in seconds. Default: 600. */
  readonly maxAge?: number
}

/** The headers that let a page of this origin read the answer; none where it may not. */
export const allowed = ({ origins }: Cors, origin: string | undefined): Headers => {
  if (origin === undefined) return {}
  if (origins.includes("*")) return { "access-control-allow-origin": "*", "access-control-expose-headers": exposed }
  if (!origins.includes(origin)) return { vary: "origin" }
  return { "access-control-allow-origin": origin, "access-control-expose-headers": exposed, vary: "origin" }
}

/**
 * Whether a page asks that is neither of this machine nor of an origin that may. Where no key is needed such a page
 * could have a browser on this machine ask, and pay, for it, though it may not read the answer.
 */
export const isForeign = (cors: Cors | undefined, origin: string | undefined): boolean => {
  if (origin === undefined) return false
  const host = URL.parse(origin)?.hostname
  if (host !== undefined && isLoopback(host)) return false
  return cors === undefined || allowed(cors, origin)["access-control-allow-origin"] === undefined
}

/**
 * Whether somebody asks under a name that is none of this machine. A page may have its own name lead here after it was loaded; to
 * its browser the gateway is then the page's own site, and what it answers may be read. Where a key is needed it has none.
 */
export const isRebound = (cors: Cors | undefined, host: string | undefined): boolean => {
  if (host === undefined || cors?.origins.includes("*") === true) return false
  const name = URL.parse(`http://${host}`)?.hostname
  if (name === undefined) return true
  if (isLoopback(name) || name.endsWith(".localhost")) return false
  return cors?.origins.some((origin) => URL.parse(origin)?.hostname === name) !== true
}

/** The answer to such a page. */
export const foreign = (): LlmError =>
  LlmError.make({
    _tag: "Permission",
    status: 403,
    message: "pages of other sites may not ask where no key is needed: name their origin in server.cors.origins"
  })

/** What else a browser wants to know before it asks. */
export const preflight = (cors: Cors, origin: string | undefined): Headers => {
  const allow = allowed(cors, origin)
  if (allow["access-control-allow-origin"] === undefined) return allow
  return {
    ...allow,
    "access-control-allow-methods": "GET, POST, PATCH, DELETE",
    "access-control-allow-headers": "authorization, content-type, x-api-key, x-goog-api-key, anthropic-version, anthropic-beta, "
      + "openai-organization, openai-project, idempotency-key, x-request-id",
    "access-control-max-age": String(cors.maxAge ?? 600)
  }
}

const exposed = "x-request-id, retry-after, x-plugline-provider, x-plugline-model, x-plugline-cache, x-plugline-attempts, "
  + "x-plugline-cost-usd, x-plugline-trace, x-ratelimit-remaining-requests, x-ratelimit-remaining-tokens"
