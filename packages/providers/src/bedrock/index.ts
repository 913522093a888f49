/**
 * The wires of Amazon Bedrock, as pure functions: chats through Converse, or through InvokeModel in the words of each
 * model's maker (`config.api: "invoke"`); texts to go on with, vectors and the list of models.
 *
 * @module
 */
import { choose, type Wire } from "../Wire.ts"
import { completion } from "./completion.ts"
import { converse } from "./converse.ts"
import { embeddings } from "./embeddings.ts"
import { invoke } from "./invoke.ts"
import { read } from "./model.ts"
import { models, validate } from "./models.ts"

/** A wire for each operation. */
export interface Wires {
  readonly chat: Wire
  readonly stream: Wire
  readonly completion: Wire
  readonly embeddings: Wire
  readonly list_models: Wire
  readonly validate: Wire
}

/** The wires of Bedrock. Chat and stream are one: the request's operation decides. */
export const wires = (): Wires => {
  const conversation: Wire = {
    ...choose("converse", { converse, invoke }),
    // A body is read as what its address says it is.
    decode: (sent, provider) =>
      (read(sent.url)?.action.startsWith("invoke") === true ? invoke : converse).decode!(sent, provider)
  }
  return { chat: conversation, stream: conversation, completion, embeddings, list_models: models, validate }
}
