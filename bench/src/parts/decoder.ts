/**
 * What reading an event of a stream takes beyond `JSON.parse`: finding it in the bytes, and making parts of it.
 *
 * @module
 */
import { events } from "../exchange.ts"
import { sideBySide } from "../measure.ts"
import { difference, type Row } from "../table.ts"

/** The rows about the decoder. */
export const rows = async (): Promise<ReadonlyArray<Row>> => {
  const entry = (name: string, argument: "burst" | "single") => ({ module: "decoder", name, argument })
  const measured = await sideBySide({
    parse: entry("parse", "burst"),
    split: entry("split", "burst"),
    burst: entry("decoder", "burst"),
    single: entry("decoder", "single")
  }, { rounds: 10, generations: 2, turn: 40, warmUp: 600 })
  const each = (name: keyof typeof measured) => measured[name].map((cpu) => cpu / events.length)
  const parse = { theirs: each("parse"), name: "`JSON.parse` alone", unit: "µs", limit: 2 }
  return [
    difference("The decoder, an event of a stream in one piece", { ...parse, ours: each("burst") }),
    difference("The decoder, an event in a piece of its own", { ...parse, ours: each("single") }),
    difference("", { ours: each("burst"), theirs: each("split"), name: "split and `JSON.parse`", unit: "µs" })
  ]
}
