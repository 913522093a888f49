/**
 * Asks which models Ollama has, and, with the same question, whether it is there. The list says nothing of how much a
 * model can take in.
 *
 * @module
 */
import { type JsonValue, LlmError, type Model, type ModelsResult, type Request } from "@plugline/core"
import type { Wire } from "../Wire.ts"
import { address, get } from "../wire/draft.ts"
import { body, excerpt, list, object, says, text } from "../wire/read.ts"
import { failed, reason } from "../wire/reason.ts"
import { base } from "./options.ts"

/** The wire of `list_models`. */
export const models: Wire = {
  prepare: (request) => ({ request: get(address(base(request), "/api/tags")), warnings: [] }),
  parse: (response, request) => parse(response.body, request),
  reason
}

/** The wire of `validate`: what lists models as Ollama does can be used. */
export const validate: Wire = {
  ...models,
  parse: (response, request) => {
    parse(response.body, request)
    return { type: "validate", usable: true }
  }
}

const parse = (source: string, request: Request): ModelsResult => {
  const { provider } = request
  const answer = object(body(source, provider))
  if (answer !== undefined && says(answer.error)) throw failed(answer, provider)
  // A place without models says so with `null`.
  const entries = list(answer?.models) ?? (answer?.models === null ? [] : undefined)
  if (entries === undefined) {
    throw LlmError.make({ _tag: "NotAnLlm", message: `the answer lists no models: ${excerpt(source)}` }, { provider })
  }
  return { type: "list_models", models: entries.map((entry) => model(entry, provider)) }
}

const model = (raw: JsonValue, provider: string): Model => {
  const entry = object(raw)
  const name = text(entry?.name)
  const id = text(entry?.model) ?? name
  if (id === undefined) {
    throw LlmError.make({
      _tag: "MalformedResponse",
      message: `an entry of the list of models has no name: ${excerpt(JSON.stringify(raw))}`
    }, { provider })
  }
  return { id, ...(name !== undefined && name !== id && { name }), raw }
}
