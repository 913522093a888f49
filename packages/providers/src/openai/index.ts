/**
 * The wire of OpenAI and of every service that follows it, as pure functions: `wires()` for OpenAI itself, `wires({ …
 * })` for a service that differs, with its differences as data.
 *
 * @module
 */
import type { Wire } from "../Wire.ts"
import { chat } from "./chat.ts"
import { completion } from "./completion.ts"
import { embeddings } from "./embeddings.ts"
import { models, validate } from "./models.ts"
import { moderations } from "./moderations.ts"
import type { Quirks } from "./quirks.ts"

export type { Quirks } from "./quirks.ts"

/** A wire for each operation. */
export interface Wires {
  readonly chat: Wire
  readonly stream: Wire
  readonly completion: Wire
  readonly embeddings: Wire
  readonly moderations: Wire
  readonly list_models: Wire
  readonly validate: Wire
}

/** The wires of a service. Chat and stream are one: the request's operation decides. */
export const wires = (quirks: Quirks = {}): Wires => {
  const conversation = chat(quirks)
  return {
    chat: conversation,
    stream: conversation,
    completion: completion(quirks),
    embeddings: embeddings(quirks),
    moderations: moderations(quirks),
    list_models: models(quirks),
    validate: validate(quirks)
  }
}
