/**
 * What a receipt says of a call. Pure.
 *
 * @module
 */
import {
  type JsonObject, type JsonValue, type LlmError, Mask, type Operation, type Options, type Request, type Result
} from "@plugline/core"
import { DateTime } from "effect"
import { fingerprint } from "../fingerprint.ts"
import * as Identity from "../identity.ts"
import type { Ending } from "../Passthrough.ts"
import { type Begun, type Facts, scrub, type Tokens } from "./facts.ts"

/** One call. What is absent is unknown, or was not there. */
export interface Receipt {
  readonly id: string
  /** When the request came, ISO 8601. */
  readonly time: string
  readonly operation: Operation
  /** For whom: names and ids from `Identity`, never a key itself. */
  readonly tenant?: string
  readonly team?: string
  readonly user?: string
  readonly key?: string
  /** Who answered, or was asked last. */
  readonly provider: string
  /** The model that was asked for. */
  readonly asked?: string
  /** The model that answered. */
  readonly model?: string
  /** Which pipeline it went through: a name or a hash, as the plug was told. */
  readonly pipeline?: string
  /** SHA-256 of what was asked: messages and options in canonical JSON. */
  readonly request?: string
  /** SHA-256 of what was answered: content and finish reasons; the same for a stream and a whole answer. */
  readonly response?: string
  /** How it was asked: options that hold no text of the caller's. */
  readonly options?: JsonObject
  readonly state: Ending
  /** Why the model stopped. */
  readonly finish?: string
  readonly tokens?: Tokens
  /** In USD, decimal text. Absent where any of it is unknown. */
  readonly cost?: string
  /** What is known of a cost that is not known in all, in USD. */
  readonly costKnown?: string
  /** Where the cost is from: `computed`, `reported`, `cached`, `refused`, `unknown`, `mixed`. */
  readonly costSource?: string
  /** From its coming to its end, in ms. */
  readonly latency: number
  /** From its coming to the first content of a stream, in ms. */
  readonly firstToken?: number
  /** What other plugs noted: attempts, cache, fallback, … */
  readonly notes?: JsonObject
  readonly error?: JsonObject
  /** Only where the plug was told to: what was said, secrets masked. */
  readonly content?: JsonObject
  /** How many receipts before this one could not be written. */
  readonly lost?: number
  /** SHA-256 of the line before, in a chained ledger. */
  readonly prev?: string
}

/** What a receipt holds beyond the usual. */
export interface Wanted {
  readonly pipeline?: string
  readonly content: boolean
  readonly hashes: boolean
}

/** The receipt of a call. */
export const of = (final: Request, begun: Begun, facts: Facts, { content, hashes, pipeline }: Wanted): Receipt => {
  const { request } = begun
  const { key, team, tenant, user } = Identity.of(final)
  const { cost } = facts
  const clean = (text: string): string => scrub(text, request, final)
  const shown = optionsOf(request.options)
  return {
    id: clean(request.id),
    time: DateTime.formatIso(DateTime.makeUnsafe(begun.at)),
    operation: request.operation,
    ...(tenant !== undefined && { tenant: clean(tenant) }),
    ...(team !== undefined && { team: clean(team) }),
    ...(user !== undefined && { user: clean(user) }),
    ...(key !== undefined && { key: clean(key) }),
    provider: clean(facts.provider),
    ...(facts.asked !== undefined && { asked: clean(facts.asked) }),
    ...(facts.model !== undefined && { model: clean(facts.model) }),
    ...(pipeline !== undefined && { pipeline }),
    ...(hashes && { request: requestHash(request) }),
    ...(hashes && final.result !== undefined && { response: responseHash(final.result) }),
    ...(shown !== undefined && { options: shown }),
    state: facts.ending,
    ...(facts.finish !== undefined && { finish: facts.finish }),
    ...(facts.tokens !== undefined && { tokens: facts.tokens }),
    ...(cost?.total !== undefined && { cost: cost.total }),
    ...(cost !== undefined && cost.total === undefined && { costKnown: cost.known }),
    ...(cost !== undefined && { costSource: cost.source }),
    latency: facts.latency,
    ...(facts.firstToken !== undefined && { firstToken: facts.firstToken }),
    ...(facts.notes !== undefined && { notes: scrubbed(facts.notes, clean) }),
    ...(facts.error !== undefined && { error: errorOf(facts.error, clean, content) }),
    ...(content && { content: contentOf(request, final, clean) })
  }
}

/** SHA-256 of what is asked: a stream asks the same as a whole answer. */
export const requestHash = ({ messages, operation, options, provider }: Request): string =>
  fingerprint({ messages, operation: operation === "stream" ? "chat" : operation, options, provider })

/** SHA-256 of what is answered, whoever answered, and however it was cut. */
export const responseHash = (result: Result): string => {
  switch (result.type) {
    case "chat":
    case "completion":
      return fingerprint({ choices: result.choices, content: result.content, finishReason: result.finishReason })
    case "embeddings":
      return fingerprint({ embeddings: result.embeddings })
    case "moderations":
      return fingerprint({ moderations: result.moderations })
    case "list_models":
      return fingerprint({ models: result.models.map(({ id }) => id) })
    case "validate":
      return fingerprint({ usable: result.usable })
  }
}

/**
 * Options that are numbers and switches. Texts of the caller's (stop words, schemas, tools, labels) are counted or left
 * out.
 */
const optionsOf = (options: Options): JsonObject | undefined => {
  const out: Record<string, JsonValue> = {}
  for (const name of plain) {
    const value = options[name]
    if (value !== undefined) out[name] = value
  }
  const { reasoning, responseFormat, serviceTier, stop, toolChoice, tools } = options
  if (reasoning?.effort !== undefined) out.effort = short(reasoning.effort)
  if (reasoning?.budgetTokens !== undefined) out.budgetTokens = reasoning.budgetTokens
  if (responseFormat !== undefined) out.responseFormat = responseFormat.type
  if (serviceTier !== undefined) out.serviceTier = short(serviceTier)
  if (stop !== undefined) out.stop = typeof stop === "string" ? 1 : stop.length
  if (toolChoice !== undefined) out.toolChoice = typeof toolChoice === "string" ? toolChoice : "tool"
  if (tools !== undefined) out.tools = tools.length
  return Object.keys(out).length === 0 ? undefined : out
}

const plain = [
  "temperature", "maxTokens", "topP", "topK", "frequencyPenalty", "presencePenalty", "seed", "parallelToolCalls", "n",
  "logprobs", "dimensions"
] as const

const short = (text: string): string => Mask.text(text).slice(0, 64)

/** Why it failed. The sentence may quote what was said, and so counts as content. */
const errorOf = (
  { attempt, plug, provider, reason }: LlmError,
  clean: (text: string) => string,
  content: boolean
): JsonObject => ({
  reason: reason._tag,
  ...(reason.status !== undefined && { status: reason.status }),
  ...(reason.code !== undefined && { code: clean(String(reason.code)).slice(0, 128) }),
  ...(reason.requestId !== undefined && { requestId: clean(String(reason.requestId)).slice(0, 128) }),
  ...(provider !== undefined && { provider: clean(provider) }),
  ...(plug !== undefined && { plug }),
  ...(attempt !== undefined && { attempt }),
  ...(content && { message: clean(reason.message) })
})

const contentOf = (request: Request, final: Request, clean: (text: string) => string): JsonObject => ({
  messages: scrubbed(Mask.json(request.messages), clean),
  ...(final.result !== undefined && { result: scrubbed(Mask.json(final.result), clean) })
})

/** Every text in a value cleaned. */
const scrubbed = <A extends JsonValue>(value: A, clean: (text: string) => string): A =>
  JSON.parse(JSON.stringify(value, (_name, inner: unknown) => typeof inner === "string" ? clean(inner) : inner)) as A
