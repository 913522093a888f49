/**
 * Bytes no service should send: for the law that nothing from outside gets through as an exception.
 *
 * @module
 */
import fc from "fast-check"
import * as Arbitrary from "../Arbitrary.ts"

const encoder = new TextEncoder()

/** Real answers with bytes changed, cut out and doubled, hostile JSON, and noise. */
export const garbage = (body: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> => {
  const at = fc.nat(1_000_000)
  return fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    Arbitrary.json().map((json) => encoder.encode(JSON.stringify(json))),
    fc.array(Arbitrary.json(), { maxLength: 4 }).map((events) =>
      encoder.encode(events.map((json) => `data: ${JSON.stringify(json)}\n\n`).join(""))),
    Arbitrary.deepJson({ depth: 5_000 }).map((json) => encoder.encode(deep(json))),
    fc.tuple(body, fc.array(fc.tuple(at, fc.nat(255)), { maxLength: 6 })).map(([bytes, changes]) => {
      const out = bytes.slice()
      for (const [where, byte] of changes) if (out.length > 0) out[where % out.length] = byte
      return out
    }),
    fc.tuple(body, at, at).map(([bytes, from, length]) => {
      const start = bytes.length === 0 ? 0 : from % bytes.length
      return Uint8Array.from([...bytes.slice(0, start), ...bytes.slice(start + length % 40)])
    }),
    fc.tuple(body, body).map(([one, other]) => Uint8Array.from([...one, ...other]))
  )
}

/** JSON text of a value that may nest too deep for `JSON.stringify`. */
const deep = (value: unknown): string => {
  let open = ""
  let close = ""
  let inner = value
  while (typeof inner === "object" && inner !== null) {
    if (Array.isArray(inner) && inner.length === 1) {
      open += "["
      close = `]${close}`
      inner = inner[0]
    } else if (Object.keys(inner).length === 1 && "a" in inner) {
      open += "{\"a\":"
      close = `}${close}`
      inner = inner.a
    } else break
  }
  return `${open}${JSON.stringify(inner)}${close}`
}
