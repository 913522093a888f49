/**
 * Writes tools as the first interface takes them: parameters one by one, with their types in Python's words, and what
 * the service searches itself as connectors.
 *
 * @module
 */
import type { JsonObject, JsonValue, Tool } from "@plugline/core"
import { changed, type Draft, merge } from "../wire/draft.ts"
import { list, object, put, text } from "../wire/read.ts"
import { chosen, ownTool } from "./tools.ts"

/** Tools, and connectors for those of the provider (`cohere.web-search`). */
export const tools = (tools: ReadonlyArray<Tool>, to: Draft): void => {
  const { provider } = to.request
  const written: Array<JsonObject> = []
  const connectors: Array<JsonObject> = []
  const simplified: Array<string> = []
  for (const tool of chosen(tools, to)) {
    if (tool.type === "provider") {
      connectors.push({ id: ownTool(tool.id, provider), ...tool.args })
      continue
    }
    const definitions = definitionsOf(tool.parameters)
    if (definitions === undefined) simplified.push(tool.name)
    const entry: { [name: string]: JsonValue } = {
      name: tool.name,
      description: tool.description ?? "",
      parameter_definitions: definitions ?? loose(tool.parameters)
    }
    const own = tool.options?.[provider]
    if (own !== undefined && own !== null) merge(entry, own)
    written.push(entry)
  }
  if (simplified.length > 0) {
    const message = `${provider}'s first interface knows a parameter's type and description alone: simplified for`
    changed(to, "tools", `${message} ${simplified.join(", ")}`)
  }
  if (written.length > 0) to.body.tools = written
  if (connectors.length > 0) to.body.connectors = connectors
}

const pythonTypes: { readonly [type: string]: string } = {
  string: "str",
  integer: "int",
  number: "float",
  boolean: "bool",
  array: "list",
  object: "dict"
}

/** The parameters, where nothing of the schema is lost. */
const definitionsOf = (schema: JsonObject | undefined): JsonObject | undefined => {
  for (const name in schema) if (!ofSchema.has(name)) return undefined
  const properties = object(schema?.properties)
  for (const name in properties) {
    const property = object(properties[name])
    if (property === undefined || typeof property.type !== "string") return undefined
    for (const field in property) if (field !== "type" && field !== "description") return undefined
  }
  return loose(schema)
}

const ofSchema = new Set(["type", "properties", "required", "additionalProperties"])
const ofDefinition = new Set(["type", "description", "required"])

const loose = (schema: JsonObject | undefined): JsonObject => {
  const required = list(schema?.required) ?? []
  const properties = object(schema?.properties)
  const out: { [name: string]: JsonValue } = {}
  for (const name in properties) {
    const property = object(properties[name])
    const type = text(property?.type) ?? "object"
    const description = text(property?.description)
    put(out, name, {
      ...(description !== undefined && { description }),
      type: Object.hasOwn(pythonTypes, type) ? pythonTypes[type]! : type,
      required: required.includes(name)
    })
  }
  return out
}

/** The JSON Schema of parameters that were given one by one. */
export const schemaOf = (definitions: JsonObject): JsonObject => {
  const properties: { [name: string]: JsonValue } = {}
  const required: Array<string> = []
  for (const name in definitions) {
    const definition = object(definitions[name])
    const said = text(definition?.type) ?? "str"
    const type = Object.keys(pythonTypes).find((type) => pythonTypes[type] === said.toLowerCase()) ?? said
    const description = text(definition?.description)
    put(properties, name, { type, ...(description !== undefined && { description }) })
    if (definition?.required === true) required.push(name)
  }
  return { type: "object", properties, ...(required.length > 0 && { required }) }
}

/** Whether parameters given one by one are written the same again from their schema. */
export const isPlain = (definitions: JsonObject): boolean => {
  for (const name in definitions) {
    const definition = object(definitions[name])
    const type = text(definition?.type)
    if (type === undefined || !Object.values(pythonTypes).includes(type)) return false
    if (typeof definition!.required !== "boolean" || definition!.description === "") return false
    for (const field in definition) if (!ofDefinition.has(field)) return false
  }
  return true
}
