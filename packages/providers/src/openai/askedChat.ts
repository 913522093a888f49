/**
 * Reads the body of a chat as a client of this wire sent it. What the way back writes differently, and means the same:
 *
 * - `max_tokens` and `max_completion_tokens` get the name that the service prefers;
 * - a content list of one plain text becomes that text, and of a tool's answer also one of several;
 * - arguments of tool calls are written without spaces; `null` and empty lists are left out, as are defaults that a
 *   client need not send (`stream: false`, `tool_choice` without tools, `response_format: {type: "text"}`);
 * - a stream is always asked for its usage.
 *
 * @module
 */
import type { FunctionTool, JsonObject, JsonValue, ResponseFormat, Tool, ToolChoice } from "@plugline/core"
import type { Asked, Wire } from "../Wire.ts"
import {
  apart, asked, deployment, fits, isGiven, malformed, maxTokens, option, ownOptions, read, type Reader, type Readers,
  type Sent, streamed
} from "./asked.ts"
import { messages } from "./askedMessages.ts"
import { metadataIsSent, type Quirks } from "./quirks.ts"
import { askedReasoning } from "./thinking.ts"
import { toolFields } from "./tools.ts"
import { type Fields, list, object, put } from "../wire/read.ts"

/** Reads a chat for a service with quirks. */
export const chat = (quirks: Quirks): NonNullable<Wire["decode"]> => ({ body, url }, provider): Asked => {
  const to = read(body, readersOf(quirks), quirks, provider)
  deployment(url, to)
  tools(to)
  askedReasoning(to)
  labels(to)
  const operation = streamed(to) ? "stream" : "chat"
  return asked(operation, messages(to.body.messages, to), to)
}

// --- tools -----------------------------------------------------------------------------------------------------------

/** Functions, the functions of old, and what the service runs itself. */
const tools = (to: Sent): void => {
  const { body, provider, quirks } = to
  const out: Array<Tool> = []
  const { functions, tools } = body
  if (isGiven(tools)) {
    const items = list(tools)
    if (items === undefined) throw malformed("tools", "a list", tools)
    items.forEach((item, index) => out.push(tool(item, `tools[${index}]`, to)))
  }
  if (isGiven(functions)) {
    const items = list(functions)
    if (items === undefined) throw malformed("functions", "a list", functions)
    items.forEach((item, index) => out.push(described(item, `functions[${index}]`, to, { legacy: true })))
  }
  const fields = quirks.toolFields ?? toolFields
  for (const name of Object.keys(fields)) {
    const args = object(body[fields[name]!])
    if (args === undefined) continue
    delete to.own[fields[name]!]
    out.push({ type: "provider", id: `${provider}.${name}`, args: args as JsonObject })
  }
  if (out.length > 0 || list(tools) !== undefined) to.options.tools = out
}

const tool = (value: JsonValue, path: string, to: Sent): Tool => {
  const fields = object(value)
  if (fields === undefined) throw malformed(path, "a tool", value)
  const { function: given, type, ...rest } = fields
  if (type === "function" || !isGiven(type)) return described(given, `${path}.function`, to, rest)
  if (typeof type !== "string" || type === "") throw malformed(`${path}.type`, "a text", type)
  if (Object.hasOwn(to.quirks.toolFields ?? toolFields, type)) {
    throw malformed(`${path}.type`, `"function" or "custom": ${type} is asked for with a field of its own`, type)
  }
  const args = { ...rest, ...(given !== undefined && { function: given }) } as JsonObject
  return { type: "provider", id: `${to.provider}.${type}`, ...(Object.keys(args).length > 0 && { args }) }
}

const described = (value: JsonValue | undefined, path: string, to: Sent, own: Fields): FunctionTool => {
  const fields = object(value)
  if (fields === undefined) throw malformed(path, "an object", value)
  const { description, name, parameters, strict, ...inner } = fields
  if (typeof name !== "string" || name === "") throw malformed(`${path}.name`, "a text", name)
  const schema = object(parameters)
  if (schema === undefined && isGiven(parameters)) {
    throw malformed(`${path}.parameters`, "a JSON Schema", parameters)
  }
  return {
    name,
    ...(typeof description === "string" && { description }),
    ...(schema !== undefined && { parameters: schema as JsonObject }),
    ...(typeof strict === "boolean" && { strict }),
    ...ownOptions(to.provider, { ...(Object.keys(inner).length > 0 && { inner: inner as JsonValue }), ...own })
  }
}

const toolChoice: Reader = (value, to, field) => {
  const choice = chosen(value, to)
  if (choice === undefined) put(to.own, field, value)
  else to.options.toolChoice = choice
}

const chosen = (value: JsonValue, { quirks }: Sent): ToolChoice | undefined => {
  if (value === "auto" || value === "none" || value === "required") return value
  if (typeof value === "string") return value === quirks.toolChoiceRequired ? "required" : undefined
  const choice = object(value)
  const { name, ...more } = object(choice?.function) ?? {}
  const plain = choice?.type === "function" && Object.keys(choice).length === 2 && Object.keys(more).length === 0
  return plain && typeof name === "string" ? { tool: name } : undefined
}

/** The choice among functions of old. */
const functionCall: Reader = (value, to, field) => {
  const name = object(value)?.name
  if (value === "auto" || value === "none") to.options.toolChoice = value
  else if (typeof name === "string") to.options.toolChoice = { tool: name }
  else throw malformed(field, "\"auto\", \"none\" or { name }", value)
}

// --- other fields ----------------------------------------------------------------------------------------------------

const responseFormat: Reader = (value, to, field) => {
  const fields = object(value)
  if (fields === undefined || typeof fields.type !== "string") {
    throw malformed(`${field}.type`, "a text", fields?.type ?? value)
  }
  const { type, ...rest } = fields
  const format = formOf(type, rest, field)
  if (format !== undefined) to.options.responseFormat = format.is
  if (format === undefined || !format.whole) put(to.own, field, value)
}

/** The form of an answer in our words, and whether they say everything. */
interface Form {
  readonly is: ResponseFormat
  readonly whole: boolean
}

const formOf = (type: string, rest: Fields, field: string): Form | undefined => {
  const nothingElse = Object.keys(rest).length === 0
  switch (type) {
    case "text":
      return { is: { type: "text" }, whole: nothingElse }
    case "json_object": {
      const schema = object(rest.schema)
      const is: ResponseFormat = { type: "json", ...(schema !== undefined && { schema: schema as JsonObject }) }
      return { is, whole: nothingElse }
    }
    case "json_schema": {
      const { json_schema: given, ...besides } = rest
      const { description, name, schema, strict, ...more } = object(given) ?? {}
      if (object(given) === undefined) throw malformed(`${field}.json_schema`, "an object", given)
      if (isGiven(schema) && object(schema) === undefined) {
        throw malformed(`${field}.json_schema.schema`, "a JSON Schema", schema)
      }
      return {
        is: {
          type: "json",
          ...(typeof name === "string" && { name }),
          ...(typeof description === "string" && { description }),
          ...(object(schema) !== undefined && { schema: schema as JsonObject }),
          ...(typeof strict === "boolean" && { strict })
        },
        whole: object(schema) !== undefined && typeof name === "string"
          && Object.keys(besides).length + Object.keys(more).length === 0
      }
    }
    default:
      return undefined
  }
}

const logprobs: Reader = (value, to, field) => {
  if (to.quirks.logprobs === "count") return option("logprobs", "number")(value, to, field)
  if (typeof value !== "boolean") throw malformed(field, "true or false", value)
  const { top_logprobs: top } = to.body
  to.options.logprobs = value && typeof top === "number" && top > 0 && fits("logprobs", top) ? top : value
}

/** How many alternatives; alone it means nothing that has a word here. */
const topLogprobs: Reader = (value, to, field) => {
  if (to.body.logprobs !== true || typeof value !== "number" || !fits("logprobs", value)) put(to.own, field, value)
}

/** Labels feed plugs, and are the service's own too where our way back would not send them. */
const labels = (to: Sent): void => {
  const { metadata } = to.body
  if (!isGiven(metadata)) return
  const fit = fits("metadata", metadata)
  if (fit) Object.assign(to.options, { metadata })
  if (!fit || !metadataIsSent(to.quirks, to.provider, to.own.store === true)) put(to.own, "metadata", metadata)
}

/** The service's own word for an option is as good as the usual. */
const readersOf = ({ seedField }: Quirks): Readers =>
  seedField === undefined ? readers : { ...readers, [seedField]: readers.seed! }

const readers: Readers = {
  messages: apart,
  stream: apart,
  stream_options: apart,
  tools: apart,
  functions: apart,
  metadata: apart,
  reasoning_effort: apart,
  reasoning: apart,
  model: option("model", "string"),
  temperature: option("temperature", "number"),
  max_tokens: maxTokens,
  max_completion_tokens: maxTokens,
  top_p: option("topP", "number"),
  top_k: option("topK", "number"),
  frequency_penalty: option("frequencyPenalty", "number"),
  presence_penalty: option("presencePenalty", "number"),
  stop: option("stop", "object"),
  seed: option("seed", "number"),
  tool_choice: toolChoice,
  function_call: functionCall,
  parallel_tool_calls: option("parallelToolCalls", "boolean"),
  response_format: responseFormat,
  n: option("n", "number"),
  logprobs,
  top_logprobs: topLogprobs,
  logit_bias: option("logitBias", "object"),
  user: option("user", "string"),
  service_tier: option("serviceTier", "string")
}
