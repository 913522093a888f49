/**
 * Writes the tools a model may call, and whether it has to.
 *
 * @module
 */
import { type JsonObject, type JsonValue, LlmError, Suggest, type Tool, type ToolChoice } from "@plugline/core"
import { type Draft, merge, warn } from "./options.ts"

const toolFields: { readonly [name: string]: string } = { web_search: "web_search_options" }

/** Tools: functions, and what the service runs itself in its own words. */
export const tools = (tools: ReadonlyArray<Tool>, draft: Draft): void => {
  const written: Array<JsonObject> = []
  for (const tool of tools) {
    if (tool.type === "provider") provided(tool.id, tool.args ?? {}, draft, written)
    else {
      const entry: { [name: string]: JsonValue } = {
        type: "function",
        function: {
          name: tool.name,
          ...(tool.description !== undefined && { description: tool.description }),
          parameters: tool.parameters ?? { type: "object", properties: {} },
          ...(tool.strict !== undefined && { strict: tool.strict })
        }
      }
      const own = tool.options?.[draft.request.provider]
      if (own !== undefined && own !== null) merge(entry, own)
      written.push(entry)
    }
  }
  if (written.length > 0) draft.body.tools = written
}

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
    draft.body.tool_choice = { type: "function", function: { name: choice.tool } }
    return
  }
  // A service refuses the word where there is nothing to choose from.
  if ((options.tools ?? []).length === 0) {
    if (choice === "required") throw invalid("toolChoice is \"required\", but there are no tools", provider)
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
