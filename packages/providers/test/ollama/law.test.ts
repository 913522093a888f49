/**
 * The law of every provider: a streamed answer, folded, is the whole answer, parsed, however it was cut.
 *
 * @module
 */
import { Json, Part, Result } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { cutBytes, decoded, head, lines, parsed } from "./support.ts"

const anyText = fc.string({ unit: "binary", maxLength: 12 })
const pieces = fc.array(anyText, { maxLength: 4 })

const call = fc.record({
  id: fc.option(fc.constantFrom("call_a", "call_b"), { nil: undefined }),
  name: fc.constantFrom("f", "g", "ünï"),
  args: fc.oneof(
    fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
    fc.constantFrom("{\"a\":1}", "{broken", "", null, undefined, [1])
  )
})

const model = fc.record({
  thinking: pieces,
  text: pieces,
  calls: fc.array(call, { maxLength: 3 }),
  logprobs: fc.array(
    fc.record({ token: anyText, logprob: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
    { maxLength: 3 }
  ),
  metrics: fc.record({
    total_duration: fc.nat(1e9),
    prompt_eval_count: fc.nat(1000),
    eval_count: fc.nat(1000)
  }, { requiredKeys: [] }),
  extra: fc.dictionary(
    fc.constantFrom("remote_model", "context", "x", "__proto__"),
    fc.jsonValue({ maxDepth: 2 }),
    { maxKeys: 2 }
  ),
  reason: fc.constantFrom("stop", "length", "load", undefined)
})
type Model = typeof model extends fc.Arbitrary<infer A> ? A : never

const written = ({ args, id, name }: Model["calls"][number]): object => ({
  ...(id !== undefined && { id }),
  function: { name, ...(args !== undefined && { arguments: args }) }
})

const tail = ({ extra, metrics, reason }: Model): object => ({
  ...metrics,
  ...extra,
  done: true,
  ...(reason !== undefined && { done_reason: reason })
})

const whole = (it: Model): object => ({
  ...head,
  message: {
    role: "assistant",
    content: it.text.join(""),
    thinking: it.thinking.join(""),
    ...(it.calls.length > 0 && { tool_calls: it.calls.map(written) })
  },
  logprobs: it.logprobs,
  ...tail(it)
})

const events = (it: Model, together: boolean): ReadonlyArray<object> => {
  const say = (message: object, more: object = {}) => ({
    ...head,
    message: { role: "assistant", ...message },
    done: false,
    ...more
  })
  const calls = it.calls.map(written)
  const spoken = [
    ...it.thinking.map((thinking) => say({ content: "", thinking })),
    ...it.text.map((content) => say({ content })),
    ...it.logprobs.map((one) => say({ content: "" }, { logprobs: [one] })),
    ...(
      together ? [say({ content: "", tool_calls: calls })] : calls.map((one) => say({ content: "", tool_calls: [one] }))
    )
  ]
  return [...spoken, { ...head, message: { role: "assistant", content: "" }, ...tail(it) }]
}

describe("a streamed answer, folded, is the whole answer, parsed", () => {
  it("whatever was said and however it was cut", () => {
    fc.assert(
      fc.property(
        model,
        fc.array(fc.nat(100_000), { maxLength: 12 }),
        fc.constantFrom("\n", "\r\n", "\n\n"),
        fc.boolean(),
        fc.boolean(),
        (it, cuts, end, lastEnd, together) => {
          const text = lines(events(it, together), end)
          const parts = decoded(cutBytes(Buffer.from(lastEnd ? text : text.trimEnd()), cuts))
          const expected = parsed(whole(it))
          expect(Result.fold(parts)).toStrictEqual(expected)
          expect(parts.filter(Part.isTerminal).length).toBe(1)
          expect(Json.equals(Result.fold(Result.parts(expected)), expected)).toBe(true)
          // A whole answer is a stream of one line.
          expect(Result.fold(decoded([JSON.stringify(whole(it))]))).toStrictEqual(expected)
        }
      ),
      { numRuns: 1000 }
    )
  })

  it("and of generate, too", () => {
    fc.assert(fc.property(pieces, pieces, fc.array(fc.nat(1000), { maxLength: 6 }), (thinking, text, cuts) => {
      const done = { done: true, done_reason: "stop", context: [1, 2], eval_count: 3 }
      const all = [
        ...thinking.map((thinking) => ({ ...head, response: "", thinking, done: false })),
        ...text.map((response) => ({ ...head, response, done: false })),
        { ...head, response: "", ...done }
      ]
      const streamed = Result.fold(decoded(cutBytes(Buffer.from(lines(all)), cuts)), "completion")
      const body = { ...head, response: text.join(""), thinking: thinking.join(""), ...done }
      expect(streamed).toStrictEqual(parsed(body, { operation: "completion" }))
    }), { numRuns: 300 })
  })
})
