/**
 * A streamed answer, folded, is the whole answer, parsed: for arbitrary answers, however their bytes are cut.
 *
 * @module
 */
import { Json, Part, Result } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { answer, cut, decoded, parsed, stream } from "./support.ts"

const anyText = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: "grapheme", maxLength: 8 }))
const pieces = fc.array(anyText, { minLength: 1, maxLength: 4 })
const input = fc.dictionary(fc.constantFrom("a", "b", "ü", "__proto__"), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
/** Bytes, whole and in pieces, each piece encoded for itself. */
const encoded = fc.array(fc.uint8Array({ minLength: 1, maxLength: 7 }), { minLength: 1, maxLength: 3 }).map((pieces) => ({
  whole: Buffer.concat(pieces).toString("base64"),
  pieces: pieces.map((bytes) => Buffer.from(bytes).toString("base64"))
}))
const citation = fc.record({
  title: anyText,
  location: fc.oneof(
    fc.record({ web: fc.record({ url: fc.webUrl(), domain: fc.domain() }) }),
    fc.record({ documentPage: fc.record({ documentIndex: fc.nat(3), start: fc.nat(9), end: fc.nat(9) }) })
  )
}, { requiredKeys: ["location"] })

/** One block: as it stands in a whole answer, and the events that bring it. */
interface Block {
  readonly whole: unknown
  readonly start?: object
  readonly deltas: ReadonlyArray<object>
}

const textBlock = pieces.map((texts): Block => ({ whole: { text: texts.join("") }, deltas: texts.map((text) => ({ text })) }))

const citedBlock = fc.tuple(pieces, fc.array(citation, { minLength: 1, maxLength: 3 }), fc.boolean()).map(
  ([texts, citations, first]): Block => {
    const said = texts.map((text) => ({ text }))
    const cited = citations.map((one) => ({ citation: one }))
    return {
      whole: { citationsContent: { content: [{ text: texts.join("") }], citations } },
      deltas: first ? [...cited, ...said] : [...said, ...cited]
    }
  }
)

const reasoningBlock = fc.tuple(pieces, fc.option(fc.tuple(fc.base64String({ minLength: 4 }), fc.base64String({ minLength: 4 })))).map(
  ([texts, signature]): Block => ({
    whole: {
      reasoningContent: { reasoningText: { text: texts.join(""), ...(signature !== null && { signature: signature.join("") }) } }
    },
    deltas: [
      ...texts.map((text) => ({ reasoningContent: { text } })),
      ...(signature ?? []).map((piece) => ({ reasoningContent: { signature: piece } }))
    ]
  })
)

const redactedBlock = encoded.map(({ pieces, whole }): Block => ({
  whole: { reasoningContent: { redactedContent: whole } },
  deltas: pieces.map((redactedContent) => ({ reasoningContent: { redactedContent } }))
}))

const toolBlock = fc.tuple(input, fc.array(fc.nat(200), { maxLength: 4 }), fc.boolean(), fc.nat(99)).map(
  ([value, cuts, server, number]): Block => {
    const written = Buffer.from(JSON.stringify(value))
    const head = { toolUseId: `tooluse_${number}`, name: "ünï", ...(server && { type: "server_tool_use" }) }
    // Pieces end at characters, as they do on the wire.
    const texts = written.every((byte) => byte < 128) ? cut(written, cuts).map((bytes) => Buffer.from(bytes).toString()) : [written.toString()]
    return {
      whole: { toolUse: { ...head, input: JSON.parse(written.toString()) } },
      start: { toolUse: head },
      deltas: texts.map((text) => ({ toolUse: { input: text } }))
    }
  }
)

const resultBlock = fc.tuple(pieces, fc.constantFrom("success", "error"), fc.nat(99)).map(([texts, status, number]): Block => {
  const head = { toolUseId: `tooluse_${number}`, status, type: "nova_grounding_result" }
  return {
    whole: { toolResult: { ...head, content: [{ json: { n: 1 } }, { text: texts.join("") }] } },
    start: { toolResult: head },
    deltas: [{ toolResult: [{ json: { n: 1 } }] }, ...texts.map((text) => ({ toolResult: [{ text }] }))]
  }
})

const imageBlock = encoded.map(({ pieces, whole }): Block => ({
  whole: { image: { format: "png", source: { bytes: whole } } },
  start: { image: { format: "png" } },
  deltas: pieces.map((bytes) => ({ image: { source: { bytes } } }))
}))

const block = fc.oneof(textBlock, citedBlock, reasoningBlock, redactedBlock, toolBlock, resultBlock, imageBlock)
const model = fc.record({
  blocks: fc.array(block, { maxLength: 5 }),
  stopReason: fc.constantFrom("end_turn", "tool_use", "max_tokens", "stop_sequence", "guardrail_intervened", "content_filtered", "new_word"),
  usage: fc.record({
    inputTokens: fc.nat(999),
    outputTokens: fc.nat(999),
    totalTokens: fc.nat(9999),
    cacheReadInputTokens: fc.nat(99),
    cacheWriteInputTokens: fc.nat(99)
  }, { requiredKeys: ["inputTokens", "outputTokens"] }),
  beside: fc.dictionary(
    fc.constantFrom("metrics", "trace", "serviceTier", "performanceConfig", "__proto__", "later"),
    fc.jsonValue({ maxDepth: 2 }),
    { maxKeys: 3 }
  )
})

describe("a streamed answer, folded, is the whole answer, parsed", () => {
  it("whatever was said and however it was cut", () => {
    fc.assert(
      fc.property(model, fc.array(fc.nat(100_000), { maxLength: 12 }), ({ beside, blocks, stopReason, usage }, cuts) => {
        const events: Array<readonly [string, unknown]> = [["messageStart", { role: "assistant" }]]
        blocks.forEach(({ deltas, start }, contentBlockIndex) => {
          if (start !== undefined) events.push(["contentBlockStart", { contentBlockIndex, start }])
          for (const delta of deltas) events.push(["contentBlockDelta", { contentBlockIndex, delta, p: "abc" }])
          events.push(["contentBlockStop", { contentBlockIndex }])
        })
        events.push(["messageStop", { stopReason, p: "abc" }], ["metadata", { ...beside, usage, p: "abcd" }])
        const parts = decoded(cut(stream(events), cuts))
        const streamed = Result.fold(parts)
        const whole = parsed(answer(blocks.map(({ whole }) => whole), { metrics: undefined, ...beside, stopReason, usage }))
        expect(streamed).toStrictEqual(whole)
        expect(parts.filter(Part.isTerminal).length).toBe(1)
        // And the parts of the whole answer lead back to it.
        expect(Json.equals(Result.fold(Result.parts(whole)), whole)).toBe(true)
      }),
      { numRuns: 500 }
    )
  })

  it("also where blocks arrive between each other, or never end", () => {
    const parts = decoded([stream([
      ["contentBlockDelta", { contentBlockIndex: 0, delta: { text: "a" } }],
      ["contentBlockStart", { contentBlockIndex: 1, start: { toolUse: { toolUseId: "t", name: "f" } } }],
      ["contentBlockDelta", { contentBlockIndex: 0, delta: { text: "b" } }],
      ["contentBlockDelta", { contentBlockIndex: 1, delta: { toolUse: { input: "{}" } } }],
      ["messageStop", { stopReason: "tool_use" }],
      ["metadata", {}]
    ])])
    expect(Result.fold(parts)).toMatchObject({
      content: [{ type: "text", text: "ab" }, { type: "tool-call", id: "t", params: {} }],
      finishReason: "tool-calls"
    })
  })
})
