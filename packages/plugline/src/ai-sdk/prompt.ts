/**
 * Reads the call options of the AI SDK into messages and options.
 *
 * @module
 */
import { LlmError, type Message, type Options, type Tool } from "@plugline/core"
import type * as Spec from "./spec.ts"

type Fields = { readonly [name: string]: unknown }

/** A prompt of the AI SDK as a conversation. */
export const messages = (prompt: ReadonlyArray<Spec.Message>): ReadonlyArray<Message> =>
  prompt.map(({ content, providerOptions, role }): Message => ({
    role,
    content: typeof content === "string" ? content : content.flatMap((piece) => part(piece)),
    ...own(providerOptions)
  }) as unknown as Message)

const own = (providerOptions: unknown) => providerOptions === undefined ? {} : { options: providerOptions }

const part = (piece: Spec.Piece): ReadonlyArray<Fields> => {
  const it = piece as Spec.Piece & Fields
  const options = own(it.providerOptions)
  switch (it.type) {
    case "text":
    case "reasoning":
      return [{ type: it.type, text: it.text, ...options }]
    case "file":
      return [{ ...file(it), ...options }]
    case "tool-call":
      return [{
        type: "tool-call",
        id: it.toolCallId,
        name: it.toolName,
        params: it.input,
        ...(it.providerExecuted === true && { providerExecuted: true }),
        ...options
      }]
    case "tool-result":
      return [{ type: "tool-result", id: it.toolCallId, name: it.toolName, ...output(it.output as Fields), ...options }]
    // What asks a person to allow a call has been answered before the model is asked.
    case "tool-approval-response":
      return []
    default:
      throw unknown(`a part of type ${it.type}`)
  }
}

const file = (it: Fields): Fields => {
  const name = it.filename === undefined ? {} : { fileName: it.filename }
  return { type: "file", mediaType: it.mediaType, ...name, data: dataOf(it.data as Fields) }
}

const dataOf = (data: Fields): unknown => {
  switch (data.type) {
    case "url":
      return { _tag: "URL", href: String(data.originalUrl ?? data.url) }
    case "data":
      return data.data instanceof Uint8Array ? Buffer.from(data.data).toString("base64") : data.data
    case "text":
      return Buffer.from(String(data.text)).toString("base64")
    default:
      throw unknown("a file that a provider keeps")
  }
}

const output = (it: Fields): Fields => {
  switch (it.type) {
    case "text":
    case "json":
      return { isFailure: false, result: it.value }
    case "error-text":
    case "error-json":
      return { isFailure: true, result: it.value }
    case "execution-denied":
      return { isFailure: true, result: typeof it.reason === "string" ? it.reason : "the call was not allowed" }
    default: {
      const items = (it.value as ReadonlyArray<Fields>).flatMap((item) =>
        item.type === "text" || item.type === "file" ? part(item as unknown as Spec.Piece) : [])
      const texts = items.flatMap((item) => item.type === "text" ? [item.text] : [])
      return { isFailure: false, result: texts.join("\n"), modelOutput: items }
    }
  }
}

const unknown = (what: string): LlmError =>
  LlmError.make({ _tag: "Unsupported", message: `a prompt of the AI SDK holds ${what}, which has no word here` })

/** The call's options; those that it does not give stay as the builder has them. */
export const options = (given: Spec.CallOptions): Options => {
  const { reasoning, responseFormat: format, toolChoice: choice, tools } = given
  const out: Record<string, unknown> = {
    temperature: given.temperature,
    maxTokens: given.maxOutputTokens,
    topP: given.topP,
    topK: given.topK,
    frequencyPenalty: given.frequencyPenalty,
    presencePenalty: given.presencePenalty,
    stop: given.stopSequences === undefined || given.stopSequences.length === 0 ? undefined : [...given.stopSequences],
    seed: given.seed,
    tools: tools?.map(tool),
    toolChoice: choice === undefined ? undefined : "toolName" in choice ? { tool: choice.toolName } : choice.type,
    responseFormat: format?.type === "json" ? format : undefined,
    reasoning: reasoning === undefined || reasoning === "provider-default" ? undefined : { effort: reasoning },
    providerOptions: given.providerOptions
  }
  for (const name of Object.keys(out)) if (out[name] === undefined) delete out[name]
  return out
}

const tool = (tool: Spec.Tool): Tool =>
  tool.type === "provider"
    ? { type: "provider", id: tool.id, args: tool.args as never }
    : {
      name: tool.name,
      parameters: tool.inputSchema as never,
      ...(tool.description !== undefined && { description: tool.description }),
      ...(tool.strict !== undefined && { strict: tool.strict }),
      ...(tool.providerOptions !== undefined && { options: tool.providerOptions as never })
    }
