/**
 * The configuration's form as JSON Schema: for editors, for the reference, and to know which fields there are at a
 * place.
 *
 * @module
 */
import { Schema } from "effect"
import { Json, type JsonObject } from "plugline"
import { Config } from "./Config.ts"

/** A node of a JSON Schema. */
export type Node = JsonObject

let made: Node | undefined

/** The JSON Schema of the file, draft 2020-12. */
export const jsonSchema = (): Node => {
  if (made !== undefined) return made
  const { definitions, schema } = Schema.toJsonSchemaDocument(Config)
  const closed = tidy(schema as Node) as Node
  return made = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Configuration of Plugline's gateway",
    ...closed,
    ...(Object.keys(definitions).length > 0 && { $defs: tidy(definitions as Node) as Node })
  }
}

/** Fields that are not named are refused, and whole numbers have no bounds that are those of the machine. */
const tidy = (node: unknown): unknown => {
  if (Array.isArray(node)) return node.map(tidy)
  if (!Json.isRecord(node)) return node
  const out = Object.fromEntries(
    Object.entries(node).map(([name, value]) => [name, name === "default" ? value : tidy(value)])
  )
  if (out.type === "object" && Json.isRecord(out.properties) && out.additionalProperties === true) out.additionalProperties = false
  // One condition more needs no list of its own.
  if (Array.isArray(out.allOf) && out.allOf.every((each) => Json.isRecord(each) && Object.keys(each).every((name) => !(name in out)))) {
    const all = out.allOf as ReadonlyArray<Node>
    delete out.allOf
    Object.assign(out, ...all)
  }
  if (out.maximum === Number.MAX_SAFE_INTEGER) delete out.maximum
  if (out.minimum === Number.MIN_SAFE_INTEGER) delete out.minimum
  return out
}

/** The forms that a value at a path may have. */
export const formsAt = (path: ReadonlyArray<string | number>): ReadonlyArray<Node> => {
  let forms: ReadonlyArray<Node> = resolved(jsonSchema())
  for (const step of path) {
    forms = forms.flatMap((form) => inside(form, step)).flatMap(resolved)
  }
  return forms
}

const inside = (form: Node, step: string | number): ReadonlyArray<Node> => {
  const { additionalProperties, items, prefixItems, properties } = form
  if (Json.isRecord(properties) && Object.hasOwn(properties, String(step))) return [properties[String(step)] as Node]
  if (typeof step === "number") {
    if (Array.isArray(prefixItems) && prefixItems[step] !== undefined) return [prefixItems[step] as Node]
    return Json.isRecord(items) ? [items as Node] : []
  }
  if (Json.isRecord(additionalProperties)) return [additionalProperties as Node]
  return form.type === "object" && properties === undefined && additionalProperties !== false ? [{}] : []
}

/** The forms that a node stands for: those of its alternatives, and of what it refers to. */
export const resolved = (form: Node): ReadonlyArray<Node> => {
  if (typeof form.$ref === "string") {
    const defs = jsonSchema().$defs as { readonly [name: string]: Node } | undefined
    const target = defs?.[form.$ref.split("/").at(-1) ?? ""]
    return target === undefined ? [] : resolved(target)
  }
  const { allOf, anyOf, oneOf } = form
  const own = (anyOf ?? oneOf) as ReadonlyArray<Node> | undefined
  if (own !== undefined) return own.flatMap(resolved)
  return Array.isArray(allOf) && form.type === undefined ? (allOf as ReadonlyArray<Node>).flatMap(resolved) : [form]
}

/** The names of the fields that there may be at a path. */
export const fieldsAt = (path: ReadonlyArray<string | number>): ReadonlyArray<string> => [
  ...new Set(formsAt(path).flatMap(({ properties }) => Json.isRecord(properties) ? Object.keys(properties) : []))
]

/** Whether what stands at a path is a secret. */
export const isSecretAt = (path: ReadonlyArray<string | number>): boolean => formsAt(path).some(({ format }) => format === "password")

/** Whether a path leads to a number or a truth value and to no text. */
export const isPlainAt = (path: ReadonlyArray<string | number>): boolean => {
  const types = formsAt(path).map(({ type }) => type)
  return types.length > 0 && !types.includes("string") && types.some(
    (type) => type === "number" || type === "integer" || type === "boolean"
  )
}
