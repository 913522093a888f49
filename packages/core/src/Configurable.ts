/**
 * Gives plugs options that are checked by a Schema, once, when their pipeline is compiled. Reached as `Plug.configurable`.
 *
 * @module
 */
import { Effect, Schema, SchemaIssue } from "effect"
import { isRecord } from "./Json.ts"
import * as LlmError from "./LlmError.ts"
import * as Mask from "./Mask.ts"
import { type Level, type Order, Plug } from "./Step.ts"
import * as Suggest from "./Suggest.ts"

/**
 * A plug with options: they are decoded by a Schema once, when the pipeline is compiled, and a value that does not fit is
 * refused with the plug, the option, the value and what would fit. `build` makes a plug from the decoded options with any of
 * the constructors of this module.
 *
 * @example
 * ```ts
 * import { Pipeline, Plug, Request } from "@plugline/core"
 * import { Effect, Schema } from "effect"
 *
 * const cap = Plug.configurable("cap", Schema.Struct({ maxTokens: Schema.Int }), ({ maxTokens }) =>
 *   Plug.make("cap", Request.mergeOptions({ maxTokens })))
 *
 * const request = Request.make({ provider: "local", messages: "Hi" })
 * Effect.runSync(Pipeline.run([cap({ maxTokens: 100 })], request)).options // => { maxTokens: 100 }
 * ```
 */
export const configurable = <S extends Schema.ConstraintDecoder<unknown>, R = never>(
  name: string,
  schema: S,
  build: (options: S["Type"]) => Plug<R>,
  info: { readonly level?: Level; readonly order?: Order } = {}
): (options?: S["Encoded"]) => Plug<R> => {
  const decode = Schema.decodeUnknownResult(schema)
  const read = (given: unknown): S["Type"] | LlmError.LlmError => {
    const stranger = unknownOption(schema, given)
    if (stranger !== undefined) {
      return LlmError.make({
        _tag: "Configuration",
        option: stranger.path,
        value: Mask.json(stranger.value),
        expected: stranger.known.join(", "),
        message: Suggest.refusal("option", stranger.name, stranger.known)
      }, { plug: name })
    }
    const decoded = decode(given)
    return decoded._tag === "Success" ? decoded.success : unfit(name, given, decoded.failure)
  }
  return (options) =>
    new Plug<R>({
      name,
      options: options === undefined ? null : Mask.json(options),
      ...info,
      check: () => {
        const answer = read(options ?? {})
        return LlmError.isLlmError(answer) ? answer : undefined
      },
      make: Effect.suspend(() => {
        const answer = read(options ?? {})
        return LlmError.isLlmError(answer) ? Effect.fail(answer) : build(answer).make
      })
    })
}

/** An option that does not fit: names plug, option, value and what would. */
export const misfit = (plug: string, option: string, value: unknown, expected: string): LlmError.LlmError =>
  LlmError.make({
    _tag: "Configuration",
    option,
    value: Mask.json(value),
    expected,
    message: `option ${option === "" ? "value" : option} must be ${expected}, not ${
      value === undefined ? "absent" : JSON.stringify(Mask.json(value))
    }`
  }, { plug })

const issues = SchemaIssue.makeFormatterStandardSchemaV1()

const unfit = (plug: string, given: unknown, error: Schema.SchemaError): LlmError.LlmError => {
  const issue = issues(error.issue).issues[0]
  const path = (issue?.path ?? []).map((step) => String(typeof step === "object" ? step.key : step))
  const value = path.reduce<unknown>((inside, step) => isRecord(inside) ? inside[step] : Array.isArray(inside) ? inside[Number(step)] : undefined, given)
  const said = issue?.message ?? error.message
  const expected = /^Expected (.*?)(?:, got .*)?$/s.exec(said)?.[1] ?? said
  return misfit(plug, path.join("."), value, expected === "Missing key" ? "given" : expected)
}

interface Stranger {
  /** Where it stands: `limits.0.amuont`. */
  readonly path: string
  readonly name: string
  readonly value: unknown
  readonly known: ReadonlyArray<string>
}

/** A field that no schema knows, at any depth: schemas themselves pass over it, and a misspelt option would be lost in silence. */
const unknownOption = (schema: unknown, given: unknown, path = ""): Stranger | undefined => {
  if (schema === null || (typeof schema !== "object" && typeof schema !== "function")) return undefined
  const { fields, key, members, schema: inner, value: item } = schema as {
    readonly fields?: unknown
    readonly key?: unknown
    readonly members?: unknown
    readonly schema?: unknown
    readonly value?: unknown
  }
  const inside = (step: string | number): string => path === "" ? String(step) : `${path}.${step}`
  const first = <A>(entries: Iterable<A>, look: (entry: A) => Stranger | undefined): Stranger | undefined => {
    for (const entry of entries) {
      const found = look(entry)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (isRecord(fields)) {
    if (!isRecord(given)) return undefined
    const known = Object.keys(fields)
    return first(Object.keys(given), (name) =>
      known.includes(name)
        ? unknownOption(fields[name], given[name], inside(name))
        : { path: inside(name), name, value: given[name], known })
  }
  if (Array.isArray(members)) {
    // Of several forms one must know every field; where none does, the first that could be meant says which it misses.
    const strangers = members.filter((member) => fits(member, given)).map((member) => unknownOption(member, given, path))
    return strangers.includes(undefined) ? undefined : strangers[0]
  }
  if (inner !== undefined) return unknownOption(inner, given, path)
  if (item === undefined) return undefined
  if (key !== undefined) return isRecord(given) ? first(Object.keys(given), (name) => unknownOption(item, given[name], inside(name))) : undefined
  return Array.isArray(given) ? first(given.entries(), ([index, each]) => unknownOption(item, each, inside(index))) : undefined
}

/** Whether a value could be meant for a form: an object for one with fields. */
const fits = (member: unknown, given: unknown): boolean =>
  isRecord((member as { readonly fields?: unknown }).fields) === isRecord(given)
