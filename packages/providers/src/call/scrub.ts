/**
 * Takes credentials out of what a service says: one that echoes them must not bring them into a trace or an error.
 *
 * @module
 */
import { type Bytes, type ErrorPart, type JsonValue, Mask, type ProviderResponse } from "@plugline/core"
import { Redacted } from "effect"
import { fieldsOf } from "../credentials/fields.ts"
import type { Headers } from "../Transport.ts"
import { put } from "../wire/read.ts"

type Key = Redacted.Redacted<string>

/** Texts that must not be seen. */
export type Secrets = ReadonlyArray<string>

/** Shorter ones would be found in innocent words. */
const shortest = 8

const none: Secrets = []

/** What a call must not show: its key, or the secret fields of one that is JSON, and what its headers carry. */
export const secretsOf = (key: Key | undefined, ...headers: ReadonlyArray<Headers | undefined>): Secrets => {
  const secrets = key === undefined ? none : ofKey(key)
  const carried: Array<string> = []
  for (const some of headers) {
    for (const name in some) {
      if (Mask.isSecretName(name)) carried.push(...forms(some[name]!.replace(/^(?:Bearer|Basic)\s+/i, "")))
    }
  }
  return carried.length === 0 ? secrets : [...secrets, ...carried]
}

/** A text without these secrets. */
export const text = (given: string, secrets: Secrets): string => {
  let clean = given
  for (const secret of secrets) if (clean.includes(secret)) clean = clean.replaceAll(secret, Mask.masked)
  return clean
}

/** Where secrets stand in bytes, each from one place to another. Whoever writes the bytes down leaves these out. */
type Hide = (bytes: Uint8Array) => ReadonlyArray<readonly [from: number, to: number]>

/** The secrets of a stream, by what finds them: that goes along where something is put around the stream. */
const streams = new WeakMap<Hide, Secrets>()

const hiding = (body: Bytes, secrets: Secrets): Bytes => {
  const hide: Hide = ({ buffer, byteLength, byteOffset }) => {
    const bytes = Buffer.from(buffer, byteOffset, byteLength)
    return secrets.flatMap((secret) => placesOf(bytes, secret))
  }
  streams.set(hide, secrets)
  return { ...body, hide } as Bytes
}

const placesOf = (bytes: Buffer, secret: string): ReturnType<Hide> => {
  const places: Array<readonly [number, number]> = []
  const length = Buffer.byteLength(secret)
  for (let at = bytes.indexOf(secret); at >= 0; at = bytes.indexOf(secret, at + length)) places.push([at, at + length])
  return places
}

/** An answer without these secrets; of bytes that are still to come they are remembered for {@link part}. */
export const response = (answer: ProviderResponse, secrets: Secrets): ProviderResponse => {
  if (secrets.length === 0) return answer
  const { body, headers } = answer
  const cleanBody = typeof body === "string" ? text(body, secrets) : hiding(body, secrets)
  const cleanHeaders = holds(headers, secrets)
    ? Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, text(value, secrets)]))
    : headers
  return cleanBody === body && cleanHeaders === headers ? answer : { ...answer, headers: cleanHeaders, body: cleanBody }
}

const holds = (headers: Headers, secrets: Secrets): boolean => {
  for (const name in headers) for (const secret of secrets) if (headers[name]!.includes(secret)) return true
  return false
}

/** An error part of a stream without the secrets of its call. */
export const part = (error: ErrorPart, bytes: Bytes): ErrorPart => {
  const { hide } = bytes as { readonly hide?: Hide }
  const secrets = hide === undefined ? undefined : streams.get(hide)
  return secrets === undefined ? error : everywhere(error as unknown as JsonValue, secrets) as unknown as ErrorPart
}

/** The same in every text of a value. */
const everywhere = (value: JsonValue, secrets: Secrets): JsonValue => {
  if (typeof value === "string") return text(value, secrets)
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map((item) => everywhere(item, secrets))
  const clean: { [name: string]: JsonValue } = {}
  for (const [name, field] of Object.entries(value)) put(clean, text(name, secrets), everywhere(field as JsonValue, secrets))
  return clean
}

/** The secrets in a key, by key: most calls are made with the same one. */
const known = new WeakMap<Key, Secrets>()

const ofKey = (key: Key): Secrets => {
  let secrets = known.get(key)
  if (secrets === undefined) known.set(key, secrets = inside(key))
  return secrets
}

const inside = (key: Key): Secrets => {
  const secrets = [...forms(Redacted.value(key))]
  const fields = fieldsOf(key)
  if (typeof fields === "string") return secrets
  for (const [name, value] of Object.entries(fields)) if (Mask.isSecretName(name)) secrets.push(...forms(value))
  return secrets
}

/** A secret as it is, and as it stands in JSON. */
const forms = (secret: string): Secrets => {
  if (typeof secret !== "string" || secret.length < shortest) return none
  const written = JSON.stringify(secret).slice(1, -1)
  return written === secret ? [secret] : [secret, written]
}
