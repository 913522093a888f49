/**
 * Reads a configuration: YAML or JSON, with `env:NAME` for what is in the environment, checked field by field. What
 * does not fit is refused with its line, its name, and what would.
 *
 * @module
 */
import { Source } from "@plugline/plugs"
import { Schema, SchemaIssue } from "effect"
import { Json, type JsonObject, LlmError, Suggest } from "plugline"
import { Config } from "./Config.ts"
import { fieldsAt, formsAt, isPlainAt, isSecretAt } from "./schema.ts"

/** Where something stands in the configuration. */
export type Path = ReadonlyArray<string | number>

/** The variables of a process. */
export type Env = { readonly [name: string]: string | undefined }

/** A configuration that was read, and where its values stand. */
export interface Read {
  readonly config: Config
  /** What was written, before `env:` and defaults were filled in. */
  readonly written: JsonObject
  /** What was written in the place of values from the environment, by place. */
  readonly references: ReadonlyMap<string, string>
  /** Something that does not fit, with its line. */
  readonly refuse: (path: Path, message: string) => LlmError
}

const decode = Schema.decodeUnknownResult(Config, { errors: "all", onExcessProperty: "error" })
const issues = SchemaIssue.makeFormatterStandardSchemaV1()

/** The most that is said of one file at a time. */
const most = 20

/**
 * The configuration that a text holds. `name` is what messages call it.
 *
 * @throws LlmError `Configuration`, with a line of text for everything that does not fit.
 */
export const read = (text: string, name: string, env: Env): Read => {
  const source = Source.read(text, name)
  // A file of which everything is commented out is an empty one.
  const value = source.value ?? {}
  const refuse = (path: Path, message: string): LlmError =>
    Source.refusal(name, path.length === 0 ? undefined : source.lineOf(path), message, path.join("."))
  if (!Json.isRecord(value)) throw refuse([], "must be fields and their values")
  const references = new Map<string, string>()
  const filled = fill(value, [], { env, references, refuse })
  const decoded = decode(filled)
  if (decoded._tag === "Failure") {
    const found = issues(decoded.failure.issue).issues.map((issue) => {
      const path = (issue.path ?? []).map((step) => typeof step === "object" ? step.key : step) as Path
      return { path, message: complaint(path, issue.message, filled, references), line: source.lineOf(path) }
    })
    throw several(
      found.toSorted((a, b) => a.line - b.line).slice(0, most).map(({ message, path }) => refuse(path, message))
    )
  }
  return { config: decoded.success, written: value as JsonObject, references, refuse }
}

/** One error for several. */
export const several = (errors: ReadonlyArray<LlmError>): LlmError => {
  const [first, ...others] = errors
  if (first === undefined || others.length === 0) {
    return first ?? LlmError.make({ _tag: "Configuration", message: "nothing" })
  }
  const option = first.reason._tag === "Configuration" ? first.reason.option : undefined
  return LlmError.make({
    _tag: "Configuration",
    ...(option !== undefined && { option }),
    message: errors.map(({ reason }) => reason.message).join("\n")
  })
}

/** How a path is written. */
export const shown = (path: Path): string => path.join(".")

const complaint = (path: Path, said: string, value: unknown, references: ReadonlyMap<string, string>): string => {
  const [field = "", above] = [path.at(-1), path.slice(0, -1)]
  if (said === "Missing key") return `${shown(path)} is missing`
  if (said === "Expected no excess property") return stranger(above, String(field))
  const expected = /^Expected (.*?)(?:, got .*)?$/s.exec(said)?.[1] ?? said
  const found = at(value, path)
  const hint = typeof found === "string" && !secret(path, references) ? suggestion(found, expected) : ""
  return `${shown(path)} must be ${expected}${secret(path, references) ? "" : `, not ${Suggest.quote(JSON.stringify(found) ?? "nothing")}`}${hint}`
}

const stranger = (above: Path, field: string): string =>
  `${above.length === 0 ? "" : `${shown(above)}: `}${Suggest.refusal("field", field, fieldsAt(above))}`

/** Of a few words that may stand here, the one that was meant. */
const suggestion = (found: string, expected: string): string => {
  const near = Suggest.nearest(found, [...expected.matchAll(/"([^"]*)"/g)].map(([, word]) => word!))
  return near === undefined ? "" : `; did you mean ${Suggest.quote(near)}?`
}

const secret = (path: Path, references: ReadonlyMap<string, string>): boolean => references.has(shown(path)) || isSecretAt(path)

const at = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((inside, step) => (inside as { readonly [step: string]: unknown } | undefined)?.[step], value)

// --- the environment
// -------------------------------------------------------------------------------------------------------------

interface Filling {
  readonly env: Env
  readonly references: Map<string, string>
  readonly refuse: Read["refuse"]
}

/**
 * The same data with what `env:NAME` stands for; a field of `env:NAME?` is left out where there is no such
 * variable.
 */
const fill = (value: unknown, path: Path, filling: Filling): unknown => {
  if (typeof value === "string") return variable(value, path, filling)
  if (Array.isArray(value)) {
    return value.map((item, index) => fill(item, [...path, index], filling)).filter((item) => item !== undefined)
  }
  if (!Json.isRecord(value)) return value
  const out: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(value)) {
    const here = [...path, name]
    if (name === "__proto__" || !/^[^\p{Cc}]{1,200}$/u.test(name)) {
      throw filling.refuse(path, `${Suggest.quote(name)} is no name for a field`)
    }
    const filled = fill(field, here, filling)
    if (filled !== undefined) out[name] = filled
    // Nobody would see any more that there is no such field.
    else if (formsAt(here).length === 0) throw filling.refuse(here, stranger(path, name))
  }
  return out
}

const variable = (text: string, path: Path, { env, references, refuse }: Filling): unknown => {
  if (!text.startsWith("env:")) return text
  const [, name, optional] = /^env:([A-Za-z_][A-Za-z0-9_]*)(\?)?$/.exec(text) ?? []
  if (name === undefined) {
    throw refuse(path, `${shown(path)}: env: must be followed by the name of a variable, and ? where it may be missing`)
  }
  const found = env[name]?.trim()
  if (found === undefined || found === "") {
    if (optional !== undefined) return undefined
    const near = Suggest.nearest(name, Object.keys(env))
    throw refuse(path, `${shown(path)}: the environment variable ${name} is not set${
      near === undefined ? "" : `; did you mean ${near}?`
    } (env:${name}? where it may be missing)`)
  }
  references.set(shown(path), text)
  if (!isPlainAt(path)) return found
  return found === "true" ? true : found === "false" ? false : /^-?\d+(\.\d+)?$/.test(found) ? Number(found) : found
}
