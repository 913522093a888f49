/**
 * What Ollama's clients speak: chat and generate, embeddings and models, streamed as lines of JSON.
 *
 * An answer is written so that the wire reads the same answer back, but for what the format has no word for:
 *
 * - its id, choices beyond the first, warnings, sources, and tools that a service ran itself;
 * - several texts are one text, and thoughts one thought, which stands before it, then calls;
 * - files other than images, and of images the type, which is guessed from their first bytes;
 * - arguments of a call that are no object are read as broken JSON;
 * - of tokens the parts, cached and thought ones; of a reason to stop what is none of Ollama's words, unless the
 *   service that answered speaks the same (`call.provider`).
 *
 * @module
 */
import { ollama as service } from "@plugline/providers/ollama"
import { type JsonValue, LlmError, Result } from "plugline"
import type { Call, Dialect } from "../../Dialect.ts"
import { answer } from "./answer.ts"
import { encodeError } from "./error.ts"
import { embeddings, models } from "./lists.ts"
import { encoder } from "./stream.ts"

export { shown as encodeModel } from "./lists.ts"

const encode = (result: Result, call: Call): JsonValue => {
  if (Result.isChat(result)) return answer(result, call)
  switch (result.type) {
    case "embeddings":
      return embeddings(result, call)
    case "list_models":
      return models(result)
    case "validate":
      return { usable: result.usable }
    case "moderations":
      throw LlmError.make({ _tag: "Unsupported", message: `Ollama's format has no answer for ${result.type}` })
  }
}

/** The dialect `ollama`. */
export const ollama: Dialect = {
  name: "ollama",
  provider: "ollama",
  wires: service.wires,
  streamType: "application/x-ndjson",
  encode,
  encoder,
  encodeError,
  showsThoughts: true
}

/** The same for its old way to ask for a vector: services are asked in the new one, and answer in another form. */
export const ollamaOld: Dialect = { ...ollama, name: "ollama-old" }
