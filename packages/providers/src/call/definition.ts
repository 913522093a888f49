/**
 * What a provider is made from, and what its plugs know of it.
 *
 * @module
 */
import { LlmError, type Operation, type Request, type Timeouts } from "@plugline/core"
import type { Headers } from "../Transport.ts"
import type { Wire } from "../Wire.ts"

/** What a provider is made from. */
export interface Init<Op extends Operation> {
  readonly name: string
  /** Default: the name. */
  readonly title?: string
  /** Where it is, an http or https URL. */
  readonly baseUrl: string
  /** Default: none. */
  readonly keys?: ReadonlyArray<string>
  /** Default: true. */
  readonly needsKey?: boolean
  /** Default: `authorization: Bearer …`. */
  readonly authorize?: (key: string) => Headers
  /** Further headers of a request, none of them secret. Default: none. */
  readonly headers?: (request: Request) => Headers
  /** Time limits in ms, where a call sets none. Default: those of the transport. */
  readonly timeouts?: Timeouts
  readonly wires: { readonly [Each in Op]: Wire }
}

/** What the plugs of a provider know of it. */
export type Definition = Required<Init<never>>

/**
 * An address in its one form: without a slash at the end.
 *
 * @throws LlmError `Configuration` when it is no http or https URL, or holds a user name, password, query or fragment.
 */
export const baseUrl = (address: string): string => {
  const known = addresses.get(address)
  if (known !== undefined) return known
  const url = typeof address === "string" ? URL.parse(address) : null
  const fits = url !== null && (url.protocol === "https:" || url.protocol === "http:")
    && url.username === "" && url.password === "" && url.search === "" && url.hash === ""
  if (!fits) {
    throw LlmError.make({
      _tag: "Configuration",
      option: "baseUrl",
      expected: "an http or https URL without user name, password, query and fragment",
      message: "baseUrl must be an http or https URL without user name, password, query and fragment"
    })
  }
  if (addresses.size >= 256) addresses.clear()
  const made = address.replace(/\/+$/, "")
  addresses.set(address, made)
  return made
}

/** A program knows few addresses and asks them often, so the last ones are kept. */
const addresses = new Map<string, string>()
