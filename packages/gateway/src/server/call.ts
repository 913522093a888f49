/**
 * A call to a model: read in the client's dialect, run through its pipeline, answered in the same dialect. Every route that asks
 * a model comes here, so each behaves like the others.
 *
 * @module
 */
import { Identity } from "@plugline/plugs"
import { Verbatim, type Wire } from "@plugline/providers"
import { Cause, Effect, Exit } from "effect"
import { type Compiled, type JsonObject, LlmError, type Operation, type Options, Pipeline, Request, type Services } from "plugline"
import { allows, type Principal } from "../auth/Principal.ts"
import type { Call, Dialect } from "../Dialect.ts"
import { checkAddresses, checkFields } from "./addresses.ts"
import type { Noted, Recorder } from "../inspector/Recorder.ts"
import type { Current, Target } from "./Current.ts"
import { type Exchange } from "./Exchange.ts"
import { headersOf, noteOf } from "./headers.ts"
import { Streamed } from "./Streamed.ts"
import { describe, traced } from "./telemetry.ts"

type RunOptions = NonNullable<Parameters<typeof Pipeline.runCompiled>[2]>

/** What a route asks for. */
export interface Kind {
  readonly dialect: Dialect
  /** Which of the dialect's wires reads the request. */
  readonly operation: "chat" | "completion" | "embeddings" | "moderations"
  /** What it is called in permissions. */
  readonly permission: string
}

/** A call, ready to run. */
export interface Ready {
  readonly request: Request
  readonly pipeline: ReturnType<Current["pipeline"]>
  readonly call: Call
  readonly streams: boolean
  /** Who is asked. */
  readonly target: Target
  /** The route whose pipeline it goes through. */
  readonly route: string
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
    streams,
    target,
    route: exchange.route
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
export const run = (exchange: Exchange, current: Current, { dialect }: Kind, ready: Ready, watch: Watch): void => {
  const noted = watch.recorder?.begin(exchange, current, ready)
  if (ready.streams) return stream(exchange, current, dialect, ready, watch, noted)
  const { call, request } = ready
  const program = running(exchange, current, ready, noted, (compiled, options) => {
    const ran = Pipeline.runCompiled(compiled, request, options)
    return current.spans ? Effect.tap(ran, describe) : ran
  })
  exchange.onLeave = current.run(program, {
    onExit: (exit) => {
      exchange.onLeave = undefined
      if (Exit.isSuccess(exit)) {
        if (noted !== undefined) noted.final = exit.value
        whole(exchange, dialect, call, exit.value)
      } else exchange.fail(failureOf(exit.cause))
    }
  })
}

/** Who must know of streams that are open and of calls that run, and what time it is. */
export interface Watch {
  readonly now: () => number
  readonly opened: (stream: Open, exchange: Exchange) => void
  readonly closed: (stream: Open) => void
  /** Takes note of calls for the inspector. Default: nobody does. */
  readonly recorder?: Recorder | undefined
}

/** An answer that goes on for long. */
export interface Open {
  /** Says that it lives, where nothing was said for `idle` ms. */
  readonly keepAlive: (now: number, idle: number) => void
  /** Ends it with an error. */
  readonly fail: (error: LlmError) => void
}

/** A call as it runs: onto a tape where its steps are kept, and in a span where calls have one. */
const running = <A>(
  exchange: Exchange,
  current: Current,
  { pipeline, request }: Ready,
  noted: Noted | undefined,
  go: (compiled: Compiled, options: RunOptions) => Effect.Effect<A>
): Effect.Effect<A, LlmError, Services> => {
  const { spans } = current
  // Compiled outside of the span: plugs keep what is at hand then, and must not keep the span of one call for all.
  if (noted?.tape === undefined) {
    return Effect.flatMapEager(current.compiled(pipeline), (compiled) =>
      spans ? traced(exchange, go(compiled, { spans })) : go(compiled, { spans }))
  }
  const { tape } = noted
  return Effect.flatMap(tape.compiled, (compiled) =>
    Effect.flatMap(tape.begin(request, { spans }), (taping) => {
      const taped = taping.during(() => go(compiled, { spans, observer: taping.observer }))
      return spans ? traced(exchange, taped) : taped
    }))
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
  ready: Ready,
  watch: Watch,
  noted: Noted | undefined
): void => {
  const { call, request } = ready
  const streamed = new Streamed(exchange, dialect, call)
  if (noted !== undefined) noted.streamed = streamed
  watch.opened(streamed, exchange)
  const answered = (compiled: Compiled, options: RunOptions) => Effect.scoped(Effect.flatMap(Pipeline.openCompiled(compiled, request, options), (live) => {
    Object.assign(exchange.headers, headersOf(live.request))
    const failed = live.request.state === "error" ? Pipeline.outcome(live.request) : undefined
    if (failed !== undefined) {
      if (noted !== undefined) noted.final = live.request
      exchange.note = noteOf(live.request)
      streamed.fail(failed)
      return Effect.void
    }
    return Effect.flatMap(streamed.pump(live, watch.now), () => {
      const final = live.final()
      if (final === undefined) return Effect.void
      if (noted !== undefined) noted.final = final
      exchange.note = noteOf(final)
      return current.spans ? describe(final) : Effect.void
    })
  }))
  exchange.onLeave = current.run(running(exchange, current, ready, noted, answered), {
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
