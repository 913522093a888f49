/**
 * Finds out whether your plug, pipeline, builder or provider keeps the laws that all others rely on. Each law is tried
 * on hundreds of random requests and replies; one that is broken says which, what it means, and on which input.
 *
 * With a test runner, each law is a test: `Laws.plug(myPlug).forEach(({ name, check }) => it(name, check))`. Without
 * one, {@link check} tries them all:
 *
 * @example
 * ```ts
 * import { Plug, Request } from "@plugline/core"
 * import { Laws } from "@plugline/testing"
 *
 * const calm = Plug.make("calm", Request.mergeOptions({ temperature: 0 }))
 * await Laws.check(Laws.plug(calm, { numRuns: 10 })) // => undefined
 * ```
 *
 * @module
 */
import { Pipeline } from "@plugline/core"
import type { PlugLike } from "@plugline/core"
import type { Layer } from "effect"
import type { Bench, Options } from "./laws/Bench.ts"
import { type Law, LawBroken } from "./laws/Law.ts"
import { associativity, halt, identity, list, onion } from "./laws/order.ts"
import { chunking, replay, stream } from "./laws/reply.ts"
import { errors, immutability, json, state, totality } from "./laws/values.ts"

export type { Open, Options, Run } from "./laws/Bench.ts"
export { builder, type BuilderSubject, type Inspectable } from "./laws/builder.ts"
export { provider, type ProviderSubject, type WireAnswer, type WireExchange, type WireLike } from "./laws/provider.ts"
export { type Law, LawBroken, type LawName, type Trials } from "./laws/Law.ts"

/** Options of a subject with services must give these services. */
type Given<R> = [R] extends [never]
  ? [options?: Options<R>]
  : [options: Options<R> & { readonly services: Layer.Layer<R, unknown> }]

/**
 * The laws of a plug. Give a function where the plug keeps something between requests outside of its services: it is
 * called for each run.
 */
export const plug = <R = never>(
  plug: PlugLike<R> | (() => PlugLike<R>),
  ...[options = {}]: Given<R>
): ReadonlyArray<Law> => {
  const make = isFactory(plug) ? plug : () => plug
  return all({ name: nameOf(make()), subject: () => [make()], options })
}

/**
 * The laws of a pipeline: those of a plug, for the whole list. `name`: for the messages. Default: the names of its
 * plugs.
 */
export const pipeline = <R = never>(
  pipeline: Pipeline<R> | (() => Pipeline<R>),
  ...[options = {}]: Given<R>
): ReadonlyArray<Law> => {
  const make = typeof pipeline === "function" ? pipeline : () => pipeline
  return all({ name: `pipeline [${Pipeline.names(make()).join(", ")}]`, subject: make, options })
}

const isFactory = <R>(plug: PlugLike<R> | (() => PlugLike<R>)): plug is () => PlugLike<R> =>
  typeof plug === "function" && plug.length === 0

const nameOf = <R>(plug: PlugLike<R>): string => {
  const names = Pipeline.names([plug])
  return names.length === 1 ? `plug "${names[0]}"` : `pipeline [${names.join(", ")}]`
}

const all = <R>(bench: Bench<R>): ReadonlyArray<Law> =>
  [
    immutability, identity, associativity, list, halt, onion, totality, errors, state, chunking, stream, replay, json
  ].map((law) => law(bench)).filter(({ law }) => !(bench.options.except ?? []).includes(law))

/**
 * Checks laws one after the other.
 *
 * Rejects with the {@link LawBroken} of the one that does not hold, or with an `AggregateError` of several.
 */
export const check = async (laws: ReadonlyArray<Law>): Promise<void> => {
  const broken: Array<unknown> = []
  for (const law of laws) {
    try {
      await law.check()
    } catch (error) {
      broken.push(error)
    }
  }
  if (broken.length === 1) throw broken[0]
  if (broken.length > 1) {
    const messages = broken.map((error) => error instanceof LawBroken ? error.message : String(error))
    throw new AggregateError(broken, messages.join("\n\n"))
  }
}
