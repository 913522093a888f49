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
  type Request,
  type Warning
} from "@plugline/core"
import { put } from "./read.ts"
import type { Quirks } from "./quirks.ts"

/** A body while it is written. */
export interface Draft {
  readonly request: Request
  readonly quirks: Quirks
  readonly body: { [name: string]: JsonValue }
  readonly warnings: Array<Warning>
}

/** Writes one option. */
type Writer<Name extends OptionName> = (value: NonNullable<Options[Name]>, draft: Draft) => void

/** How an operation writes the options it takes; what has no writer it does not take. */
export type Writers = { readonly [Name in OptionName]?: Writer<Name> }

/** An empty draft. */
export const draft = (request: Request, quirks: Quirks): Draft => ({ request, quirks, body: {}, warnings: [] })

/** Sends an option under a name, as it is. */
export const as = (field: string) => (value: JsonValue, { body }: Draft): void => {
  body[field] = value
}

/** Writes every option that is given, always in the same order. */
export const write = (draft: Draft, writers: Writers, operation: string): void => {
  const { options, provider } = draft.request
  const without = draft.quirks.unsupported ?? unsupported
  for (const name of Options.names) {
    if (options[name] === undefined || name === "providerOptions") continue
    if (without.includes(name) || !one(name, writers, draft)) {
      const message = `${provider} takes no ${name} for ${operation}`
      // The length of vectors means nothing where there are none.
      if (name === "dimensions" && operation !== "embeddings") warn(draft, name, message)
      else refuse(name, draft, message)
    }
  }
}

const one = <Name extends OptionName>(name: Name, writers: Writers, draft: Draft): boolean => {
  const writer: Writer<Name> | undefined = writers[name]
  const value: Options[Name] = draft.request.options[name]
  if (writer === undefined || value === undefined) return false
  writer(value as NonNullable<Options[Name]>, draft)
  return true
}

/** What OpenAI and most who follow it have no word for. */
const unsupported: ReadonlyArray<OptionName> = ["topK"]

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

/** The model, which goes first. */
export const model = (draft: Draft): void => {
  const { options, provider } = draft.request
  if (options.model !== undefined) draft.body.model = options.model
  else if (draft.quirks.modelInUrl !== true) {
    const own = options.providerOptions?.[provider]?.model
    if (own !== undefined) return
    throw LlmError.make({
      _tag: "InvalidRequest",
      parameter: "model",
      message: `${provider} has to be told which model to ask: set the option model`
    }, { provider })
  }
}
