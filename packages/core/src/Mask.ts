/**
 * Keeps secrets out of everything that can be printed: traces, logs, errors, files and pages all pass through here.
 *
 * @module
 */
import { Predicate, Redacted } from "effect"
import { isRecord, type Json } from "./Json.ts"

/** What stands in place of a secret. */
export const masked = "<redacted>"

const secretNames =
  /^(.*[-_])?(authorization|api[-_]?key|token|secret|password|passphrase|credentials?|cookie|private[-_]?key|access[-_]?key)$/i

/** camelCase spellings (`apiKey`, `accessToken`) end in one of these words. */
const secretEndings = /(apiKey|ApiKey|Token|Secret|Password|PrivateKey|AccessKey|Credential|Credentials)$/

/** Counters and limits that merely end like a secret. */
const harmless = /^((next[-_]?)?page[-_]?token|max[-_]?token|first[-_]?token)$/i

/** Whether a field or header of this name holds a secret. */
export const isSecretName = (name: string): boolean => {
  let secret = judged.get(name)
  if (secret === undefined) {
    secret = !harmless.test(name) && (secretNames.test(name) || secretEndings.test(name))
    if (judged.size >= 2_000) judged.clear()
    judged.set(name, secret)
  }
  return secret
}

/** Programs know few names of fields and ask for them often. */
const judged = new Map<string, boolean>()

const secretTexts: ReadonlyArray<RegExp> = [
  /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi,
  /\b(sk|pk|rk|xai|gsk|hf|r8|pplx|nvapi|fw|csk|tgp)[-_][A-Za-z0-9_*-]{8,}/g,
  /\bAIza[A-Za-z0-9_-]{20,}/g,
  /\b(AKIA|ASIA)[A-Z0-9]{12,}/g,
  /\bya29\.[A-Za-z0-9_-]{10,}/g,
  /\beyJ[A-Za-z0-9_-]{8,1500}\.[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]*/g,
  /([?&](?:key|api[-_]?key|token|access_token|sig|signature)=)[^&\s"']+/gi
]

/** What every text with a credential holds: most texts hold none, and are read once. */
const suspicious = /bearer|basic|\b(?:sk|pk|rk|xai|gsk|hf|r8|pplx|nvapi|fw|csk|tgp)[-_]|AIza|AKIA|ASIA|ya29|eyJ|[?&](?:key|api|token|access_token|sig)/i

/**
 * A text with everything that looks like a credential replaced: bearer headers, the key forms of the well-known services,
 * signed tokens, keys in a query string.
 *
 * @example
 * ```ts
 * import { Mask } from "@plugline/core"
 *
 * Mask.text("Incorrect API key provided: sk-abcdef1234567890") // => "Incorrect API key provided: <redacted>"
 * ```
 */
export const text = (value: string): string => {
  if (!suspicious.test(value)) return value
  let out = value
  for (const pattern of secretTexts) {
    out = out.replace(pattern, (_match, first) => typeof first === "string" && /[=]$/.test(first) ? `${first}${masked}` : masked)
  }
  return out
}

/**
 * A JSON copy of any value, fit to be written down: `Redacted` values and fields with a secret's name become
 * `<redacted>`, functions and class instances become a short label, cycles are cut, credentials inside texts are
 * removed wherever they stand.
 */
export const json = (value: unknown): Json => copy(value, new Set(), true)

/**
 * The same for what people and models said: a field counts as content there whatever its name, so a tool argument called
 * `token` is kept. `Redacted` values are masked all the same.
 */
export const content = (value: unknown): Json => copy(value, new Set(), false)

/** `above`: what the value lies in. */
const copy = (value: unknown, above: Set<unknown>, names: boolean): Json => {
  if (value === null || value === undefined) return null
  switch (typeof value) {
    case "string":
      return names ? text(value) : value
    case "boolean":
      return value
    case "number":
      return Number.isFinite(value) ? value : String(value)
    case "bigint":
      return value.toString()
    case "function":
      return `[Function ${value.name || "anonymous"}]`
    case "symbol":
      return value.toString()
  }
  if (Redacted.isRedacted(value)) return masked
  if (above.has(value)) return "[Circular]"
  if (above.size > 256) return "[Too deep]"
  above.add(value)
  try {
    return copyOf(value, above, names)
  } finally {
    above.delete(value)
  }
}

const copyOf = (value: object, above: Set<unknown>, names: boolean): Json => {
  if (Array.isArray(value)) return value.map((item) => copy(item, above, names))
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`
  if (Predicate.isDate(value)) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (value instanceof URL) return text(value.href)
  if (hasToJson(value)) {
    try {
      return copy(value.toJSON(), above, names)
    } catch {
      return label(value)
    }
  }
  if (value instanceof Error) return { name: value.name, message: text(value.message) }
  if (value instanceof Map) return copyOf(Object.fromEntries(value), above, names)
  if (value instanceof Set) return copyOf([...value], above, names)
  if (!isRecord(value)) return label(value)
  const out: Record<string, Json> = {}
  for (const key of Object.keys(value)) {
    let field: unknown
    try {
      field = value[key]
    } catch {
      field = "[Unreadable]"
    }
    if (field === undefined) continue
    const shown = names && field !== null && typeof field !== "boolean" && typeof field !== "number" && isSecretName(key)
      ? masked
      : copy(field, above, names)
    // So that a field of this name stays a field.
    if (key === "__proto__") Object.defineProperty(out, key, { value: shown, enumerable: true, configurable: true, writable: true })
    else out[key] = shown
  }
  return out
}

const hasToJson = (value: object): value is { toJSON(): unknown } =>
  "toJSON" in value && typeof value.toJSON === "function"

const label = (value: object): string => `[${value.constructor?.name ?? "Object"}]`
