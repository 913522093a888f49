/**
 * The families of wire formats whose recordings are read, one line each.
 *
 * @module
 */
import type { Family } from "./family.ts"
import { anthropic } from "./anthropic.ts"
import { bedrock } from "./bedrock.ts"
import { cohere } from "./cohere.ts"
import { google } from "./google.ts"
import { ollama } from "./ollama.ts"
import { openai } from "./openai.ts"
import { responsesFamily } from "./responses.ts"

export const families: ReadonlyArray<Family> = [
  anthropic,
  bedrock,
  cohere,
  google,
  ollama,
  openai,
  responsesFamily
]
