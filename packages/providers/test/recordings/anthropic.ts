/**
 * The recordings in the formats of Anthropic's Messages API and its list of models.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util"
import { expect } from "vitest"
import { wires } from "../../src/anthropic/index.ts"
import { operationOf } from "./check.ts"
import type { Family } from "./family.ts"

const all = wires()

type Fields = { [name: string]: unknown }

export const anthropic: Family = {
  apis: ["anthropic-messages", "anthropic-models"],
  wire: (recording) => {
    const operation = operationOf(recording)
    return operation === "list_models" || operation === "validate" ? all[operation] : all.chat
  },
  asStream: ({ response: { body } }) => Buffer.from(events(body as Fields)),
  usage: (sent, { expect: { usage_raw: raw } }) => {
    const { cache_write_tokens: write, cached_input_tokens: read, input_tokens: input, output_tokens: output } = sent
    const thought = (raw as {
      output_tokens_details?: { thinking_tokens?: number }
    }).output_tokens_details?.thinking_tokens
    return {
      inputTokens: {
        total: input! + (read ?? 0) + (write ?? 0),
        uncached: input!,
        ...(read !== undefined && { cacheRead: read }),
        ...(write !== undefined && { cacheWrite: write })
      },
      outputTokens: {
        total: output!,
        ...(thought !== undefined && { reasoning: thought, text: output! - thought })
      }
    }
  },
  also: (result, { expect: facts }) => {
    const own = result.content.map(({ metadata }) => metadata?.anthropic ?? {})
    if (facts.reasoning_signature !== undefined) {
      expect(
        own.some(({ signature }) => typeof signature === "string" && signature !== "")
      ).toBe(facts.reasoning_signature)
    }
    if (facts.redacted_thinking !== undefined) {
      expect(own.filter(({ type }) => type === "redacted_thinking").length).toBe(facts.redacted_thinking)
    }
    if (facts.stop_sequence !== undefined) expect(result.metadata?.anthropic?.stop_sequence).toBe(facts.stop_sequence)
    if (facts.other_blocks !== undefined) {
      const others = result.content.flatMap((part, index) =>
        part.type === "tool-result" ? [own[index]!.type] : part.type === "raw" ? [(part.value as Fields).type] : []
      )
      expect(others).toEqual(facts.other_blocks)
    }
  },
  normal: (body) => normal(body as Fields)
}

/** A whole message as a stream brings it in one go. */
const events = (message: Fields): string => {
  const { content, stop_details, stop_reason, stop_sequence, ...head } = message
  const out: Array<Fields> = [
    { type: "message_start", message: { ...head, content: [], stop_reason: null, stop_sequence: null } }
  ]
  ;(content as ReadonlyArray<Fields>).forEach((block, index) => {
    const { citations, input, signature, text, thinking, type, ...rest } = block
    const start = (more: Fields) => out.push({
      type: "content_block_start",
      index,
      content_block: { type, ...more, ...rest }
    })
    const delta = (delta: Fields) => out.push({ type: "content_block_delta", index, delta })
    if (type === "text") {
      start({ text: "", ...(Array.isArray(citations) && { citations: [] }) })
      for (const citation of Array.isArray(citations) ? citations : []) delta({ type: "citations_delta", citation })
      delta({ type: "text_delta", text })
    } else if (type === "thinking") {
      start({ thinking: "", signature: "" })
      delta({ type: "thinking_delta", thinking })
      delta({ type: "signature_delta", signature })
    } else if (input !== undefined) {
      start({ input: {} })
      if (!isDeepStrictEqual(input, {})) delta({ type: "input_json_delta", partial_json: JSON.stringify(input) })
    } else start({})
    out.push({ type: "content_block_stop", index })
  })
  out.push({ type: "message_delta", delta: { stop_reason, stop_sequence, stop_details }, usage: message.usage })
  out.push({ type: "message_stop" })
  return out.map((event) => `event: ${String(event.type)}\ndata: ${JSON.stringify(event)}\n\n`).join("")
}

/** What may differ between a body and the same read and written again; `docs/providers/anthropic.md` lists it. */
const normal = (body: Fields): Fields => {
  const { output_format: format, stream, system, ...rest } = body
  const rules = blocks(system)
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([name, value]) => value !== null && !isEmpty(name, value))),
    ...(stream === true && { stream }),
    ...(Array.isArray(rules) && rules.length > 0 && { system: rules }),
    ...(format !== undefined && format !== null && { output_config: { ...rest.output_config as Fields, format } }),
    messages: turns(body.messages as ReadonlyArray<Fields>)
  }
}

const isEmpty = (name: string, value: unknown): boolean =>
  name === "tools" && Array.isArray(value) && value.length === 0

const isBlank = ({ text, type }: Fields): boolean => type === "text" && String(text).trim() === ""

/** Turns that say nothing are left out, neighbours of one role are one, the results of tools first. */
const turns = (messages: ReadonlyArray<Fields>): ReadonlyArray<Fields> => {
  const out: Array<Fields & { content: unknown }> = []
  for (const message of messages) {
    const turn: Fields & { content: unknown } = { ...message, content: blocks(message.content) }
    if (Array.isArray(turn.content) && turn.content.length === 0 && Object.keys(turn).length === 2) continue
    const before = out.at(-1)
    const joins = before?.role === turn.role && [before, turn].every((each) => Object.keys(each!).length === 2)
    if (before !== undefined && joins) before.content = [before.content, turn.content].flat()
    else out.push(turn)
  }
  const isResult = (block: Fields): boolean => block.type === "tool_result"
  return out.map(({ content, ...rest }) => {
    const all = content as ReadonlyArray<Fields>
    return { ...rest, content: [...all.filter(isResult), ...all.filter((block) => !isResult(block))] }
  })
}

/** A text alone is a list of one text, blank ones say nothing; a result is no failure where it does not say so. */
const blocks = (content: unknown): unknown =>
  typeof content === "string"
    ? blocks([{ type: "text", text: content }])
    : Array.isArray(content)
    ? content.filter((block: Fields) => !isBlank(block)).map((block: Fields) => {
      if (block.type !== "tool_result") return block
      const { is_error: failed, ...rest } = block
      return {
        ...rest,
        ...(failed === true && { is_error: failed }),
        ...("content" in rest && { content: blocks(rest.content) })
      }
    })
    : content
