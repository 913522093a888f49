/**
 * Writes an error as Ollama does: one sentence.
 *
 * @module
 */
import { type JsonObject, type LlmError, Mask } from "plugline"

/** What a client is told of an error. */
export const messageOf = ({ reason }: LlmError): string => {
  const message = Mask.text(reason.message)
  return message === "" ? reason._tag : message
}

/** An error as a body. */
export const encodeError = (error: LlmError): JsonObject => ({ error: messageOf(error) })
