/**
 * Writes the tools a model may call, and whether it has to.
 *
 * @module
 */
import {
  type JsonObject, type JsonValue, LlmError, type ProviderTool, Suggest, type Tool, type ToolChoice
} from "@plugline/core"
import { merge, warn } from "../wire/draft.ts"
import { list, text } from "../wire/read.ts"
import { type Draft, ownOf } from "./draft.ts"

/** Tools: functions of the caller, and tools of the service in its own words. */
export const tools = (tools: ReadonlyArray<Tool>, to: Draft): void => {
  if (tools.length === 0) return
  to.body.tools = tools.map((tool) => {
    if (tool.type === "provider") return provided(tool, to)
    const entry: { [name: string]: JsonValue } = {
      name: tool.name,
      ...(tool.description !== undefined && { description: tool.description }),
      input_schema: schema(tool.parameters),
      ...(tool.strict !== undefined && { strict: tool.strict })
    }
    const own = ownOf(tool.options, to)
    if (own !== undefined) merge(entry, own)
    return entry
  })
}

/** The API wants to be told that arguments are an object. */
const schema = (parameters: JsonObject | undefined): JsonObject =>
  parameters === undefined
    ? { type: "object", properties: {} }
    : parameters.type === undefined ? { type: "object", ...parameters } : parameters

/** A tool of the service: `anthropic.web_search`, or with its version, `anthropic.web_search_20250305`. */
const provided = ({ args, id }: ProviderTool, to: Draft): JsonObject => {
  const { provider } = to.request
  const dot = id.indexOf(".")
  const owner = dot < 0 ? provider : id.slice(0, dot)
  const word = id.slice(dot + 1)
  // Whoever carries Anthropic's wire runs Anthropic's tools.
  if ((owner !== provider && owner !== "anthropic") || word === "") {
    throw LlmError.make({
      _tag: "Unsupported",
      message: `${provider} does not run the tool ${Suggest.quote(id)}: a provider tool is named ${provider}.name`,
      ...(owner !== provider && owner !== "" && { alternatives: [owner] })
    }, { provider })
  }
  const type = Object.hasOwn(versions, word) ? versions[word]! : word
  const beta = betas[type]
  if (beta !== undefined) to.betas.push(beta)
  const name = toolName(type)
  return { type, ...(name !== undefined && { name }), ...args }
}

/** The version of a tool that is meant where the caller names none: the first that every model with the tool knows. */
const versions: { readonly [name: string]: string } = {
  bash: "bash_20250124",
  code_execution: "code_execution_20250825",
  computer: "computer_20250124",
  memory: "memory_20250818",
  text_editor: "text_editor_20250728",
  tool_search_tool_bm25: "tool_search_tool_bm25_20251119",
  tool_search_tool_regex: "tool_search_tool_regex_20251119",
  web_fetch: "web_fetch_20250910",
  web_search: "web_search_20250305"
}

/** Tools that are behind a beta feature. */
const betas: { readonly [type: string]: string } = {
  advisor_20260301: "advisor-tool-2026-03-01",
  bash_20241022: "computer-use-2024-10-22",
  computer_20241022: "computer-use-2024-10-22",
  computer_20250124: "computer-use-2025-01-24",
  computer_20251124: "computer-use-2025-11-24",
  text_editor_20241022: "computer-use-2024-10-22"
}

/** The name that a tool of the service must have, told from its type; `undefined` where the type tells none. */
export const toolName = (type: string): string | undefined => {
  const family = /^(\w+?)_(\d{8})$/.exec(type)
  if (family === null) return undefined
  const [, name, day] = family
  if (name === "text_editor") return day! < "20250429" ? "str_replace_editor" : "str_replace_based_edit_tool"
  return Object.hasOwn(versions, name!) || name === "advisor" ? name : undefined
}

/** Whether tools are called. */
export const toolChoice = (choice: ToolChoice, to: Draft): void => {
  const { provider } = to.request
  const names = toolNames(to)
  if (typeof choice === "object") {
    if (names !== undefined && !names.includes(choice.tool)) {
      throw invalid(`toolChoice: ${Suggest.refusal("tool", choice.tool, names)}`, provider)
    }
    to.body.tool_choice = { type: "tool", name: choice.tool }
    return
  }
  // The API refuses the word where there is nothing to choose from.
  if (names?.length === 0) {
    if (choice === "required") throw invalid("toolChoice is \"required\", but there are no tools", provider)
    return
  }
  to.body.tool_choice = { type: choice === "required" ? "any" : choice }
}

/** Whether several tools may be called at once: a field of the choice. */
export const parallelToolCalls = (allowed: boolean, to: Draft): void => {
  const { body, request: { options } } = to
  if (toolNames(to)?.length === 0 || options.toolChoice === "none") {
    warn(to, "parallelToolCalls", "parallelToolCalls means nothing where no tool can be called and was not sent")
    return
  }
  const choice = body.tool_choice as JsonObject | undefined ?? { type: "auto" }
  body.tool_choice = { ...choice, disable_parallel_tool_use: !allowed }
}

/** The names of all tools; `undefined` where only the service knows them. */
const toolNames = ({ body, request: { options, provider } }: Draft): ReadonlyArray<string> | undefined => {
  const own = options.providerOptions?.[provider]
  const offered = [...list(body.tools) ?? [], ...list(own?.tools) ?? []] as ReadonlyArray<JsonObject>
  if (own?.mcp_servers !== undefined || offered.some(({ name }) => text(name) === undefined)) return undefined
  return offered.map(({ name }) => name as string)
}

const invalid = (message: string, provider: string): LlmError =>
  LlmError.make({ _tag: "InvalidRequest", parameter: "toolChoice", message }, { provider })
