/**
 * What Google's wire reads is written as it was read, whole and streamed; whatever else is written is a legal stream.
 *
 * @module
 */
import { type ChatResult, type Content, Part, type Parts, Result } from "@plugline/core"
import { Arbitrary } from "@plugline/testing"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { google, googleList } from "../../../src/dialects/google/index.ts"
import { batches, call, cutBytes, decoded, events, legal, parsed, same, streamed, written } from "./support.ts"
import { frames, responses, whole } from "./model.ts"

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 })
const cuts = fc.array(fc.nat(100_000), { maxLength: 12 })

/** Words apart from their signatures, which a stream may bring in a part without words. */
const apart = (result: ChatResult): object => {
  const content = (list: ReadonlyArray<Content>) => {
    const out: Array<object> = []
    for (const part of list) {
      if (part.type !== "text" && part.type !== "reasoning") {
        out.push(part)
        continue
      }
      const { thought: _, ...own } = part.metadata?.google ?? {}
      const last = out.at(-1) as { type?: string; text?: string } | undefined
      if (part.text !== "" && last?.type === part.type) last.text += part.text
      else if (part.text !== "") out.push({ type: part.type, text: part.text })
      if (Object.keys(own).length > 0) out.push(own)
    }
    return out
  }
  const choices = result.choices?.map((choice) => ({ ...choice, content: content(choice.content) }))
  return { ...result, content: content(result.content), choices }
}

describe("what the wire of the same format reads", () => {
  it("is written as it was read, and read as it was written", () => {
    fc.assert(
      fc.property(responses, ([candidates, frame]) => {
        const result = parsed(whole(candidates, frame))
        same(parsed(written(result)), result)
        same(parsed(written(parsed(written(result)))), result)
      }),
      { numRuns: 500 }
    )
  })

  it("is streamed as it was streamed, however both are cut", () => {
    fc.assert(
      fc.property(responses, cuts, cuts, sizes, ([candidates, frame], cutsIn, cutsOut, sizes) => {
        const source = frames(candidates, frame)
        const expected = Result.fold(decoded(source))
        const encoder = google.encoder(call)
        const read = batches(cutBytes(Buffer.from(source.join("")), cutsIn))
        const out = read.map((parts) => encoder.push(parts)).join("")
        legal(events(out), true)
        same(Result.fold(decoded(cutBytes(Buffer.from(out), cutsOut))), expected)
        const listed = streamed(read.flat(), [], googleList)
        expect(JSON.parse(listed)).toBeInstanceOf(Array)
        same(Result.fold(decoded(cutBytes(Buffer.from(listed), cutsOut))), expected)
        // Where a signature is pushed apart from its words.
        same(apart(Result.fold(decoded([streamed(read.flat(), sizes)]))), apart(expected))
      }),
      { numRuns: 400 }
    )
  })

  it("is the same streamed from the whole answer", () => {
    fc.assert(
      fc.property(responses, sizes, ([candidates, frame], sizes) => {
        const result = parsed(whole(candidates, frame))
        const parts = Result.parts(result)
        legal(events(streamed(parts)), true)
        same(Result.fold(decoded([streamed(parts)])), result)
        same(apart(Result.fold(decoded([streamed(parts, sizes)]))), apart(result))
      }),
      { numRuns: 300 }
    )
  })
})

describe("parts that came another way", () => {
  it("are gone on from, after each of them, and no end is said twice", () => {
    fc.assert(
      fc.property(responses, ([candidates, frame]) => {
        const source = frames(candidates, frame)
        const pieces = batches(source)
        const expected = Result.fold(pieces.flat())
        for (let mark = 0; mark <= source.length; mark++) {
          const encoder = google.encoder(call)
          for (let at = 0; at < mark; at++) encoder.skip(pieces[at]!, [Buffer.from(source[at]!)])
          const after = pieces.slice(mark).map((parts) => encoder.push(parts)).join("")
          if (mark === source.length) expect(after).toBe("")
          else legal(events(after), false)
          same(Result.fold(decoded([source.slice(0, mark).join(""), after])), expected)
        }
      }),
      { numRuns: 100 }
    )
  })
})

describe("whatever is pushed", () => {
  const placed = (parts: Parts, choice: number) =>
    parts.map((part) => part.type === "text-delta" && (part.choice ?? 0) === choice ? part.delta : "").join("")
  const calls = (list: Parts) =>
    list.flatMap((part) => part.type === "tool-call" && part.providerExecuted !== true ? [part.name] : [])

  it("is a legal stream with one end, holding every word of every candidate in order and every call", () => {
    fc.assert(
      fc.property(Arbitrary.parts(), sizes, (parts, sizes) => {
        const all = events(streamed(parts, sizes))
        const ends = parts.at(-1)!.type
        legal(all, ends === "finish")
        const read = decoded([streamed(parts, sizes)])
        expect(read.filter(Part.isTerminal).map(({ type }) => type)).toEqual([ends])
        for (const choice of [0, 1]) expect(placed(read, choice)).toBe(placed(parts, choice))
        expect(calls(read).sort()).toEqual(calls(parts).sort())
        expect(JSON.parse(streamed(parts, sizes, googleList))).toEqual(all)
      }),
      { numRuns: 600 }
    )
  })

  it("is legal also where the parts are not", () => {
    fc.assert(
      fc.property(Arbitrary.oddParts(), Arbitrary.oddParts(), sizes, (parts, more, sizes) => {
        legal(events(streamed([...parts, ...more], sizes)), false)
      }),
      { numRuns: 600 }
    )
  })

  it("a whole answer of anybody can be written and read", () => {
    fc.assert(
      fc.property(Arbitrary.chatResult(), (result) => {
        const again = parsed(written(result))
        expect(Result.text(again)).toBe(Result.text(result))
        expect(Result.reasoning(again)).toBe(Result.reasoning(result))
        const names = (result: ChatResult) => Result.toolCalls(result).map(({ name }) => name)
        expect(names(again)).toEqual(names(result))
      }),
      { numRuns: 400 }
    )
  })
})
