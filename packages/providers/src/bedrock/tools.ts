/**
 * Writes the tools a model may call, and whether it has to.
 *
 * @module
 */
import { type JsonObject, type JsonValue, LlmError, Suggest, type Tool, type ToolChoice } from "@plugline/core"
import { changed, type Draft, merge, warn } from "../wire/draft.ts"
import { object } from "../wire/read.ts"
import { ownFields } from "./own.ts"

/** Tools: functions, and what Bedrock runs itself (`{ type: "provider", id: "bedrock.nova_grounding" }`). */
export const tools = (tools: ReadonlyArray<Tool>, to: Draft): void => {
  if (tools.length === 0) return
  const { options, provider } = to.request
  if (options.toolChoice === "none" && !hasCalls(to)) return
  const written: Array<JsonObject> = []
  for (const tool of tools) {
    if (tool.type === "provider") written.push(provided(tool.id, tool.args ?? {}, provider))
    else {
      const own = tool.options?.[provider] ?? undefined
      const spec: { [name: string]: JsonValue } = {
        name: tool.name,
        ...(tool.description !== undefined && { description: tool.description }),
        inputSchema: { json: tool.parameters ?? { type: "object", properties: {} } },
        ...(tool.strict !== undefined && { strict: tool.strict })
      }
      merge(spec, ownFields(own, toolWords))
      written.push({ toolSpec: spec })
      if (object(own?.cachePoint) !== undefined) written.push({ cachePoint: own!.cachePoint })
    }
  }
  to.body.toolConfig = { tools: written }
}

const toolWords = new Set(["cachePoint"])

/** A tool of Bedrock's. One that belongs to another service would silently not be there. */
const provided = (id: string, args: JsonObject, provider: string): JsonObject => {
  const dot = id.indexOf(".")
  const owner = dot < 0 ? provider : id.slice(0, dot)
  const name = id.slice(dot + 1)
  if (owner === provider && name !== "") {
    return name === "cachePoint" ? { cachePoint: args } : { systemTool: { name, ...args } }
  }
  throw LlmError.make({
    _tag: "Unsupported",
    message: `${provider} does not run the tool ${Suggest.quote(id)}: a provider tool is named ${provider}.name`,
    ...(owner !== provider && owner !== "" && { alternatives: [owner] })
  }, { provider })
}

/** Whether tools are called. Written after the tools. */
export const toolChoice = (choice: ToolChoice, to: Draft): void => {
  const { options, provider } = to.request
  const given = options.tools ?? []
  if (typeof choice === "object") {
    const names = given.flatMap((tool) => tool.type === "provider" ? [] : [tool.name])
    if (!names.includes(choice.tool)) {
      throw invalid(`toolChoice: ${Suggest.refusal("tool", choice.tool, names)}`, provider)
    }
    return choose({ tool: { name: choice.tool } }, to)
  }
  if (given.length === 0) {
    if (choice === "required") throw invalid("toolChoice is \"required\", but there are no tools", provider)
    return
  }
  if (choice === "auto") return choose({ auto: {} }, to)
  if (choice === "required") return choose({ any: {} }, to)
  // Converse has no word for "none": tools that are not sent cannot be called, but earlier calls need theirs.
  if (hasCalls(to)) {
    changed(to, "toolChoice", `${provider} needs the tools of earlier calls: the model may call one again`)
  }
}

const choose = (choice: JsonObject, { body }: Draft): void => {
  body.toolConfig = { ...object(body.toolConfig), toolChoice: choice } as JsonObject
}

/** Whether the conversation holds tool calls, which Bedrock takes only beside tools. */
const hasCalls = ({ request }: Draft): boolean =>
  request.messages.some(({ content, role }) =>
    role !== "system" && content.some(({ type }) => type === "tool-call" || type === "tool-result"))

/** Whether several tools may be called at once. They may, and Converse has no word against it. */
export const parallelToolCalls = (allowed: boolean, to: Draft): void => {
  if (!allowed) warn(to, "parallelToolCalls", `${to.request.provider} cannot keep a model from calling several at once`)
}

const invalid = (message: string, provider: string): LlmError =>
  LlmError.make({ _tag: "InvalidRequest", parameter: "toolChoice", message }, { provider })
