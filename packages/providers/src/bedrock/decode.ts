/**
 * Reads a request as clients of Converse send it: the way back of `prepare`. What has no word here is kept under
 * `providerOptions`, or in the `options` of its message or part, so that `prepare` writes it as it was.
 *
 * @module
 */
import {
  Json, type JsonObject, type JsonValue, type Options, type ProviderRequest, type Reasoning, type ResponseFormat,
  type Tool, type ToolChoice
} from "@plugline/core"
import { thinkingOf } from "../anthropic/generation.ts"
import type { Asked } from "../Wire.ts"
import { object, put, text } from "../wire/read.ts"
import { type Reading, readMessages, readSystem } from "./decodeMessages.ts"
import { familyOf, nameOf, read } from "./model.ts"
import { fieldsAt, itemsAt, numberAt, textAt } from "./path.ts"

export type { Asked } from "../Wire.ts"

type Writable<A> = { -readonly [Field in keyof A]: A[Field] }
type Own = { [name: string]: JsonValue }

/** The request of a body. The model and whether a stream is wanted stand in the address. */
export const decode = ({ body, url }: Pick<ProviderRequest, "url" | "body">, provider: string): Asked => {
  const at = read(url)
  const sent = fieldsAt(body, "body", provider)
  const own: Own = {}
  const options: Writable<Options> = {}
  const reading: Reading = { provider, names: new Map() }
  if (at !== undefined) options.model = at.model
  const rules = sent.system ?? []
  const messages = [
    ...readSystem(itemsAt(rules, "system", provider), reading),
    ...readMessages(itemsAt(sent.messages, "messages", provider), reading)
  ]
  for (const name of Object.keys(sent)) {
    const value = sent[name]
    if (value === undefined || value === null || name === "messages" || name === "system") continue
    const reader = Object.hasOwn(readers, name) ? readers[name] : undefined
    if (reader === undefined) put(own, name, value)
    else reader(value, { options, own, provider, model: at?.model ?? "" })
  }
  if (Object.keys(own).length > 0) options.providerOptions = { [provider]: own }
  return { operation: at?.action === "converse-stream" ? "stream" : "chat", messages, options }
}

interface Into {
  readonly options: Writable<Options>
  readonly own: Own
  readonly provider: string
  readonly model: string
}

const inferenceConfig = (value: JsonValue, { options, own, provider }: Into): void => {
  const rest: Own = {}
  const config = fieldsAt(value, "inferenceConfig", provider)
  for (const name of Object.keys(config)) {
    const field = config[name]
    if (field === undefined || field === null) continue
    const path = `inferenceConfig.${name}`
    if (name === "maxTokens" || name === "temperature" || name === "topP") {
      options[name] = numberAt(field, path, provider)
    } else if (name === "stopSequences") {
      options.stop = itemsAt(field, path, provider).map((item, index) => textAt(item, `${path}[${index}]`, provider))
    } else put(rest, name, field)
  }
  if (Object.keys(rest).length > 0) own.inferenceConfig = rest
}

const toolConfig = (value: JsonValue, { options, own, provider }: Into): void => {
  const { toolChoice, tools, ...rest } = fieldsAt(value, "toolConfig", provider)
  const read: Array<Tool> = []
  let known = Object.keys(rest).length === 0
  itemsAt(tools ?? [], "toolConfig.tools", provider).forEach((item, index) => {
    const path = `toolConfig.tools[${index}]`
    const entry = fieldsAt(item, path, provider)
    const last = read.at(-1)
    if (entry.toolSpec !== undefined) read.push(toolSpec(entry.toolSpec, `${path}.toolSpec`, provider))
    else if (entry.systemTool !== undefined) {
      const { name, ...args } = fieldsAt(entry.systemTool, `${path}.systemTool`, provider)
      const id = `${provider}.${textAt(name, `${path}.systemTool.name`, provider)}`
      read.push({ type: "provider", id, ...(Object.keys(args).length > 0 && { args: args as JsonObject }) })
    } else if (entry.cachePoint !== undefined) {
      const point = fieldsAt(entry.cachePoint, `${path}.cachePoint`, provider) as JsonObject
      const before = last === undefined || last.type === "provider" ? undefined : last
      if (before === undefined || before.options?.[provider]?.cachePoint !== undefined) {
        read.push({ type: "provider", id: `${provider}.cachePoint`, args: point })
      } else {
        const options = { [provider]: { ...before.options?.[provider], cachePoint: point } }
        read[read.length - 1] = { ...before, options }
      }
    } else known = false
  })
  if (read.length > 0) options.tools = read
  if (toolChoice !== undefined && toolChoice !== null) {
    const choice = choiceOf(toolChoice, provider)
    if (choice === undefined) known = false
    else options.toolChoice = choice
  }
  if (!known) own.toolConfig = value
}

const toolSpec = (value: JsonValue, path: string, provider: string): Tool => {
  const { description, inputSchema, name, strict, ...rest } = fieldsAt(value, path, provider)
  const { json } = fieldsAt(inputSchema, `${path}.inputSchema`, provider)
  const schema = fieldsAt(json, `${path}.inputSchema.json`, provider)
  return {
    name: textAt(name, `${path}.name`, provider),
    ...(typeof description === "string" && { description }),
    parameters: schema as JsonObject,
    ...(typeof strict === "boolean" && { strict }),
    ...(Object.keys(rest).length > 0 && { options: { [provider]: rest as JsonObject } })
  }
}

const choiceOf = (value: JsonValue, provider: string): ToolChoice | undefined => {
  const choice = fieldsAt(value, "toolConfig.toolChoice", provider)
  if (choice.auto !== undefined) return "auto"
  if (choice.any !== undefined) return "required"
  if (choice.tool === undefined) return undefined
  const path = "toolConfig.toolChoice.tool"
  return { tool: textAt(fieldsAt(choice.tool, path, provider).name, `${path}.name`, provider) }
}

const outputConfig = (value: JsonValue, { options, own, provider }: Into): void => {
  const config = fieldsAt(value, "outputConfig", provider)
  const format = object(config.textFormat)
  const { description, name, schema, ...more } = object(object(format?.structure)?.jsonSchema) ?? {}
  const read = typeof schema === "string" ? parsed(schema) : undefined
  const known = Object.keys(config).length === 1 && Object.keys(more).length === 0
  if (format?.type !== "json_schema" || read === undefined || !known) {
    own.outputConfig = value
    return
  }
  const written: ResponseFormat = {
    type: "json",
    schema: read,
    ...(typeof name === "string" && { name }),
    ...(typeof description === "string" && { description })
  }
  options.responseFormat = written
}

const parsed = (source: string): JsonObject | undefined => {
  try {
    const value = Json.parse(source)
    return Json.isRecord(value) ? value as JsonObject : undefined
  } catch {
    return undefined
  }
}

const serviceTier = (value: JsonValue, { options, own }: Into): void => {
  const tier = object(value)
  const type = text(tier?.type)
  if (type !== undefined && Object.keys(tier!).length === 1) options.serviceTier = type
  else own.serviceTier = value
}

const requestMetadata = (value: JsonValue, { options, own, provider }: Into): void => {
  const labels = fieldsAt(value, "requestMetadata", provider)
  if (Object.values(labels).every((label) => typeof label === "string")) {
    options.metadata = labels as { readonly [label: string]: string }
  } else own.requestMetadata = value
}

/** What the models of a maker understand has words here where it is how much they think and how they draw. */
const additional = (value: JsonValue, { model, options, own, provider }: Into): void => {
  const fields = { ...fieldsAt(value, "additionalModelRequestFields", provider) }
  const family = familyOf(model)
  const reasoning = reasoningOf(fields, family, model)
  if (reasoning !== undefined) {
    options.reasoning = reasoning.asked
    for (const name of reasoning.from) delete fields[name]
  }
  const draws = family === "anthropic" || family === "mistral" ? "top_k" : family === "cohere" ? "k" : undefined
  const topK = draws === undefined ? undefined : fields[draws]
  if (draws !== undefined && typeof topK === "number" && Number.isSafeInteger(topK) && topK >= 1) {
    options.topK = topK
    delete fields[draws]
  }
  if (Object.keys(fields).length > 0) own.additionalModelRequestFields = fields as JsonObject
}

const reasoningOf = (
  { output_config, reasoning_effort, reasoningConfig, thinking }: { readonly [name: string]: JsonValue | undefined },
  family: string | undefined,
  model: string
): { readonly asked: Reasoning; readonly from: ReadonlyArray<string> } | undefined => {
  if (family === "anthropic") {
    const { budget_tokens: budget, type } = object(thinking) ?? {}
    const effort = text(object(output_config)?.effort)
    const kind = thinkingOf(nameOf(model))
    if (kind === "none") return undefined
    if (Json.equals(thinking, { type: "disabled" }) && output_config === undefined) {
      return { asked: { effort: "none" }, from: ["thinking"] }
    }
    if (kind === "adaptive" && effort !== undefined && Json.equals(output_config, { effort }) && effort !== "none") {
      if (Json.equals(thinking, { type: "adaptive" })) return { asked: { effort }, from: ["thinking", "output_config"] }
    }
    if (type === "enabled" && Number.isSafeInteger(budget) && Object.keys(object(thinking)!).length === 2) {
      if (output_config === undefined) return { asked: { budgetTokens: budget as number }, from: ["thinking"] }
    }
    return undefined
  }
  if (family === "amazon") {
    const effort = text(object(reasoningConfig)?.maxReasoningEffort)
    const from = ["reasoningConfig"]
    if (Json.equals(reasoningConfig, { type: "disabled" })) return { asked: { effort: "none" }, from }
    return effort !== undefined && Json.equals(reasoningConfig, { type: "enabled", maxReasoningEffort: effort })
      ? { asked: { effort }, from }
      : undefined
  }
  return family === "openai" && typeof reasoning_effort === "string"
    ? { asked: { effort: reasoning_effort }, from: ["reasoning_effort"] }
    : undefined
}

const readers: { readonly [name: string]: (value: JsonValue, into: Into) => void } = {
  inferenceConfig,
  toolConfig,
  outputConfig,
  serviceTier,
  requestMetadata,
  additionalModelRequestFields: additional
}

