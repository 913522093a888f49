/**
 * Reads what admins send: by Schema, each refusal with the place, what would fit, and what was meant.
 *
 * @module
 */
import { Effect, Result, Schema, SchemaIssue } from "effect"
import { Json, type JsonObject, LlmError, Mask, Suggest } from "plugline"

const issues = SchemaIssue.makeFormatterStandardSchemaV1()

/** What a client sent, as a schema has it; fails with `InvalidRequest`, status 400. `what`: what it stands in. */
export const decode = <S extends Schema.Decoder<unknown>>(
  schema: S,
  input: unknown,
  what = "the body"
): Effect.Effect<S["Type"], LlmError> => {
  const result = Schema.decodeUnknownResult(schema, { onExcessProperty: "error" })(input)
  if (Result.isSuccess(result)) return Effect.succeed(result.success)
  const [issue] = issues(result.failure.issue).issues
  const path = (issue?.path ?? []).map((step) => String(typeof step === "object" ? step.key : step))
  // A field's name is the client's word, too.
  const place = Mask.text(path.join(".")).slice(0, 200)
  return Effect.fail(invalid(complaint(schema, path, place, issue?.message ?? "not what is taken here", what), place))
}

/** Refuses a body that holds anything. */
export const nothing = (input: unknown): Effect.Effect<void, LlmError> => {
  const [field] = Json.isRecord(input) ? Object.keys(input).map(Mask.text) : []
  return field === undefined
    ? Effect.void
    : Effect.fail(invalid(`the body: ${Suggest.refusal("field", field, [])}`, field.slice(0, 200)))
}

/** A request that cannot be meant. */
export const invalid = (message: string, parameter = ""): LlmError =>
  LlmError.make({ _tag: "InvalidRequest", status: 400, message, ...(parameter !== "" && { parameter }) })

const complaint = (
  schema: Schema.Top,
  path: ReadonlyArray<string>,
  place: string,
  said: string,
  what: string
): string => {
  if (said === "Missing key") return `${JSON.stringify(place)} is missing`
  if (said === "Expected no excess property") {
    const above = path.slice(0, -1)
    const where = above.length === 0 ? what : JSON.stringify(above.join("."))
    return `${where}: ${Suggest.refusal("field", Mask.text(path.at(-1) ?? ""), fieldsAt(schema, above))}`
  }
  // What was sent in the place of it may be a credential.
  const expected = /^Expected (.*?)(?:, got .*)?$/s.exec(said)?.[1]
  return `${place === "" ? what : JSON.stringify(place)} must be ${expected ?? said}`
}

/** The names of the fields there may be at a place. */
const fieldsAt = (schema: Schema.Top, path: ReadonlyArray<string>): ReadonlyArray<string> => {
  const { definitions, schema: root } = Schema.toJsonSchemaDocument(schema)
  const forms = (node: unknown): ReadonlyArray<JsonObject> => {
    if (!Json.isRecord(node)) return []
    const { $ref, allOf, anyOf, oneOf } = node as JsonObject
    const inside = typeof $ref === "string"
      ? [(definitions as JsonObject)[$ref.split("/").at(-1)!]]
      : [allOf, anyOf, oneOf].flat()
    return [node as JsonObject, ...inside.flatMap(forms)]
  }
  const found = path.reduce<ReadonlyArray<JsonObject>>(
    (here, step) => here.flatMap(({ items, properties }) =>
      forms(/^\d+$/.test(step) ? items : Json.isRecord(properties) ? properties[step] : undefined)),
    forms(root)
  )
  return [...new Set(found.flatMap(({ properties }) => Json.isRecord(properties) ? Object.keys(properties) : []))]
}
