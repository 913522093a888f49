/**
 * Asks Cohere for a chat over the first version of its interface, whole or streamed, and reads the answer.
 *
 * @module
 */
import { type Request, Result, type ToolChoice } from "@plugline/core"
import type { Prepared, Wire } from "../Wire.ts"
import {
  address, type Draft, draft, elsewhere, merge, mergeOwn, noMessages, post, write, type Writers
} from "../wire/draft.ts"
import { reason } from "../wire/reason.ts"
import { addDocuments, base, responseFormat, sampling, stream } from "./options.ts"
import * as Second from "./tools.ts"
import { decode } from "./v1Decode.ts"
import { decoder, parts } from "./v1Decoder.ts"
import { conversation } from "./v1Messages.ts"
import { tools } from "./v1Tools.ts"

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
  const { documents, fields } = conversation(to)
  // The first interface has a usual model.
  if (request.options.model !== undefined) to.body.model = request.options.model
  merge(to.body, fields)
  write(to, writers, "chat")
  mergeOwn(to)
  addDocuments(to, documents)
  stream(to, request.operation === "stream")
  return { request: post(address(base(request), "/v1/chat"), to.body), warnings: to.warnings }
}

/**
 * A call is forced by a single step. After the results of tools a single step is one without calls; before them, tools
 * that may not be called are not offered.
 */
const toolChoice = (choice: ToolChoice, to: Draft): void => {
  Second.toolChoice(choice, to)
  const { tool_choice: word } = to.body
  delete to.body.tool_choice
  const answersTools = to.body.tool_results !== undefined
  if (word === "NONE" && !answersTools) {
    delete to.body.tools
    delete to.body.connectors
  } else if (word === "NONE" || (word === "REQUIRED" && !answersTools)) to.body.force_single_step = true
  else if (word === "REQUIRED") throw Second.unforced(to)
}

const writers: Writers = {
  ...sampling,
  tools,
  toolChoice,
  responseFormat: responseFormat("schema"),
  metadata: elsewhere
}
