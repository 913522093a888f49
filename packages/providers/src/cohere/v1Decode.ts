/**
 * Reads a request as clients of the first interface send it into our words: chat and generate.
 *
 * @module
 */
import type { AssistantMessage, JsonObject, JsonValue, Message, Tool, ToolMessage } from "@plugline/core"
import type { Asked } from "../Wire.ts"
import { defined, type Fields } from "../wire/read.ts"
import { listAt, misfit, nameAt, objectAt, optionalText, textAt } from "../wire/checks.ts"
import { bodyOf, decodeFormat, decodeSampling, keep, type Own, type Sent, withOwn, type Written } from "./decode.ts"
import { isPlain, schemaOf } from "./v1Tools.ts"

/** What a chat asks. */
export const decode = (sent: Sent, provider: string): Asked => {
  const body = bodyOf(sent, provider)
  const own: Own = {}
  const options = modelOf(body, provider)
  const messages = conversation(body, own, provider)
  decodeSampling(body, options, own, provider)
  decodeFormat(body.response_format, "schema", options, own, provider)
  const tools = [...functions(body.tools, provider), ...connectors(body.connectors, provider)]
  if (tools.length > 0) options.tools = tools
  keep(body, ofChat, own)
  return { operation: body.stream === true ? "stream" : "chat", messages, options: withOwn(options, own, provider) }
}

const ofSampling = [
  "model", "stream", "temperature", "max_tokens", "p", "k", "frequency_penalty", "presence_penalty", "seed",
  "stop_sequences"
]
const ofChat = new Set([
  ...ofSampling, "message", "preamble", "chat_history", "tool_results", "response_format", "tools", "connectors"
])
const ofGenerate = new Set([...ofSampling, "prompt", "num_generations", "return_likelihoods"])

/** What a call of generate asks. */
export const decodeGenerate = (sent: Sent, provider: string): Asked => {
  const body = bodyOf(sent, provider)
  const own: Own = {}
  const options = modelOf(body, provider)
  const text = textAt(body.prompt, "prompt", provider)
  decodeSampling(body, options, own, provider)
  const { num_generations: count, return_likelihoods: likelihoods } = body
  if (typeof count === "number" && Number.isSafeInteger(count) && count >= 1 && count <= 128) options.n = count
  else if (count !== undefined) own.num_generations = count
  if (likelihoods === "GENERATION") options.logprobs = true
  else if (likelihoods !== undefined) own.return_likelihoods = likelihoods
  keep(body, ofGenerate, own)
  const messages: ReadonlyArray<Message> = [{ role: "user", content: [{ type: "text", text }] }]
  return { operation: "completion", messages, options: withOwn(options, own, provider) }
}

/** A client of the first interface may name no model: the service has a usual one. */
const modelOf = (body: Fields, provider: string): Written =>
  body.model === undefined || body.model === null ? {} : { model: nameAt(body.model, "model", provider) }

// --- the conversation ------------------------------------------------------------------------------------------------

const conversation = (body: Fields, own: Own, provider: string): ReadonlyArray<Message> => {
  const out: Array<Message> = []
  const calls: Array<{ readonly id: string; readonly name: string; answered: boolean }> = []
  const preamble = optionalText(body.preamble, "preamble", provider)
  if (preamble !== undefined) out.push({ role: "system", content: preamble })
  const history = body.chat_history === undefined || body.chat_history === null
    ? []
    : listAt(body.chat_history, "chat_history", provider)

  const results = (value: JsonValue | undefined, path: string, place: number): ToolMessage["content"] =>
    listAt(value, path, provider).map((item, index) => {
      const at = `${path}[${index}]`
      const fields = objectAt(item, at, provider)
      const named = objectAt(fields.call, `${at}.call`, provider)
      const name = nameAt(named.name, `${at}.call.name`, provider)
      const outputs = listAt(fields.outputs, `${at}.outputs`, provider)
      const call = calls.find((call) => !call.answered && call.name === name)
      if (call !== undefined) call.answered = true
      return {
        type: "tool-result",
        id: call?.id ?? `call_${place}_${index}`,
        name,
        isFailure: false,
        result: outputs.length === 1 ? outputs[0] : outputs
      }
    })

  history.forEach((value, index) => {
    const path = `chat_history[${index}]`
    const fields = objectAt(value, path, provider)
    const said = (): string => textAt(fields.message, `${path}.message`, provider)
    switch (typeof fields.role === "string" ? fields.role.toUpperCase() : undefined) {
      case "USER":
        out.push({ role: "user", content: [{ type: "text", text: said() }], ...ownOf(fields, ofEntry, provider) })
        return
      case "SYSTEM": {
        // Without a preamble the first rules of the history stay where they are.
        const own = { ...rest(fields, ofEntry), ...(out.length === 0 && { role: "SYSTEM" }) }
        const options = Object.keys(own).length === 0 ? undefined : { options: { [provider]: own } }
        out.push({ role: "system", content: said(), ...options })
        return
      }
      case "CHATBOT": {
        const content: Array<AssistantMessage["content"][number]> = []
        const text = optionalText(fields.message, `${path}.message`, provider) ?? ""
        if (text !== "") content.push({ type: "text", text })
        const asked = fields.tool_calls === undefined || fields.tool_calls === null
          ? []
          : listAt(fields.tool_calls, `${path}.tool_calls`, provider)
        asked.forEach((value, number) => {
          const place = `${path}.tool_calls[${number}]`
          const call = objectAt(value, place, provider)
          const name = nameAt(call.name, `${place}.name`, provider)
          const id = `call_${index}_${number}`
          const params = objectAt(call.parameters, `${place}.parameters`, provider)
          content.push({ type: "tool-call", id, name, params })
          calls.push({ id, name, answered: false })
        })
        out.push({ role: "assistant", content, ...ownOf(fields, ofChatbot, provider) })
        return
      }
      case "TOOL":
        out.push({
          role: "tool",
          content: results(fields.tool_results, `${path}.tool_results`, index),
          ...ownOf(fields, ofTool, provider)
        })
        return
      default:
        throw misfit(`${path}.role`, "USER, CHATBOT, SYSTEM or TOOL", provider)
    }
  })

  const message = optionalText(body.message, "message", provider) ?? ""
  if (body.tool_results === undefined || body.tool_results === null) {
    out.push({ role: "user", content: [{ type: "text", text: textAt(body.message, "message", provider) }] })
    return out
  }
  out.push({ role: "tool", content: results(body.tool_results, "tool_results", history.length) })
  // A message beside results is none of a conversation's turns.
  if (message !== "") own.message = message
  return out
}

const ofEntry = new Set(["role", "message"])
const ofChatbot = new Set(["role", "message", "tool_calls"])
const ofTool = new Set(["role", "tool_results"])

// --- tools -----------------------------------------------------------------------------------------------------------

const functions = (value: JsonValue | undefined, provider: string): ReadonlyArray<Tool> =>
  value === undefined || value === null ? [] : listAt(value, "tools", provider).map((item, index): Tool => {
    const path = `tools[${index}]`
    const fields = objectAt(item, path, provider)
    const sent = fields.parameter_definitions
    const definitions = sent === undefined || sent === null
      ? {}
      : objectAt(sent, `${path}.parameter_definitions`, provider) as JsonObject
    const description = optionalText(fields.description, `${path}.description`, provider)
    const own = {
      ...rest(fields, ofFunction),
      ...(!isPlain(definitions) && { parameter_definitions: definitions })
    }
    return {
      name: nameAt(fields.name, `${path}.name`, provider),
      ...(description !== undefined && description !== "" && { description }),
      parameters: schemaOf(definitions),
      ...(Object.keys(own).length > 0 && { options: { [provider]: own } })
    }
  })

const ofFunction = new Set(["name", "description", "parameter_definitions"])

const connectors = (value: JsonValue | undefined, provider: string): ReadonlyArray<Tool> =>
  value === undefined || value === null ? [] : listAt(value, "connectors", provider).map((item, index): Tool => {
    const { id, ...args } = objectAt(item, `connectors[${index}]`, provider)
    return {
      type: "provider",
      id: `${provider}.${nameAt(id, `connectors[${index}].id`, provider)}`,
      ...(Object.keys(args).length > 0 && { args: defined(args) })
    }
  })

const rest = (fields: Fields, known: ReadonlySet<string>): JsonObject =>
  defined(Object.fromEntries(Object.entries(fields).filter(([name]) => !known.has(name))))

const ownOf = (fields: Fields, known: ReadonlySet<string>, provider: string) => {
  const own = rest(fields, known)
  return Object.keys(own).length === 0 ? undefined : { options: { [provider]: own } }
}
