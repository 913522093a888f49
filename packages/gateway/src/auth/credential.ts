/**
 * Finds the credential in a request: one, whole, and in one place, or none at all. Pure.
 *
 * @module
 */
import { longest, token } from "./secret.ts"

/** Headers by name in lower case, as Node hands them over. */
export type Headers = { readonly [name: string]: string | ReadonlyArray<string> | undefined }

/** What a request brings along. */
export type Found =
  /** Nothing. */
  | "none"
  /** Something that is no credential, or more than one. */
  | "bad"
  | { readonly credential: string }

const places: ReadonlySet<string> = new Set(["authorization", "x-api-key", "x-goog-api-key"])

/**
 * The credential of a request: `Authorization: Bearer …`, `x-api-key` as Anthropic's clients send it,
 * `x-goog-api-key` or `?key=` as Gemini's do.
 *
 * `raw` are the headers as they came, name and value in turn: Node keeps the first of two `Authorization` headers and
 * says nothing of the second.
 */
export const find = (headers: Headers, raw: ReadonlyArray<string> | undefined, query: string | undefined): Found => {
  let found: string | undefined
  /** Whether it is a credential, and no other than the one that was found before. */
  const take = (value: string): boolean => {
    if (value.length > longest || !token.test(value) || (found !== undefined && found !== value)) return false
    found = value
    return true
  }
  for (const name of places) {
    const value = headers[name]
    if (value === undefined) continue
    if (typeof value !== "string") return "bad"
    const credential = name === "authorization" ? bearer(value) : value
    if (credential === undefined || !take(credential)) return "bad"
  }
  if (raw !== undefined && repeats(raw)) return "bad"
  if (query !== undefined && query !== "") {
    const keys = new URLSearchParams(query).getAll("key")
    if (keys.length > 1) return "bad"
    if (keys[0] !== undefined && !take(keys[0])) return "bad"
  }
  return found === undefined ? "none" : { credential: found }
}

const bearer = (value: string): string | undefined =>
  value.length > 7 && value.slice(0, 7).toLowerCase() === "bearer " ? value.slice(7).trim() : undefined

/** Whether one of the places of a credential stands there twice. */
const repeats = (raw: ReadonlyArray<string>): boolean => {
  let seen: Set<string> | undefined
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!
    // The shortest and the longest of these names, so that most headers are not looked at further.
    if (name.length < 9 || name.length > 14) continue
    const lower = name.toLowerCase()
    if (!places.has(lower)) continue
    if (seen?.has(lower)) return true
    seen = (seen ?? new Set()).add(lower)
  }
  return false
}
