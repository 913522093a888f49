/**
 * Gives Ollama's counts the one meaning of `Usage`. Where the whole prompt was cached, some versions leave its count
 * out: it is then unknown, not 0. Thinking is part of what was written, and not counted apart.
 *
 * @module
 */
import type { JsonValue, Usage } from "@plugline/core"
import { count, type Fields } from "../wire/read.ts"

const metrics = new Set([
  "total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count", "eval_duration"
])

/** Whether a field is one of the numbers at the end of an answer. Durations are in ns. */
export const isMetric = (name: string): boolean => metrics.has(name)

/** Usage from the last line of an answer. */
export const usage = (line: Fields): Usage => {
  const input = count(line.prompt_eval_count)
  const output = count(line.eval_count)
  const raw: { [name: string]: JsonValue } = {}
  let said = false
  for (const name of metrics) {
    const value = line[name]
    if (value === undefined) continue
    raw[name] = value
    said = true
  }
  return {
    inputTokens: input === undefined ? {} : { total: input },
    outputTokens: output === undefined ? {} : { total: output },
    ...(said && { raw })
  }
}
