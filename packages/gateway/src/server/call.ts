/**
 * A call to a model: read in the client's dialect, run through its pipeline, answered in the same dialect. Every route that asks
 * a model comes here, so each behaves like the others.
 *
 * @module
 */
import { Identity } from "@plugline/plugs"
import { Verbatim, type Wire } from "@plugline/providers"
import { Cause, Effect, Exit } from "effect"
import { type Compiled, type JsonObject, LlmError, type Operation, type Options, Pipeline, Request } from "plugline"
import { allows, type Principal } from "../auth/Principal.ts"
import type { Call, Dialect } from "../Dialect.ts"
import { checkAddresses, checkFields } from "./addresses.ts"
import type { Current } from "./Current.ts"
import { type Exchange } from "./Exchange.ts"
import { headersOf, noteOf } from "./headers.ts"
import { Streamed } from "./Streamed.ts"
import { describe, traced } from "./telemetry.ts"

/** What a route asks for. */
export interface Kind {
  readonly dialect: Dialect
  /** Which of the dialect's wires reads the request. */
  readonly operation: "chat" | "completion" | "embeddings"
  /** What it is called in permissions. */
  readonly permission: string
}

/** A call, ready to run. */
export interface Ready {
  readonly request: Request
  readonly pipeline: ReturnType<Current["pipeline"]>
  readonly call: Call
  readonly streams: boolean
}

/** What of what is in force a call is made from. */
export type Reach = Pick<Current, "apiOf" | "pipeline" | "registry" | "resolve">

/** What of an exchange a call is made from. */
export type Asking = Pick<Exchange, "id" | "parameter" | "path" | "route" | "call">

/**
 * A client's request as the request that will run.
 *
 * @throws LlmError in which the client can read what was wrong.
 */
export const ready = (exchange: Asking, current: Reach, kind: Kind, body: JsonObject, principal: Principal): Ready => {
  const { dialect } = kind
  checkFields(body)
  const named = exchange.parameter ?? body.model
  if (named !== undefined && named !== null && typeof named !== "string") {
    throw LlmError.make({ _tag: "InvalidRequest", status: 400, parameter: "model", message: "model must be a text" })
  }
  const name = typeof named === "string" && named !== "" ? named : undefined
  const target = current.resolve(name, kind.operation, principal)
  if (LlmError.isLlmError(target)) throw target
  const forbidden = allows(principal, {
    permission: kind.permission,
    provider: target.provider,
    ...(target.model !== undefined && { model: target.model }),
    ...(name !== undefined && { alias: name })
  })
  if (forbidden !== undefined) throw forbidden

  const wire = current.registry.get(target.provider).wires[kind.operation]
  const way = wayOf(wire, dialect.name, current.apiOf(target.provider))
  const read = way?.wire.decode ?? dialect.wires[kind.operation]?.decode
  if (read === undefined) {
    throw LlmError.make({ _tag: "Unsupported", status: 404, message: `the ${dialect.name} dialect has no ${kind.operation} here` })
  }
  const asked = read({ url: addressOf(exchange, target.model ?? name), body }, way === undefined ? dialect.provider : target.provider)
  checkAddresses(asked.messages)
  const operation: Operation = asked.operation
  const model = target.model ?? (typeof asked.options.model === "string" ? asked.options.model : undefined)
  const streams = operation === "stream" || operation === "completion" && asksForStream(dialect, body)
  const made = Request.make({
    id: exchange.id,
    operation,
    provider: target.provider,
    messages: asked.messages,
    options: {
      ...target.options,
      ...(way === undefined ? aloud(asked.options, dialect) : asked.options),
      ...(model !== undefined && { model })
    },
    config: { ...(way?.api !== undefined && { api: way.api }), ...(operation === "completion" && streams && { stream: true }) }
  })
  const request = Identity.as(Verbatim.keep(made, dialect.name), principal.identity)
  return {
    request,
    pipeline: current.pipeline(target, operation, principal, exchange.route),
    call: exchange.call(body, operation, name ?? model ?? "", way === undefined ? undefined : target.provider),
    streams
  }
}

/** Asks services of another format to show thoughts, where the client's own format takes that for granted. */
const aloud = (options: Options, { showsThoughts }: Dialect): Options => {
  const { reasoning } = options
  if (showsThoughts !== true || reasoning === undefined) return options
  if (reasoning.effort === "none" || reasoning.summary !== undefined) return options
  return { ...options, reasoning: { ...reasoning, summary: "auto" } }
}

/** Whether a text is to be completed piece by piece: Ollama does unless it is told not to. */
const asksForStream = ({ name }: Dialect, { stream }: JsonObject): boolean => name === "ollama" ? stream !== false : stream === true

/** The address as wires read it: a model in its path is one step, whatever slashes its name holds; no query, which may hold a key. */
const addressOf = ({ parameter, path, route }: Asking, model: string | undefined): string =>
  parameter === undefined ? path : route.replace(/\{\w+\+?\}/, () => encodeURIComponent(model ?? parameter))

/** How a provider speaks a dialect, where it does; `only` by this one of its interfaces. */
const wayOf = (
  wire: Wire | undefined,
  dialect: string,
  only: string | undefined
): { readonly wire: Wire; readonly api?: string } | undefined => {
  if (wire === undefined) return undefined
  for (const [api, one] of Object.entries(wire.apis ?? {})) {
    if (one.speaks === dialect && (only === undefined || only === api)) return { wire: one, api }
  }
  if (wire.apis !== undefined && only !== undefined) return undefined
  return wire.speaks === dialect ? { wire } : undefined
}

/** Runs a call and answers it. `done` is told when the answer is finished or the client has left; it gives the stream at its start. */
export const run = (
  exchange: Exchange,
  current: Current,
  { dialect }: Kind,
  { call, pipeline, request, streams }: Ready,
  watch: Watch
): void => {
  if (streams) return stream(exchange, current, dialect, call, pipeline, request, watch)
  const program = Effect.flatMapEager(current.compiled(pipeline), (compiled) =>
    current.spans
      ? traced(exchange, Effect.tap(Pipeline.runCompiled(compiled, request, { spans: true }), describe))
      : Pipeline.runCompiled(compiled, request))
  exchange.onLeave = current.run(program, {
    onExit: (exit) => {
      exchange.onLeave = undefined
      if (Exit.isSuccess(exit)) whole(exchange, dialect, call, exit.value)
      else exchange.fail(failureOf(exit.cause))
    }
  })
}

/** Who must know of streams that are open, and what time it is. */
export interface Watch {
  readonly now: () => number
  readonly opened: (stream: Streamed, exchange: Exchange) => void
  readonly closed: (stream: Streamed) => void
}

const whole = (exchange: Exchange, dialect: Dialect, call: Call, final: Request): void => {
  Object.assign(exchange.headers, headersOf(final))
  exchange.note = noteOf(final)
  const failed = Pipeline.outcome(final)
  if (failed !== undefined || final.result === undefined) return exchange.fail(failed ?? nothing())
  const body = Verbatim.body(final.result, dialect.name)
  exchange.send(200, body ?? JSON.stringify(dialect.encode(final.result, call)), "application/json")
}

const stream = (
  exchange: Exchange,
  current: Current,
  dialect: Dialect,
  call: Call,
  pipeline: ReturnType<Current["pipeline"]>,
  request: Request,
  watch: Watch
): void => {
  const streamed = new Streamed(exchange, dialect, call)
  watch.opened(streamed, exchange)
  const answered = (compiled: Compiled) => Effect.scoped(Effect.flatMap(Pipeline.openCompiled(compiled, request, { spans: current.spans }), (live) => {
    Object.assign(exchange.headers, headersOf(live.request))
    const failed = live.request.state === "error" ? Pipeline.outcome(live.request) : undefined
    if (failed !== undefined) {
      exchange.note = noteOf(live.request)
      streamed.fail(failed)
      return Effect.void
    }
    return Effect.flatMap(streamed.pump(live, watch.now), () => {
      const final = live.final()
      if (final === undefined) return Effect.void
      exchange.note = noteOf(final)
      return current.spans ? describe(final) : Effect.void
    })
  }))
  // Compiled outside of the span: plugs keep what is at hand then, and must not keep the span of one call for all.
  const program = Effect.flatMapEager(current.compiled(pipeline), (compiled) =>
    current.spans ? traced(exchange, answered(compiled)) : answered(compiled))
  exchange.onLeave = current.run(program, {
    onExit: (exit) => {
      exchange.onLeave = undefined
      watch.closed(streamed)
      if (Exit.isFailure(exit)) streamed.fail(failureOf(exit.cause))
    }
  })
}

/** Why a run did not end in a request: an error of the configuration, or the end of the client's patience. */
export const failureOf = (cause: Cause.Cause<LlmError>): LlmError => {
  const failed = Cause.findErrorOption(cause)
  if (failed._tag === "Some") return failed.value
  return LlmError.fromUnknown(Cause.squash(cause))
}

const nothing = (): LlmError => LlmError.make({ _tag: "Halted", message: "the pipeline ended without an answer" })
