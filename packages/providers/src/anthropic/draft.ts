/**
 * A body while it is written, for a service with quirks.
 *
 * @module
 */
import type { JsonObject, ProviderOptions } from "@plugline/core"
import type * as Base from "../wire/draft.ts"
import { text } from "../wire/read.ts"
import type { Quirks } from "./quirks.ts"

/** A body while it is written. */
export interface Draft extends Base.Draft {
  readonly quirks: Quirks
  /** The model, where the request names one. */
  readonly model: string | undefined
  /** The beta features that what is written needs. */
  readonly betas: Array<string>
}

/** How an operation writes the options it takes; what has no writer it does not take. */
export type Writers = Base.Writers<Draft>

/** What only this provider understands of a message, part or tool. */
export const ownOf = (options: ProviderOptions | undefined, { request }: Base.Draft): JsonObject | undefined =>
  options?.[request.provider] ?? undefined

/** Whether a text says nothing: the API refuses blocks of such text. */
export const isBlank = (value: string): boolean => value.trim() === ""

/** The model that is asked: the option, or the caller's own field. */
export const modelName = ({ options, provider }: Base.Draft["request"]): string | undefined =>
  text(options.model ?? options.providerOptions?.[provider]?.model)
