/**
 * The wires of Ollama as pure functions: its own interface, and the one it shares with OpenAI (`config.api: "openai"`).
 *
 * @module
 */
import { wires as openai, type Wires } from "../openai/index.ts"
import { choose, type Wire } from "../Wire.ts"
import { chat } from "./chat.ts"
import { embed, legacyEmbed } from "./embed.ts"
import { generate } from "./generate.ts"
import { models, validate } from "./models.ts"

/** A wire for each operation. `config.api` is `native` (default), `openai`, or, for embeddings, `legacy`. */
export const wires = (): Omit<Wires, "moderations"> => {
  const other = openai({
    baseUrl: "http://127.0.0.1:11434",
    paths: {
      chat: "/v1/chat/completions",
      completion: "/v1/completions",
      embeddings: "/v1/embeddings",
      models: "/v1/models"
    },
    reasoningBack: "reasoning",
    toolFiles: true
  })
  const conversation = either(choose("native", { native: chat, openai: other.chat }), other.chat)
  return {
    chat: conversation,
    stream: conversation,
    completion: either(choose("native", { native: generate, openai: other.completion }), other.completion),
    embeddings: either(
      choose("native", { native: embed, openai: other.embeddings, legacy: legacyEmbed }),
      other.embeddings
    ),
    list_models: choose("native", { native: models, openai: other.list_models }),
    validate: choose("native", { native: validate, openai: other.validate })
  }
}

/** A wire that reads requests in the words their path says: those below `/v1` are OpenAI's. */
const either = (wire: Wire, other: Wire): Wire => ({
  ...wire,
  ...(wire.decode !== undefined && {
    decode: (sent, provider) => {
      const { decode = wire.decode! } = isOther(sent.url) ? other : wire
      return decode(sent, provider)
    }
  })
})

const isOther = (url: string): boolean => /\/v1\/[a-z/]+$/.test(url.split(/[?#]/, 1)[0]!)
