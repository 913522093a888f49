/**
 * Asks for a chat, whole or streamed, and reads the answer.
 *
 * @module
 */
import { type Request, Result } from "@plugline/core"
import { modelOf, noMessages, post } from "../wire/draft.ts"
import { reason } from "../wire/reason.ts"
import type { Prepared, Wire } from "../Wire.ts"
import { decode } from "./decode.ts"
import { decoder, parts } from "./decoder.ts"
import { messages } from "./messages.ts"
import { draft, options } from "./options.ts"
import { methodUrl, type Surface, withQuery } from "./surface.ts"

/** The wire of `chat` and `stream`: the operation of the request decides which. */
export const chat = (surface: Surface): Wire => ({
  speaks: "google",
  prepare: (request) => prepare(request, surface),
  parse: (response, request) => Result.fold(parts(response.body, request)),
  parts: (request) => decoder(request),
  reason,
  decode
})

const prepare = (request: Request, surface: Surface): Prepared => {
  if (request.messages.length === 0) throw noMessages(request)
  const to = draft(request, surface)
  messages(to)
  options(to)
  const model = modelOf(request)
  const url = request.operation === "stream"
    ? withQuery(methodUrl(request, model, "streamGenerateContent", surface), { alt: "sse" })
    : methodUrl(request, model, "generateContent", surface)
  return { request: post(url, to.body), warnings: to.warnings }
}
