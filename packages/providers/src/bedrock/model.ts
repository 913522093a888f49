/**
 * What is known of a model from its name: who made it, and the address of its operations.
 *
 * @module
 */
import type { Request } from "@plugline/core"
import { address, modelOf } from "../wire/draft.ts"

/** The makers whose models differ from each other in what they take, as the names of models begin. */
export type Family = string

/**
 * Who made a model: `anthropic` of `us.anthropic.claude-sonnet-4-5-20250929-v1:0`, also where the name stands in an
 * ARN. A name that tells no maker (a provisioned model, an application inference profile) gives `undefined`.
 */
export const familyOf = (model: string): Family | undefined => {
  const name = nameOf(model)
  const dot = name.indexOf(".")
  return dot <= 0 ? undefined : name.slice(0, dot).toLowerCase()
}

/** A model's name without the address around it and the group of regions before it: `anthropic.claude-…`. */
export const nameOf = (model: string): string => {
  const last = model.startsWith("arn:") ? model.slice(model.lastIndexOf("/") + 1) : model
  const dot = last.indexOf(".")
  const isArea = dot > 0 && areas.has(last.slice(0, dot).toLowerCase()) && last.includes(".", dot + 1)
  return isArea ? last.slice(dot + 1) : last
}

/** Groups of regions that a call may be answered in, as they stand before a model's name. */
const areas = new Set([
  "us", "eu", "apac", "global", "us-gov", "jp", "au", "ca", "sa", "me", "af", "in", "kr", "uk", "il", "mx"
])

/** The model that is asked, and its maker: by its name, else as `config.family` says. */
export const asked = (request: Request): { readonly model: string; readonly family: Family | undefined } => {
  const model = modelOf(request)
  const { family } = request.config
  return { model, family: familyOf(model) ?? (typeof family === "string" && family !== "" ? family : undefined) }
}

/** What is done with a model, as the address says it. */
export type Action = "converse" | "converse-stream" | "invoke" | "invoke-with-response-stream"

/** The address of an operation of a model. Colons and slashes of its name are escaped. */
export const url = (request: Request, model: string, action: Action): string =>
  address(request.config.baseUrl ?? "", `/model/${encodeURIComponent(model)}/${action}`)

/** The model and what is done with it, from an address. */
export const read = (address: string): { readonly model: string; readonly action: string } | undefined => {
  const found = /\/model\/([^?#]+)\/([a-z-]+)(?:[?#]|$)/.exec(address)
  if (found === null) return undefined
  try {
    return { model: decodeURIComponent(found[1]!), action: found[2]! }
  } catch {
    return undefined
  }
}
