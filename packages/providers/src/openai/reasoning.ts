/**
 * Puts together the `reasoning_details` of an answer, which must go back to the service as they were: pieces of one
 * entry, told by index and type, are joined, so that a streamed answer gives the entries of a whole one.
 *
 * @module
 */
import type { JsonObject, JsonValue } from "@plugline/core"
import { type Fields, object, put, says, text } from "../wire/read.ts"

/** The entries gathered so far. */
export class Details {
  readonly #entries: Array<{ [name: string]: JsonValue }> = []

  add(pieces: ReadonlyArray<JsonValue>, whole: boolean): void {
    for (const value of pieces) {
      const piece = object(value)
      if (piece === undefined) continue
      const entry = whole ? undefined : this.#entryOf(piece)
      if (entry === undefined) this.#entries.push({ ...piece } as { [name: string]: JsonValue })
      else {
        for (const name in piece) {
          const more = piece[name]
          const before = Object.hasOwn(entry, name) ? entry[name] : undefined
          if (more === null || more === undefined) continue
          const joins = grows.has(name) && typeof before === "string" && typeof more === "string"
          put(entry, name, joins ? before + more : more)
        }
      }
    }
  }

  get entries(): ReadonlyArray<JsonObject> {
    return this.#entries
  }

  #entryOf(piece: Fields): { [name: string]: JsonValue } | undefined {
    const { id, index, type } = piece
    // What has no number is continued only by more of its text.
    const said = text(piece.text) ?? text(piece.summary)
    if (typeof index !== "number" && said === undefined) return undefined
    return this.#entries.findLast((entry) =>
      entry.type === type && entry.index === index && (!says(entry.id) || !says(id) || entry.id === id)
    )
  }
}

/** Fields that arrive in pieces; any other is said once or repeated. */
const grows = new Set(["text", "summary", "data"])

/** What a person can read of some entries. */
export const detailsText = (pieces: ReadonlyArray<JsonValue>): string => {
  let out = ""
  for (const value of pieces) {
    const piece = object(value)
    const said = piece?.text ?? piece?.summary
    if (typeof said === "string") out += said
  }
  return out
}
