/**
 * Gives plugs options that are checked by a Schema, once, when their pipeline is compiled. Reached as `Plug.configurable`.
 *
 * @module
 */
import { Effect, Schema, SchemaIssue } from "effect"
import { isRecord } from "./Json.ts"
import * as LlmError from "./LlmError.ts"
import * as Mask from "./Mask.ts"
import { type Level, Plug } from "./Step.ts"
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
  info: { readonly level?: Level } = {}
): (options?: S["Encoded"]) => Plug<R> => {
  const decode = Schema.decodeUnknownResult(schema)
  return (options) =>
    new Plug<R>({
      name,
      options: options === undefined ? null : Mask.json(options),
      ...info,
      make: Effect.suspend(() => {
        const given = options ?? {}
        const stranger = unknownOption(schema, given)
        if (stranger !== undefined) {
          return Effect.fail(LlmError.make({
            _tag: "Configuration",
            option: stranger.name,
            value: Mask.json(stranger.value),
            expected: stranger.known.join(", "),
            message: Suggest.refusal("option", stranger.name, stranger.known)
          }, { plug: name }))
        }
        const decoded = decode(given)
        return decoded._tag === "Success" ? build(decoded.success).make : Effect.fail(unfit(name, given, decoded.failure))
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

const unknownOption = (schema: unknown, given: unknown) => {
  const fields = typeof schema === "object" || typeof schema === "function" ? (schema as { fields?: unknown }).fields : undefined
  if (!isRecord(fields) || !isRecord(given)) return undefined
  const known = Object.keys(fields)
  const name = Object.keys(given).find((key) => !known.includes(key))
  return name === undefined ? undefined : { name, value: given[name], known }
}
