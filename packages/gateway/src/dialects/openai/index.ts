/**
 * What OpenAI's clients speak: chat completions, completions, embeddings, moderations and models.
 *
 * An answer is written so that the wire reads the same answer back, but for what the format has no word for:
 *
 * - texts of one choice are one text, and thoughts one thought, which stands before it, then calls; sources follow the
 *   text;
 * - a reason to stop is one of OpenAI's words (or `error`), unless the service that answered speaks the same
 *   (`call.provider`);
 * - warnings, tools that a service ran itself (but for those that stand in `executed_tools`), documents as sources, and
 *   files other than images and one sound are left out; a time is in whole seconds;
 * - usage with an unknown half says 0 of it; a service that counts otherwise than OpenAI is counted anew;
 * - a thought in the service's own form (`reasoning_details`) that is known only after its text was streamed is left
 *   out;
 * - metadata of other providers, and what this one said of its Responses API.
 *
 * @module
 */
import { openai as service } from "@plugline/providers/openai"
import { type JsonValue, Result } from "plugline"
import type { Call, Dialect } from "../../Dialect.ts"
import { keepAlive } from "../shared/sse.ts"
import { answer } from "./answer.ts"
import { encodeError } from "./error.ts"
import { embeddings, models, moderations } from "./lists.ts"
import { encoder } from "./stream.ts"
import { trim } from "./trim.ts"

export { model as encodeModel } from "./lists.ts"

const encode = (result: Result, call: Call): JsonValue => {
  if (Result.isChat(result)) return answer(result, call)
  switch (result.type) {
    case "embeddings":
      return embeddings(result, call)
    case "moderations":
      return moderations(result, call)
    case "list_models":
      return models(result)
    case "validate":
      return { object: "validation", usable: result.usable }
  }
}

/** The dialect `openai`. */
export const openai: Dialect = {
  name: "openai",
  provider: "openai",
  wires: service.wires,
  streamType: "text/event-stream",
  encode,
  encoder,
  trim,
  encodeError,
  showsThoughts: true,
  keepAlive
}
