/**
 * The wire of Anthropic's Messages API, as pure functions: `wires()` for Anthropic itself, `wires({ … })` for a service
 * that differs, with its differences as data.
 *
 * Services that carry the same bodies another way (another address, another framing of the stream) use the halves:
 * `body` writes a request's body, `read` reads a whole answer, `reader` reads a streamed one event by event, `asked`
 * reads a request.
 *
 * @module
 */
import { type ChatResult, type JsonObject, type Request, Result } from "@plugline/core"
import type { Asked, Wire } from "../Wire.ts"
import { body, chat, type Written } from "./chat.ts"
import { asked } from "./decode.ts"
import { parts, type Reader, reader } from "./decoder.ts"
import { models, validate } from "./models.ts"
import type { Quirks } from "./quirks.ts"

export type { Written } from "./chat.ts"
export type { Reader } from "./decoder.ts"
export type { Quirks } from "./quirks.ts"

/** A wire for each operation, and the halves that do not depend on address and framing. */
export interface Wires {
  readonly chat: Wire
  readonly stream: Wire
  readonly list_models: Wire
  readonly validate: Wire
  /** The body of a chat or stream. Throws an `LlmError` where an option cannot be honoured and changes the meaning. */
  readonly body: (request: Request) => Written
  /** Reads the body of a whole answer. Throws an `LlmError` where it is none. */
  readonly read: (source: string, request: Request) => ChatResult
  /** Reads a streamed answer event by event. */
  readonly reader: (request: Request) => Reader
  /** Reads the body of a request; {@link Wires.body} leads back. Throws an `LlmError` where it does not fit. */
  readonly asked: (body: JsonObject, provider: string) => Asked
}

/** The wires of a service. Chat and stream are one: the request's operation decides. */
export const wires = (quirks: Quirks = {}): Wires => {
  const conversation = chat(quirks)
  return {
    chat: conversation,
    stream: conversation,
    list_models: models(quirks),
    validate: validate(quirks),
    body: (request) => body(request, quirks),
    read: (source, request) => Result.fold(parts(source, request)),
    reader,
    asked: (body, provider) => asked(body, provider, quirks)
  }
}
