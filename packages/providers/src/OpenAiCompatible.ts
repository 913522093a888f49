/**
 * Makes a provider of any service that speaks OpenAI's wire, from a few lines of data.
 *
 * @module
 */
import type { Operation, Request, Timeouts } from "@plugline/core"
import type { Credentials, KeySource } from "./Credentials.ts"
import { type Quirks, wires, type Wires } from "./openai/index.ts"
import * as Provider from "./Provider.ts"
import type { Headers, Transport } from "./Transport.ts"
import { choose, type Wire } from "./Wire.ts"

export type { Quirks, Wires } from "./openai/index.ts"

/** What sets a service apart. */
export interface Compatible<Op extends Operation = UsualOperation> {
  readonly name: string
  /** What people call it. Default: the name. */
  readonly title?: string
  /** Up to and with the version: `https://api.example.com/v1`. */
  readonly baseUrl: string
  /** What the `{name}`s of `baseUrl` are filled from. Default: none. */
  readonly settings?: Provider.Settings
  /** Where its key customarily is: names of environment variables, mostly. */
  readonly keys: ReadonlyArray<KeySource>
  /** Whether it answers nobody without a key. Default: true. */
  readonly needsKey?: boolean
  /** The headers that carry a key. Default: `authorization: Bearer …`. */
  readonly authorize?: (key: string) => Headers
  /** Makes the headers that carry the credential, where that takes more than the key. Default: `authorize`. */
  readonly sign?: Provider.Sign
  /** Further headers of a request, none of them secret. Default: none. */
  readonly headers?: (request: Request) => Headers
  /** Time limits in ms, where a call sets none. Default: those of the transport. */
  readonly timeouts?: Timeouts
  /** What it does differently from the usual. Default: nothing. */
  readonly quirks?: Quirks
  /** The Responses API, spoken where `config.api` is `"responses"`. Default: chat completions are all it speaks. */
  readonly responses?: Wire
  /** The operations it has. Default: {@link usualOperations}. */
  readonly operations?: ReadonlyArray<Op>
}

/** What most services have: everything but moderations. */
export type UsualOperation = Exclude<keyof Wires, "moderations">

/** What a service is taken to have where nothing is said: chat, stream, completion, embeddings, list_models, validate. */
export const usualOperations: ReadonlyArray<UsualOperation> = ["chat", "stream", "completion", "embeddings", "list_models", "validate"]

/**
 * A provider that speaks OpenAI's wire.
 *
 * @throws LlmError `Configuration` when the base URL is none.
 * @example
 * ```ts
 * import { compatible } from "@plugline/providers/compatible"
 *
 * const vllm = compatible({ name: "vllm", baseUrl: "http://127.0.0.1:8000/v1", keys: ["VLLM_API_KEY"], needsKey: false })
 * Object.keys(vllm.pipelines) // => ["chat", "stream", "completion", "embeddings", "list_models", "validate"]
 * ```
 */
export const compatible = <const Op extends keyof Wires = UsualOperation>(
  service: Compatible<Op>
): Provider.Provider<Transport | Credentials, Op> => {
  const { operations = usualOperations, quirks, responses, ...init } = service
  const usual = wires({ baseUrl: service.baseUrl, ...quirks })
  const chat = responses === undefined
    ? usual.chat
    : choose("chat-completions", { "chat-completions": usual.chat, responses })
  const all = { ...usual, chat, stream: chat }
  const chosen = Object.fromEntries(operations.map((operation) => [operation, all[operation]]))
  return Provider.make<Op>({ ...init, wires: chosen as Pick<Wires, Op> })
}
