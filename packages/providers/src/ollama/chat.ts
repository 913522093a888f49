/**
 * Asks Ollama for a chat, whole or streamed, and reads the answer.
 *
 * @module
 */
import { type Request, Result } from "@plugline/core"
import type { Prepared, Wire } from "../Wire.ts"
import { address, draft, modelOf, noMessages, post, write, type Writers } from "../wire/draft.ts"
import { reason } from "../wire/reason.ts"
import { decode } from "./decode.ts"
import { decoder, parts } from "./decoder.ts"
import { messages } from "./messages.ts"
import { base, mergeAll, stream, writers as common } from "./options.ts"
import { toolChoice, tools } from "./tools.ts"

/** The wire of `chat` and `stream`: the operation of the request decides which. */
export const chat: Wire = {
  speaks: "ollama",
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
  to.body.messages = messages(to)
  write(to, writers, "chat")
  mergeAll(to)
  stream(to, request.operation === "stream")
  return { request: post(address(base(request), "/api/chat"), to.body), warnings: to.warnings }
}

const writers: Writers = { ...common, tools, toolChoice }
