/**
 * Measures every call in OpenTelemetry's words for generative AI, so that dashboards made for them work: how long, how
 * many tokens, when the first one came; and beside that cost, refusals and calls that were left. What other plugs do
 * they count themselves.
 *
 * Labels are bounded: models and providers the catalog does not know get a limited number of names, the rest is
 * `other`, and no id of a person, tenant or request is ever a label. {@link prometheus} gives all metrics of the
 * program as text to be scraped.
 *
 * @example
 * ```ts
 * import { Pipeline, Request } from "@plugline/core"
 * import { Metrics } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect, Metric } from "effect"
 *
 * const request = Request.make({ provider: "openai", messages: "Hi", options: { model: "gpt-4o-mini" } })
 * const program = Effect.gen(function*() {
 *   yield* Pipeline.run([Metrics.plug(), ...Mock.make(["Hello"]).pipeline], request)
 *   return yield* Metrics.prometheus()
 * })
 * const text = Effect.runSync(Effect.provideService(program, Metric.MetricRegistry, new Map()))
 * text.includes("gen_ai_client_operation_duration_seconds_count{") // => true
 * ```
 *
 * @module
 */
import { Plug, type Request } from "@plugline/core"
import { Clock, type Context, Effect, type Metric, Schema } from "effect"
import { Prices } from "./cost/charge.ts"
import * as Facts from "./observe/facts.ts"
import { type Labels, labels, MetricNames } from "./observe/names.ts"
import { counter, histogram, seriesOf } from "./observe/series.ts"
import { errorType, operationName, providerName } from "./observe/semconv.ts"
import * as Passthrough from "./Passthrough.ts"

export { MetricNames, Names, other } from "./observe/names.ts"
export { format, prometheus, type PrometheusOptions } from "./observe/prometheus.ts"
export { type Attribute, attributes, errorType, operationName, providerName } from "./observe/semconv.ts"

/** Options of {@link plug}. */
export const Options = Schema.Struct({
  /** Models that are labels of their own though the catalog does not know them: your own deployments. Default: none. */
  models: Schema.optionalKey(Schema.Array(Schema.String)),
  /** How many further names of models become labels before the rest is `other`. Default: 20. */
  unknownModels: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000 }))),
  /**
   * Whether durations, tokens and times to the first token are told apart by the model that answered too. Default:
   * false.
   */
  responseModel: Schema.optionalKey(Schema.Boolean)
})

/** How long calls took, in seconds. */
export const duration = histogram("gen_ai.client.operation.duration", {
  description: "GenAI operation duration",
  attributes: { unit: "s" },
  boundaries: [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
})

/** How many tokens calls used, by `gen_ai.token.type`: `input`, `output`. Unknown counts are not measured. */
export const tokens = histogram("gen_ai.client.token.usage", {
  description: "Number of input and output tokens used",
  attributes: { unit: "{token}" },
  boundaries: [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864]
})

const firstBoundaries = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

/** When the first content of a stream came, in seconds, as a server that answers its own callers measures it. */
export const firstToken = histogram("gen_ai.server.time_to_first_token", {
  description: "Time to generate first token for successful responses",
  attributes: { unit: "s" },
  boundaries: firstBoundaries
})

/** The same as a client of the provider measures it. */
export const firstChunk = histogram("gen_ai.client.operation.time_to_first_chunk", {
  description: "Time from the request to the first content of a stream",
  attributes: { unit: "s" },
  boundaries: firstBoundaries
})

/** What calls cost, as far as it is known. */
export const cost = counter("plugline.call.cost", {
  description: "Known cost of calls in USD",
  attributes: { unit: "USD" }
})

/** Calls whose cost is not known in all. */
export const unpriced = counter("plugline.call.unpriced", {
  description: "Calls whose cost is not known"
})

/** Prompt tokens by how the provider's own cache served them: `read`, `written`. */
export const promptCache = counter("plugline.call.prompt_cache_tokens", {
  description: "Prompt tokens read from and written to providers' caches"
})

/** Calls a plug refused, by plug. */
export const refused = counter("plugline.call.refused", {
  description: "Calls that a plug refused"
})

/** Calls that ended without an answer and without an error, by how: `left`, `interrupted`, `unanswered`. */
export const abandoned = counter("plugline.call.abandoned", {
  description: "Calls whose reader left or whose run was interrupted"
})

/** See the module. */
export const plug: (options?: typeof Options.Encoded) => Plug = Plug.configurable("metrics", Options, (options) =>
  Plug.of({
    name: "metrics",
    make: Effect.gen(function*() {
      const catalog = yield* Prices
      const clock = yield* Clock.Clock
      const known = labels(yield* MetricNames, catalog, options.models ?? [], options.unknownModels ?? 20)
      const meter = new Meter(yield* Effect.context<never>(), known, options.responseModel ?? false)
      return Passthrough.handler<Facts.Begun>("metrics", {
        content: false,
        onRequest: (request) => Facts.begin(request, clock),
        whole: false,
        onPart: (part, begun) => Facts.part(part, begun, clock),
        onEnd: (final, begun = Facts.begin(final, clock), ending) =>
          meter.add(final, Facts.of(final, begun, ending, clock, catalog))
      })
    })
  }), { level: 3 })

type Attributes = { readonly [name: string]: string }

/** Writes one call into the metrics. */
class Meter {
  readonly #context: Context.Context<never>
  readonly #labels: Labels
  readonly #responseModel: boolean

  constructor(context: Context.Context<never>, labels: Labels, responseModel: boolean) {
    this.#context = context
    this.#labels = labels
    this.#responseModel = responseModel
  }

  add(final: Request, facts: Facts.Facts): void {
    const { error, model } = facts
    const provider = this.#labels.provider(facts.provider)
    const operation = operationName(final.operation)
    const asked = final.options.model ?? facts.asked
    const answered = this.#responseModel && model !== undefined ? this.#labels.model(facts.provider, model) : undefined
    const call: Attributes = {
      "gen_ai.operation.name": operation,
      "gen_ai.provider.name": providerName(provider),
      ...(asked !== undefined && { "gen_ai.request.model": this.#labels.model(facts.provider, asked) }),
      ...(answered !== undefined && { "gen_ai.response.model": answered })
    }
    const ended = error === undefined ? call : { ...call, "error.type": errorType(error) }
    this.#put(duration, ended, facts.latency / 1_000)
    if (facts.firstToken !== undefined) {
      this.#put(firstChunk, call, facts.firstToken / 1_000)
      if (error === undefined) this.#put(firstToken, call, facts.firstToken / 1_000)
    }
    // What a cache answered was used and paid for before.
    const tokensUsed = facts.cost?.source === "cached" ? undefined : facts.tokens
    const { cacheRead, cacheWrite, input, output } = tokensUsed ?? {}
    if (input !== undefined) this.#put(tokens, { ...call, "gen_ai.token.type": "input" }, input)
    if (output !== undefined) this.#put(tokens, { ...call, "gen_ai.token.type": "output" }, output)
    if (cacheRead) this.#put(promptCache, { provider, type: "read" }, cacheRead)
    if (cacheWrite) this.#put(promptCache, { provider, type: "written" }, cacheWrite)
    if (facts.cost !== undefined) {
      this.#put(cost, { provider }, Number(facts.cost.known))
      if (facts.cost.total === undefined) this.#put(unpriced, { provider }, 1)
    }
    if (error?.reason._tag === "Halted" && error.plug !== undefined) {
      this.#put(refused, { plug: this.#labels.plug(error.plug) }, 1)
    }
    const { ending } = facts
    if (ending !== "completed" && ending !== "failed") this.#put(abandoned, { provider, ending }, 1)
  }

  #put(metric: Metric.Metric<number, unknown>, attributes: Attributes, value: number): void {
    if (Number.isFinite(value)) seriesOf(metric, attributes).updateUnsafe(value, this.#context)
  }
}
