/**
 * `models`: the models that a gateway would offer, how much they hold, and what they cost.
 *
 * @module
 */
import { Catalog, type Model } from "@plugline/catalog"
import { Effect } from "effect"
import { LlmError, Suggest } from "plugline"
import { load, type Loaded } from "../config/load.ts"
import type { Env } from "../config/read.ts"
import { Failed } from "./Failed.ts"
import { json, painter, type Screen, table } from "./Screen.ts"
import { told } from "./told.ts"

/** What `models` goes by. */
export interface Input {
  readonly config: string | undefined
  readonly env: Env
  /** Only models of this provider. */
  readonly provider: string | undefined
  /** Whether every model of the catalog is listed, also of providers that are not set up here. */
  readonly all: boolean
  /** Only models whose name holds this. */
  readonly holds: string | undefined
  readonly json: boolean
}

/** A model as it is listed. What is absent is unknown. */
export interface Offered {
  /** What clients call it. */
  readonly id: string
  readonly provider: string
  /** Of an alias: what it stands for. */
  readonly target?: string
  /** Most tokens of question and answer together. */
  readonly context?: number
  readonly maxOutput?: number
  /** USD for 1,000,000 tokens of the question. */
  readonly input?: string
  /** USD for 1,000,000 tokens of the answer. */
  readonly output?: string
}

/** Writes the models. */
export const list = (input: Input, screen: Screen): Effect.Effect<void, Failed> =>
  Effect.gen(function*() {
    const { all, config, env, holds, json: machine, provider } = input
    const loaded = yield* told(load(config, env))
    const names = all ? Catalog.providers : loaded.registry.names
    if (provider !== undefined && !names.includes(provider)) {
      const known = !all && Catalog.providers.includes(provider)
      return yield* Effect.fail(new Failed(known
        ? `the provider ${provider} is not set up here; --all lists what the catalog knows of it`
        : Suggest.refusal("provider", provider, names)))
    }
    const found = (all ? catalogued() : offered(loaded)).filter((model) =>
      (provider === undefined || model.provider === provider)
      && (holds === undefined || `${model.id} ${model.target ?? ""}`.toLowerCase().includes(holds.toLowerCase())))
    screen.write(machine ? json(found) : written(found, input, screen))
  })

/** The models of a configuration, aliases first. */
export const offered = ({ config, models, resolve }: Loaded): ReadonlyArray<Offered> =>
  models.map(({ id, ownedBy = "" }) => {
    const target = resolve(id, "chat")
    const model = LlmError.isLlmError(target) || target.model === undefined
      ? id.slice(ownedBy.length + 1)
      : target.model
    const type = config.providers?.[ownedBy]?.type
    const kind = type === undefined || type === "openai-compatible" ? ownedBy : type
    const full = `${ownedBy}/${model}`
    return { id, provider: ownedBy, ...(full !== id && { target: full }), ...facts(Catalog.get(kind, model)) }
  })

/** Every model of the catalog. */
export const catalogued = (): ReadonlyArray<Offered> =>
  Catalog.providers.flatMap((provider) =>
    Catalog.models(provider).map((model) => ({ id: `${provider}/${model.id}`, provider, ...facts(model) })))

const facts = (model: Model | undefined) => ({
  ...(model?.context !== undefined && { context: model.context }),
  ...(model?.maxOutput !== undefined && { maxOutput: model.maxOutput }),
  ...(model?.prices?.input !== undefined && { input: model.prices.input }),
  ...(model?.prices?.output !== undefined && { output: model.prices.output })
})

const written = (found: ReadonlyArray<Offered>, { all, holds }: Input, screen: Screen): string => {
  const dim = (text: string) => `${painter(screen)("dim", text)}\n`
  if (found.length === 0) {
    return dim(holds === undefined ? "No models." : `No model's name holds ${Suggest.quote(holds)}.`)
  }
  const rows = found.map(({ context, id, input, maxOutput, output, target }) => [
    target === undefined ? id : `${id} → ${target}`,
    size(context),
    size(maxOutput),
    price(input),
    price(output)
  ])
  const columns = [
    { title: "MODEL" },
    { title: "CONTEXT", right: true },
    { title: "MAX OUTPUT", right: true },
    { title: "INPUT", right: true },
    { title: "OUTPUT", right: true }
  ]
  const onlyLocal = !all && found.every(({ provider }) => provider === "local")
  return [
    table(columns, rows, screen),
    "\n",
    dim(`${found.length} models; sizes in tokens, prices in USD for 1,000,000 of them, - where nobody said.`),
    onlyLocal ? dim("No service is set up: set OPENAI_API_KEY, ANTHROPIC_API_KEY, … or see --all.") : ""
  ].join("")
}

const size = (tokens: number | undefined): string => tokens === undefined ? "-" : tokens.toLocaleString("en-US")

const price = (text: string | undefined): string => text === undefined ? "-" : `$${text}`
