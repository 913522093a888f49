/**
 * Asks Cohere for a chat over the second version of its interface, whole or streamed, and reads the answer.
 *
 * @module
 */
import { type Request, Result } from "@plugline/core"
import type { Prepared, Wire } from "../Wire.ts"
import { address, draft, elsewhere, mergeOwn, modelOf, noMessages, post, write, type Writers } from "../wire/draft.ts"
import { reason } from "../wire/reason.ts"
import { decode } from "./decode.ts"
import { decoder, parts } from "./decoder.ts"
import { conversation } from "./messages.ts"
import { addDocuments, base, logprobs, reasoning, responseFormat, sampling, stream } from "./options.ts"
import { toolChoice, tools } from "./tools.ts"

/** The wire of `chat` and `stream`: the operation of the request decides which. */
export const chat: Wire = {
  prepare: (request) => prepare(request),
  parse: (response, request) => Result.fold(parts(response.body, request)),
  parts: (request) => decoder(request),
  reason,
  decode
}

const prepare = (request: Request): Prepared => {
  if (request.messages.length === 0) throw noMessages(request)
  const to = draft(request)
  to.body.model = modelOf(request)
  const { documents, messages } = conversation(to)
  to.body.messages = messages
  write(to, writers, "chat")
  mergeOwn(to)
  addDocuments(to, documents)
  stream(to, request.operation === "stream")
  return { request: post(address(base(request), "/v2/chat"), to.body), warnings: to.warnings }
}

const writers: Writers = {
  ...sampling,
  tools,
  toolChoice,
  responseFormat: responseFormat("json_schema"),
  reasoning,
  logprobs,
  metadata: elsewhere
}
