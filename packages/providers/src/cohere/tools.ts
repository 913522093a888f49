/**
 * Writes the tools a model may call, and whether it has to.
 *
 * Cohere forces a call, but not one of a certain tool: asked for that, it is offered no other. It holds all calls to
 * their schemas or none (`strict_tools`).
 *
 * @module
 */
import {
  type FunctionTool, type JsonObject, type JsonValue, LlmError, Suggest, type Tool, type ToolChoice
} from "@plugline/core"
import { changed, type Draft, merge } from "../wire/draft.ts"

/** Tools: functions, and whatever newer versions of the service know, in its own words. */
export const tools = (tools: ReadonlyArray<Tool>, to: Draft): void => {
  const { provider } = to.request
  const functions: Array<FunctionTool> = []
  const written = chosen(tools, to).map((tool): JsonObject => {
    if (tool.type === "provider") return { type: ownTool(tool.id, provider), ...tool.args }
    functions.push(tool)
    const entry: { [name: string]: JsonValue } = {
      type: "function",
      function: {
        name: tool.name,
        ...(tool.description !== undefined && { description: tool.description }),
        parameters: tool.parameters ?? { type: "object", properties: {} }
      }
    }
    const own = tool.options?.[provider]
    if (own !== undefined && own !== null) merge(entry, own)
    return entry
  })
  if (written.length > 0) to.body.tools = written
  if (functions.some(({ strict }) => strict === true)) {
    to.body.strict_tools = true
    if (functions.some(({ strict }) => strict !== true)) {
      changed(to, "tools", `${provider} holds all calls to their schemas or none: all were asked for`)
    }
  }
}

/** The tools to offer: the one that has to be called, where one is named. */
export const chosen = (tools: ReadonlyArray<Tool>, to: Draft): ReadonlyArray<Tool> => {
  const { options: { toolChoice }, provider } = to.request
  if (typeof toolChoice !== "object") return tools
  const offered = tools.filter((tool) => tool.type !== "provider" && tool.name === toolChoice.tool)
  if (offered.length < tools.length && offered.length > 0) {
    changed(to, "toolChoice", `${provider} forces no certain tool: ${Suggest.quote(toolChoice.tool)} alone was offered`)
  }
  return offered
}

/** Whether tools are called. */
export const toolChoice = (choice: ToolChoice, to: Draft): void => {
  const { options, provider } = to.request
  const names = (options.tools ?? []).flatMap((tool) => tool.type === "provider" ? [] : [tool.name])
  if (typeof choice === "object") {
    if (!names.includes(choice.tool)) {
      throw invalid(`toolChoice: ${Suggest.refusal("tool", choice.tool, names)}`, provider)
    }
    to.body.tool_choice = "REQUIRED"
  } else if ((options.tools ?? []).length === 0) {
    // A service refuses the word where there is nothing to choose from.
    if (choice === "required") throw invalid("toolChoice is \"required\", but there are no tools", provider)
  } else if (choice !== "auto") to.body.tool_choice = choice === "required" ? "REQUIRED" : "NONE"
}

/** The name of a tool that the service runs. One that belongs to another service would silently not be there. */
export const ownTool = (id: string, provider: string): string => {
  const dot = id.indexOf(".")
  const name = id.slice(dot + 1)
  if ((dot < 0 || id.slice(0, dot) === provider) && name !== "") return name
  throw LlmError.make({
    _tag: "Unsupported",
    message: `${provider} does not run the tool ${Suggest.quote(id)}: a provider tool is named ${provider}.name`
  }, { provider })
}

const invalid = (message: string, provider: string): LlmError =>
  LlmError.make({ _tag: "InvalidRequest", parameter: "toolChoice", message }, { provider })

/** A call cannot be forced where the first interface answers the results of tools. */
export const unforced = ({ request: { provider } }: Draft): LlmError =>
  LlmError.make({
    _tag: "Unsupported",
    message: `${provider} forces no call in its answer to the results of tools over its first interface`
  }, { provider })
