/**
 * Asks Ollama to go on from a text, whole or, with `config.stream`, streamed, and reads the answer. What only generate
 * knows (`suffix`, `raw`, `template`, `context`) goes through `providerOptions`.
 *
 * @module
 */
import { type Request, Result } from "@plugline/core"
import type { Prepared, Wire } from "../Wire.ts"
import { address, draft, modelOf, noMessages, post, write } from "../wire/draft.ts"
import { reason } from "../wire/reason.ts"
import { decode } from "./decode.ts"
import { decoder, parts } from "./decoder.ts"
import { promptOf } from "./messages.ts"
import { base, mergeAll, stream, writers } from "./options.ts"

/** The wire of `completion`. */
export const generate: Wire = {
  speaks: "ollama",
  prepare: (request) => prepare(request),
  parse: (response, request) => Result.fold(parts(response.body, request), "completion"),
  parts: (request) => decoder(request),
  reason,
  decode
}

const prepare = (request: Request): Prepared => {
  if (request.messages.length === 0) throw noMessages(request)
  const to = draft(request)
  const { images, prompt, system } = promptOf(to)
  to.body.model = modelOf(request)
  to.body.prompt = prompt
  if (system !== undefined) to.body.system = system
  if (images.length > 0) to.body.images = images
  write(to, writers, "completion")
  mergeAll(to)
  stream(to, request.config.stream === true)
  return { request: post(address(base(request), "/api/generate"), to.body), warnings: to.warnings }
}
