/**
 * Writes the tools a model may call, and whether it has to.
 *
 * @module
 */
import { type JsonObject, type JsonValue, LlmError, Suggest, type Tool, type ToolChoice } from "@plugline/core"
import { merge, warn } from "../wire/draft.ts"
import type { Draft } from "./options.ts"

/** Tools: functions, and what Google runs itself, such as `google.googleSearch`, with its settings as `args`. */
export const tools = (tools: ReadonlyArray<Tool>, to: Draft): void => {
  const written: Array<JsonObject> = []
  let functions: Array<JsonObject> | undefined
  for (const tool of tools) {
    if (tool.type === "provider") {
      functions = undefined
      written.push({ [nameOf(tool.id, to)]: tool.args ?? {} })
      continue
    }
    const own = tool.options?.[to.request.provider] ?? undefined
    const entry: { [name: string]: JsonValue } = { name: tool.name }
    if (tool.description !== undefined) entry.description = tool.description
    if (tool.parameters !== undefined && own?.parameters === undefined) entry.parametersJsonSchema = tool.parameters
    if (own !== undefined) merge(entry, own)
    if (functions === undefined) written.push({ functionDeclarations: functions = [] })
    functions.push(entry)
  }
  if (written.length > 0) to.body.tools = written
  // Strictness is asked for once, for all functions. A choice says so itself.
  if (names(to).length > 0 && (to.request.options.toolChoice ?? "auto") === "auto") {
    const mode = tools.some((tool) => tool.type !== "provider" && tool.strict === true)
      ? "VALIDATED"
      : to.request.options.toolChoice === "auto" ? "AUTO" : undefined
    if (mode !== undefined) to.body.toolConfig = { functionCallingConfig: { mode } }
  }
}

/** The name of a tool that Google runs. One that belongs to another service would silently not be there. */
const nameOf = (id: string, { request: { provider } }: Draft): string => {
  const dot = id.indexOf(".")
  const owner = dot < 0 ? provider : id.slice(0, dot)
  const name = camel(id.slice(dot + 1))
  if ((owner === provider || owner === "google" || owner === "vertex") && name !== "") return name
  throw LlmError.make({
    _tag: "Unsupported",
    message: `${provider} does not run the tool ${Suggest.quote(id)}: a provider tool is named ${provider}.name`,
    ...(owner !== provider && owner !== "" && { alternatives: [owner] })
  }, { provider })
}

/** `googleSearch` of `google_search`: both spellings are in use. */
export const camel = (name: string): string =>
  name.includes("_") ? name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()) : name

const names = ({ request: { options } }: Draft): ReadonlyArray<string> =>
  (options.tools ?? []).flatMap((tool) => tool.type === "provider" ? [] : [tool.name])

/** Whether functions are called. What Google runs itself cannot be chosen. */
export const toolChoice = (choice: ToolChoice, to: Draft): void => {
  const known = names(to)
  const { provider } = to.request
  if (typeof choice === "object") {
    if (!known.includes(choice.tool)) {
      throw invalid(`toolChoice: ${Suggest.refusal("tool", choice.tool, known)}`, provider)
    }
    to.body.toolConfig = { functionCallingConfig: { mode: "ANY", allowedFunctionNames: [choice.tool] } }
    return
  }
  if (known.length === 0) {
    if (choice === "required") throw invalid("toolChoice is \"required\", but there are no functions to call", provider)
    return
  }
  if (choice === "auto") return
  to.body.toolConfig = { functionCallingConfig: { mode: choice === "required" ? "ANY" : "NONE" } }
}

/** The model calls several functions at once whenever it likes. */
export const parallelToolCalls = (allowed: boolean, to: Draft): void => {
  const { provider } = to.request
  if (!allowed) warn(to, "parallelToolCalls", `${provider} cannot be kept from calling several tools at once`)
}

const invalid = (message: string, provider: string): LlmError =>
  LlmError.make({ _tag: "InvalidRequest", parameter: "toolChoice", message }, { provider })
