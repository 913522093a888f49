/**
 * The law of every provider: a streamed answer, folded, is the whole answer, parsed, however it was cut, whatever events the
 * service leaves out, and however the items are dealt into each other.
 *
 * @module
 */
import { Json, Part, Result } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { answer, created, decoded, parsed, sse } from "./support.ts"

const anyText = fc.string({ unit: "binary", maxLength: 12 })
const pieces = fc.array(anyText, { maxLength: 4 })

/** An item as the service writes it, and the pieces its texts come in. */
interface Model {
  readonly item: { readonly type: string; readonly id: string; readonly [field: string]: unknown }
  readonly events: ReadonlyArray<{ readonly type: string; readonly [field: string]: unknown }>
}

const annotation = fc.oneof(
  fc.record({ type: fc.constant("url_citation"), url: fc.webUrl(), title: anyText, start_index: fc.nat(9) }),
  fc.record({ type: fc.constant("file_citation"), file_id: fc.constant("file_1"), filename: fc.constant("a.pdf") }),
  fc.record({ type: fc.constant("something_new"), x: fc.nat(9) })
)

const logprob = fc.record({ token: anyText, logprob: fc.constant(-0.5) })

const message: fc.Arbitrary<Model> = fc.record({
  id: fc.constantFrom("msg_a", "msg_b"),
  phase: fc.constantFrom(undefined, "commentary", "final_answer"),
  texts: fc.array(
    fc.record({
      refusal: fc.boolean(),
      pieces,
      annotations: fc.array(annotation, { maxLength: 2 }),
      logprobs: fc.array(logprob, { maxLength: 2 })
    }),
    { maxLength: 3 }
  )
}).map(({ id, phase, texts }) => ({
  item: {
    type: "message",
    id,
    role: "assistant",
    status: "completed",
    ...(phase !== undefined && { phase }),
    content: texts.map(({ annotations, logprobs, pieces, refusal }) =>
      refusal
        ? { type: "refusal", refusal: pieces.join("") }
        : { type: "output_text", text: pieces.join(""), annotations, logprobs }
    )
  },
  events: texts.flatMap(({ annotations, pieces, refusal }, content_index) => {
    const part = refusal ? { type: "refusal", refusal: "" } : { type: "output_text", text: "", annotations: [] }
    const kind = refusal ? "response.refusal" : "response.output_text"
    return [
      { type: "response.content_part.added", content_index, part },
      ...pieces.map((delta) => ({ type: `${kind}.delta`, content_index, delta, obfuscation: "xxx" })),
      ...(refusal ? [] : annotations.map((annotation, annotation_index) => ({
        type: "response.output_text.annotation.added", content_index, annotation_index, annotation
      }))),
      { type: `${kind}.done`, content_index, [refusal ? "refusal" : "text"]: pieces.join("") }
    ]
  })
}))

const reasoning = (most: number): fc.Arbitrary<Model> =>
  fc.record({
    summary: fc.array(pieces, { maxLength: most }),
    content: fc.array(pieces, { maxLength: 1 }),
    encrypted_content: fc.constantFrom(undefined, null, "gAAA")
  }).map((given) => ({ ...given, content: given.summary.length > 0 ? [] : given.content }))
  .map(({ content, encrypted_content, summary }) => ({
    item: {
      type: "reasoning",
      id: "rs_1",
      encrypted_content,
      summary: summary.map((pieces) => ({ type: "summary_text", text: pieces.join("") })),
      ...(content.length > 0 && { content: content.map((pieces) => ({ type: "reasoning_text", text: pieces.join("") })) })
    },
    events: [
      ...summary.flatMap((pieces, summary_index) => [
        { type: "response.reasoning_summary_part.added", summary_index, part: { type: "summary_text", text: "" } },
        ...pieces.map((delta) => ({ type: "response.reasoning_summary_text.delta", summary_index, delta })),
        { type: "response.reasoning_summary_text.done", summary_index, text: pieces.join("") }
      ]),
      ...content.flatMap((pieces, content_index) => [
        { type: "response.content_part.added", content_index, part: { type: "reasoning_text", text: "" } },
        ...pieces.map((delta) => ({ type: "response.reasoning_text.delta", content_index, delta })),
        { type: "response.reasoning_text.done", content_index, text: pieces.join("") }
      ])
    ]
  }))

const args = fc.oneof(fc.json({ maxDepth: 2 }), anyText)

const call: fc.Arbitrary<Model> = fc.record({
  custom: fc.boolean(),
  call_id: fc.constantFrom("call_1", "call_2", undefined),
  args,
  at: fc.nat(20)
}).map(({ args, at, call_id, custom }) => {
  const type = custom ? "custom_tool_call" : "function_call"
  const kind = custom ? "response.custom_tool_call_input" : "response.function_call_arguments"
  return {
    item: {
      type, id: "fc_1", call_id, name: "f", [custom ? "input" : "arguments"]: args, ...(!custom && { status: "completed" })
    },
    events: [
      { type: `${kind}.delta`, delta: args.slice(0, at) },
      { type: `${kind}.delta`, delta: args.slice(at) },
      { type: `${kind}.done`, [custom ? "input" : "arguments"]: args }
    ]
  }
})

const served: fc.Arbitrary<Model> = fc.constantFrom<Model["item"]>(
  { type: "web_search_call", id: "ws_1", status: "completed", action: { type: "search", query: "q" } },
  { type: "code_interpreter_call", id: "ci_1", status: "completed", code: "1", outputs: [{ type: "logs", logs: "1" }] },
  { type: "image_generation_call", id: "ig_1", status: "completed", output_format: "webp", result: "AAAA" },
  { type: "mcp_call", id: "mcp_1", server_label: "s", name: "n", arguments: "{\"a\":1}", error: "it broke" },
  { type: "computer_call", id: "cu_1", call_id: "call_9", action: { type: "click", x: 1 }, pending_safety_checks: [] },
  { type: "compaction", id: "cmp_1", encrypted_content: "x" },
  { type: "future_call", id: "fu_1", x: 1 }
).map((item) => ({ item, events: [{ type: `response.${item.type}.in_progress` }] }))

/** The events of one item; `without` says what the service leaves out. */
const eventsOf = ({ events, item }: Model, output_index: number, without: ReadonlyArray<string>): ReadonlyArray<object> => {
  const empty = { ...item, content: [], summary: [], arguments: "", input: "", result: null, status: "in_progress" }
  const begun = Object.fromEntries(Object.entries(empty).filter(([name]) => Object.hasOwn(item, name)))
  const all = [
    { type: "response.output_item.added", item: begun },
    ...events.map((event) => ({ item_id: item.id, ...event })),
    { type: "response.output_item.done", item }
  ]
  return all.filter(({ type }) => !without.some((name) => type.endsWith(name)))
    .map((event) => ({ ...event, output_index, sequence_number: 1 }))
}

/** Queues dealt into each other, each in its own order. */
const dealt = (queues: ReadonlyArray<ReadonlyArray<object>>, deal: ReadonlyArray<number>): ReadonlyArray<object> => {
  const left = queues.map((queue) => [...queue])
  const out: Array<object> = []
  for (let turn = 0; left.some((queue) => queue.length > 0); turn++) {
    const waiting = left.filter((queue) => queue.length > 0)
    out.push(waiting[(deal[turn % deal.length] ?? 0) % waiting.length]!.shift()!)
  }
  return out
}

const cutBytes = (bytes: Buffer, at: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const cuts = [0, ...at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index]!, end))
}

const end = fc.record({
  status: fc.constantFrom("completed", "incomplete"),
  incomplete_details: fc.constantFrom(null, { reason: "max_output_tokens" }, { reason: "content_filter" }),
  usage: fc.constantFrom(null, { input_tokens: 9, input_tokens_details: { cached_tokens: 4 }, output_tokens: 3 }),
  service_tier: fc.constantFrom("default", null)
}, { requiredKeys: ["status"] })

const holds = (models: ReadonlyArray<Model>, more: object, events: ReadonlyArray<object>, cuts: ReadonlyArray<number>): void => {
  const whole = answer(models.map(({ item }) => item), more)
  const type = `response.${String(whole.status)}`
  const bytes = Buffer.from(sse([created, ...events, { type, response: whole }]))
  const parts = decoded(cutBytes(bytes, cuts))
  const expected = parsed(whole)
  expect(Result.fold(parts)).toStrictEqual(expected)
  expect(parts.filter(Part.isTerminal).length).toBe(1)
  // The parts of the whole answer lead back to it.
  expect(Json.equals(Result.fold(Result.parts(expected)), expected)).toBe(true)
}

const cuts = fc.array(fc.nat(100_000), { maxLength: 12 })
/** What services have been seen to leave out. */
const omissions = [".delta", "text.done", "input.done", "part.added", "annotation.added"]

describe("a streamed answer, folded, is the whole answer, parsed", () => {
  it("whatever was said, whatever the service leaves out, and however it was cut", () => {
    const models = fc.array(fc.oneof(message, reasoning(3), call, served), { maxLength: 4 })
    fc.assert(
      fc.property(models, end, fc.subarray([...omissions, "output_item.added"]), cuts, (models, more, without, cuts) => {
        const events = models.flatMap((model, index) => eventsOf(model, index, without))
        holds(models, more, events, cuts)
      }),
      { numRuns: 1500 }
    )
  })

  it("also where only the end of the answer holds the items whole", () => {
    const models = fc.array(fc.oneof(message, reasoning(1), call, served), { maxLength: 4 })
    fc.assert(
      fc.property(models, end, fc.subarray(omissions), fc.nat(5), cuts, (models, more, without, seen, cuts) => {
        const events = models.slice(0, seen).flatMap((model, index) => eventsOf(model, index, [...without, "output_item.done"]))
        holds(models, more, events, cuts)
      }),
      { numRuns: 800 }
    )
  })

  it("also when items are dealt into each other", () => {
    const models = fc.array(fc.oneof(message, reasoning(1), call, served), { minLength: 2, maxLength: 4 })
    const deal = fc.array(fc.nat(9), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(models, end, deal, cuts, (models, more, deal, cuts) => {
        const queues = models.map((model, index) => eventsOf(model, index, []))
        // Items begin in their order.
        const [begun, rest] = [queues.map((queue) => queue[0]!), queues.map((queue) => queue.slice(1))]
        holds(models, more, [...begun, ...dealt(rest, deal)], cuts)
      }),
      { numRuns: 600 }
    )
  })
})
