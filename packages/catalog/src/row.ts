/**
 * The form in which a model is kept in the table: short where it is like most others, spelled out where it is not.
 *
 * @module
 */
import type { Capability, Mode, Model, Prices } from "./Model.ts"

/** One model as it is kept in the table. */
export interface Row {
  readonly id: string
  readonly name?: string
  /** Default: `chat`. */
  readonly mode?: Mode
  readonly context?: number
  readonly maxInput?: number
  readonly maxOutput?: number
  readonly dimensions?: number
  readonly prices?: Prices
  readonly unpriced?: string
  /** Names of capabilities, with spaces between. */
  readonly can?: string
  readonly cannot?: string
  /** Kinds of content, with spaces between. Default: `text`. */
  readonly in?: string
  readonly out?: string
  readonly responsesOnly?: true
  readonly released?: string
  readonly knowledge?: string
  readonly retires?: string
  readonly status?: NonNullable<Model["status"]>
  readonly aliases?: ReadonlyArray<string>
  /** One letter for each source, the one that said the prices first. */
  readonly from: string
}

/** Where facts are from, by the letter that stands for it in a row, and the date they were read. */
export type Sources = { readonly [letter: string]: { readonly name: string; readonly asOf: string } }

/** The model a row tells of; `sources` says what the letters in it stand for. */
export const model = (provider: string, row: Row, sources: Sources): Model => {
  const { aliases, can, cannot, from, in: input, mode, out, ...rest } = row
  const reads = (input ?? "text").split(" ")
  const makes = (out ?? "text").split(" ")
  const asOf = sources[from[0] ?? ""]?.asOf
  return {
    provider,
    ...rest,
    mode: mode ?? "chat",
    capabilities: { ...(saysKinds(from) && kinds(reads, makes)), ...flags(cannot, false), ...flags(can, true) },
    input: reads,
    output: makes,
    aliases: aliases ?? [],
    ...(asOf !== undefined && { asOf }),
    sources: [...from].map((letter) => sources[letter]?.name ?? letter)
  }
}

/**
 * Whether one of a row's sources lists kinds of content in full, so that what is not in the list is known to be no
 * part of it.
 */
export const saysKinds = (from: string): boolean => from.includes("m") || from.includes("o")

/** What a model can do by the kinds of content it reads and makes; a row names only what is otherwise. */
export const kinds = (
  reads: ReadonlyArray<string>,
  makes: ReadonlyArray<string>
): { readonly [Name in Capability]?: boolean } => ({
  vision: reads.includes("image"),
  pdf: reads.includes("pdf"),
  audioInput: reads.includes("audio"),
  videoInput: reads.includes("video"),
  audioOutput: makes.includes("audio"),
  imageOutput: makes.includes("image")
})

const flags = (names: string | undefined, value: boolean): { [Name in Capability]?: boolean } => {
  const found: { [Name in Capability]?: boolean } = {}
  for (const name of names?.split(" ") ?? []) found[name as Capability] = value
  return found
}
