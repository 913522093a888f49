/**
 * Who can be asked in the place of another, and how a request is readdressed so that no credential goes along.
 *
 * @module
 */
import { type Config, type Handler, LlmError, Options, Pipeline, Request, Suggest } from "@plugline/core"
import { Effect } from "effect"
import { Providers, unknown } from "../Providers.ts"
import { wayTo } from "./way.ts"

/** A provider and model that can be asked. */
export interface Target<out R = never> {
  /** The name it has among the {@link Providers}; with a `pipeline` of its own, any name. */
  readonly provider: string
  /** Default: the request's own at the same provider, at another one that provider's choice. */
  readonly model?: string
  /** What reports call it. Default: `provider/model`. */
  readonly name?: string
  /** What a request to it runs through. Default: the provider's pipeline for the operation. */
  readonly pipeline?: Pipeline<R>
  /** Plugs in front of that pipeline: a retry, a time limit. Default: none. */
  readonly plugs?: Pipeline<R>
  /** How it is reached: credential, headers, base URL. Default: the provider's own way. */
  readonly config?: Config
}

/**
 * Where requests go: to the pipelines of the {@link Providers}, or on down the line, where a plug such as
 * `Providers.ask` asks.
 */
export type Through = "providers" | "rest"

/** What a target is called. */
export const nameOf = ({ model, name, provider }: Target<unknown>): string =>
  name ?? (model === undefined ? provider : `${provider}/${model}`)

/**
 * The request, addressed to a target. Credential, headers, base URL and whatever else says how the provider before was
 * reached stay behind; time limits, and whether a completion is streamed, go along.
 */
export const readdress = (request: Request, target: Target<unknown>): Request => {
  const crossing = target.provider !== request.provider
  const model = target.model ?? (crossing ? undefined : request.options.model)
  const options = model === request.options.model
    ? request.options
    : Request.mergeOptions(request, { model }).options
  if (!crossing && target.config === undefined) return options === request.options ? request : Request.patch(request, { options })
  const { stream, timeouts } = request.config
  return Request.patch(request, {
    provider: target.provider,
    options,
    config: { ...(timeouts !== undefined && { timeouts }), ...(stream !== undefined && { stream }), ...target.config },
    providerRequest: undefined,
    response: undefined
  })
}

/** The way to a target, made when the pipeline around it is compiled. `label` names it in inspection and traces. */
export const way = <R>(target: Target<R>, label: string, through: Through): Effect.Effect<Handler, LlmError, R | Providers> =>
  Effect.gen(function*() {
    const plugs = target.plugs ?? []
    const own = target.pipeline
    if (own !== undefined) {
      const { handle } = yield* Pipeline.compile([...plugs, ...own], label)
      return (request) => handle(request)
    }
    // Compiled here, also where they are compiled again with what stands behind them: wrong options are to be noticed
    // now.
    const { handle } = yield* Pipeline.compile(plugs, label)
    if (through === "rest") return (request, next) => handle(request, next)
    const context = yield* Effect.context<R | Providers>()
    const providers = yield* Providers
    const { provider } = target
    if (!providers.has(provider)) return yield* Effect.fail(unknown(provider, providers.names))
    return wayTo<R>((operation) => [...plugs, ...providers.pipeline(provider, operation)], context, label)
  })

/** What inspection shows of targets as children: the plugs and pipelines that were given. */
export const childrenOf = <R>(targets: unknown, labels: (index: number) => string): { readonly [label: string]: Pipeline<R> } => {
  const children: Record<string, Pipeline<R>> = {}
  if (!Array.isArray(targets)) return children
  for (const [index, target] of (targets as ReadonlyArray<Partial<Target<R>> | null>).entries()) {
    const { pipeline, plugs } = target ?? {}
    if (Array.isArray(pipeline) || Array.isArray(plugs)) children[labels(index)] = [...plugs ?? [], ...pipeline ?? []]
  }
  return children
}

/** What inspection shows of a target: who and what, never its credential. */
export const shownTarget = (target: Target<unknown>) => ({
  name: nameOf(target),
  provider: target.provider,
  ...(target.model !== undefined && { model: target.model })
})

/** Fields every target may have. */
export const targetFields = ["provider", "model", "name", "pipeline", "plugs", "config"] as const

/** Checks one entry of a list of targets. */
export const checkEntry = (plug: string, path: string, entry: unknown, fields: ReadonlyArray<string>): LlmError | undefined => {
  if (typeof entry !== "object" || entry === null) return wrong(plug, path, `an object with ${fields.join(", ")}`)
  const stranger = Object.keys(entry).find((field) => !fields.includes(field))
  if (stranger !== undefined) {
    return LlmError.make({
      _tag: "Configuration",
      option: `${path}.${stranger}`,
      expected: fields.join(", "),
      message: `${path}: ${Suggest.refusal("field", stranger, fields)}`
    }, { plug })
  }
  const { model, name, pipeline, plugs, provider } = entry as { readonly [field: string]: unknown }
  if ("answer" in entry && entry.answer !== undefined) return undefined
  if (typeof provider !== "string" || provider === "") return wrong(plug, `${path}.provider`, "the name of a provider")
  if (name !== undefined && (typeof name !== "string" || name === "")) return wrong(plug, `${path}.name`, "a text that is not empty")
  try {
    Options.check({ model })
  } catch {
    return wrong(plug, `${path}.model`, Options.expected("model"))
  }
  for (const [field, value] of [["pipeline", pipeline], ["plugs", plugs]] as const) {
    if (value !== undefined && !Array.isArray(value)) return wrong(plug, `${path}.${field}`, "a list of plugs")
  }
  return undefined
}

/** An option that does not fit. */
export const wrong = (plug: string, option: string, expected: string): LlmError =>
  LlmError.make({ _tag: "Configuration", option, expected, message: `option ${option} must be ${expected}` }, { plug })
