/**
 * Amazon's framing: read however it is cut, with both checksums, every kind of header, and a bound.
 *
 * @module
 */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as EventStream from "../../src/EventStream.ts"
import { crc, cut, failure, frame, header, rawFrame } from "./support.ts"

type Seen = readonly [headers: EventStream.Headers, payload: string]

const read = (pieces: ReadonlyArray<Uint8Array>, options: Partial<EventStream.Options> = {}) => {
  const seen: Array<Seen> = []
  const documents: Array<string> = []
  const reader = EventStream.make({
    onMessage: (headers, payload) => seen.push([headers, payload.toString()]),
    onDocument: (text) => documents.push(text),
    ...options
  })
  for (const piece of pieces) reader.push(piece)
  return { seen, documents, between: reader.end() }
}

describe("messages", () => {
  it("are the same however the bytes are cut", () => {
    const message = fc.tuple(
      fc.dictionary(fc.string({ minLength: 1, maxLength: 9 }), fc.string({ unit: "grapheme", maxLength: 9 }), { maxKeys: 3 }),
      fc.string({ unit: "grapheme", maxLength: 40 })
    )
    fc.assert(fc.property(fc.array(message, { maxLength: 5 }), fc.array(fc.nat(9999), { maxLength: 9 }), (messages, cuts) => {
      const bytes = Buffer.concat(messages.map(([headers, payload]) => frame(headers, payload)))
      const { between, seen } = read(cut(bytes, cuts))
      expect(between).toBe(true)
      expect(seen.map(([headers, payload]) => [Object.entries(headers), payload])).toEqual(
        messages.map(([headers, payload]) => [Object.entries(headers).filter(([name]) => name !== ""), payload])
      )
    }), { numRuns: 300 })
    const bytes = Buffer.concat([frame({ a: "1" }, "x"), frame({ a: "1" }, ""), frame({ a: "2" }, "y".repeat(3000))])
    const whole = read([bytes]).seen
    expect(whole.length).toBe(3)
    for (let at = 0; at <= bytes.length; at++) expect(read([bytes.subarray(0, at), bytes.subarray(at)]).seen).toEqual(whole)
    expect(read(Array.from(bytes, (byte) => Uint8Array.of(byte))).seen).toEqual(whole)
  })

  it("tell where they were cut off", () => {
    const bytes = frame({ a: "1" }, "payload")
    for (let length = 0; length <= bytes.length; length++) {
      expect(read([bytes.subarray(0, length)]).between).toBe(length === 0 || length === bytes.length)
    }
  })

  it("hold headers of every kind", () => {
    const named = (name: string, ...value: ReadonlyArray<number>) => Buffer.from([name.length, ...Buffer.from(name), ...value])
    const bytes = rawFrame(Buffer.concat([
      named("yes", 0), named("no", 1), named("byte", 2, 0xff), named("short", 3, 0x80, 0), named("int", 4, 0, 0, 1, 0),
      named("long", 5, 0, 0, 0, 1, 0, 0, 0, 0), named("bytes", 6, 0, 2, 1, 2), header("text", "ü"),
      named("time", 8, 0, 0, 0, 0, 0, 0, 0, 5), named("uuid", 9, ...Array.from({ length: 16 }, (_, index) => index)),
      header("__proto__", "field")
    ]), new Uint8Array())
    const [headers] = read([bytes]).seen[0]!
    expect(Object.entries(headers)).toEqual([
      ["yes", "true"], ["no", "false"], ["byte", "-1"], ["short", "-32768"], ["int", "256"], ["long", "4294967296"],
      ["bytes", "AQI="], ["text", "ü"], ["time", "5"], ["uuid", "AAECAwQFBgcICQoLDA0ODw=="], ["__proto__", "field"]
    ])
  })
})

describe("what is broken", () => {
  const bytes = frame({ ":event-type": "x" }, "some payload")
  const reason = (f: () => unknown) => failure(f).reason

  it("is an error, whichever bit it is", () => {
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of [1, 128]) {
        const broken = Buffer.from(bytes)
        broken[at]! ^= bit
        // A document opens the stream where its first byte says so; any other change is found by a checksum.
        if (at === 0 && [123, 91, 60, 32, 10, 13, 9].includes(broken[0]!)) continue
        expect(reason(() => read([broken]))).toMatchObject({ _tag: "MalformedResponse" })
      }
    }
  })

  it("is found before its length is waited for", () => {
    const sizes = Buffer.from([0x01, 0x80, 0, 1, 0, 0, 0, 0])
    const prelude = Buffer.concat([sizes, Buffer.alloc(4)])
    prelude.writeUInt32BE(crc(sizes), 8)
    expect(reason(() => read([prelude]))).toMatchObject({ _tag: "MalformedResponse", message: /larger than 25165824 bytes/ })
    expect(reason(() => read([frame({}, "0123456789")], { maxMessageSize: 20 })).message).toContain("larger than 20 bytes")
    expect(read([frame({}, "0123")], { maxMessageSize: 20 }).seen.length).toBe(1)
    const short = Buffer.from([0, 0, 0, 15, 0, 0, 0, 0, 0, 0, 0, 0])
    short.writeUInt32BE(crc(short.subarray(0, 8)), 8)
    expect(reason(() => read([short])).message).toContain("headers are longer than itself")
  })

  it.each([
    ["a name beyond the end", [9, 97]],
    ["a value beyond the end", [1, 97, 7, 0, 9, 97]],
    ["a kind that does not exist", [1, 97, 10, 0]],
    ["no kind", [1, 97]],
    ["half a length", [1, 97, 7, 0]]
  ])("in a header is an error: %s", (_, header) => {
    expect(reason(() => read([rawFrame(Buffer.from(header), new Uint8Array())]))).toMatchObject({ _tag: "MalformedResponse" })
  })
})

describe("a body that is no event stream", () => {
  it("is handed over whole, however it is cut, within the bound", () => {
    const bytes = Buffer.from(" {\"message\": \"Größe\"}")
    for (let at = 0; at <= bytes.length; at++) {
      expect(read([bytes.subarray(0, at), bytes.subarray(at)]).documents).toEqual([" {\"message\": \"Größe\"}"])
    }
    expect(failure(() => read([bytes, bytes], { maxMessageSize: 30 })).reason._tag).toBe("MalformedResponse")
  })
})
