/**
 * The recordings of the Gemini API and of Vertex AI.
 *
 * @module
 */
import { type ChatResult, Request } from "@plugline/core"
import { expect } from "vitest"
import { type Wires, wires } from "../../src/google/index.ts"
import { operationOf } from "./check.ts"
import type { Family } from "./family.ts"
import type { Recording } from "./read.ts"

type Fields = { [name: string]: unknown }

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const toolName = (fact: string): string =>
  fact === "executableCode" ? "code_execution" : fact.slice(fact.indexOf(":") + 1)

const chunks = "vertex.google-generate.stream.google-stream-tool-call-arguments-chunks.644817"

export const google: Family = {
  apis: ["google-generate", "google-embed", "google-models", "vertex-models"],
  wire: (recording) => {
    const surface = recording.provider === "vertex" ? "vertex" : "gemini"
    return wires(surface)[operationOf(recording) as keyof Wires]
  },
  request: (recording) =>
    Request.make({
      provider: recording.provider,
      operation: operationOf(recording),
      messages: "Hello",
      options: { model: "m" }
    }),
  facts: ({ expect: facts, response }) => {
    const { block_reason: blocked, server_tool_calls: tools, text, ...rest } = facts
    const predictions = isFields(response.body) ? response.body.predictions : undefined
    return {
      ...rest,
      // Facts name the part a tool came in beside the tool.
      ...(tools !== undefined && { server_tool_calls: tools.map(toolName) }),
      // A prompt that was refused has no answer at all: that is an error.
      ...(blocked === undefined ? text !== undefined && { text } : { error: { code: blocked } }),
      // Vertex counts the tokens of each text, where it says nothing of the whole.
      ...(Array.isArray(predictions) && {
        usage: { input_tokens: predictions.reduce((sum, { embeddings }) => sum + embeddings.statistics.token_count, 0) },
        usage_raw: predictions.map(({ embeddings }) => embeddings.statistics)
      })
    }
  },
  asStream: ({ response: { body } }) => Buffer.from(`data: ${JSON.stringify(body)}\r\n\r\n`),
  usage: ({
    cached_input_tokens: cached,
    input_tokens,
    output_tokens,
    reasoning_tokens,
    total_tokens
  }, { expect: facts }) => {
    if (input_tokens === undefined) return { inputTokens: {}, outputTokens: {} }
    const asked = (facts.usage_raw as {
      readonly toolUsePromptTokenCount?: number
    } | undefined)?.toolUsePromptTokenCount ?? 0
    const input = input_tokens + asked
    const output = output_tokens === undefined
      ? total_tokens === undefined ? undefined : total_tokens - input
      : output_tokens + (reasoning_tokens ?? 0)
    return {
      inputTokens: { total: input, ...(cached !== undefined && { cacheRead: cached, uncached: input - cached }) },
      outputTokens: {
        ...(output !== undefined && { total: output }),
        ...(reasoning_tokens !== undefined && { reasoning: reasoning_tokens, text: output! - reasoning_tokens })
      }
    }
  },
  also: (result, { expect: facts }) => {
    const own = Object.values(result.metadata ?? {})[0] as { readonly candidate?: Fields } | undefined
    if (facts.finish_message !== undefined) expect(own?.candidate?.finishMessage).toBe(facts.finish_message)
    if (facts.reasoning_signature === true) expect(signatures(result)).toBeGreaterThan(0)
  },
  normal: (body, recording) => normal(body, recording),
  exceptions: {
    [chunks]: {
      facts: ["tool_argument_fragments"],
      because: "the fact counts the events of both calls, also those that hold no text"
    }
  }
}

const signatures = (result: ChatResult): number =>
  result.content.filter((part) => Object.values(part.metadata ?? {}).some(
    (own) => own?.thoughtSignature !== undefined
  )).length

/** The usual spelling of names, lists where a list is meant, and nothing that asks for nothing. */
const normal = (body: unknown, { request: { url } }: Recording): unknown => {
  const fields = spelt(body) as Fields
  // One text is asked for as a batch of one.
  const requests = fields.requests ?? (fields.content === undefined ? undefined : [fields])
  if (requests !== undefined) {
    const model = /models\/[^/:]+/.exec(url)?.[0]
    const content = (one: Fields) => ({ parts: listOf(partsOf(one.content)) })
    return { requests: listOf(requests).map((one) => ({ model, ...one, content: content(one) })) }
  }
  if (fields.contents === undefined) return fields
  const { contents, generationConfig, model: _, systemInstruction, tools, ...rest } = fields
  const thinking = isFields(generationConfig) ? generationConfig.thinkingConfig : undefined
  if (isFields(thinking) && typeof thinking.thinkingLevel === "string") {
    thinking.thinkingLevel = thinking.thinkingLevel.toLowerCase()
  }
  return {
    contents: listOf(contents).map(({ parts, ...content }) => (
      { role: "user", ...content, parts: listOf(parts).map(withArgs) }
    )),
    ...(systemInstruction !== undefined && { systemInstruction: { parts: listOf(partsOf(systemInstruction)) } }),
    ...(isFields(generationConfig) && Object.keys(generationConfig).length > 0 && { generationConfig }),
    ...(listOf(tools).length > 0 && { tools: together(listOf(tools)) }),
    ...rest
  }
}

const listOf = (value: unknown): ReadonlyArray<Fields> =>
  value === undefined ? [] : Array.isArray(value) ? value : [value as Fields]

const partsOf = (content: unknown): unknown => (content as Fields).parts

const withArgs = (part: Fields): Fields =>
  isFields(part.functionCall) ? { ...part, functionCall: { args: {}, ...part.functionCall } } : part

/** Each tool for itself, but functions that follow each other. */
const together = (tools: ReadonlyArray<Fields>): ReadonlyArray<Fields> => {
  const out: Array<Fields> = []
  for (const [name, value] of tools.flatMap((tool) => Object.entries(tool))) {
    const last = out.at(-1)
    if (name !== "functionDeclarations") out.push({ [name]: value })
    else if (last?.functionDeclarations === undefined) out.push({ [name]: listOf(value) })
    else out[out.length - 1] = { [name]: [...listOf(last.functionDeclarations), ...listOf(value)] }
  }
  return out
}

/** What stands under these names is the caller's own. */
const untouched = new Set([
  "args", "response", "parameters", "parametersJsonSchema", "responseJsonSchema", "fileSearch", "modelArmorConfig"
])

const spelt = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(spelt)
  if (!isFields(value)) return value
  return Object.fromEntries(Object.entries(value).map(([given, field]) => {
    const name = given.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    return [name, untouched.has(name) ? field : spelt(field)]
  }))
}

