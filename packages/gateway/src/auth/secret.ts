/**
 * API keys as texts: how they are made, told from typing errors, and turned into the digest that alone is kept. Pure
 * but for the randomness of the machine.
 *
 * @module
 */
import { hash, randomBytes, timingSafeEqual } from "node:crypto"
import { crc32 } from "node:zlib"

/** What the keys made here begin with. */
export const prefix = "pk-plugline-"

/** The shortest key of somebody else's making that is taken. */
export const shortest = 32

/** The longest credential that is looked at. */
export const longest = 8_192

const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
/** 43 letters of 62 are 256 bits. */
const bodyLength = 43
const sumLength = 6
const form = new RegExp(`^${prefix}([0-9A-Za-z]{${bodyLength}})([0-9A-Za-z]{${sumLength}})$`)

/** A new key, of 256 random bits and a checksum. */
export const make = (): string => {
  let body = ""
  while (body.length < bodyLength) {
    for (const byte of randomBytes(64)) {
      // 248 is four times 62: what lies above would make some letters likelier than others.
      if (byte < 248 && body.length < bodyLength) body += letters[byte % 62]!
    }
  }
  return `${prefix}${body}${checksum(body)}`
}

/**
 * Whether a text has the form of the keys made here, checksum included. Says nothing about whether there is such a
 * key.
 */
export const isWellFormed = (key: string): boolean => {
  const [, body, sum] = form.exec(key) ?? []
  return body !== undefined && checksum(body) === sum
}

const checksum = (body: string): string => {
  let rest = crc32(prefix + body)
  let sum = ""
  for (let place = 0; place < sumLength; place++) {
    sum = letters[rest % 62]! + sum
    rest = Math.floor(rest / 62)
  }
  return sum
}

/** What may be shown of a key, to know it again: its beginning, which leaves 220 bits unsaid. */
export const visible = (key: string): string => key.slice(0, prefix.length + 6)

/** An id for a key, which says nothing about it. */
export const makeId = (): string => `key_${randomBytes(9).toString("hex")}`

/** The digest of a key, in hexadecimal digits. For keys with as many bits as these one round of SHA-256 suffices. */
export const digest = (key: string): string => hash("sha256", key, "hex")

/** Why a key of somebody else's making is none, or `undefined` where it is good enough. */
export const weakness = (key: string): string | undefined =>
  key.length < shortest
    ? `a key of at least ${shortest} characters`
    : key.length > longest || !token.test(key)
    ? `a key of letters, digits and - . _ ~ + / = alone, at most ${longest}`
    : new Set(key).size < 10
    ? "a random key, of at least 10 different characters"
    : key.startsWith(prefix) && !isWellFormed(key)
    ? "a key without typing errors: its checksum does not fit"
    : undefined

/** What a bearer token may be made of (RFC 6750). */
export const token = /^[A-Za-z0-9\-._~+/]+=*$/

/** Whether two digests are the same; how long that takes does not tell where they differ. */
export const same = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a, "latin1"), Buffer.from(b, "latin1")]
  return left.length === right.length && timingSafeEqual(left, right)
}
