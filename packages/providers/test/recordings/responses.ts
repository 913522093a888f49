/**
 * The recordings in the format of the Responses API.
 *
 * @module
 */
import { type ChatResult, Request } from "@plugline/core"
import { expect } from "vitest"
import { dialects, type Quirks, responses } from "../../src/responses/index.ts"
import type { Family } from "./family.ts"
import type { Recording } from "./read.ts"

const quirks: { readonly [provider: string]: Quirks } = dialects

export const responsesFamily: Family = {
  apis: ["openai-responses"],
  wire: ({ provider }) => responses(quirks[provider]),
  request: ({ provider, stream }) =>
    Request.make({ provider, operation: stream ? "stream" : "chat", messages: "Hello", options: { model: "m" } }),
  asStream: ({ response: { body } }) =>
    Buffer.from(`event: response.completed\ndata: ${JSON.stringify({ type: "response.completed", response: body })}\n\n`),
  usage: (sent, { expect: { usage_raw } }) => {
    const details = (usage_raw as { input_tokens_details?: { cache_write_tokens?: number } }).input_tokens_details
    const written = details?.cache_write_tokens
    const { cached_input_tokens: cached, input_tokens: input, output_tokens: output, reasoning_tokens: reasoning } = sent
    return {
      inputTokens: {
        total: input!,
        ...(cached !== undefined && { uncached: input! - cached - (written ?? 0), cacheRead: cached }),
        ...(written !== undefined && { cacheWrite: written })
      },
      outputTokens: { total: output!, ...(reasoning !== undefined && { text: output! - reasoning, reasoning }) }
    }
  },
  also: (result, recording) => {
    const { incomplete_reason, reasoning_encrypted, reasoning_parts } = recording.expect
    const own = result.metadata?.[recording.provider] as { incomplete_details?: { reason?: string } } | undefined
    expect(own?.incomplete_details?.reason).toBe(incomplete_reason)
    if (incomplete_reason === "max_output_tokens") expect(result.finishReason).toBe("length")
    expect(encrypted(result, recording)).toBe(reasoning_encrypted === true)
    if (Array.isArray(reasoning_parts)) {
      const texts = result.content.flatMap((part) => part.type === "reasoning" && part.text !== "" ? [part.text] : [])
      expect(texts).toEqual(reasoning_parts)
    }
  },
  normal: (body) => normal(body as Body),
  unwritten: {
    "openai.openai-responses.error400.gpt-5-codex-object-streaming.ebb9af":
      "its tools are in the form of chat completions; the service refused it for the same reason"
  }
}

const encrypted = ({ content }: ChatResult, { provider }: Recording): boolean =>
  content.some((part) => {
    const item = part.type === "reasoning" ? part.metadata?.[provider]?.item as { encrypted_content?: unknown } : undefined
    return typeof item?.encrypted_content === "string"
  })

type Body = { [field: string]: unknown }

/** What the API takes for the same: absent or `null`, a text or a list of that one text, and its defaults. */
const normal = (body: Body): unknown => {
  const { input, stream, text, ...rest } = compact(body)
  const items = typeof input === "string" ? [{ role: "user", content: input }] : input as ReadonlyArray<Body>
  const isPlain = JSON.stringify(text) === JSON.stringify({ format: { type: "text" } })
  return {
    ...rest,
    ...(Array.isArray(rest.tools) && { tools: rest.tools.map((tool: Body) => compact(tool)) }),
    ...(rest.reasoning !== undefined && { reasoning: compact(rest.reasoning as Body) }),
    ...(text !== undefined && !isPlain && { text }),
    ...(stream === true && { stream }),
    input: items.map(item)
  }
}

const item = (given: Body): unknown => {
  const { content, ...rest } = compact(given)
  if (rest.role !== undefined) {
    if (rest.type === "message") delete rest.type
    const only = Array.isArray(content) && content.length === 1 ? compact(content[0]) as Body : undefined
    if (Array.isArray(only?.annotations) && only.annotations.length === 0) delete only.annotations
    const isText = (only?.type === "input_text" || only?.type === "output_text") && Object.keys(only).length === 2
    return { ...rest, content: isText ? only!.text : content }
  }
  if (typeof rest.arguments === "string") rest.arguments = JSON.parse(rest.arguments)
  return { ...rest, ...(content !== undefined && { content }) }
}

const compact = (fields: Body): Body => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
