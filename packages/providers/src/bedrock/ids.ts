/**
 * Makes the ids of tool calls fit: those that another service gave may be longer, or of other characters, than Bedrock
 * takes. The same id always becomes the same, so a call and its result stay together.
 *
 * @module
 */
import { createHash } from "node:crypto"
import type { Family } from "./model.ts"

/** The id by which a call goes out: as it is where it fits. */
export const callId = (id: string, family: Family | undefined): string =>
  // Mistral's models want nine letters and digits.
  family === "mistral"
    ? /^[A-Za-z0-9]{9}$/.test(id) ? id : digest(id).replace(/[^A-Za-z0-9]/g, "").slice(0, 9)
    : /^[A-Za-z0-9_-]{1,64}$/.test(id)
    ? id
    : `call_${digest(id).slice(0, 40)}`

const digest = (id: string): string => createHash("sha256").update(id).digest("base64url")
