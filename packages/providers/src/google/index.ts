/**
 * The wire of Gemini, as pure functions: `wires("gemini")` as the Gemini API serves it, `wires("vertex")` as Vertex AI
 * does.
 *
 * @module
 */
import type { Wire } from "../Wire.ts"
import { chat } from "./chat.ts"
import { embeddings } from "./embeddings.ts"
import { models, validate } from "./models.ts"
import type { Surface } from "./surface.ts"

export type { Surface } from "./surface.ts"

/** A wire for each operation. */
export interface Wires {
  readonly chat: Wire
  readonly stream: Wire
  readonly embeddings: Wire
  readonly list_models: Wire
  readonly validate: Wire
}

/** The wires of a service. Chat and stream are one: the request's operation decides. */
export const wires = (surface: Surface): Wires => {
  const conversation = chat(surface)
  return {
    chat: conversation,
    stream: conversation,
    embeddings: embeddings(surface),
    list_models: models(surface),
    validate: validate(surface)
  }
}
