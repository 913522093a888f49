/**
 * Takes the key out of what a service says: one that echoes it must not bring it into a trace or an error.
 *
 * @module
 */
import { type Bytes, type ErrorPart, Mask, type ProviderResponse } from "@plugline/core"
import { Redacted } from "effect"

type Key = Redacted.Redacted<string>

/** Shorter ones would be found in innocent words. */
const shortest = 8

const keys = new WeakMap<Bytes, Key>()

/** An answer without the key; of bytes that are still to come the key is remembered for {@link part}. */
export const response = (answer: ProviderResponse, key: Key | undefined): ProviderResponse => {
  const secret = key === undefined ? "" : Redacted.value(key)
  if (key === undefined || secret.length < shortest) return answer
  const { body, headers } = answer
  if (typeof body !== "string") keys.set(body, key)
  const cleanBody = typeof body === "string" && body.includes(secret) ? body.replaceAll(secret, Mask.masked) : body
  const cleanHeaders = holds(headers, secret)
    ? Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replaceAll(secret, Mask.masked)]))
    : headers
  return cleanBody === body && cleanHeaders === headers ? answer : { ...answer, headers: cleanHeaders, body: cleanBody }
}

const holds = (headers: ProviderResponse["headers"], secret: string): boolean => {
  for (const name in headers) if (headers[name]!.includes(secret)) return true
  return false
}

/** An error part of a stream without the key. */
export const part = (error: ErrorPart, bytes: Bytes): ErrorPart => {
  const key = keys.get(bytes)
  if (key === undefined) return error
  const secret = Redacted.value(key)
  const text = JSON.stringify(error)
  return text.includes(secret) ? JSON.parse(text.replaceAll(secret, Mask.masked)) : error
}
