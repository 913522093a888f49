/**
 * Sends traces and metrics by OTLP, and makes a span of each call: the client's span around it is taken up from `traceparent`.
 *
 * @module
 */
import type { Context, Effect as Effects, Scope } from "effect"
import { Effect, Layer, Redacted, Tracer } from "effect"
import { type LlmError, type Request, Result } from "plugline"
import type { Config } from "../config/Config.ts"
import type { Exchange } from "./Exchange.ts"

type Settings = NonNullable<Config["telemetry"]["otlp"]>

/** What must be at hand where calls run, for their spans to be sent. Metrics are sent as long as the scope is open. */
export const telemetry = (
  { headers = {}, interval, service, url }: Settings
): Effects.Effect<Context.Context<never>, LlmError, Scope.Scope> =>
  Effect.gen(function*() {
    // Few need it, and it takes its time to load.
    const [{ OtlpMetrics, OtlpSerialization, OtlpTracer }, { FetchHttpClient }] = yield* Effect.promise(() =>
      Promise.all([import("effect/observability"), import("effect/http")]))
    const plain = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Redacted.value(value)]))
    const shared = { resource: { serviceName: service }, headers: plain, exportInterval: interval }
    const base = url.replace(/\/+$/, "")
    const both = Layer.mergeAll(
      OtlpTracer.layer({ ...shared, url: `${base}/v1/traces` }),
      OtlpMetrics.layer({ ...shared, url: `${base}/v1/metrics` })
    )
    return yield* Layer.build(Layer.provide(both, [OtlpSerialization.layerJson, FetchHttpClient.layer]))
  })

/** A call with a span around it; the answer tells its trace. */
export const traced = <A, E, R>(exchange: Exchange, effect: Effects.Effect<A, E, R>): Effects.Effect<A, E, R> => {
  const parent = parentOf(exchange.request.headers.traceparent)
  return Effect.withSpan(
    Effect.flatMap(Effect.orDie(Effect.currentSpan), (span) => {
      exchange.headers["x-plugline-trace-id"] = span.traceId
      return effect
    }),
    `${exchange.request.method} ${exchange.route}`,
    {
      kind: "server",
      attributes: { "http.request.method": exchange.request.method, "http.route": exchange.route, "plugline.request.id": exchange.id },
      ...(parent !== undefined && { parent })
    }
  )
}

/** What a span should say of a call that is over, by the names of OpenTelemetry. Never what was asked or answered. */
export const describe = (request: Request): Effects.Effect<void> => {
  const { operation, options, provider, result } = request
  const usage = result !== undefined && "usage" in result ? result.usage : undefined
  return Effect.annotateCurrentSpan({
    "gen_ai.operation.name": operation === "stream" ? "chat" : operation === "completion" ? "text_completion" : operation,
    "gen_ai.provider.name": provider,
    ...(options.model !== undefined && { "gen_ai.request.model": options.model }),
    ...(result !== undefined && "model" in result && result.model !== undefined && { "gen_ai.response.model": result.model }),
    ...(Result.isChat(result) && { "gen_ai.response.finish_reasons": [result.finishReason] }),
    ...(usage?.inputTokens.total !== undefined && { "gen_ai.usage.input_tokens": usage.inputTokens.total }),
    ...(usage?.outputTokens.total !== undefined && { "gen_ai.usage.output_tokens": usage.outputTokens.total }),
    ...(request.errors.length > 0 && { "error.type": request.errors.at(-1)!.reason._tag })
  })
}

/** The span of W3C's `traceparent`, where it is one. */
const parentOf = (header: string | ReadonlyArray<string> | undefined): Tracer.ExternalSpan | undefined => {
  const found = typeof header === "string" ? /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(header) : null
  if (found === null || /^0+$/.test(found[1]!) || /^0+$/.test(found[2]!)) return undefined
  return Tracer.externalSpan({ traceId: found[1]!, spanId: found[2]!, sampled: (Number.parseInt(found[3]!, 16) & 1) === 1 })
}
