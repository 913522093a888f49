/**
 * What Anthropic's wire reads is written as it was read, whole and streamed; whatever else is written is a legal
 * stream.
 *
 * @module
 */
import { type ChatResult, Part, type Parts, Result } from "@plugline/core"
import { Arbitrary, Cut } from "@plugline/testing"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { anthropic } from "../../../src/dialects/anthropic/index.ts"
import { batches, call, cutBytes, decoded, events, legal, parsed, same, stateOf, streamed, written } from "./support.ts"
import { blocks, ends, sse, whole } from "./model.ts"

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 })
const cuts = fc.array(fc.nat(100_000), { maxLength: 12 })

/** Without what a whole answer, taken apart, says of a call only at its end, when its block has begun. */
const withoutCaller = (result: ChatResult): ChatResult => ({
  ...result,
  content: result.content.map((part) => {
    if (part.type !== "tool-call" || part.providerExecuted === true) return part
    const { metadata: _, ...rest } = part
    return rest
  })
})

describe("what the wire of the same format reads", () => {
  it("is written as it was read, and read as it was written", () => {
    fc.assert(
      fc.property(blocks, ends, (blocks, end) => {
        const sent = whole(blocks, end)
        const result = parsed(sent)
        same(parsed(written(result)), result)
        const { container, ...rest } = sent as { readonly container?: unknown }
        const said = container !== null && container !== undefined && { container }
        same(written(result), { ...rest, ...said, ...silent(end) })
      }),
      { numRuns: 500 }
    )
  })

  it("is streamed as it was streamed, however both are cut", () => {
    fc.assert(
      fc.property(blocks, ends, cuts, cuts, sizes, (blocks, end, cutsIn, cutsOut, sizes) => {
        const parts = decoded(cutBytes(Buffer.from(sse(blocks, end)), cutsIn))
        const expected = Result.fold(parts)
        for (const out of [streamed(parts), streamed(parts, sizes)]) {
          legal(events(out))
          const again = Result.fold(decoded(cutBytes(Buffer.from(out), cutsOut)))
          same(again, expected)
        }
      }),
      { numRuns: 400 }
    )
  })

  it("is the same streamed from the whole answer", () => {
    fc.assert(
      fc.property(blocks, ends, sizes, (blocks, end, sizes) => {
        const result = parsed(whole(blocks, end))
        const out = streamed(Result.parts(result), sizes)
        legal(events(out))
        same(withoutCaller(Result.fold(decoded([out]))), withoutCaller(result))
      }),
      { numRuns: 300 }
    )
  })
})

/** Nobody who says `null` says anything, but here the format has the field in every message. */
const silent = ({ stop_sequence }: { readonly stop_sequence: string | null }) =>
  stop_sequence === "" || stop_sequence === null ? { stop_sequence: null } : {}

describe("parts that came another way", () => {
  it("are gone on from, after each of them", () => {
    fc.assert(
      fc.property(blocks, ends, (blocks, end) => {
        const frames = sse(blocks, end).split(/(?<=\n\n)/)
        const pieces = batches(frames)
        const expected = Result.fold(pieces.flat())
        // A block of a kind that is read at its end alone cannot be told from its beginning.
        const last = pieces.length - 1
        const marks = pieces.flatMap((parts, index) => parts.length === 0 && index < last ? [] : [index + 1])
        for (const mark of [0, ...marks]) {
          const encoder = anthropic.encoder(call)
          encoder.skip(pieces.slice(0, mark).flat())
          // Bytes are handed on only with the parts that they hold.
          const before = frames.slice(0, mark).join("")
          const after = pieces.slice(mark).map((parts) => encoder.push(parts)).join("")
          const all = [...events(before, false), ...events(after)]
          if (mark > 0 && stateOf(events(before, false)).ended) expect(after).toBe("")
          legal(all.filter(({ type }) => type !== "ping"))
          same(Result.fold(decoded([before, after])), expected)
        }
      }),
      { numRuns: 100 }
    )
  })
})

describe("whatever is pushed", () => {
  const once = (all: ReturnType<typeof events>): void => {
    const count = (type: string): number => all.filter((event) => event.type === type).length
    expect(count("message_stop") + count("error")).toBe(1)
    expect(count("message_delta")).toBe(count("message_stop"))
    expect(count("message_start")).toBeLessThanOrEqual(1)
  }

  const textOf = (parts: Parts): string =>
    parts.map((part) => part.type === "text-delta" && (part.choice ?? 0) === 0 ? part.delta : "").join("")

  it("is a legal stream with one end, holding every word in order and every call", () => {
    fc.assert(
      fc.property(Arbitrary.parts(), sizes, Arbitrary.cuts(), (parts, sizes, cuts) => {
        for (const one of [parts, Cut.recut(parts, cuts)]) {
          const out = streamed(one, sizes)
          const all = events(out)
          legal(all)
          once(all)
          const read = decoded([out])
          expect(read.filter(Part.isTerminal).map(({ type }) => type)).toEqual([parts.at(-1)!.type])
          expect(textOf(read)).toBe(textOf(parts))
          const isCall = (part: Part) =>
            part.type === "tool-call" && part.providerExecuted !== true && (part.choice ?? 0) === 0
          const calls = (list: Parts) => list.flatMap((part) => isCall(part) && "id" in part ? [part.id] : []).sort()
          expect(calls(read)).toEqual(calls(parts))
        }
      }),
      { numRuns: 600 }
    )
  })

  it("is legal also where the parts are not", () => {
    fc.assert(
      fc.property(Arbitrary.oddParts(), Arbitrary.oddParts(), sizes, (parts, more, sizes) => {
        legal(events(streamed([...parts, ...more], sizes)))
      }),
      { numRuns: 600 }
    )
  })

  it("a whole answer of anybody can be written and read", () => {
    fc.assert(
      fc.property(Arbitrary.chatResult(), (result) => {
        const again = parsed(written(result))
        expect(Result.text(again)).toBe(Result.text(result))
        expect(Result.reasoning(again)).toBe(reasoningOf(result))
        const calls = (result: ChatResult) => Result.toolCalls(result).map(({ id, name }) => [id, name])
        expect(calls(again)).toEqual(calls(result))
      }),
      { numRuns: 400 }
    )
  })

  /** What is hidden is not aloud. */
  const reasoningOf = (result: ChatResult): string =>
    result.content.map((part) => {
      const own = part.metadata?.anthropic
      const isHidden = own?.type === "redacted_thinking" || typeof own?.data === "string"
      return part.type !== "reasoning" || isHidden ? "" : part.text
    }).join("")
})
