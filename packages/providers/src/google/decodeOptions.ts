/**
 * Reads what a request asks for beside its contents: `generationConfig`, `tools`, `toolConfig` and the service tier.
 * What has no word here is left to the provider's own options, under its own name.
 *
 * @module
 */
import type { FunctionTool, JsonObject, JsonValue, Options, Tool } from "@plugline/core"
import { type Fields, object } from "../wire/read.ts"
import { fieldsOf, invalid, leftOf, listOf, someText, textOf } from "./fields.ts"
import { levelOf } from "./options.ts"
import { jsonSchema } from "./schema.ts"
import { thinksInLevels } from "./surface.ts"

type Own = { [name: string]: JsonValue }
type Draft = { -readonly [Name in keyof Options]: Options[Name] }

/** Options, and what only the provider understands. */
export const asked = (
  fields: Fields,
  model: string,
  provider: string
): { readonly options: Options; readonly own: Own } => {
  const options: Draft = {}
  const own: Own = leftOf(fields, known) ?? {}
  const tier = textOf(fields.serviceTier, "serviceTier")
  if (tier !== undefined && tier !== "") options.serviceTier = tier
  if (fields.tools !== undefined) options.tools = tools(fields.tools, provider)
  if (fields.toolConfig !== undefined) {
    const left = toolConfig(fieldsOf(fields.toolConfig, "toolConfig"), options)
    if (left !== undefined) own.toolConfig = left
  }
  if (fields.generationConfig !== undefined) {
    const left = generationConfig(fieldsOf(fields.generationConfig, "generationConfig"), options, model)
    if (left !== undefined) own.generationConfig = left
  }
  return { options, own }
}

// The address says which model is meant.
const known = new Set(["model", "tools", "toolConfig", "generationConfig", "serviceTier"])

// --- tools -----------------------------------------------------------------------------------------------------------

const tools = (value: JsonValue, provider: string): ReadonlyArray<Tool> => {
  const out: Array<Tool> = []
  listOf(value, "tools").forEach((entry, index) => {
    const path = `tools[${index}]`
    for (const [name, args] of Object.entries(fieldsOf(entry, path))) {
      if (name === "functionDeclarations") {
        listOf(args, `${path}.${name}`).forEach((item, place) => {
          out.push(declaration(item, `${path}.${name}[${place}]`, provider))
        })
        continue
      }
      const settings = object(args)
      if (settings === undefined) throw invalid(`${path}.${name}`, "an object", args)
      out.push({
        type: "provider",
        id: `${provider}.${name}`,
        ...(Object.keys(settings).length > 0 && { args: settings as JsonObject })
      })
    }
  })
  return out
}

const declaration = (value: JsonValue, path: string, provider: string): FunctionTool => {
  const { description, name, parametersJsonSchema, ...rest } = fieldsOf(value, path)
  const said = textOf(description, `${path}.description`)
  const { parameters } = rest
  const own = parameters === undefined ? undefined : object(parameters)
  if (parameters !== undefined && own === undefined) throw invalid(`${path}.parameters`, "an object", parameters)
  const given = parametersJsonSchema === undefined ? undefined : object(parametersJsonSchema)
  if (parametersJsonSchema !== undefined && given === undefined) {
    throw invalid(`${path}.parametersJsonSchema`, "an object", parametersJsonSchema)
  }
  const schema = given ?? (own === undefined ? undefined : jsonSchema(own))
  return {
    name: someText(name, `${path}.name`),
    ...(said !== undefined && { description: said }),
    ...(schema !== undefined && { parameters: schema as JsonObject }),
    ...(Object.keys(rest).length > 0 && { options: { [provider]: rest as JsonObject } })
  }
}

/** The choice of tools, and what is left of the configuration. */
const toolConfig = (fields: Fields, options: Draft): Own | undefined => {
  const { functionCallingConfig, ...left } = fields as Own
  if (functionCallingConfig === undefined) return some(left)
  const config = fieldsOf(functionCallingConfig, "toolConfig.functionCallingConfig")
  const { allowedFunctionNames, mode, ...more } = config as Own
  const names = allowedFunctionNames === undefined ? undefined : namesOf(allowedFunctionNames)
  const functions = (options.tools ?? []).filter((tool): tool is FunctionTool => tool.type !== "provider")
  const rest: Own = { ...more }
  const asGiven = (): Own => ({ ...left, functionCallingConfig: config as JsonObject })
  if (functions.length === 0) return asGiven()
  switch (typeof mode === "string" ? mode.toUpperCase() : mode) {
    case "AUTO":
      options.toolChoice = "auto"
      if (names !== undefined) rest.allowedFunctionNames = names
      break
    case "NONE":
      options.toolChoice = "none"
      if (names !== undefined) rest.allowedFunctionNames = names
      break
    case "ANY":
      if (names?.length === 1 && functions.some(({ name }) => name === names[0])) {
        options.toolChoice = { tool: names[0]! }
      } else {
        options.toolChoice = "required"
        if (names !== undefined) rest.allowedFunctionNames = names
      }
      break
    case "VALIDATED":
      options.tools = options.tools!.map((tool) => tool.type === "provider" ? tool : { ...tool, strict: true })
      if (names !== undefined) rest.allowedFunctionNames = names
      break
    default:
      return asGiven()
  }
  return some(Object.keys(rest).length > 0 ? { ...left, functionCallingConfig: rest } : left)
}

const namesOf = (value: JsonValue): ReadonlyArray<string> => {
  const path = "toolConfig.functionCallingConfig.allowedFunctionNames"
  const names = typeof value === "string" ? [value] : listOf(value, path)
  return names.map((name, index) => someText(name, `${path}[${index}]`))
}

// --- generationConfig ------------------------------------------------------------------------------------------------

const numbers = {
  temperature: "temperature",
  topP: "topP",
  topK: "topK",
  maxOutputTokens: "maxTokens",
  candidateCount: "n",
  seed: "seed",
  frequencyPenalty: "frequencyPenalty",
  presencePenalty: "presencePenalty"
} as const satisfies { readonly [field: string]: keyof Options }

const generationConfig = (fields: Fields, options: Draft, model: string): Own | undefined => {
  const left: Own = leftOf(fields, read) ?? {}
  for (const field of Object.keys(numbers) as Array<keyof typeof numbers>) {
    const value = fields[field]
    if (value === undefined) continue
    const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value
    if (typeof number !== "number" || !Number.isFinite(number)) {
      throw invalid(`generationConfig.${field}`, "a number", value)
    }
    // A number that our word for it does not allow is still the service's to judge.
    if (fits(field, number)) options[numbers[field]] = number
    else left[field] = value
  }
  const { stopSequences } = fields
  if (stopSequences !== undefined) {
    const path = "generationConfig.stopSequences"
    options.stop = (typeof stopSequences === "string" ? [stopSequences] : listOf(stopSequences, path))
      .map((item, index) => {
        if (typeof item !== "string") throw invalid(`${path}[${index}]`, "a text", item)
        return item
      })
  }
  logprobs(fields, options, left)
  responseFormat(fields, options, left)
  if (fields.thinkingConfig !== undefined) {
    const thinking = reasoning(fieldsOf(fields.thinkingConfig, "generationConfig.thinkingConfig"), options, model)
    if (thinking !== undefined) left.thinkingConfig = thinking
  }
  return some(left)
}

const read = new Set([
  ...Object.keys(numbers),
  "stopSequences",
  "responseLogprobs",
  "logprobs",
  "responseMimeType",
  "responseJsonSchema",
  "responseSchema",
  "thinkingConfig"
])

const fits = (field: keyof typeof numbers, value: number): boolean => {
  switch (field) {
    case "temperature":
      return value >= 0 && value <= 100
    case "topP":
      return value >= 0 && value <= 1
    case "topK":
    case "maxOutputTokens":
      return Number.isSafeInteger(value) && value >= 1
    case "candidateCount":
      return Number.isSafeInteger(value) && value >= 1 && value <= 128
    case "seed":
      return Number.isSafeInteger(value)
    default:
      return Math.abs(value) <= 100
  }
}

const logprobs = ({ logprobs, responseLogprobs }: Fields, options: Draft, left: Own): void => {
  const many = typeof logprobs === "number" && Number.isSafeInteger(logprobs) && logprobs > 0
  if (responseLogprobs === true) options.logprobs = many ? logprobs : true
  else if (responseLogprobs !== undefined) left.responseLogprobs = responseLogprobs
  if (logprobs !== undefined && !(many && responseLogprobs === true)) left.logprobs = logprobs
}

const responseFormat = (fields: Fields, options: Draft, left: Own): void => {
  const { responseJsonSchema, responseMimeType, responseSchema } = fields
  const mime = textOf(responseMimeType, "generationConfig.responseMimeType")
  const given = responseJsonSchema === undefined ? undefined : object(responseJsonSchema)
  const own = responseSchema === undefined ? undefined : object(responseSchema)
  if (responseJsonSchema !== undefined && given === undefined) {
    throw invalid("generationConfig.responseJsonSchema", "an object", responseJsonSchema)
  }
  if (responseSchema !== undefined && own === undefined) {
    throw invalid("generationConfig.responseSchema", "an object", responseSchema)
  }
  if (mime !== "application/json") {
    if (mime !== undefined) left.responseMimeType = mime
    if (given !== undefined) left.responseJsonSchema = given as JsonObject
    if (own !== undefined) left.responseSchema = own as JsonObject
    return
  }
  const schema = given ?? (own === undefined ? undefined : jsonSchema(own))
  options.responseFormat = { type: "json", ...(schema !== undefined && { schema: schema as JsonObject }) }
  if (own !== undefined) left.responseSchema = own as JsonObject
  if (own !== undefined && given !== undefined) left.responseJsonSchema = given as JsonObject
}

const reasoning = (fields: Fields, options: Draft, model: string): Own | undefined => {
  const { includeThoughts, thinkingBudget, thinkingLevel, ...left } = fields as Own
  const asksFor: { budgetTokens?: number; effort?: string; summary?: string } = {}
  const byTokens = Number.isSafeInteger(thinkingBudget)
  if (byTokens) asksFor.budgetTokens = thinkingBudget as number
  else if (thinkingBudget !== undefined) left.thinkingBudget = thinkingBudget
  if (thinkingLevel !== undefined) {
    const level = someText(thinkingLevel, "generationConfig.thinkingConfig.thinkingLevel").toLowerCase()
    // Beside a budget, or for a model that thinks in tokens, it would be written otherwise.
    if (!byTokens && thinksInLevels(model) && levelOf(level, model) === level) asksFor.effort = level
    else left.thinkingLevel = thinkingLevel
  }
  if (includeThoughts === true) asksFor.summary = "auto"
  else if (includeThoughts === false) asksFor.summary = "none"
  else if (includeThoughts !== undefined) left.includeThoughts = includeThoughts
  if (Object.keys(asksFor).length > 0) options.reasoning = asksFor
  return some(left)
}

const some = (own: Own): Own | undefined => Object.keys(own).length > 0 ? own : undefined
