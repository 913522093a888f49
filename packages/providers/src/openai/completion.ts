/**
 * Asks for the continuation of a text, whole or, with `config.stream`, streamed, and reads the answer.
 *
 * @module
 */
import { LlmError, Message, type Request, Result } from "@plugline/core"
import type { Prepared, Wire } from "../Wire.ts"
import { noMessages, post, stream } from "./chat.ts"
import { decoder, parts } from "./decoder.ts"
import { as, type Draft, draft, mergeOwn, model, write, type Writers } from "./options.ts"
import { type Quirks, url } from "./quirks.ts"
import { reason } from "./reason.ts"

/** The wire of `completion`. */
export const completion = (quirks: Quirks): Wire => ({
  prepare: (request) => prepare(request, quirks),
  parse: (response, request) => Result.fold(parts(response.body, request), "completion"),
  parts: (request) => decoder(request),
  reason
})

const prepare = (request: Request, quirks: Quirks): Prepared => {
  if (request.messages.length === 0) throw noMessages(request)
  textOnly(request)
  const to = draft(request, quirks)
  model(to)
  to.body.prompt = Message.text(request.messages)
  write(to, writers, "completion")
  mergeOwn(to)
  stream(to, request.config.stream === true)
  return { request: post(url(request, quirks, "completion"), to.body), warnings: to.warnings }
}

/** Refuses messages that hold more than the text that will be sent of them. */
export const textOnly = (request: Request): void => {
  for (const message of request.messages) {
    if (typeof message.content === "string") continue
    const other = message.content.find((part) => part.type !== "text")
    if (other !== undefined) {
      throw LlmError.make({
        _tag: "Unsupported",
        message: `${request.operation} takes text alone, and a message holds a part of type ${other.type}`
      }, { provider: request.provider })
    }
  }
}

/** A number even for "yes": here 0 asks for the chosen tokens alone. */
const logprobs = (value: boolean | number, { body }: Draft): void => {
  if (value !== false) body.logprobs = value === true ? 0 : value
}

const writers: Writers = {
  model: () => {},
  temperature: as("temperature"),
  maxTokens: as("max_tokens"),
  topP: as("top_p"),
  topK: as("top_k"),
  frequencyPenalty: as("frequency_penalty"),
  presencePenalty: as("presence_penalty"),
  stop: as("stop"),
  seed: as("seed"),
  n: as("n"),
  logprobs,
  logitBias: as("logit_bias"),
  user: as("user")
}
