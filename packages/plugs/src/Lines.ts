/**
 * Reads a pipeline that is written as YAML or JSON: a list of plugs by name, each with its options beside it.
 *
 * @example
 * ```ts
 * import { Pipeline } from "@plugline/core"
 * import { Lines } from "@plugline/plugs"
 *
 * const line = Lines.parse(`
 *   - plug: cache
 *     ttl: 1 hour
 *   - plug: retry
 *     attempts: 4
 *   - timeout
 * `)
 * Pipeline.names(line) // => ["cache", "retry", "timeout"]
 * ```
 *
 * @module
 */
import { LlmError, type Pipeline, type Plug, Suggest } from "@plugline/core"
import { read, refusal, type Source } from "./lines/source.ts"
import type { Providers } from "./Providers.ts"
import { shipped, type Stores } from "./shipped.ts"

/** Plugs by the name under which they are written. */
export type Table<R> = { readonly [name: string]: (options: never) => Plug<R> }

/** How a text is read. */
export interface LinesOptions<R> {
  /** Which plugs may be written. Default: those that are shipped. */
  readonly plugs?: Table<R>
  /** What messages call the text. Default: `pipeline`. */
  readonly name?: string
}

/**
 * The pipeline that a text writes down. Names, options and their values are checked now; what else a plug needs is
 * found when the pipeline is compiled.
 *
 * @throws LlmError `Configuration` with the line, and what would be right.
 */
export const parse = <R = Stores | Providers>(text: string, options: LinesOptions<R> = {}): Pipeline<R> => {
  const { name = "pipeline" } = options
  // What the shipped plugs need is the default of `R`.
  const plugs = options.plugs ?? shipped as unknown as Table<R>
  const source = read(text, name)
  if (!Array.isArray(source.value)) throw refusal(name, source.lineOf([]), "must be a list of plugs")
  return source.value.map((entry: unknown, index) => one(entry, index, plugs, name, source))
}

const one = <R>(entry: unknown, index: number, plugs: Table<R>, name: string, source: Source): Plug<R> => {
  const line = (...path: ReadonlyArray<string | number>) => source.lineOf([index, ...path])
  const { plug, ...options } = typeof entry === "string" ? { plug: entry } : isRecord(entry) ? entry : { plug: undefined }
  if (typeof plug !== "string") throw refusal(name, line(), "an entry must be the name of a plug, or its options with that name as `plug`")
  const make = Object.hasOwn(plugs, plug) ? plugs[plug]! : undefined
  if (make === undefined) throw refusal(name, line("plug"), Suggest.refusal("plug", plug, Object.keys(plugs)), "plug")
  try {
    const made = make((Object.keys(options).length === 0 ? undefined : options) as never)
    const problem = made.check()
    if (problem === undefined) return made
    throw problem
  } catch (thrown) {
    const { reason } = LlmError.fromUnknown(thrown, { plug })
    const option = reason._tag === "Configuration" ? reason.option : undefined
    throw refusal(name, option === undefined ? line() : line(...option.split(".")), `${plug}: ${reason.message}`, option)
  }
}

const isRecord = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)
