/**
 * What the tests of this dialect share: calls, answers as Anthropic's wire reads them, and a strict reader of events.
 *
 * @module
 */
import { type ChatResult, type JsonObject, type Part, type Parts, Request, Result } from "@plugline/core"
import { isDeepStrictEqual } from "node:util"
import { expect } from "vitest"
import type { Call } from "../../../src/Dialect.ts"
import { anthropic } from "../../../src/dialects/anthropic/index.ts"

export const call: Call = { id: "req_1", operation: "chat", model: "asked-for", now: 0, asked: {} }

const wire = anthropic.wires.chat!

const request = (operation: "chat" | "stream"): Request =>
  Request.make({ provider: "anthropic", operation, messages: "Hi", options: { model: "m" } })

/** A whole answer, read by the wire. */
export const parsed = (body: unknown): ChatResult => {
  const source = typeof body === "string" ? body : JSON.stringify(body)
  const result = wire.parse({ status: 200, headers: {}, body: source }, request("chat"))
  if (!Result.isChat(result)) throw new Error("a chat answers with a chat")
  return result
}

/** A whole answer as the dialect writes it. */
export const written = (result: ChatResult): JsonObject =>
  JSON.parse(JSON.stringify(anthropic.encode(result, call))) as JsonObject

/** The parts of a stream that arrives in these pieces, a list of those that came together. */
export const batches = (pieces: ReadonlyArray<Uint8Array | string>): ReadonlyArray<Parts> => {
  const decoder = wire.parts!(request("stream"))
  const out = pieces.map((piece) => decoder.push(typeof piece === "string" ? Buffer.from(piece) : piece))
  return [...out, decoder.end()]
}

export const decoded = (pieces: ReadonlyArray<Uint8Array | string>): ReadonlyArray<Part> => batches(pieces).flat()

/** Parts as the dialect streams them, so many at a time. */
export const streamed = (parts: Parts, sizes: ReadonlyArray<number> = []): string => {
  const encoder = anthropic.encoder(call)
  let out = ""
  for (let at = 0, turn = 0; at < parts.length; turn++) {
    const size = sizes[turn % Math.max(1, sizes.length)] ?? parts.length
    out += encoder.push(parts.slice(at, at + size))
    at += size
  }
  return out
}

/** Equal, also where fields are called as objects' own are. */
export const same = (actual: unknown, expected: unknown): void => {
  const clone = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
  if (isDeepStrictEqual(actual, expected) || isDeepStrictEqual(clone(actual), clone(expected))) return
  expect(actual).toEqual(expected)
  expect.fail(`${JSON.stringify(actual)} in place of ${JSON.stringify(expected)}`)
}

/** An event as it came, with the name of its frame. */
export interface Event {
  readonly type: string
  readonly [name: string]: unknown
}

/** The events of a stream, and the proof that its lines are nothing but events. */
export const events = (source: string, strict = true): ReadonlyArray<Event> => {
  if (source === "") return []
  expect(source.endsWith("\n\n")).toBe(true)
  // Some clients cut lines in more places than the format does.
  const lines = source.split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/)
  if (strict) expect(lines.join("\n")).toBe(source)
  return source.slice(0, -2).split("\n\n").map((frame) => {
    const [name, data, ...more] = frame.split("\n")
    expect(more).toEqual([])
    expect(data!.startsWith("data: ")).toBe(true)
    const event = JSON.parse(data!.slice("data: ".length)) as Event
    expect(name).toBe(`event: ${event.type}`)
    return event
  })
}

/** The grammar of a stream of Anthropic's. `from`: how far it had come when this begins. */
export const legal = (all: ReadonlyArray<Event>, from: Omit<State, "ended"> = start): void => {
  let { began, index, open } = from
  let ended: "no" | "soon" | "yes" = "no"
  for (const event of all) {
    expect(ended, `${event.type} after the end`).not.toBe("yes")
    if (ended === "soon") expect(event.type).toBe("message_stop")
    switch (event.type) {
      case "message_start":
        expect(began).toBe(false)
        began = true
        expect(event.message).toMatchObject({ type: "message", role: "assistant", content: [], stop_reason: null })
        break
      case "content_block_start":
        expect(began && !open).toBe(true)
        expect(event.index).toBe(index)
        open = true
        break
      case "content_block_delta":
        expect(open).toBe(true)
        expect(event.index).toBe(index)
        break
      case "content_block_stop":
        expect(open).toBe(true)
        expect(event.index).toBe(index)
        open = false
        index++
        break
      case "message_delta":
        expect(began && !open).toBe(true)
        expect(event.usage).toMatchObject({ output_tokens: expect.any(Number) })
        expect(event.delta).toMatchObject({ stop_reason: expect.any(String) })
        ended = "soon"
        break
      case "message_stop":
        expect(ended).toBe("soon")
        ended = "yes"
        break
      case "error":
        ended = "yes"
    }
  }
}

const start = { began: false, index: 0, open: false }

interface State {
  readonly began: boolean
  readonly index: number
  readonly open: boolean
  readonly ended: boolean
}

/** How far a stream has come. */
export const stateOf = (all: ReadonlyArray<Event>): State => {
  const count = (type: string): number => all.filter((event) => event.type === type).length
  return {
    began: all.length > 0,
    index: count("content_block_stop"),
    open: count("content_block_start") > count("content_block_stop"),
    ended: count("message_stop") + count("error") > 0
  }
}

/** Bytes cut at some places. */
export const cutBytes = (bytes: Uint8Array, at: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const cuts = [0, ...at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index]!, end))
}
