/**
 * Asks for a chat through Converse, whole or streamed, and reads the answer.
 *
 * @module
 */
import { type Request, Result } from "@plugline/core"
import type { Prepared, Wire } from "../Wire.ts"
import { draft, merge, noMessages, post, write } from "../wire/draft.ts"
import { object } from "../wire/read.ts"
import { reason } from "../wire/reason.ts"
import { decode } from "./decode.ts"
import { decoder, parts } from "./decoder.ts"
import { conversation } from "./messages.ts"
import { asked, url } from "./model.ts"
import { type Draft, into, writers } from "./options.ts"
import { drawFreely, goOn } from "./reasoning.ts"

/** The wire of `chat` and `stream` through Converse: the operation of the request decides which. */
export const converse: Wire = {
  prepare: (request) => prepare(request),
  parse: (response, request) => Result.fold(parts(response.body, request)),
  parts: (request) => decoder(request),
  reason,
  decode
}

/** The media type of Amazon's event streams. */
export const eventStream = "application/vnd.amazon.eventstream"

const prepare = (request: Request): Prepared => {
  const to = converseDraft(request)
  mergeOwn(to)
  const streamed = request.operation === "stream"
  const sent = post(url(request, to.model, streamed ? "converse-stream" : "converse"), to.body)
  return {
    request: streamed ? { ...sent, headers: { ...sent.headers, accept: eventStream } } : sent,
    warnings: to.warnings
  }
}

/** A body of Converse, without the caller's own fields. */
export const converseDraft = (request: Request): Draft => {
  if (request.messages.length === 0) throw noMessages(request)
  const to: Draft = { ...draft(request), ...asked(request) }
  const { messages, system } = conversation(request, to.family, to.warnings)
  if (system.length > 0) to.body.system = system
  to.body.messages = messages
  write(to, writers, "chat")
  goOn(to)
  drawFreely(to)
  return to
}

/** What only Bedrock understands, over everything else; fields for the model alone beside those that were written. */
export const mergeOwn = (to: Draft): void => {
  const own = to.request.options.providerOptions?.[to.request.provider]
  if (own === undefined || own === null) return
  const { additionalModelRequestFields: more, inferenceConfig, model: _, modelId: __, ...fields } = own
  for (const [field, values] of Object.entries({ additionalModelRequestFields: more, inferenceConfig })) {
    for (const [name, value] of Object.entries(object(values) ?? {})) {
      if (value !== undefined) into(field, name, value, to)
    }
  }
  merge(to.body, fields)
}
