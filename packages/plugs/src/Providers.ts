/**
 * Finds the pipelines of providers by name, so that a plug can send a request to another provider without knowing any.
 *
 * @example
 * ```ts
 * import { Pipeline, Request, Result } from "@plugline/core"
 * import { Providers } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const line = Pipeline.run([Providers.ask], Request.make({ provider: "b", messages: "Hi" }))
 * const both = Providers.of({ a: Mock.make(["from a"]).pipeline, b: Mock.make(["from b"]).pipeline })
 * const final = Effect.runSync(Effect.provide(line, both))
 * Result.text(final.result) // => "from b"
 * ```
 *
 * @module
 */
import { type Handler, LlmError, type Operation, type Pipeline, Plug, type PlugLike, Request, Suggest } from "@plugline/core"
import { Context, Effect, Exit, Layer } from "effect"
import { wayTo } from "./fallback/way.ts"

/** The providers that plugs can send requests to. */
export class Providers extends Context.Service<Providers, {
  readonly names: ReadonlyArray<string>
  readonly has: (name: string) => boolean
  /**
   * What a request to this provider runs through.
   *
   * @throws LlmError where there is no such provider, or it has no such operation.
   */
  readonly pipeline: (name: string, operation: Operation) => Pipeline
}>()("@plugline/plugs/Providers") {}

/** What {@link layer} needs of a registry of providers. */
export interface Registered<out R> {
  readonly names: ReadonlyArray<string>
  readonly has: (name: string) => boolean
  readonly pipeline: (name: string, operation: Operation) => Pipeline<R>
}

/** The providers of a registry. What their pipelines need is taken from where the layer is built. */
export const layer = <R>(registry: Registered<R>): Layer.Layer<Providers, never, R> =>
  Layer.effect(Providers, Effect.map(Effect.context<R>(), (context) => {
    const known = new Map<string, Pipeline>()
    return {
      names: registry.names,
      has: registry.has,
      pipeline: (name, operation) => {
        const key = `${operation} ${name}`
        let found = known.get(key)
        // Only what is registered is kept: for any other name the registry throws.
        if (found === undefined) known.set(key, found = supplied(registry.pipeline(name, operation), context))
        return found
      }
    }
  }))

/** These pipelines, by the name of their provider; each for every operation. */
export const of = (pipelines: { readonly [name: string]: Pipeline }): Layer.Layer<Providers> => {
  const names = Object.keys(pipelines)
  const has = (name: string) => Object.hasOwn(pipelines, name)
  return Layer.succeed(Providers, {
    names,
    has,
    pipeline: (name) => {
      if (!has(name)) throw unknown(name, names)
      return pipelines[name]!
    }
  })
}

/** No provider: for plugs whose steps all bring their own pipelines. */
export const none: Layer.Layer<Providers> = of({})

/** The last plug of a line that asks whatever provider the request names when it arrives. */
export const ask: Plug<Providers> = Plug.of({
  name: "ask",
  make: Effect.gen(function*() {
    const providers = yield* Providers
    const ways = new Map<string, Handler>()
    const context = yield* Effect.context<Providers>()
    const handler: Handler = (request, next) => {
      if (request.state !== "pending") return next(request)
      const { provider } = request
      if (!providers.has(provider)) return Request.fail(request, unknown(provider, providers.names))
      let way = ways.get(provider)
      if (way === undefined) ways.set(provider, way = wayTo((operation) => providers.pipeline(provider, operation), context, provider))
      return way(request, next)
    }
    return handler
  })
})

/** The error for a provider that nobody knows, with the nearest name that somebody does. */
export const unknown = (name: string, names: ReadonlyArray<string>): LlmError =>
  LlmError.make({
    _tag: "Configuration",
    option: "provider",
    value: name.slice(0, 80),
    expected: names.length === 0 ? "a provider of Providers.layer(registry) or Providers.of({ … })" : names.join(", "),
    message: names.length === 0
      ? `no providers are known here, and so not ${Suggest.quote(name)}; give Providers.layer(registry)`
      : Suggest.refusal("provider", name, names)
  })

/** The same pipeline, with what it needs at hand. */
const supplied = <R>(pipeline: Pipeline<R>, context: Context.Context<R>): Pipeline =>
  pipeline.map((given): PlugLike => {
    if (!Plug.isPlug(given)) return typeof given === "function" ? given : supplied<R>(given as Pipeline<R>, context)
    const plug: Plug<R> = given
    const { level, make, name, options } = plug
    if (Exit.isExit(make) && Exit.isSuccess(make)) return given
    return Plug.of({
      name,
      options,
      level,
      children: plug.children as { readonly [label: string]: Pipeline },
      make: Effect.provideContext(make, context)
    })
  })
