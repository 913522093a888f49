/**
 * Writes the tools a model may call. Ollama has no word for whether it has to: `none` offers no tools, and what would
 * force a call is refused.
 *
 * @module
 */
import { type JsonObject, type JsonValue, LlmError, Suggest, type Tool, type ToolChoice } from "@plugline/core"
import { type Draft, merge, refuse, warn } from "../wire/draft.ts"

/** Tools: functions, and what newer versions may run themselves in their own words. */
export const tools = (tools: ReadonlyArray<Tool>, to: Draft): void => {
  const { provider } = to.request
  const written: Array<JsonObject> = []
  let strict = false
  for (const tool of tools) {
    if (tool.type === "provider") {
      const dot = tool.id.indexOf(".")
      const name = tool.id.slice(dot + 1)
      if ((dot >= 0 && tool.id.slice(0, dot) !== provider) || name === "") {
        const message = `${provider} does not run the tool ${Suggest.quote(tool.id)}: name it ${provider}.name`
        throw LlmError.make({ _tag: "Unsupported", message }, { provider })
      }
      written.push({ type: name, ...tool.args })
      continue
    }
    if (tool.strict === true) strict = true
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
    written.push(entry)
  }
  if (strict) warn(to, "tools", `${provider} holds no call to its schema: strict was not sent`)
  if (written.length > 0) to.body.tools = written
}

/** Whether tools are called. Tools that may not be called are not offered. */
export const toolChoice = (choice: ToolChoice, to: Draft): void => {
  if (choice === "auto") return
  if (choice === "none") delete to.body.tools
  else refuse("toolChoice", to, `${to.request.provider} cannot be made to call a tool: toolChoice is auto or none`)
}
