/**
 * Writes the tools a model may call, and whether it has to.
 *
 * @module
 */
import { type JsonObject, type JsonValue, LlmError, Suggest, type Tool, type ToolChoice } from "@plugline/core"
import { merge, warn } from "../wire/draft.ts"
import { list, object, text } from "../wire/read.ts"
import type { Draft } from "./quirks.ts"

/** Tools: functions, and everything else (`openai.web_search`, `openai.custom`, …) in the service's own words. */
export const tools = (tools: ReadonlyArray<Tool>, draft: Draft): void => {
  const { provider } = draft.request
  const written: Array<JsonObject> = []
  for (const tool of tools) {
    if (tool.type === "provider") {
      written.push({ type: toolType(tool.id, provider), ...tool.args })
      continue
    }
    const entry: { [name: string]: JsonValue } = {
      type: "function",
      name: tool.name,
      ...(tool.description !== undefined && { description: tool.description }),
      parameters: tool.parameters ?? { type: "object", properties: {} },
      ...(tool.strict !== undefined && { strict: tool.strict })
    }
    const own = tool.options?.[provider]
    if (own !== undefined && own !== null) merge(entry, own)
    written.push(entry)
  }
  if (written.length > 0) draft.body.tools = written
}

/** A tool of the service. One that belongs to another service would silently not be there. */
const toolType = (id: string, provider: string): string => {
  const dot = id.indexOf(".")
  const owner = dot < 0 ? provider : id.slice(0, dot)
  const name = id.slice(dot + 1)
  if (owner === provider && name !== "") return name
  throw LlmError.make({
    _tag: "Unsupported",
    message: `${provider} does not run the tool ${Suggest.quote(id)}: a provider tool is named ${provider}.name`,
    ...(owner !== provider && owner !== "" && { alternatives: [owner] })
  }, { provider })
}

/** What can be chosen, by name: the choice in the service's words. */
export const choices = (tools: ReadonlyArray<Tool>): ReadonlyMap<string, JsonObject> => {
  const out = new Map<string, JsonObject>()
  for (const tool of tools) {
    if (tool.type !== "provider") out.set(tool.name, { type: "function", name: tool.name })
    else {
      const type = tool.id.slice(tool.id.indexOf(".") + 1)
      const name = text(tool.args?.name)
      if (type === "custom" && name !== undefined) out.set(name, { type, name })
      else if (type === "namespace") {
        for (const inner of list(tool.args?.tools) ?? []) {
          const called = text(object(inner)?.name)
          if (called !== undefined) out.set(called, { type: "function", name: called })
        }
      } else if (!out.has(type)) out.set(type, { type })
    }
  }
  return out
}

/** Whether tools are called. */
export const toolChoice = (choice: ToolChoice, draft: Draft): void => {
  const { options, provider } = draft.request
  const given = options.tools ?? []
  if (typeof choice === "object") {
    const known = choices(given)
    const written = known.get(choice.tool)
    if (written === undefined) {
      throw invalid(`toolChoice: ${Suggest.refusal("tool", choice.tool, [...known.keys()])}`, provider)
    }
    draft.body.tool_choice = written
    return
  }
  // A service refuses the word where there is nothing to choose from.
  if (given.length === 0 && choice === "required" && !isPrompted(draft)) {
    throw invalid("toolChoice is \"required\", but there are no tools", provider)
  }
  if (given.length > 0 || choice === "required") draft.body.tool_choice = choice
}

/** A prompt that the service keeps may hold tools of its own. */
const isPrompted = ({ request }: Draft): boolean => {
  const own = request.options.providerOptions?.[request.provider]
  return object(own?.prompt) !== undefined || own?.tools !== undefined
}

/** Whether several tools may be called at once. */
export const parallelToolCalls = (allowed: boolean, draft: Draft): void => {
  if ((draft.request.options.tools ?? []).length > 0) draft.body.parallel_tool_calls = allowed
  else warn(draft, "parallelToolCalls", "parallelToolCalls means nothing without tools and was not sent")
}

const invalid = (message: string, provider: string): LlmError =>
  LlmError.make({ _tag: "InvalidRequest", parameter: "toolChoice", message }, { provider })
