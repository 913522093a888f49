/**
 * What reading an event of a stream takes beyond `JSON.parse`: finding it in the bytes, and making parts of it.
 *
 * @module
 */
import { events } from "../exchange.ts"
import { formats } from "../formats.ts"
import { type Entry, sideBySide } from "../measure.ts"
import { difference, ratio, type Row } from "../table.ts"

/** The rows about the decoder. */
export const rows = async (): Promise<ReadonlyArray<Row>> => {
  const entry = (name: string, argument: "burst" | "single") => ({ module: "decoder", name, argument })
  const measured = await sideBySide({
    parse: entry("parse", "burst"),
    split: entry("split", "burst"),
    burst: entry("decoder", "burst"),
    single: entry("decoder", "single"),
    openai: { module: "sdk-decoders", name: "openai" },
    aiSdk: { module: "sdk-decoders", name: "ai-sdk" }
  }, { rounds: 10, generations: 2, turn: 40, warmUp: 600 })
  const each = (name: keyof typeof measured) => measured[name].map((cpu) => cpu / events.length)
  const parse = { theirs: each("parse"), name: "`JSON.parse` alone", unit: "µs", limit: 2 }
  return [
    difference("The decoder, an event of a stream in one piece", { ...parse, ours: each("burst") }),
    difference("The decoder, an event in a piece of its own", { ...parse, ours: each("single") }),
    difference("", { ours: each("burst"), theirs: each("split"), name: "split and `JSON.parse`", unit: "µs" }),
    ratio("", { ours: each("burst"), theirs: each("openai"), name: "the `openai` SDK's decoder", unit: "µs" }),
    ratio("", { ours: each("burst"), theirs: each("aiSdk"), name: "the AI SDK's decoder", unit: "µs" }),
    ...await others()
  ]
}

/** The decoders of the other formats. */
const others = async (): Promise<ReadonlyArray<Row>> => {
  const names = Object.keys(formats).filter((name) => name !== "chat completions")
  const entries: { [name: string]: Entry } = {}
  for (const name of names) {
    entries[name] = { module: "formats", name: "decoder", argument: name }
    entries[`${name} parse`] = { module: "formats", name: "parse", argument: name }
  }
  const measured = await sideBySide(entries, { rounds: 8, turn: 30, warmUp: 400 })
  return names.map((name) => {
    const count = formats[name]!.json.length
    const each = (of: string) => measured[of]!.map((cpu) => cpu / count)
    return difference(`The decoder of ${name}, an event`, {
      ours: each(name), theirs: each(`${name} parse`), name: "`JSON.parse` alone", unit: "µs", limit: 2
    })
  })
}
