/**
 * What a provider is made from, and what its plugs know of it.
 *
 * @module
 */
import type { LlmError, Operation, Request, Timeouts } from "@plugline/core"
import type { Effect, Redacted } from "effect"
import type { Credentials, KeySource } from "../Credentials.ts"
import type { Headers, Outgoing, Transport } from "../Transport.ts"
import type { Wire } from "../Wire.ts"
import type { Settings } from "./address.ts"

export type { Setting, Settings } from "./address.ts"

/** What a provider is made from. */
export interface Init<Op extends Operation> {
  readonly name: string
  /** Default: the name. */
  readonly title?: string
  /** Where it is, an http or https URL. Each `{name}` in it is one of `settings`. */
  readonly baseUrl: string
  /**
   * Further addresses of the same service, which its credential may go to as well, where a wire sends there:
   * `https://bedrock.{region}.amazonaws.com`. Default: none.
   */
  readonly origins?: ReadonlyArray<string>
  /** What the `{name}`s of `baseUrl` and `origins` are filled from; `config` then holds their values. Default: none. */
  readonly settings?: Settings
  /** Where its key customarily is, the first that is set counts. Default: none. */
  readonly keys?: ReadonlyArray<KeySource>
  /** Whether it answers nobody without a key. Default: true. */
  readonly needsKey?: boolean
  /** The headers that carry a key. Default: `authorization: Bearer …`. */
  readonly authorize?: (key: string) => Headers
  /** Makes the headers that carry the credential, where that takes more than the key. Default: {@link authorize}. */
  readonly sign?: Sign
  /** Further headers of a request, none of them secret. Default: none. */
  readonly headers?: (request: Request) => Headers
  /** Time limits in ms, where a call sets none. Default: those of the transport. */
  readonly timeouts?: Timeouts
  readonly wires: { readonly [Each in Op]: Wire }
}

/**
 * Makes the headers that carry the credential of one request, at the moment of sending: a signature, or a token bought with
 * the key. They go out with the bytes and stand in no value that could be printed.
 */
export type Sign = (input: SignInput) => Effect.Effect<Headers, LlmError>

/** What a signature is made from. */
export interface SignInput {
  /** The key that was found, if any. */
  readonly key: Redacted.Redacted<string> | undefined
  /** What goes out, without the credential. */
  readonly outgoing: Outgoing
  /** Its `config` says for which region, project, … the call is. */
  readonly request: Request
  readonly transport: Transport["Service"]
  readonly credentials: Credentials["Service"]
}

/** What the plugs of a provider know of it. */
export type Definition = Required<Omit<Init<never>, "sign">> & { readonly sign: Sign | undefined }
