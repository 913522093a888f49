/**
 * The recordings in OpenAI's chat, completion, embedding and model list formats.
 *
 * @module
 */
import { Request } from "@plugline/core"
import { all } from "../../src/all.ts"
import { wires } from "../../src/openai/index.ts"
import type { Wire } from "../../src/Wire.ts"
import { operationOf } from "./check.ts"
import type { Family } from "./family.ts"
import type { Recording } from "./read.ts"

/** Services that have a provider with wires of its own, and are spoken to here by their OpenAI-compatible interface. */
const compatible: { readonly [provider: string]: ReturnType<typeof wires> } = {
  google: wires(),
  ollama: wires({ reasoningBack: "reasoning", toolFiles: true }),
  "bedrock-mantle": wires()
}

const wireOf = (recording: Recording): Wire => {
  const operation = operationOf(recording)
  const given = compatible[recording.provider] ?? all.find(({ name }) => name === recording.provider)?.wires
  const wire = given?.[operation]
  if (wire === undefined) throw new Error(`${recording.provider} is not shipped with ${operation}`)
  return wire
}

/**
 * Bytes per number of vectors that came as base64. The facts count four for each, but Perplexity was asked for int8,
 * and vLLM of that time wrote float64: read so, its vector has the 4,096 numbers of its model and the length 1.
 */
const widths: { readonly [provider: string]: number } = { perplexity: 1, vllm: 8 }

type Fields = { readonly [name: string]: unknown }

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** A body without what need not be said: the list at the head of `openai/askedChat.ts`. */
const normal = (body: unknown): unknown => {
  const fields = body as Fields
  const {
    max_completion_tokens: limit, reasoning_effort: effort, stream, stream_options: _, tool_choice: choice,
    parallel_tool_calls: parallel, encoding_format: form, ...rest
  } = fields
  const out: Record<string, unknown> = {
    ...rest,
    ...(limit !== undefined && { max_tokens: limit }),
    ...(effort !== undefined && { reasoning: { effort } }),
    ...(stream === true && { stream }),
    ...(choice !== undefined && isSaid(rest.tools) && { tool_choice: choice }),
    ...(parallel !== undefined && isSaid(rest.tools) && { parallel_tool_calls: parallel }),
    ...(form !== undefined && form !== "float" && form !== "base64_int8" && { encoding_format: form })
  }
  if (typeof out.input === "string") out.input = [out.input]
  if (Array.isArray(out.messages)) out.messages = out.messages.map(message)
  if (Array.isArray(out.tools)) out.tools = out.tools.map((tool: Fields) => ({ type: "function", ...tool }))
  return Object.fromEntries(Object.entries(out).filter(([, value]) => isSaid(value)))
}

const isSaid = (value: unknown): boolean => value !== null && value !== undefined && !(
  Array.isArray(value) && value.length === 0
)

const message = (value: unknown): unknown => {
  const { content, tool_calls: calls, ...rest } = value as Fields
  const only = Array.isArray(content) && content.length === 1 ? content[0] as Fields : undefined
  const plain = only?.type === "text" && Object.keys(only).length === 2 ? only.text : content
  return {
    ...rest,
    ...(isSaid(plain) && plain !== "" && { content: Array.isArray(plain) ? plain.map(part) : plain }),
    ...(Array.isArray(calls) && {
      tool_calls: calls.map((call: Fields) =>
        isFields(call.function)
          ? { ...call, function: { ...call.function, arguments: JSON.parse(call.function.arguments as string) } }
          : call)
    })
  }
}

/** An image by its address alone is one with an object around it. */
const part = (value: unknown): unknown =>
  isFields(value) && value.type === "image_url" && typeof value.image_url === "string"
    ? { ...value, image_url: { url: value.image_url } }
    : value

/** Mistral says of cached tokens beside the others, where the facts do not look. */
const cachedOf = (raw: unknown): number | undefined =>
  isFields(raw) && typeof raw.num_cached_tokens === "number" ? raw.num_cached_tokens : undefined

export const openai: Family = {
  apis: ["openai-chat", "openai-completions", "openai-embeddings", "openai-models", "heroku-models"],
  wire: wireOf,
  request: (recording) => {
    const { body, url } = recording.request
    const { input } = (body ?? {}) as { readonly input?: string | ReadonlyArray<string> }
    return Request.make({
      provider: recording.provider,
      operation: operationOf(recording),
      messages: input === undefined ? "Hello" : [input].flat().map((text) => ({ role: "user", content: text })),
      options: { model: "m" },
      config: { baseUrl: new URL(url).origin }
    })
  },
  normal,
  unwritten: {
    "mistral.openai-chat.error422.real-error-scenarios-small-latest-handles-inva.465c2e":
      "its content is an object on purpose, which is refused by name",
    "zai.openai-chat.chat.glm-4-5-air-tool-round-trip-2.1f58a6":
      "its tool answers without the id of the call, which is filled in"
  },
  dims: ({ expect: { embedding_dims: dims }, provider }) => dims! * 4 / (widths[provider] ?? 4),
  asStream: ({ response: { body } }) => {
    const answer = body as { readonly choices: ReadonlyArray<{ readonly message?: object; readonly index?: number }> }
    const choices = answer.choices.map(({ message, ...choice }) => {
      const calls = (message as { tool_calls?: ReadonlyArray<object> } | undefined)?.tool_calls
      const delta = {
        ...message,
        ...(Array.isArray(calls) && { tool_calls: calls.map((call, index) => ({ index, ...call })) })
      }
      return message === undefined ? choice : { ...choice, delta }
    })
    return Buffer.from(`data: ${JSON.stringify({ ...answer, choices })}\n\ndata: [DONE]\n\n`)
  },
  usage: (sent, { expect: { usage_raw: usageRaw }, features, provider }) => {
    const mismatch = features.includes("usage_sum_mismatch")
    const apart = provider === "xai" || provider === "google"
    // Mistral counts sound beside the prompt; xAI and Gemini count thinking beside the answer.
    const given = sent.input_tokens ?? sent.total_tokens
    const input = mismatch && !apart ? sent.total_tokens! - sent.output_tokens! : given
    const output = mismatch && apart ? sent.total_tokens! - given! : sent.output_tokens
    // Azure has been seen to report more cached tokens than the prompt had.
    const known = sent.cached_input_tokens ?? cachedOf(usageRaw)
    const cached = known === undefined ? undefined : Math.min(known, input!)
    // Gemini says of its thinking only that it counts.
    const reasoning = sent.reasoning_tokens ?? (mismatch && apart ? output! - sent.output_tokens! : undefined)
    return {
      inputTokens: {
        ...(input !== undefined && { total: input }),
        ...(cached !== undefined && { cacheRead: cached, uncached: input! - cached - (sent.cache_write_tokens ?? 0) }),
        ...(sent.cache_write_tokens !== undefined && { cacheWrite: sent.cache_write_tokens })
      },
      outputTokens: {
        ...(output !== undefined && { total: output }),
        ...(reasoning !== undefined && { reasoning, text: output! - reasoning })
      }
    }
  }
}
