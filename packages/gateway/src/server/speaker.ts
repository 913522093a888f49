/**
 * Which format a client speaks, where the path it asks for does not say it.
 *
 * @module
 */
import type { Dialect } from "../Dialect.ts"
import { anthropic } from "../dialects/anthropic/index.ts"
import { google } from "../dialects/google/index.ts"
import { ollama } from "../dialects/ollama/index.ts"
import { openai } from "../dialects/openai/index.ts"
import type { Exchange } from "./Exchange.ts"

interface Asking extends Pick<Exchange, "path"> {
  readonly request: Pick<Exchange["request"], "headers">
}

/** A client's format, by what only clients of this format send. */
export const speaker = ({ path, request: { headers } }: Asking): Dialect => {
  if (headers["anthropic-version"] !== undefined) return anthropic
  const isGoogle = headers["x-goog-api-client"] !== undefined || headers["x-goog-api-key"] !== undefined
  if (isGoogle || path.startsWith("/v1beta/")) return google
  return path.startsWith("/api/") ? ollama : openai
}
