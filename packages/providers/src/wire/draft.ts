/**
 * Writes options into a service's body: each is sent in the service's spelling, or answered with a warning, or refused
 * where leaving it out would change what the caller asked for.
 *
 * @module
 */
import {
  type JsonObject,
  type JsonValue,
  LlmError,
  type OptionName,
  Options,
  type ProviderRequest,
  type Request,
  type Warning
} from "@plugline/core"
import { put } from "./read.ts"

/** A body while it is written. */
export interface Draft {
  readonly request: Request
  readonly body: { [name: string]: JsonValue }
  readonly warnings: Array<Warning>
  /** Options that this service does not take, though its wire has a word for them. */
  readonly without: ReadonlyArray<OptionName>
}

/** Writes one option. */
export type Writer<Name extends OptionName, D extends Draft = Draft> = (
  value: NonNullable<Options[Name]>,
  draft: D
) => void

/** How an operation writes the options it takes; what has no writer it does not take. */
export type Writers<D extends Draft = Draft> = { readonly [Name in OptionName]?: Writer<Name, D> }

/** An empty draft. */
export const draft = (request: Request, without: ReadonlyArray<OptionName> = []): Draft =>
  ({ request, body: {}, warnings: [], without })

/** Sends an option under a name, as it is. */
export const as = (field: string) => (value: JsonValue, { body }: Draft): void => {
  body[field] = value
}

/** Takes an option that is written elsewhere, or means nothing here and is no loss. */
export const elsewhere = (): void => {}

/** Writes every option that is given, always in the same order. */
export const write = <D extends Draft>(draft: D, writers: Writers<D>, operation: string): void => {
  const { options, provider } = draft.request
  for (const name of Options.names) {
    if (options[name] === undefined || name === "providerOptions") continue
    if (draft.without.includes(name) || !one(name, writers, draft)) {
      const message = `${provider} takes no ${name} for ${operation}`
      // The length of vectors means nothing where there are none, and a page nothing where there is no list.
      if (name === "page" || (name === "dimensions" && operation !== "embeddings")) warn(draft, name, message)
      else refuse(name, draft, message)
    }
  }
}

const one = <Name extends OptionName, D extends Draft>(name: Name, writers: Writers<D>, draft: D): boolean => {
  const writer: Writer<Name, D> | undefined = writers[name]
  const value: Options[Name] = draft.request.options[name]
  if (writer === undefined || value === undefined) return false
  writer(value as NonNullable<Options[Name]>, draft)
  return true
}

/** What only the caller's own provider understands, untouched, over everything else. */
export const mergeOwn = ({ request, body }: Draft): void => {
  const own = request.options.providerOptions?.[request.provider]
  if (own !== undefined && own !== null) merge(body, own)
}

/** Puts the fields of an object over those of another. */
export const merge = (into: { [name: string]: JsonValue }, more: JsonObject): void => {
  for (const [name, value] of Object.entries(more)) if (value !== undefined) put(into, name, value)
}

/** Leaves an option out with a warning, or refuses where that would change what was asked for. */
export const refuse = (name: OptionName, draft: Draft, message: string): void => {
  const { options, provider } = draft.request
  switch (essential(name, options)) {
    case "yes":
      throw LlmError.make({ _tag: "Unsupported", message }, { provider })
    case "no":
      return warn(draft, name, message)
    case "default":
  }
}

/** Says that an option was left out. */
export const warn = (draft: Draft, option: OptionName, message: string): void => {
  draft.warnings.push({ type: "unsupported-option", option, message })
}

/** Says that an option was sent otherwise than it was given. */
export const changed = (draft: Draft, option: OptionName, message: string): void => {
  draft.warnings.push({ type: "changed-option", option, message })
}

/**
 * Whether leaving an option out changes what was asked for, or nothing at all because it asks for what happens anyway.
 */
const essential = (name: OptionName, options: Options): "yes" | "no" | "default" => {
  switch (name) {
    case "tools":
      return options.tools!.length > 0 ? "yes" : "default"
    case "toolChoice":
      return options.toolChoice === "auto" || options.toolChoice === "none" ? "default" : "yes"
    case "responseFormat":
      return options.responseFormat!.type === "text" ? "default" : "yes"
    case "n":
      return options.n! > 1 ? "yes" : "default"
    case "dimensions":
      return "yes"
    case "logprobs":
      return options.logprobs === false ? "default" : "no"
    // Labels of the caller feed plugs; that they are not sent is no news.
    case "metadata":
      return "default"
    default:
      return "no"
  }
}

/**
 * The model that is asked: the option, or the caller's own field of the provider.
 *
 * @throws LlmError `InvalidRequest` where there is none.
 */
export const modelOf = ({ options, provider }: Request): string => {
  const own = options.model ?? options.providerOptions?.[provider]?.model
  if (typeof own === "string" && own !== "") return own
  throw LlmError.make({
    _tag: "InvalidRequest",
    parameter: "model",
    message: `${provider} has to be told which model to ask: set the option model`
  }, { provider })
}

/** There is nothing to ask. */
export const noMessages = (request: Request): LlmError =>
  LlmError.make({
    _tag: "InvalidRequest",
    parameter: "messages",
    message: `${request.operation} needs at least one message`
  }, { provider: request.provider })

/** The request to send. */
export const post = (url: string, body: { readonly [name: string]: JsonValue }): ProviderRequest => ({
  method: "POST",
  url,
  headers: { "content-type": "application/json" },
  body
})

/** The question to send. */
export const get = (url: string): ProviderRequest => ({ method: "GET", url, headers: {} })

/** An address below the base URL. A query in the base URL stays behind the path. */
export const address = (base: string, path: string): string => {
  const query = base.indexOf("?")
  const stem = query < 0 ? base : base.slice(0, query)
  return `${stem.endsWith("/") ? stem.slice(0, -1) : stem}${path}${query < 0 ? "" : base.slice(query)}`
}
