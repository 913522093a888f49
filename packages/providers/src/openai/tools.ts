/**
 * Writes the tools a model may call, and whether it has to.
 *
 * @module
 */
import {
  type FunctionTool, type JsonObject, type JsonValue, LlmError, Suggest, type Tool, type ToolChoice
} from "@plugline/core"
import { type Draft } from "./options.ts"
import { warn } from "../wire/draft.ts"
import { object, put } from "../wire/read.ts"

/** Tools of a service that are fields of the body, where it does not say otherwise. */
export const toolFields: { readonly [name: string]: string } = { web_search: "web_search_options" }

/** Tools: functions, and what the service runs itself in its own words. */
export const tools = (tools: ReadonlyArray<Tool>, draft: Draft): void => {
  const written: Array<JsonObject> = []
  const functions: Array<JsonObject> = []
  for (const tool of tools) {
    if (tool.type === "provider") provided(tool.id, tool.args ?? {}, draft, written)
    else if (isLegacy(tool, draft)) functions.push(legacy(tool, draft))
    else {
      const own = tool.options?.[draft.request.provider] ?? {}
      const entry: { [name: string]: JsonValue } = {
        type: "function",
        function: {
          name: tool.name,
          ...(tool.description !== undefined && { description: tool.description }),
          parameters: tool.parameters ?? { type: "object", properties: {} },
          ...(tool.strict !== undefined && { strict: tool.strict }),
          ...object(own.inner)
        }
      }
      for (const name of Object.keys(own)) if (name !== "inner") put(entry, name, own[name]!)
      written.push(entry)
    }
  }
  if (written.length > 0) draft.body.tools = written
  if (functions.length > 0) draft.body.functions = functions
}

/** Whether a tool was offered as a function of old, which is called by `function_call` and answered by name. */
const isLegacy = (tool: Tool, { request }: Draft): boolean =>
  tool.type !== "provider" && tool.options?.[request.provider]?.legacy === true

const legacy = ({ description, name, options, parameters }: FunctionTool, { request }: Draft): JsonObject => ({
  name,
  ...(description !== undefined && { description }),
  ...(parameters !== undefined && { parameters }),
  ...object(options?.[request.provider]?.inner)
} as JsonObject)

/** A tool of the service. One that belongs to another service would silently not be there. */
const provided = (id: string, args: JsonObject, draft: Draft, written: Array<JsonObject>): void => {
  const { provider } = draft.request
  const dot = id.indexOf(".")
  const owner = dot < 0 ? provider : id.slice(0, dot)
  const name = id.slice(dot + 1)
  if (owner !== provider || name === "") {
    throw LlmError.make({
      _tag: "Unsupported",
      message: `${provider} does not run the tool ${Suggest.quote(id)}: a provider tool is named ${provider}.name`,
      ...(owner !== provider && owner !== "" && { alternatives: [owner] })
    }, { provider })
  }
  const fields = draft.quirks.toolFields ?? toolFields
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (field !== undefined) draft.body[field] = args
  else written.push({ type: name, ...args })
}

/** Whether tools are called. */
export const toolChoice = (choice: ToolChoice, draft: Draft): void => {
  const { options, provider } = draft.request
  const names = (options.tools ?? []).flatMap((tool) => tool.type === "provider" ? [] : [tool.name])
  if (typeof choice === "object") {
    if (!names.includes(choice.tool)) {
      throw invalid(`toolChoice: ${Suggest.refusal("tool", choice.tool, names)}`, provider)
    }
    const chosen = (options.tools ?? []).find((tool) => tool.type !== "provider" && tool.name === choice.tool)!
    if (isLegacy(chosen, draft)) draft.body.function_call = { name: choice.tool }
    else draft.body.tool_choice = { type: "function", function: { name: choice.tool } }
    return
  }
  // A service refuses the word where there is nothing to choose from.
  if ((options.tools ?? []).length === 0) {
    if (choice === "required") throw invalid("toolChoice is \"required\", but there are no tools", provider)
    return
  }
  if (choice !== "required" && options.tools!.every((tool) => isLegacy(tool, draft))) {
    draft.body.function_call = choice
    return
  }
  draft.body.tool_choice = choice === "required" ? draft.quirks.toolChoiceRequired ?? choice : choice
}

/** Whether several tools may be called at once. */
export const parallelToolCalls = (allowed: boolean, draft: Draft): void => {
  if ((draft.request.options.tools ?? []).length > 0) draft.body.parallel_tool_calls = allowed
  else warn(draft, "parallelToolCalls", "parallelToolCalls means nothing without tools and was not sent")
}

const invalid = (message: string, provider: string): LlmError =>
  LlmError.make({ _tag: "InvalidRequest", parameter: "toolChoice", message }, { provider })
