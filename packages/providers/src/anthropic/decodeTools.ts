/**
 * Reads the tools of a request, and the choice among them, as Anthropic's clients send them.
 *
 * @module
 */
import type { JsonObject, JsonValue, Tool, ToolChoice } from "@plugline/core"
import { defined, type Fields, list, object } from "../wire/read.ts"
import { invalid, ownAs, type Read } from "./field.ts"
import { toolName } from "./tools.ts"

/** The tools: functions of the caller, and tools of the service in its own words. */
export const tools: Read = (value, { options, provider }) => {
  const entries = list(value)
  if (entries === undefined) throw invalid("tools", "a list of tools", provider)
  options.tools = entries.map((entry, index) => tool(entry, `tools.${index}`, provider))
}

const tool = (value: JsonValue, path: string, provider: string): Tool => {
  const fields = object(value)
  if (fields === undefined) throw invalid(path, "a tool", provider)
  const { type, ...rest } = fields
  if (type !== undefined && type !== null && type !== "custom") {
    if (typeof type !== "string" || type === "") throw invalid(`${path}.type`, "a text", provider)
    const { name, ...args } = rest
    const given = name === undefined || name === toolName(type) ? args : rest
    return {
      type: "provider",
      id: `${provider}.${type}`,
      ...(Object.keys(given).length > 0 && { args: defined(given) })
    }
  }
  const { description, input_schema: schema, name, strict, ...more } = rest
  const parameters = object(schema)
  if (parameters === undefined) throw invalid(`${path}.input_schema`, "a JSON Schema", provider)
  if (typeof name !== "string" || name === "") throw invalid(`${path}.name`, "the name of the tool", provider)
  if (description !== undefined && description !== null && typeof description !== "string") {
    throw invalid(`${path}.description`, "a text", provider)
  }
  const own: Fields = {
    ...(type !== undefined && { type }),
    ...(strict === null && { strict }),
    ...(description === null && { description }),
    ...more
  }
  if (strict !== undefined && strict !== null && typeof strict !== "boolean") {
    throw invalid(`${path}.strict`, "true or false", provider)
  }
  return {
    name,
    ...(typeof description === "string" && { description }),
    parameters: parameters as JsonObject,
    ...(typeof strict === "boolean" && { strict }),
    ...ownAs(own, provider)
  }
}

/** The choice among them, in our words where they say all of it, else as it is. */
export const toolChoice: Read = (value, { body, options, own, provider }) => {
  const fields = object(value)
  if (fields === undefined) throw invalid("tool_choice", "an object with a type", provider)
  const { disable_parallel_tool_use: alone, name, type, ...rest } = fields
  const choice = choiceOf(type, name)
  if (type === "tool" && typeof name !== "string") throw invalid("tool_choice.name", "the name of a tool", provider)
  const isKnown = choice !== undefined && Object.keys(rest).length === 0 && (name === undefined || type === "tool")
    && (alone === undefined || (typeof alone === "boolean" && type !== "none"))
  if (typeof type !== "string") throw invalid("tool_choice.type", "one of auto, any, tool and none", provider)
  // Without tools it has no meaning of ours, and the service has its own opinion.
  if (!isKnown || (list(body.tools) ?? []).length === 0) {
    own.tool_choice = value
    return
  }
  options.toolChoice = choice
  if (typeof alone === "boolean") options.parallelToolCalls = !alone
}

const choiceOf = (type: JsonValue | undefined, name: JsonValue | undefined): ToolChoice | undefined => {
  switch (type) {
    case "auto":
    case "none":
      return type
    case "any":
      return "required"
    case "tool":
      return typeof name === "string" ? { tool: name } : undefined
    default:
      return undefined
  }
}
