/**
 * The fluent, immutable face of a call: composes options and plugs, shows what will run, and runs it. Every `with…` gives a
 * new builder; the one it was called on stays as it was, so a half-made call can be shared and finished in several ways.
 *
 * @module
 */
import {
  type Config, type EmbeddingsResult, type Live, LlmError, Mask, type MessagesInput, type ModelsResult, type ModerationsResult, type Node, type Operation, type Options,
  type Part, Pipeline, Plug, type PlugLike, Request, type ResponseFormat, type Timeouts, type Tool, Trace, type ToolChoice, type ValidateResult
} from "@plugline/core"
import {
  Budget, Cache, Cascade, CircuitBreaker, Fallback, Hedge, Idempotency, Log, Metrics, order, PromptCache, type Providers,
  RateLimit, Receipt, Retry, Route, SemanticCache, type Stores, TrackCost
} from "@plugline/plugs"
import type { Credentials, Registry, Transport } from "@plugline/providers"
import { Effect, Random, Redacted, Schema, type Scope, Stream } from "effect"
import { Answer } from "./Answer.ts"

/** What an operation answers with. */
export interface Answers {
  readonly chat: Answer
  readonly stream: Answer
  readonly completion: Answer
  readonly embeddings: EmbeddingsResult
  readonly moderations: ModerationsResult
  readonly list_models: ModelsResult
  readonly validate: ValidateResult
}

/** The services that providers' own plugs need. */
export type Reach = Transport | Credentials

/** All services a face brings: those of providers' own plugs and those of the shipped plugs. */
export type Services = Reach | Stores | Providers.Providers

/** A change to the pipeline, in the order of the calls that made it. */
type Edit<R> =
  | { readonly edit: "standard"; readonly plug: Plug<R> }
  | { readonly edit: "with"; readonly plug: PlugLike<R> }
  | { readonly edit: "without"; readonly target: string }
  | { readonly edit: "insertBefore" | "insertAfter" | "replacePlug"; readonly target: string; readonly plug: PlugLike<R> }

interface State<R> {
  readonly registry: Registry
  readonly provider: string
  readonly operation: Operation
  readonly messages: MessagesInput
  readonly options: Options
  readonly config: Config
  readonly metadata: Request["metadata"]
  readonly id: string | undefined
  readonly pipeline: Pipeline<R> | undefined
  readonly edits: ReadonlyArray<Edit<R>>
}

/** What a builder holds, as plain data. */
export interface DebugInfo {
  readonly provider: string
  readonly operation: Operation
  readonly messages: number
  readonly options: Options
  readonly config: unknown
  /** Whose pipeline it starts from: the provider's, or one given by `withPipeline`. */
  readonly base: "provider" | "custom"
  readonly edits: ReadonlyArray<string>
  /** The plugs that will run, in order; or why none can. */
  readonly pipeline: ReadonlyArray<string> | { readonly error: string }
}

/** Options in which a field set to `undefined` takes the option away. */
export type OptionChanges = { readonly [Name in keyof Options]?: Options[Name] | undefined }

/** A call in the making. `Op`: the operation; `R`: the services its plugs need. */
export class Builder<Op extends Operation = "chat", R = Reach> {
  readonly #state: State<R>

  /** Made by `build`. */
  constructor(state: State<R>) {
    this.#state = state
  }

  #with(changes: Partial<State<R>>): Builder<Op, R> {
    return new Builder<Op, R>({ ...this.#state, ...changes })
  }

  // --- what is asked --------------------------------------------------------------------------------------------------

  /** The model, by the provider's name for it. Default: the provider's own choice, where it has one. */
  withModel(model: string): Builder<Op, R> {
    return this.withOptions({ model })
  }

  /** Randomness, 0 and up. */
  withTemperature(temperature: number): Builder<Op, R> {
    return this.withOptions({ temperature })
  }

  /** Most tokens the model may write. */
  withMaxTokens(maxTokens: number): Builder<Op, R> {
    return this.withOptions({ maxTokens })
  }

  /** Tools the model may call, and how free it is to. */
  withTools(tools: ReadonlyArray<Tool>, toolChoice?: ToolChoice): Builder<Op, R> {
    return this.withOptions({ tools, ...(toolChoice !== undefined && { toolChoice }) })
  }

  /** The form of the answer: a format, or an Effect Schema the answer must satisfy (read it with `answer.object(schema)`). */
  withResponseFormat(format: ResponseFormat | Schema.Constraint): Builder<Op, R> {
    return this.withOptions({ responseFormat: Schema.isSchema(format) ? formatOf(format) : format as ResponseFormat })
  }

  /** Any options; they are checked when the request is made. A field that is `undefined` takes the option away. */
  withOptions(options: OptionChanges): Builder<Op, R> {
    const merged: Record<string, unknown> = { ...this.#state.options, ...options }
    for (const name of Object.keys(merged)) if (merged[name] === undefined) delete merged[name]
    return this.#with({ options: merged })
  }

  /** Another conversation. */
  withMessages(messages: MessagesInput): Builder<Op, R> {
    return this.#with({ messages })
  }

  /** Another operation: its pipeline is the provider's for it. */
  withOperation<Op2 extends Operation>(operation: Op2): Builder<Op2, R> {
    return new Builder<Op2, R>({ ...this.#state, operation })
  }

  // --- how the provider is reached ------------------------------------------------------------------------------------

  /** How the provider is reached: base URL, headers, and whatever else it knows. */
  withConfig(config: Config): Builder<Op, R> {
    return this.#with({ config: { ...this.#state.config, ...config } })
  }

  /** The credential. Default: the provider's customary environment variable. */
  withApiKey(apiKey: string | Redacted.Redacted<string>): Builder<Op, R> {
    return this.withConfig({ apiKey: typeof apiKey === "string" ? Redacted.make(apiKey) : apiKey })
  }

  /** Time limits in ms; a number alone limits the whole exchange. */
  withTimeout(timeouts: number | Timeouts): Builder<Op, R> {
    const limits = typeof timeouts === "number" ? { total: timeouts } : timeouts
    return this.withConfig({ timeouts: { ...this.#state.config.timeouts, ...limits } })
  }

  /** The id of the request. Default: drawn at random for each run. */
  withId(id: string): Builder<Op, R> {
    return this.#with({ id })
  }

  /** Labels for people and logs. */
  withMetadata(metadata: Request["metadata"]): Builder<Op, R> {
    return this.#with({ metadata: { ...this.#state.metadata, ...metadata } })
  }

  // --- what it goes through -------------------------------------------------------------------------------------------

  /**
   * Keeps answers and gives them again, in the memory of this process by default. This and the further plugs that are shipped stand
   * behind your own, in an order of their own whatever the order of the calls; a second call for one replaces the first.
   */
  withCache(options?: Parameters<typeof Cache.plug>[0]): Builder<Op, R | Stores> {
    return this.withStandard(Cache.plug(options))
  }

  /** Gives an answer again to a question that means nearly the same. */
  withSemanticCache(options?: Parameters<typeof SemanticCache.plug>[0]): Builder<Op, R | Stores> {
    return this.withStandard(SemanticCache.plug(options))
  }

  /** Answers a call that is sent again under one key with the answer it was given: `withMetadata({ idempotencyKey })`. */
  withIdempotency(options?: Parameters<typeof Idempotency.plug>[0]): Builder<Op, R | Stores> {
    return this.withStandard(Idempotency.plug(options))
  }

  /** Tries again what may succeed, with growing, random waits. */
  withRetry(options?: Parameters<typeof Retry.plug>[0]): Builder<Op, R | Stores> {
    return this.withStandard(Retry.plug(options))
  }

  /** Asks a second time when the first is slow, and takes whichever answers first. */
  withHedge(options?: Parameters<typeof Hedge.plug>[0]): Builder<Op, R | Stores> {
    return this.withStandard(Hedge.plug(options))
  }

  /** Leaves a failing provider alone for a while. */
  withCircuitBreaker(options?: Parameters<typeof CircuitBreaker.plug>[0]): Builder<Op, R | Stores> {
    return this.withStandard(CircuitBreaker.plug(options))
  }

  /** Keeps calls and tokens within limits. */
  withRateLimit(options: NonNullable<Parameters<typeof RateLimit.plug>[0]>): Builder<Op, R | Stores> {
    return this.withStandard(RateLimit.plug(options))
  }

  /** Asks somebody else, or answers by rule, when the provider does not answer. */
  withFallback(...steps: ReadonlyArray<Fallback.Step<Services>>): Builder<Op, R | Services> {
    return this.withStandard(Fallback.plug({ steps }))
  }

  /** Picks provider and model for each request. */
  withRoute(options: Route.RouteOptions<Services>): Builder<Op, R | Services> {
    return this.withStandard(Route.plug(options))
  }

  /** Asks the cheapest first, and a better one where its answer does not do. */
  withCascade(options: Cascade.CascadeOptions<Services>): Builder<Op, R | Services> {
    return this.withStandard(Cascade.plug(options))
  }

  /** Counts what calls cost. */
  withCostTracking(options?: Parameters<typeof TrackCost.plug>[0]): Builder<Op, R | Stores> {
    return this.withStandard(TrackCost.plug(options))
  }

  /** No longer counts what calls cost. */
  withoutCostTracking(): Builder<Op, R> {
    return this.withoutPlug("trackCost")
  }

  /** Holds spending to limits. */
  withBudget(options: NonNullable<Parameters<typeof Budget.plug>[0]>): Builder<Op, R | Stores> {
    return this.withStandard(Budget.plug(options))
  }

  /** Marks long prefixes, so that the provider keeps them. */
  withPromptCache(options?: Parameters<typeof PromptCache.plug>[0]): Builder<Op, R> {
    return this.withStandard(PromptCache.plug(options))
  }

  /** Writes one line per call to the receipts. */
  withReceipt(options?: Parameters<typeof Receipt.plug>[0]): Builder<Op, R | Stores> {
    return this.withStandard(Receipt.plug(options))
  }

  /** Logs each call at its end. */
  withLog(options?: Parameters<typeof Log.plug>[0]): Builder<Op, R> {
    return this.withStandard(Log.plug(options))
  }

  /** Measures each call by the names of OpenTelemetry. */
  withMetrics(options?: Parameters<typeof Metrics.plug>[0]): Builder<Op, R> {
    return this.withStandard(Metrics.plug(options))
  }

  /** A shipped plug at the place it mostly stands at. */
  withStandard<R2 = never>(plug: Plug<R2>): Builder<Op, R | R2> {
    return this.#edit<R2>({ edit: "standard", plug })
  }

  /**
   * One more plug of your own. Your plugs stand together, in the order of these calls, behind `configure` (or `validate`
   * where there is no such plug, or at the front): they see the request before the provider's words are made of it.
   */
  withPlug<R2 = never>(plug: PlugLike<R2>): Builder<Op, R | R2> {
    return this.#edit<R2>({ edit: "with", plug })
  }

  /** Without the plug of this name. */
  withoutPlug(target: string): Builder<Op, R> {
    return this.#edit({ edit: "without", target })
  }

  /** A plug right before the one of this name. */
  insertBefore<R2 = never>(target: string, plug: PlugLike<R2>): Builder<Op, R | R2> {
    return this.#edit<R2>({ edit: "insertBefore", target, plug })
  }

  /** A plug right behind the one of this name. */
  insertAfter<R2 = never>(target: string, plug: PlugLike<R2>): Builder<Op, R | R2> {
    return this.#edit<R2>({ edit: "insertAfter", target, plug })
  }

  /** Another plug in the place of the one of this name. */
  replacePlug<R2 = never>(target: string, plug: PlugLike<R2>): Builder<Op, R | R2> {
    return this.#edit<R2>({ edit: "replacePlug", target, plug })
  }

  /** Another pipeline than the provider's to start from. */
  withPipeline<R2 = never>(pipeline: Pipeline<R2>): Builder<Op, R | R2> {
    return new Builder<Op, R | R2>({ ...this.#state, pipeline })
  }

  #edit<R2 = never>(edit: Edit<R | R2>): Builder<Op, R | R2> {
    return new Builder<Op, R | R2>({ ...this.#state, edits: [...this.#state.edits, edit] })
  }

  // --- seeing ---------------------------------------------------------------------------------------------------------

  /**
   * The pipeline that will run, as a plain array.
   *
   * @throws LlmError `Unsupported` when the provider lacks the operation, `Configuration` when an edit names no plug.
   */
  pipeline(): Pipeline<R> {
    const { edits, operation, provider, registry } = this.#state
    const base = this.#state.pipeline ?? registry.pipeline(provider, operation) as Pipeline<R>
    if (edits.length === 0) return base
    let plugs: Pipeline<R> = base
    const names = Pipeline.names(base)
    let slot = names.includes("configure") ? names.indexOf("configure") + 1 : names.includes("validate") ? names.indexOf("validate") + 1 : 0
    const shipped = standard(edits)
    if (shipped.length > 0) {
      const flat = Pipeline.append(base, Plug.identity).slice(0, -1)
      plugs = [...flat.slice(0, slot), ...shipped, ...flat.slice(slot)]
    }
    for (const edit of edits) {
      switch (edit.edit) {
        case "standard":
          break
        case "with": {
          const flat = Pipeline.append(plugs, edit.plug)
          plugs = [...flat.slice(0, slot), edit.plug, ...flat.slice(slot, -1)]
          slot += Pipeline.names([edit.plug]).length
          break
        }
        case "without": {
          const at = Pipeline.names(plugs).indexOf(edit.target)
          plugs = Pipeline.remove(plugs, edit.target)
          if (at < slot) slot--
          break
        }
        case "replacePlug":
          plugs = Pipeline.replace(plugs, edit.target, edit.plug)
          break
        case "insertBefore":
        case "insertAfter": {
          const at = Pipeline.names(plugs).indexOf(edit.target) + (edit.edit === "insertAfter" ? 1 : 0)
          plugs = edit.edit === "insertAfter"
            ? Pipeline.insertAfter(plugs, edit.target, edit.plug)
            : Pipeline.insertBefore(plugs, edit.target, edit.plug)
          if (at < slot) slot += Pipeline.names([edit.plug]).length
        }
      }
    }
    return plugs
  }

  /** The pipeline that will run, as a tree of plain data. Throws as {@link pipeline} does. */
  inspect(): ReadonlyArray<Node> {
    return Pipeline.inspect(this.pipeline())
  }

  /** What this builder holds. Never throws; secrets are masked. */
  debugInfo(): DebugInfo {
    const { config, edits, messages, operation, options, pipeline, provider } = this.#state
    let plugs: DebugInfo["pipeline"]
    try {
      plugs = Pipeline.names(this.pipeline())
    } catch (thrown) {
      plugs = { error: LlmError.fromUnknown(thrown).message }
    }
    return {
      provider,
      operation,
      messages: Array.isArray(messages) ? messages.length : 1,
      options,
      config: Mask.json(config),
      base: pipeline === undefined ? "provider" : "custom",
      edits: edits.map((edit) =>
        edit.edit === "standard" ? `with ${edit.plug.name}` : edit.edit === "without" ? `without ${edit.target}` : `${edit.edit} ${"target" in edit ? `${edit.target}: ` : ""}${Pipeline.names([edit.plug]).join(", ")}`),
      pipeline: plugs
    }
  }

  /** The request this builder makes, before it has gone anywhere. `id` where none was given. */
  request(id = ""): Effect.Effect<Request, LlmError> {
    const { config, id: given, messages, metadata, operation, options, provider } = this.#state
    return Effect.suspend(() => {
      try {
        return Effect.succeed(Request.make({ id: given ?? id, operation, provider, messages, options, config, metadata }))
      } catch (thrown) {
        return Effect.fail(LlmError.fromUnknown(thrown, { provider }))
      }
    })
  }

  // --- running --------------------------------------------------------------------------------------------------------

  /** Runs the call and gives its result. Fails with an `LlmError`, which holds the request once there was one. */
  execute(): Effect.Effect<Answers[Op], LlmError, R> {
    return this.#ready((pipeline, request) =>
      Effect.mapEager(Pipeline.execute(pipeline, request), (final) => answer(final) as Answers[Op]))
  }

  /** Runs the call and gives the final request, whether it ended in an answer or in an error. */
  run(options?: { readonly spans?: boolean }): Effect.Effect<Request, LlmError, R> {
    return this.#ready((pipeline, request) => Pipeline.run(pipeline, request, options))
  }

  /** Runs the call and gives a record of every step. */
  trace(): Effect.Effect<Trace, LlmError, R> {
    return this.#ready((pipeline, request) => Trace.run(pipeline, request))
  }

  /** Runs the call as a stream of parts. Ending it early closes the provider's connection. */
  stream(): Stream.Stream<Part, LlmError, R> {
    return Stream.unwrap(this.#streaming().#ready((pipeline, request) => Effect.succeed(Pipeline.stream(pipeline, request))))
  }

  /** Runs the call until its reply begins, for whoever wants to pull the parts by hand and see how it ended. */
  open(): Effect.Effect<Live, LlmError, R | Scope.Scope> {
    return this.#streaming().#ready((pipeline, request) => Pipeline.open(pipeline, request, { keep: true }))
  }

  /** Runs the call as a stream of the visible text. */
  textStream(): Stream.Stream<string, LlmError, R> {
    return Stream.map(Stream.filter(this.stream(), isText), (part) => part.delta)
  }

  #streaming(): Builder<Operation, R> {
    const { operation } = this.#state
    if (operation === "chat") return this.withOperation("stream")
    return operation === "completion" ? this.withConfig({ stream: true }) : this
  }

  #ready<A, E extends LlmError, R2>(
    go: (pipeline: Pipeline<R>, request: Request) => Effect.Effect<A, E, R2>
  ): Effect.Effect<A, LlmError, R2> {
    return Effect.flatMapEager(nextId, (id) =>
      Effect.flatMapEager(this.request(id), (request) => {
        try {
          return go(this.pipeline(), request)
        } catch (thrown) {
          return Effect.fail(LlmError.fromUnknown(thrown, { provider: request.provider }))
        }
      }))
  }

  toJSON(): DebugInfo {
    return this.debugInfo()
  }

  [Symbol.for("nodejs.util.inspect.custom")](_depth: number, options: object, inspect: (value: unknown, options: object) => string) {
    return `Builder ${inspect(this.debugInfo(), options)}`
  }
}

/** The shipped plugs among some edits, each in its place beside the others; of two of one name the later. */
const standard = <R>(edits: ReadonlyArray<Edit<R>>): ReadonlyArray<Plug<R>> => {
  const byName = new Map<string, Plug<R>>()
  for (const edit of edits) if (edit.edit === "standard") byName.set(edit.plug.name, edit.plug)
  const rank = ({ name }: Plug<R>): number => order.includes(name) ? order.indexOf(name) : order.length
  return [...byName.values()].sort((a, b) => rank(a) - rank(b))
}

/** What a completed request was asked for, in the form its operation answers with. */
export const answer = (final: Request): Answers[Operation] => {
  const { result } = final
  if (result !== undefined && (result.type === "chat" || result.type === "completion")) return new Answer(final, result)
  return result as EmbeddingsResult | ModerationsResult | ModelsResult | ValidateResult
}

const isText = (part: Part): part is Part & { readonly type: "text-delta" } => part.type === "text-delta" && part.choice === undefined

/** An id for a run, from the random numbers of the running Effect. */
const nextId = Effect.withFiber((fiber) => {
  const random = fiber.getRef(Random.Random)
  // 30 bits at a time: larger numbers are slow to write down.
  const word = () => Math.floor(random.nextDoubleUnsafe() * 2 ** 30).toString(36).padStart(6, "0")
  return Effect.succeed(`req_${word()}${word()}${word()}${word()}`)
})

/** An Effect Schema as the form of an answer. */
export const formatOf = (schema: Schema.Constraint): ResponseFormat & { readonly type: "json" } => {
  const document = Schema.toJsonSchemaDocument(schema)
  const definitions = Object.keys(document.definitions).length === 0 ? {} : { $defs: document.definitions }
  return { type: "json", schema: JSON.parse(JSON.stringify({ ...document.schema, ...definitions })), strict: true }
}

