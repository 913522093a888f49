/**
 * The law of every provider: a streamed answer, folded, is the whole answer, parsed, however it was cut.
 *
 * @module
 */
import { Json, Part, Result } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decoded, parsed, sse } from "./support.ts"

/** An answer as a model gives it, before a service writes it down. */
interface Model {
  readonly choices: ReadonlyArray<ChoiceModel>
  readonly usage: object | undefined
  readonly citations: ReadonlyArray<string>
  readonly extra: { readonly [name: string]: unknown }
}

interface ChoiceModel {
  readonly reasoning: ReadonlyArray<string>
  readonly field: "reasoning" | "reasoning_content"
  readonly details: boolean
  readonly text: ReadonlyArray<string>
  readonly refusal: ReadonlyArray<string>
  readonly calls: ReadonlyArray<{
    readonly name: string; readonly args: ReadonlyArray<string>; readonly hasId: boolean
  }>
  readonly annotations: ReadonlyArray<object>
  readonly finish: string
}

const anyText = fc.string({ unit: "binary", maxLength: 12 })
const pieces = fc.array(anyText, { maxLength: 4 })
const cutUp = (value: string, at: ReadonlyArray<number>): ReadonlyArray<string> => {
  const cuts = [0, ...at.map((place) => place % (value.length + 1)).sort((a, b) => a - b), value.length]
  return cuts.slice(1).map((end, index) => value.slice(cuts[index]!, end))
}

const args = fc.tuple(
  fc.oneof(
    fc.dictionary(
      fc.string({ maxLength: 5 }),
      fc.jsonValue({ maxDepth: 2 }),
      { maxKeys: 3 }
    ).map((value) => JSON.stringify(value)),
    fc.constantFrom("", "{}", "{}{\"a\":1}", "null", "{\"a\":", "12")
  ),
  fc.array(fc.nat(40), { maxLength: 3 })
).map(([value, at]) => cutUp(value, at))

const choice: fc.Arbitrary<ChoiceModel> = fc.record({
  reasoning: pieces,
  field: fc.constantFrom("reasoning", "reasoning_content"),
  details: fc.boolean(),
  text: pieces,
  refusal: fc.oneof(fc.constant([]), pieces),
  calls: fc.array(fc.record({ name: fc.constantFrom("f", "g", "ünï"), args, hasId: fc.boolean() }), { maxLength: 3 }),
  annotations: fc.array(
    fc.record({ type: fc.constant("url_citation"), url_citation: fc.record({ url: fc.webUrl(), title: anyText }) }),
    { maxLength: 2 }
  ),
  finish: fc.constantFrom("stop", "length", "tool_calls", "content_filter", "eos", "something_new")
})

const model: fc.Arbitrary<Model> = fc.record({
  choices: fc.array(choice, { minLength: 1, maxLength: 3 }),
  usage: fc.option(
    fc.record({
      prompt_tokens: fc.nat(1000),
      completion_tokens: fc.nat(1000),
      total_tokens: fc.nat(4000),
      prompt_tokens_details: fc.record({ cached_tokens: fc.nat(1000) }),
      completion_tokens_details: fc.record({ reasoning_tokens: fc.nat(1000) })
    }),
    { nil: undefined }
  ),
  citations: fc.array(fc.webUrl(), { maxLength: 3 }),
  extra: fc.dictionary(
    fc.constantFrom("provider", "service_tier", "x", "__proto__"),
    fc.jsonValue({ maxDepth: 2 }),
    { maxKeys: 2 }
  )
})

const head = { id: "r1", object: "chat.completion", created: 1_700_000_000, model: "m-1" }

const idOf = (
  call: { readonly hasId: boolean },
  choice: number,
  index: number
): string => call.hasId ? `id_${choice}_${index}` : ""

/** The answer in one document. */
const whole = ({ choices, citations, extra, usage }: Model): object => ({
  ...head,
  choices: choices.map((choice, index) => ({
    index,
    finish_reason: choice.finish,
    message: {
      role: "assistant",
      [choice.field]: choice.reasoning.join(""),
      ...(choice.details && choice.reasoning.length > 0
        && {
          reasoning_details: [{ type: "reasoning.text", text: choice.reasoning.join(""), index: 0, signature: "s" }]
        }),
      content: choice.text.join("") || null,
      refusal: choice.refusal.join("") || null,
      tool_calls: choice.calls.map((call, position) => ({
        id: idOf(call, index, position),
        type: "function",
        function: { name: call.name, arguments: call.args.join("") }
      })),
      annotations: choice.annotations
    }
  })),
  ...(citations.length > 0 && { citations }),
  ...extra,
  ...(usage !== undefined && { usage })
})

/** The answer as events: each choice in its own order, the choices dealt into each other by `deal`. */
const events = (
  { choices, citations, extra, usage }: Model,
  deal: ReadonlyArray<number>,
  usageApart: boolean
): ReadonlyArray<object> => {
  const queues = choices.map((choice, index) => {
    const out: Array<object> = [{ index, delta: { role: "assistant", content: "" }, finish_reason: null }]
    const say = (delta: object) => out.push({ index, delta, finish_reason: null })
    choice.reasoning.forEach((text, position) => {
      const details = {
        type: "reasoning.text",
        text,
        index: 0,
        ...(position === choice.reasoning.length - 1 && { signature: "s" })
      }
      say({ [choice.field]: text, ...(choice.details && { reasoning_details: [details] }) })
    })
    for (const content of choice.text) say({ content })
    for (const refusal of choice.refusal) say({ refusal })
    if (choice.annotations.length > 0) say({ annotations: choice.annotations })
    choice.calls.forEach((call, position) => {
      const [first = "", ...rest] = call.args
      say({
        tool_calls: [
          {
            index: position,
            id: idOf(call, index, position),
            type: "function",
            function: { name: call.name, arguments: first }
          }
        ]
      })
      for (const more of rest) say({ tool_calls: [{ index: position, function: { arguments: more } }] })
    })
    out.push({ index, delta: {}, finish_reason: choice.finish })
    return out
  })
  const out: Array<object> = []
  for (let turn = 0; queues.some((queue) => queue.length > 0); turn++) {
    const waiting = queues.filter((queue) => queue.length > 0)
    const queue = waiting[(deal[turn % deal.length] ?? 0) % waiting.length]!
    out.push({ ...head, choices: [queue.shift()], ...(citations.length > 0 && { citations }), ...extra })
  }
  if (usage !== undefined) {
    if (usageApart) out.push({ ...head, choices: [], usage })
    else Object.assign(out.at(-1)!, { usage })
  }
  return out
}

/** Bytes cut at some places. */
const cutBytes = (bytes: Buffer, at: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const cuts = [0, ...at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index]!, end))
}

describe("a streamed answer, folded, is the whole answer, parsed", () => {
  it("whatever was said and however it was cut", () => {
    fc.assert(
      fc.property(
        model,
        fc.array(fc.nat(9), { minLength: 1, maxLength: 20 }),
        fc.array(fc.nat(100_000), { maxLength: 12 }),
        fc.boolean(),
        fc.boolean(),
        (answer, deal, cuts, usageApart, done) => {
          const bytes = Buffer.from(sse(events(answer, deal, usageApart), done ? "data: [DONE]\n\n" : ""))
          const parts = decoded(cutBytes(bytes, cuts))
          const streamed = Result.fold(parts)
          const expected = parsed(whole(answer))
          // A refusal and a text that meet in time are one after the other in both.
          expect(streamed).toStrictEqual(expected)
          expect(parts.filter(Part.isTerminal).length).toBe(1)
          // And the parts of the whole answer lead back to it.
          expect(Json.equals(Result.fold(Result.parts(expected)), expected)).toBe(true)
        }
      ),
      { numRuns: 1500 }
    )
  })
})
