/**
 * The wires of Cohere as pure functions: the second version of its interface, and with `config.api: "v1"` the first.
 *
 * @module
 */
import { choose, type Wire } from "../Wire.ts"
import { chat } from "./chat.ts"
import { decode } from "./decode.ts"
import { embed } from "./embed.ts"
import { generate } from "./generate.ts"
import { models, validate } from "./models.ts"
import { chat as chat1 } from "./v1Chat.ts"
import { decode as decodeFirst } from "./v1Decode.ts"

/** A wire for each operation. */
export interface Wires {
  readonly chat: Wire
  readonly stream: Wire
  readonly completion: Wire
  readonly embeddings: Wire
  readonly list_models: Wire
  readonly validate: Wire
}

/**
 * The wires of Cohere. Chat and stream are one: the request's operation decides. Completion and models are v1 alone.
 */
export const wires = (): Wires => {
  const conversation: Wire = { ...choose("v2", { v2: chat, v1: chat1 }), decode: decodeChat }
  return {
    chat: conversation,
    stream: conversation,
    completion: choose("v2", { v2: generate, v1: generate }),
    embeddings: choose("v2", { v2: embed("v2"), v1: embed("v1") }),
    list_models: choose("v2", { v2: models, v1: models }),
    validate: choose("v2", { v2: validate, v1: validate })
  }
}

/** What a chat asks over either version: the path of the first says so, and its one `message`. */
const decodeChat: NonNullable<Wire["decode"]> = (sent, provider) => {
  const { body, url } = sent
  const isFirst = url.split(/[?#]/, 1)[0]!.endsWith("/v1/chat")
    || (body?.messages === undefined && body?.message !== undefined)
  return isFirst ? decodeFirst(sent, provider) : decode(sent, provider)
}
