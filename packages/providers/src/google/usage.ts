/**
 * Gives Gemini's token counts the one meaning of `Usage`. Google counts thinking beside the answer, and what its own
 * tools were asked with beside the prompt; a count that is zero it does not send, but the total then tells it.
 *
 * @module
 */
import { type JsonValue, Part, type Usage } from "@plugline/core"
import { count, type Fields, object } from "../wire/read.ts"

/** Usage from `usageMetadata`; what it does not say stays unknown. */
export const usage = (raw: JsonValue | undefined): Usage => {
  const sent = object(raw)
  if (raw === undefined || sent === undefined) return Part.unknownUsage
  const prompt = count(sent.promptTokenCount)
  const tools = count(sent.toolUsePromptTokenCount)
  const said = count(sent.candidatesTokenCount) ?? count(sent.responseTokenCount)
  const total = count(sent.totalTokenCount)
  const thought = count(sent.thoughtsTokenCount)
  const input = prompt === undefined ? tools : prompt + (tools ?? 0)
  const cached = count(sent.cachedContentTokenCount)
  const cacheRead = cached === undefined || input === undefined ? cached : Math.min(cached, input)
  const output = said !== undefined
    ? said + (thought ?? 0)
    : total !== undefined && input !== undefined && total >= input
    ? total - input
    : thought
  const reasoning = thought === undefined || output === undefined ? thought : Math.min(thought, output)
  return {
    inputTokens: {
      ...(input !== undefined && { total: input }),
      ...(input !== undefined && cacheRead !== undefined && { uncached: input - cacheRead }),
      ...(cacheRead !== undefined && { cacheRead })
    },
    outputTokens: {
      ...(output !== undefined && { total: output }),
      ...(output !== undefined && reasoning !== undefined && { text: output - reasoning }),
      ...(reasoning !== undefined && { reasoning })
    },
    raw
  }
}

/** Whether counts are among the numbers: early events of a stream tell only how the request was served. */
export const counts = (sent: Fields): boolean =>
  sent.promptTokenCount !== undefined || sent.totalTokenCount !== undefined || sent.candidatesTokenCount !== undefined
