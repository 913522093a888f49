/**
 * What the tests of this dialect share: calls, answers as Google's wire reads them, and a strict reader of events.
 *
 * @module
 */
import { type ChatResult, type JsonObject, type Part, type Parts, Request, Result } from "@plugline/core"
import { isDeepStrictEqual } from "node:util"
import { expect } from "vitest"
import type { Call } from "../../../src/Dialect.ts"
import { google } from "../../../src/dialects/google/index.ts"

export const call: Call = { id: "req_1", operation: "chat", model: "asked-for", now: 0, asked: {} }

const wire = google.wires.chat!

const request = (operation: "chat" | "stream"): Request =>
  Request.make({ provider: "google", operation, messages: "Hi", options: { model: "m" } })

/** A whole answer, read by the wire. */
export const parsed = (body: unknown): ChatResult => {
  const source = typeof body === "string" ? body : JSON.stringify(body)
  const result = wire.parse({ status: 200, headers: {}, body: source }, request("chat"))
  if (!Result.isChat(result)) throw new Error("a chat answers with a chat")
  return result
}

/** A whole answer as the dialect writes it. */
export const written = (result: ChatResult): JsonObject =>
  JSON.parse(JSON.stringify(google.encode(result, call))) as JsonObject

/** The parts of a stream that arrives in these pieces, a list of those that came together. */
export const batches = (pieces: ReadonlyArray<Uint8Array | string>): ReadonlyArray<Parts> => {
  const decoder = wire.parts!(request("stream"))
  const out = pieces.map((piece) => decoder.push(typeof piece === "string" ? Buffer.from(piece) : piece))
  return [...out, decoder.end()]
}

export const decoded = (pieces: ReadonlyArray<Uint8Array | string>): ReadonlyArray<Part> => batches(pieces).flat()

/** Parts as the dialect streams them, so many at a time. */
export const streamed = (parts: Parts, sizes: ReadonlyArray<number> = [], dialect = google): string => {
  const encoder = dialect.encoder(call)
  let out = ""
  for (let at = 0, turn = 0; at < parts.length; turn++) {
    const size = sizes[turn % Math.max(1, sizes.length)] ?? parts.length
    out += encoder.push(parts.slice(at, at + size))
    at += size
  }
  return out
}

interface Candidate {
  readonly index: number
  readonly finishReason?: string
  readonly content?: { readonly parts: ReadonlyArray<JsonObject>; readonly role: string }
}

/** An event as it came. */
export interface Event {
  readonly candidates?: ReadonlyArray<Candidate>
  readonly usageMetadata?: JsonObject
  readonly error?: JsonObject
  readonly [name: string]: unknown
}

/** The events of a stream, and the proof that its lines are nothing but events. */
export const events = (source: string): ReadonlyArray<Event> => {
  if (source === "") return []
  expect(source.endsWith("\n\n")).toBe(true)
  // Some clients cut lines in more places than the format does.
  expect(source.split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/).join("\n")).toBe(source)
  return source.slice(0, -2).split("\n\n").map((frame) => {
    expect(frame.startsWith("data: ") && !frame.includes("\n")).toBe(true)
    return JSON.parse(frame.slice("data: ".length)) as Event
  })
}

/** Each event says something, every candidate that begins ends once, usage comes once, and nothing after the end. */
export const legal = (all: ReadonlyArray<Event>, finished: boolean): void => {
  const ended = new Set<number>()
  const begun = new Set<number>()
  all.forEach((event, at) => {
    if (event.error !== undefined) return expect(at).toBe(all.length - 1)
    expect(event).toMatchObject({ modelVersion: expect.any(String), responseId: expect.any(String) })
    expect(event.candidates!.length).toBeGreaterThan(0)
    expect(new Set(event.candidates!.map(({ index }) => index)).size).toBe(event.candidates!.length)
    for (const { content, finishReason, index } of event.candidates!) {
      begun.add(index)
      expect(ended.has(index)).toBe(false)
      expect(content!.role).toBe("model")
      expect(content!.parts.length).toBeGreaterThan(0)
      if (finishReason !== undefined) ended.add(index)
    }
    if (ended.size > 0 || event.usageMetadata !== undefined) expect(at).toBe(all.length - 1)
  })
  if (finished) expect([...ended].sort()).toEqual([...begun].sort())
}

/** Equal, also where fields are called as objects' own are. */
export const same = (actual: unknown, expected: unknown): void => {
  const clone = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
  if (isDeepStrictEqual(actual, expected) || isDeepStrictEqual(clone(actual), clone(expected))) return
  expect(actual).toEqual(expected)
  expect.fail(`${JSON.stringify(actual)} in place of ${JSON.stringify(expected)}`)
}

/** Bytes cut at some places. */
export const cutBytes = (bytes: Uint8Array, at: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const cuts = [0, ...at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index]!, end))
}
