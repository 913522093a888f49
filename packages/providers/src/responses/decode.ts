/**
 * Reads the body of a request, as clients of the Responses API send it, into our words: the way back of `prepare`.
 * Fields that have no word here stand in `providerOptions`, under the provider's name.
 *
 * @module
 */
import {
  Json, type JsonObject, type JsonValue, type Message, type OptionName, Options, type ProviderRequest, type Tool
} from "@plugline/core"
import type { Asked } from "../Wire.ts"
import { type Fields, list, object, put } from "../wire/read.ts"
import { invalid } from "./decodeBlock.ts"
import { messagesOf } from "./decodeInput.ts"
import { rest } from "./kinds.ts"
import { isUnstored, ofLogprobs, type Quirks } from "./quirks.ts"
import { choices } from "./tools.ts"

/** What was asked. */
export const decode = (body: ProviderRequest["body"], provider: string, quirks: Quirks): Asked => {
  const reader = new Reader(object(body) ?? {}, provider, quirks)
  return reader.read()
}

const simple: { readonly [field: string]: OptionName } = {
  model: "model",
  temperature: "temperature",
  max_output_tokens: "maxTokens",
  top_p: "topP",
  user: "user",
  service_tier: "serviceTier",
  metadata: "metadata"
}

class Reader {
  readonly #body: Fields
  readonly #provider: string
  readonly #quirks: Quirks
  readonly #options: { [name: string]: unknown } = {}
  readonly #own: { [name: string]: JsonValue } = {}

  constructor(body: Fields, provider: string, quirks: Quirks) {
    this.#body = body
    this.#provider = provider
    this.#quirks = quirks
  }

  read(): Asked {
    const fields = new Map(Object.entries(simple))
    for (const [name, field] of Object.entries(this.#quirks.fields ?? {})) fields.set(field, name as OptionName)
    for (const field in this.#body) {
      const value = this.#body[field]
      if (value === undefined || value === null) continue
      const name = fields.get(field)
      if (name !== undefined) this.#option(name, value, field)
      else this.#field(field, value)
    }
    this.#kept()
    const own = Object.keys(this.#own).length > 0
    return {
      operation: this.#body.stream === true ? "stream" : "chat",
      messages: this.#messages(),
      options: {
        ...this.#options as Options,
        ...(own && { providerOptions: { [this.#provider]: this.#own } })
      }
    }
  }

  #field(field: string, value: JsonValue): void {
    switch (field) {
      case "input":
      case "instructions":
        return
      case "stream":
        if (typeof value !== "boolean") throw invalid("stream", "true or false", this.#provider)
        return
      case "tools":
        return this.#tools(value)
      case "tool_choice":
        return this.#toolChoice(value)
      case "parallel_tool_calls":
        return this.#hasTools ? this.#option("parallelToolCalls", value, field) : put(this.#own, field, value)
      case "text":
        return this.#text(value)
      case "reasoning":
        return this.#reasoning(value)
      case "include":
      case "top_logprobs":
        return this.#include(field, value)
      default:
        put(this.#own, field, value)
    }
  }

  get #hasTools(): boolean {
    return (list(this.#body.tools) ?? []).length > 0
  }

  #option(name: OptionName, value: unknown, field: string): void {
    try {
      Options.check({ [name]: value })
    } catch {
      throw invalid(field, Options.expected(name), this.#provider)
    }
    this.#options[name] = value
  }

  #tools(value: JsonValue): void {
    const given = list(value)
    if (given === undefined) throw invalid("tools", "a list of tools", this.#provider)
    if (given.length > 0) this.#options.tools = given.map((tool, index) => this.#tool(tool, `tools[${index}]`))
  }

  #tool(value: JsonValue, path: string): Tool {
    const tool = object(value)
    const type = tool?.type
    if (tool === undefined || typeof type !== "string" || type === "") {
      throw invalid(`${path}.type`, "the type of a tool", this.#provider)
    }
    if (type !== "function") return { type: "provider", id: `${this.#provider}.${type}`, args: rest(tool, ofType) }
    const { description, name, parameters, strict } = tool
    if (typeof name !== "string" || name === "") throw invalid(`${path}.name`, "a text", this.#provider)
    if (description !== undefined && description !== null && typeof description !== "string") {
      throw invalid(`${path}.description`, "a text", this.#provider)
    }
    if (parameters !== undefined && parameters !== null && object(parameters) === undefined) {
      throw invalid(`${path}.parameters`, "a JSON Schema", this.#provider)
    }
    if (strict !== undefined && strict !== null && typeof strict !== "boolean") {
      throw invalid(`${path}.strict`, "true or false", this.#provider)
    }
    const own = rest(tool, ofFunction)
    return {
      name,
      ...(typeof description === "string" && { description }),
      ...(object(parameters) !== undefined && { parameters: parameters as JsonObject }),
      ...(typeof strict === "boolean" && { strict }),
      ...(Object.keys(own).length > 0 && { options: { [this.#provider]: own } })
    }
  }

  /** A choice that no tool of the request explains is the service's own. */
  #toolChoice(value: JsonValue): void {
    if (value === "auto" || value === "none" || value === "required") {
      if (this.#hasTools) this.#options.toolChoice = value
      else this.#own.tool_choice = value
      return
    }
    if (object(value) === undefined) throw invalid("tool_choice", "auto, none, required or an object", this.#provider)
    const tools = (list(this.#body.tools) ?? []).map((tool, index) => this.#tool(tool, `tools[${index}]`))
    for (const [tool, choice] of choices(tools)) {
      if (!Json.equals(choice, value)) continue
      this.#options.toolChoice = { tool }
      return
    }
    this.#own.tool_choice = value
  }

  #text(value: JsonValue): void {
    const text = object(value)
    if (text === undefined) throw invalid("text", "an object", this.#provider)
    const own: { [name: string]: JsonValue | undefined } = { ...rest(text, ofFormat) }
    const format = object(text.format)
    if (text.format !== undefined && text.format !== null) {
      if (typeof format?.type !== "string") throw invalid("text.format.type", "the type of a format", this.#provider)
      const { description, name, schema, strict, type, ...others } = format
      const isPlain = Object.keys(others).length === 0
      if (type === "json_object" && isPlain) this.#options.responseFormat = { type: "json" }
      else if (type === "json_schema" && isPlain) {
        if (object(schema) === undefined) throw invalid("text.format.schema", "a JSON Schema", this.#provider)
        if (typeof name !== "string") throw invalid("text.format.name", "a text", this.#provider)
        this.#options.responseFormat = {
          type: "json",
          schema,
          name,
          ...(typeof description === "string" && { description }),
          ...(typeof strict === "boolean" && { strict })
        }
      } else if (type !== "text" || !isPlain) own.format = format as JsonObject
    }
    if (Object.keys(own).length > 0) this.#own.text = own
  }

  #reasoning(value: JsonValue): void {
    const reasoning = object(value)
    if (reasoning === undefined) throw invalid("reasoning", "an object", this.#provider)
    const { effort, max_tokens: budget, summary } = reasoning
    const takesBudget = this.#quirks.reasoningBudget === true && budget !== undefined && budget !== null
    const words = {
      ...(effort !== undefined && effort !== null && { effort }),
      ...(takesBudget && { budgetTokens: budget }),
      ...(summary !== undefined && summary !== null && { summary })
    }
    if (Object.keys(words).length > 0) this.#option("reasoning", words, "reasoning")
    const own = rest(reasoning, takesBudget ? ofReasoningBudget : ofReasoning)
    if (Object.keys(own).length > 0) this.#own.reasoning = own
  }

  /** Log probabilities are asked for in two fields: which tokens in `include`, how many others in `top_logprobs`. */
  #include(field: string, value: JsonValue): void {
    const included = list(this.#body.include) ?? []
    const isAsked = included.includes(ofLogprobs)
    if (field === "top_logprobs") {
      if (isAsked && value !== 0) this.#option("logprobs", value, field)
      else put(this.#own, field, value)
      return
    }
    if (!Array.isArray(value)) throw invalid("include", "a list", this.#provider)
    if (isAsked && typeof this.#body.top_logprobs !== "number") this.#options.logprobs = true
    else if (isAsked && this.#body.top_logprobs === 0) this.#options.logprobs = true
    const others = included.filter((name) => name !== ofLogprobs)
    if (others.length > 0) this.#own.include = others
  }

  /** Who sent the request chose whether it is kept and what the answer holds: nothing is to be added to that. */
  #kept(): void {
    if (this.#own.store === undefined && isUnstored(this.#own, this.#quirks)) this.#own.store = null
    if (this.#own.store === false && this.#own.include === undefined) this.#own.include = []
  }

  #messages(): ReadonlyArray<Message> {
    const { conversation, input, instructions, previous_response_id: previous, prompt } = this.#body
    const messages: Array<Message> = []
    if (instructions !== undefined && instructions !== null) {
      if (typeof instructions !== "string") throw invalid("instructions", "a text", this.#provider)
      messages.push({ role: "system", content: instructions, options: { [this.#provider]: { instructions: true } } })
    }
    if (typeof input === "string") messages.push({ role: "user", content: [{ type: "text", text: input }] })
    else if (Array.isArray(input)) {
      for (const message of messagesOf(list(input) ?? [], this.#provider, this.#quirks)) messages.push(message)
    } else if (this.#says(input)) throw invalid("input", "a text or a list of items", this.#provider)
    else if (!this.#says(previous) && !this.#says(conversation) && !this.#says(prompt)) {
      throw invalid("input", "a text or a list of items", this.#provider)
    }
    return messages
  }

  #says(value: JsonValue | undefined): boolean {
    return value !== undefined && value !== null
  }
}

const ofType: ReadonlySet<string> = new Set(["type"])
const ofFunction: ReadonlySet<string> = new Set(["type", "name", "description", "parameters", "strict"])
const ofFormat: ReadonlySet<string> = new Set(["format"])
const ofReasoning: ReadonlySet<string> = new Set(["effort", "summary"])
const ofReasoningBudget: ReadonlySet<string> = new Set(["effort", "summary", "max_tokens"])
