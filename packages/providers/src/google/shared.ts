/**
 * What the pieces of one answer share while it is read.
 *
 * @module
 */
import type { JsonObject, JsonValue, Metadata, Part } from "@plugline/core"
import { type Fields, put } from "../wire/read.ts"
import { generatedId } from "./ids.ts"

/** What the candidates of one answer share. */
export interface Shared {
  readonly provider: string
  readonly out: Array<Part>
  /** The answer's id, once it is known. */
  id: string | undefined
  nextBlock: number
}

/** Which of several candidates; nothing for the first. */
export type Mark = { readonly choice: number } | undefined

/** A name for a call that Google gives none. */
export const nameOf = ({ id }: Shared, mark: Mark, number: number | string): string =>
  generatedId(id, mark === undefined ? number : `${mark.choice}_${number}`)

/** The fields that are not known, `undefined` where there are none. */
export const rest = (fields: Fields, known: ReadonlySet<string>): { [name: string]: JsonValue } | undefined => {
  let out: { [name: string]: JsonValue } | undefined
  for (const name in fields) {
    const value = fields[name]
    if (!known.has(name) && value !== undefined && value !== null) put(out ??= {}, name, value)
  }
  return out
}

/** What only Google understands, where there is any. */
export const metadataOf = (own: JsonObject | undefined, { provider }: Shared): { readonly metadata?: Metadata } =>
  own === undefined ? {} : { metadata: { [provider]: own } }
