/**
 * Reads the cases of an evaluation, and says whether an answer is as it was expected.
 *
 * @module
 */
import { Cascade, Source } from "@plugline/plugs"
import { Schema, SchemaIssue } from "effect"
import { LlmError } from "plugline"

const Texts = Schema.Union([Schema.String, Schema.Array(Schema.String)])

/** What an answer has to be; all that is said must hold. */
export const Expectation = Schema.Struct({
  /** The whole answer, but for blanks around it. */
  equals: Schema.optionalKey(Schema.String),
  /** Texts that stand in it, upper or lower case. */
  contains: Schema.optionalKey(Texts),
  /** Texts that do not. */
  lacks: Schema.optionalKey(Texts),
  /** A regular expression that fits some of it. */
  matches: Schema.optionalKey(Schema.String),
  /** A JSON Schema: the answer has to be JSON of this form. */
  schema: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown))
})

/** One question, and what its answer has to be. */
export const Case = Schema.Struct({
  name: Schema.optionalKey(Schema.String),
  question: Schema.NonEmptyString,
  system: Schema.optionalKey(Schema.String),
  expect: Expectation
})

/** A file of cases. */
export const Cases = Schema.Struct({
  /** Who is asked: `provider`, or `provider/model`. */
  targets: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  /** Rules for conversations that have none of their own. */
  system: Schema.optionalKey(Schema.String),
  cases: Schema.NonEmptyArray(Case)
})

const decode = Schema.decodeUnknownResult(Cases, { errors: "all", onExcessProperty: "error" })
const issues = SchemaIssue.makeFormatterStandardSchemaV1()

/**
 * The cases that a text holds, YAML or JSON.
 *
 * @throws LlmError `Configuration`, with a line for everything that does not fit.
 */
export const casesOf = (text: string, name: string): typeof Cases.Type => {
  const source = Source.read(text, name)
  const refuse = (path: ReadonlyArray<string | number>, message: string): string =>
    Source.refusal(name, source.lineOf(path), message).reason.message
  const decoded = decode(source.value)
  if (decoded._tag === "Failure") {
    throw LlmError.make({
      _tag: "Configuration",
      message: issues(decoded.failure.issue).issues.map(({ message, path = [] }) => {
        const steps = path.map((step) => typeof step === "object" ? step.key : step)
        const keys = steps.map((step) => typeof step === "number" ? step : String(step))
        return refuse(keys, `${keys.join(".")}: ${message}`)
      }).join("\n")
    })
  }
  const { cases } = decoded.success
  cases.forEach(({ expect, name }, index) => {
    const path = ["cases", index]
    const wrong = name !== undefined && cases.findIndex((each) => each.name === name) < index
      ? `${JSON.stringify(name)} is the name of another case`
      : Object.keys(expect).length === 0
      ? "expects nothing: write equals, contains, lacks, matches or schema"
      : expect.matches !== undefined && patternOf(expect.matches) === undefined
      ? `${JSON.stringify(expect.matches)} is no regular expression`
      : undefined
    if (wrong !== undefined) {
      throw LlmError.make({ _tag: "Configuration", message: refuse(path, `${path.join(".")}: ${wrong}`) })
    }
  })
  return decoded.success
}

/** Why an answer is not as it was expected, or `undefined` where it is. */
export const fault = (answer: string, expect: typeof Expectation.Type): string | undefined => {
  const { contains = [], equals, lacks = [], matches, schema } = expect
  const text = answer.trim()
  const holds = (part: string): boolean => text.toLowerCase().includes(part.toLowerCase())
  if (equals !== undefined && text !== equals.trim()) return `is not ${JSON.stringify(equals)}`
  const missing = [contains].flat().find((part) => !holds(part))
  if (missing !== undefined) return `does not contain ${JSON.stringify(missing)}`
  const there = [lacks].flat().find(holds)
  if (there !== undefined) return `contains ${JSON.stringify(there)}`
  if (matches !== undefined && patternOf(matches)?.test(text) !== true) return `does not match ${matches}`
  if (schema === undefined) return undefined
  const value = jsonOf(text)
  if (value === undefined) return "is no JSON"
  return Cascade.fits(value.json, schema) ? undefined : "is JSON of another form than the schema's"
}

const patternOf = (pattern: string): RegExp | undefined => {
  try {
    return new RegExp(pattern, "u")
  } catch {
    return undefined
  }
}

/** The JSON of an answer; models like to put it into a fence. */
const jsonOf = (text: string): { readonly json: unknown } | undefined => {
  try {
    return { json: JSON.parse(/^```\w*\n([\s\S]*?)\n?```$/.exec(text)?.[1] ?? text) as unknown }
  } catch {
    return undefined
  }
}
