/**
 * Stands in for a plug through which a run touches the world outside: a recording keeps what it answered, and a replay
 * plays it in its place.
 *
 * @module
 */
import { Key, LlmError, type Part, Plug, Request } from "@plugline/core"
import type { Answer, Bytes, JsonObject, Made, Next, Parts, ProviderResponse, Result, Source } from "@plugline/core"
import { Cause, type Context, Effect, Exit } from "effect"
import { fromBase64 } from "./Coded.ts"
import { type Desk, from, here } from "./Desk.ts"
import { type Asked, type Hide, type Log, type Pulled, requestJson } from "./Log.ts"
import type { Timeline } from "./Timeline.ts"
import type { Exchange, Pull } from "./World.ts"

/** A plug that writes down what it answers in a run that is recorded, and is itself in any other. It is made `outside`. */
export const recorded = <R>(plug: Plug<R>, outside: (context: Context.Context<R>) => Context.Context<R>): Plug<R> =>
  remade(plug, Effect.map(Effect.updateContext(plug.make, outside), (made): Made => {
    const run = alone(plug.name, made)
    if (made instanceof Plug.Linear) {
      const live = made.run
      return new Plug.Linear((request) => {
        const desk = here()
        return desk === undefined ? live(request) : keep(plug.name, request, run, desk)
      })
    }
    if (made instanceof Plug.After) return made
    return (request, next) => {
      const desk = here()
      return desk === undefined ? made(request, next) : keep(plug.name, request, run, desk)
    }
  }))

/** A plug that plays what it answered. */
export const played = <R>(plug: Plug<R>, player: Player): Plug<R> =>
  remade(plug, Effect.succeed(new Plug.Linear((request) => play(plug.name, request, player))))

/** The same plug, made in another way. */
export const remade = <R>({ check, children, level, name, options, order }: Plug<R>, make: Plug<R>["make"]): Plug<R> =>
  Plug.of<R>({ name, options, level, children, check, make, ...(order !== undefined && { order }) })

/** What a plug does without the rest of the line. */
const alone = (name: string, made: Made): (request: Request) => Answer =>
  made instanceof Plug.Linear
    ? made.run
    : (request) => made instanceof Plug.After ? noNext(name)(request) : made(request, noNext(name))

const noNext = (plug: string): Next => () =>
  Effect.die(LlmError.make({
    _tag: "Configuration",
    option: "edge",
    message: `plug ${JSON.stringify(plug)} cannot be recorded as an edge: `
      + "it calls the rest of the line instead of answering by itself"
  }))

// --- recording --------------------------------------------------------------------------------------------------------

const keep = (plug: string, request: Request, run: (request: Request) => Answer, desk: Desk): Answer => {
  const { log, now, outside } = desk
  const asked = begin(log, plug, request, now())
  desk.weigh(weightOfExchange)
  const end = (exit: Exit.Exit<Request, unknown>): Exit.Exit<Request, unknown> => {
    asked.took = now() - asked.at
    if (Exit.isFailure(exit)) {
      if (!Cause.hasInterruptsOnly(exit.cause)) asked.ending = { _tag: "Failure", cause: exit.cause }
      return exit
    }
    // What is no request is the runner's to refuse, in a replay too.
    if (!(exit.value instanceof Request.Request)) return exit
    asked.ending = { _tag: "Answer", value: exit.value }
    return Exit.succeed(listen(request, exit.value, asked, desk))
  }
  const answer = attempt(() => run(request))
  if (Effect.isEffect(answer) && !Exit.isExit(answer)) {
    asked.sync = false
    return Effect.flatMap(Effect.exit(from(outside, answer)), end).pipe(Effect.onInterrupt(() =>
      Effect.sync(() => {
        asked.took = now() - asked.at
      })))
  }
  const settled = end(Exit.isExit(answer) ? answer : Exit.succeed(answer))
  return Exit.isSuccess(settled) ? settled.value : settled
}

const begin = (log: Log, plug: string, request: Request, at: number): Asked => {
  const asked: Asked = { plug, request, at, took: 0, sync: true, ending: undefined }
  log.exchanges.push(asked)
  return asked
}

const attempt = (f: () => Answer): Answer | Exit.Exit<Request, unknown> => {
  try {
    return f()
  } catch (thrown) {
    return Exit.die(thrown)
  }
}

/** The request with its streams passing through the record. */
const listen = (before: Request, after: Request, asked: Asked, desk: Desk): Request => {
  let out = after
  if (after.reply !== undefined && before.reply === undefined) {
    const { source } = after.reply
    const pull = tapped(source.pull, asked.parts = [], desk, weightOfPart)
    out = Request.patch(out, { reply: { ...after.reply, source: { ...source, pull } } })
  }
  const body = after.response === before.response ? undefined : after.response?.body
  if (body !== undefined && typeof body !== "string") {
    const { hide } = body as { readonly hide?: Hide }
    if (hide !== undefined) asked.hide = hide
    const pull = tapped(body.pull, asked.bytes = [], desk, ({ length }) => length)
    out = Request.patch(out, { response: { ...after.response!, body: { ...body, pull } } })
  }
  return out
}

const tapped = <A, E extends LlmError>(
  pull: Effect.Effect<ReadonlyArray<A> | undefined, E>,
  pulls: Array<Pulled<ReadonlyArray<A>>>,
  desk: Desk,
  weight: (piece: A) => number
): Effect.Effect<ReadonlyArray<A> | undefined, E> => {
  const { now, outside } = desk
  const pulling = from(outside, pull)
  return Effect.suspend(() => {
    if (desk.isOver()) {
      pulls.length = 0
      return pulling
    }
    // Of a pull that is interrupted nothing more is heard.
    const pulled: Pulled<ReadonlyArray<A>> = { at: now(), took: 0, ending: undefined }
    pulls.push(pulled)
    const end = (ending: Pulled<ReadonlyArray<A>>["ending"]): void => {
      pulled.took = now() - pulled.at
      pulled.ending = ending
    }
    return Effect.matchCauseEffect(pulling, {
      onSuccess: (value) => {
        end({ _tag: "Answer", value })
        let bytes = weightOfPull
        if (value !== undefined) for (const piece of value) bytes += weight(piece)
        desk.weigh(bytes)
        return Effect.succeed(value)
      },
      onFailure: (cause) => {
        end(Cause.hasInterruptsOnly(cause) ? undefined : { _tag: "Failure", cause })
        return Effect.failCause(cause)
      }
    })
  })
}

/** What things take up in memory, in bytes, roughly. */
const weightOfExchange = 1_000
const weightOfPull = 100
export const weightOfPart = (part: Part): number =>
  100 + ("delta" in part && typeof part.delta === "string" ? 2 * part.delta.length : 0)

// --- playing ----------------------------------------------------------------------------------------------------------

/** Plays what was recorded, and writes down what was played. */
export interface Player {
  readonly log: Log
  /** What such a request was answered; each answer is given once. */
  readonly take: (plug: string, request: JsonObject) => Exchange | undefined
  readonly timeline: Timeline
  /** Whether the run was left before its end: what was not recorded had then not come yet. */
  readonly left: boolean
}

const play = (plug: string, request: Request, player: Player): Answer => {
  const { left, log, take, timeline } = player
  const asked = begin(log, plug, request, timeline.now())
  const exchange = take(plug, requestJson(request))
  if (exchange === undefined) {
    if (left) return timeline.standstill(plug)
    return Request.fail(request, LlmError.make({
      _tag: "Configuration",
      option: "recording",
      message: `the recording holds no further answer of plug ${JSON.stringify(plug)}`
    }))
  }
  const { outcome, sync, took } = exchange
  asked.at = exchange.at ?? asked.at
  asked.sync = sync
  if (outcome._tag === "Interrupted") {
    return Effect.onInterrupt(timeline.standstill(plug), () =>
      Effect.sync(() => {
        asked.took = took
      }))
  }
  const answer = (): Answer => {
    asked.took = took
    if (outcome._tag === "Failure") {
      const cause = Cause.fail(LlmError.fromJson(outcome.error))
      asked.ending = { _tag: "Failure", cause }
      return Exit.failCause(cause)
    }
    const value = restore(request, outcome.changes, exchange, asked, player)
    asked.ending = { _tag: "Answer", value }
    return value
  }
  if (sync) return answer()
  return Effect.flatMap(timeline.wait(exchange), () => {
    const ready = answer()
    return Effect.isEffect(ready) ? ready : Effect.succeed(ready)
  })
}

/** The request with what the plug had changed, and with streams that play what was pulled. */
const restore = (request: Request, changes: JsonObject, exchange: Exchange, asked: Asked, player: Player): Request => {
  const { assigns, errors, metadata, private: own, response, state, halted, ...fields } = changes
  let out = request
  if (exchange.parts !== undefined) out = Request.stream(out, sourceOf(exchange.parts, asked.parts = [], player))
  if (response !== undefined) {
    const { bytes } = exchange
    const given = response as unknown as ProviderResponse
    out = Request.putResponse(out, bytes === undefined ? given : { ...given, body: bytesOf(bytes, asked.bytes = [], player) })
  }
  for (const [name, value] of Object.entries(assigns ?? {})) out = Request.assign(out, Key.make(name), value)
  for (const [name, value] of Object.entries(own ?? {})) out = Request.putPrivate(out, Key.make(name), value)
  for (const [name, value] of Object.entries(metadata ?? {})) out = Request.putMetadata(out, name, value ?? null)
  return Request.patch(out, {
    ...(fields as { readonly result?: Result }),
    ...(typeof state === "string" && { state: state as Request["state"] }),
    ...(typeof halted === "boolean" && { halted }),
    ...(Array.isArray(errors) && { errors: [...out.errors, ...errors.map(LlmError.fromJson)] })
  })
}

const sourceOf = (recorded: ReadonlyArray<Pull<Parts>>, pulls: Array<Pulled<Parts>>, player: Player): Source => {
  const { close, pull } = stream(recorded, pulls, player, (parts) => parts)
  // The pulls of a reply never fail: what went wrong was a part.
  return { pull: Effect.orDie(pull), close }
}

const bytesOf = (
  recorded: ReadonlyArray<Pull<ReadonlyArray<string>>>,
  pulls: Array<Pulled<ReadonlyArray<Uint8Array>>>,
  player: Player
): Bytes => stream(recorded, pulls, player, (chunks) => chunks.map(fromBase64))

const stream = <A, B>(
  recorded: ReadonlyArray<Pull<B>>,
  pulls: Array<Pulled<A>>,
  { left, timeline }: Player,
  decode: (value: B) => A
) => {
  let at = 0
  let closed = false
  const pull: Effect.Effect<A | undefined, LlmError> = Effect.suspend(() => {
    const entry = closed ? undefined : recorded[at++]
    if (entry === undefined) return left && !closed ? timeline.standstill("reader") : Effect.succeed(undefined)
    const { error, got, took } = entry
    const pulled: Pulled<A> = { at: entry.at ?? timeline.now(), took: entry.took, ending: undefined }
    pulls.push(pulled)
    if (got === undefined && error === undefined) return timeline.standstill("reader")
    return Effect.flatMap(took > 0 ? timeline.wait(entry) : Effect.void, () => {
      const exit: Exit.Exit<A | undefined, LlmError> = error === undefined
        ? Exit.succeed(got === null || got === undefined ? undefined : decode(got))
        : Exit.fail(LlmError.fromJson(error))
      pulled.ending = Exit.isSuccess(exit) ? { _tag: "Answer", value: exit.value } : { _tag: "Failure", cause: exit.cause }
      return exit
    })
  })
  const close = Effect.sync(() => {
    closed = true
  })
  return { pull, close }
}
