/**
 * Takes note of each call for the inspector: a line about every one of them, and of those that are sampled every step, with all that
 * came in from outside, so that it can be run again. On the path nothing is copied: what is kept is looked at once the call is over.
 *
 * @module
 */
import { Taped } from "@plugline/plugs"
import { Replay } from "@plugline/replay"
import { Effect, type Random } from "effect"
import { type Compiled, type JsonObject, type LlmError, Mask, Pipeline, type Request, type Services } from "plugline"
import type { Ready } from "../server/call.ts"
import type { Current } from "../server/Current.ts"
import type { Exchange } from "../server/Exchange.ts"
import type { Streamed } from "../server/Streamed.ts"
import type { Route } from "../server/Server.ts"
import { lineOf } from "./lines.ts"
import { summaryOf } from "./summary.ts"
import type { Writer } from "./store/Writer.ts"

/** Takes note of calls. */
export interface Recorder {
  /** A call that is about to run. */
  readonly begin: (exchange: Exchange, current: Current, ready: Ready) => Noted
  /** A request of a client is over; those that ask no model are none of ours. */
  readonly ended: (exchange: Exchange, took: number) => void
  /** Strangers whose requests were not written down, because there were too many. */
  readonly strangers: () => number
}

/** What is known of a call while it runs. */
export interface Noted {
  readonly current: Current
  readonly ready: Ready
  /** Where its steps go; absent where they are not kept. */
  readonly tape: Tape | undefined
  /** The request after the run. */
  final: Request | undefined
  streamed: Streamed | undefined
}

/** Where the steps of a call go. */
export interface Tape {
  /** The pipeline, fit to be recorded: compiled once. */
  readonly compiled: Effect.Effect<Compiled, LlmError, Services>
  readonly begin: (request: Request, options: { readonly spans: boolean }) => Effect.Effect<Replay.Taping>
  /** What has been recorded; why it is not to be had where it is not. */
  readonly recording: (final: Request | undefined) => Replay.Recording | "size" | "fault"
}

/** Where calls touch the world outside: every provider's HTTP, and the built-in provider. The rest is what stores answer. */
export const tape: Replay.Tape = { edge: ["send", "respond"], strict: false, stores: Taped.stores }

/** How many requests of strangers are written down in a minute: whoever has no key cannot push out those of others. */
const mostStrangers = 100

/** A recorder of calls on these routes. `limit`: about how many bytes of memory the steps of one may hold. */
export const make = (
  writer: Writer,
  routes: ReadonlyArray<Pick<Route, "operation" | "path">>,
  limit: number,
  random: Random.Random
): Recorder => {
  const operations = new Map(routes.flatMap(({ operation, path }) => operation === undefined ? [] : [[path, operation] as const]))
  const compiled = new WeakMap<Current, ReturnType<typeof compiling>>()
  let minute = 0
  let strangers = 0
  let silent = 0
  /** Whether a stranger's request is one of too many. */
  const isTooMuch = ({ came }: Exchange): boolean => {
    const now = Math.floor(came / 60_000)
    if (now !== minute) {
      minute = now
      strangers = 0
    }
    if (++strangers <= mostStrangers) return false
    silent++
    return true
  }
  return {
    strangers: () => silent,
    begin: (exchange, current, ready) => {
      let compile: ReturnType<typeof compiling> | undefined
      if (isSampled(current.sample, random)) {
        compile = compiled.get(current)
        if (compile === undefined) compiled.set(current, compile = compiling())
        exchange.headers["x-plugline-trace"] = `/inspector/#/traces/${exchange.id}`
      }
      return exchange.noted = {
        current,
        ready,
        final: undefined,
        streamed: undefined,
        tape: compile === undefined ? undefined : onto(compile(ready.pipeline), limit)
      }
    },
    ended: (exchange, took) => {
      const operation = operations.get(exchange.route)
      if (operation === undefined) return
      const { noted, principal } = exchange
      if (principal === undefined && isTooMuch(exchange)) return
      writer.offer({
        summary: () => summaryOf(exchange, took, operation),
        ...(noted?.tape !== undefined && { record: () => recordOf(exchange, noted, noted.tape!) })
      })
    }
  }
}

const isSampled = (share: number, random: Random.Random): boolean =>
  share >= 1 || share > 0 && random.nextDoubleUnsafe() < share

type Line = Ready["pipeline"]

/** Compiles pipelines for the tape, each once for one configuration in force. */
const compiling = () => {
  const ready = new WeakMap<Line, Tape["compiled"]>()
  return (line: Line): Tape["compiled"] =>
    ready.get(line) ?? Effect.tap(Replay.taped(tape)(Pipeline.compile(line)), (compiled) =>
      Effect.sync(() => void ready.set(line, Effect.succeed(compiled))))
}

const onto = (compiled: Tape["compiled"], limit: number): Tape => {
  let taping: Replay.Taping | undefined
  return {
    compiled,
    begin: (request, options) =>
      Effect.tap(Replay.begin(request, { ...options, limit }), (begun) =>
        Effect.sync(() => {
          taping = begun
        })),
    recording: (final) => taping === undefined ? "fault" : taping.isOver() ? "size" : taping.recording(final)
  }
}

const recordOf = ({ principal, request }: Exchange, { current, final, ready }: Noted, tape: Tape): object | "size" | "fault" => {
  const recording = tape.recording(final)
  if (typeof recording === "string") return recording
  const way = current.wayOf(ready.target, ready.request.operation, principal!, ready.route)
  const isKeyed = request.headers["idempotency-key"] !== undefined
  const call: JsonObject = { ...Mask.json(way) as JsonObject, ...(isKeyed && { keyed: true }) }
  return { ...Replay.encode(recording), pipeline: lineOf(ready.pipeline).tree, call }
}
