/**
 * Asks a model to go on with a text, through InvokeModel, and reads the answer. Only models that take a text, not
 * messages, can.
 *
 * @module
 */
import { LlmError, type Request } from "@plugline/core"
import type { Wire } from "../Wire.ts"
import { noMessages, post } from "../wire/draft.ts"
import { reason } from "../wire/reason.ts"
import { documentOf } from "./decoder.ts"
import { transported } from "./invoke.ts"
import { Additions } from "./invoke/additions.ts"
import { textModelOf } from "./invoke/makers.ts"
import { completionBody, read } from "./invoke/text.ts"
import type { TextModel } from "./invoke/textModels.ts"
import { asked, url } from "./model.ts"
import { headerUsage } from "./usage.ts"

/** The wire of `completion`. */
export const completion: Wire = {
  prepare: (request) => {
    if (request.messages.length === 0) throw noMessages(request)
    const { headers, request: inner } = transported(request)
    const { body, warnings } = completionBody(inner, modelOf(request))
    const sent = post(url(request, asked(request).model, "invoke"), body)
    return { request: { ...sent, headers: { ...sent.headers, ...headers } }, warnings }
  },
  parse: (response, request) => {
    const own = new Additions(request.provider)
    const document = own.take(documentOf(response.body, request.provider))
    const result = read(JSON.stringify(document), request, modelOf(request), "completion")
    return own.result(result, headerUsage(response.headers))
  },
  reason
}

const modelOf = (request: Request): TextModel => {
  const { family, model } = asked(request)
  const found = textModelOf(model, family)
  if (found !== undefined && found.converse === undefined) return found
  throw LlmError.make({
    _tag: "Unsupported",
    message: `${model} does not go on with a text; ask it in a chat`
  }, { provider: request.provider })
}
