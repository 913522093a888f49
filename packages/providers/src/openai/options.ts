/**
 * What this wire adds to the writing of options: the quirks of the service, and where the model stands.
 *
 * @module
 */
import { LlmError, type OptionName, type Request } from "@plugline/core"
import * as Base from "../wire/draft.ts"
import type { Quirks } from "./quirks.ts"

/** A body while it is written, for a service with quirks. */
export interface Draft extends Base.Draft {
  readonly quirks: Quirks
}

/** How an operation writes the options it takes; what has no writer it does not take. */
export type Writers = Base.Writers<Draft>

/** An empty draft. */
export const draft = (request: Request, quirks: Quirks): Draft =>
  ({ ...Base.draft(request, quirks.unsupported ?? unsupported), quirks })

/** What OpenAI and most who follow it have no word for. */
export const unsupported: ReadonlyArray<OptionName> = ["topK"]

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
