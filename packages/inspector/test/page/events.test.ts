import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parser, type ServerEvent } from "../../src/page/api/events.ts"

const whole =
  ': hello\r\n\r\nevent: trace\nid: 7\ndata: {"a":1}\n\ndata: one\ndata: two\r\n\r\nretry: 100\ndata\n\nevent: lost\n\n'

const events: ReadonlyArray<ServerEvent> = [
  { event: "trace", id: "7", data: '{"a":1}' },
  { event: "message", id: "7", data: "one\ntwo" },
  { event: "message", id: "7", data: "" }
]

describe("server-sent events", () => {
  it("reads names, ids, several lines of data and comments", () => {
    expect(parser()(whole)).toEqual(events)
  })

  it("reads the same however the text is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 12 }), (cuts) => {
        const parse = parser()
        const places = [0, ...cuts.sort((a, b) => a - b), whole.length]
        expect(places.slice(1).flatMap((end, index) => parse(whole.slice(places[index], end)))).toEqual(events)
      })
    )
  })

  it("does not gather without end", () => {
    const parse = parser(100)
    expect(() => parse("data: ".padEnd(200, "x"))).toThrow("too long")
    const lines = parser(100)
    expect(() => Array.from({ length: 30 }, () => lines("data: 0123456789\n"))).toThrow("too long")
  })
})
