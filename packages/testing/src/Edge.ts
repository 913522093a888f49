/**
 * Stands in for a plug through which a run touches the world outside: a recording keeps what it answered, and a replay
 * plays it in its place.
 *
 * @module
 */
import { Json, Key, LlmError, Plug, Request } from "@plugline/core"
import type {
  Answer, Bytes, JsonObject, LlmErrorJson, Made, Next, Parts, ProviderResponse, Result, Source
} from "@plugline/core"
import { Cause, Clock, Effect, Exit, Random } from "effect"
import { Desk, elapsed, type Exchange, type Log, type Outside, type Pull, type Writable } from "./World.ts"

/** A plug that is recorded and played. */
export const edge = <R>(plug: Plug<R>): Plug<R> =>
  Plug.of<R>({
    name: plug.name,
    options: plug.options,
    level: plug.level,
    children: plug.children,
    make: Effect.flatMap(Desk, (desk) => {
      if (desk._tag === "Live") return plug.make
      if (desk._tag === "Play") return Effect.succeed(new Plug.Linear((request) => play(plug.name, request, desk)))
      return Effect.map(from(desk.outside, plug.make), (made) =>
        new Plug.Linear((request) => keep(plug.name, request, alone(plug.name, made), desk)))
    })
  })

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

// --- recording
// --------------------------------------------------------------------------------------------------------

type Recording = Extract<Desk, { readonly _tag: "Record" }>

const keep = (
  plug: string,
  request: Request,
  run: (request: Request) => Answer,
  { log, outside }: Recording
): Answer => {
  const now = () => elapsed(outside.clock)
  const exchange = begin(log, plug, request)
  const begun = now()
  const end = (exit: Exit.Exit<Request, unknown>): Exit.Exit<Request, unknown> => {
    exchange.took = now() - begun
    if (Exit.isFailure(exit)) {
      if (!Cause.hasInterruptsOnly(exit.cause)) {
        exchange.outcome = { _tag: "Failure", error: errorOf(exit.cause) }
      }
      return exit
    }
    // What is no request is the runner's to refuse, in a replay too.
    if (!(exit.value instanceof Request.Request)) return exit
    exchange.outcome = { _tag: "Answer", changes: changes(request, exit.value) }
    return Exit.succeed(listen(request, exit.value, exchange, outside))
  }
  const answer = attempt(() => run(request))
  if (Effect.isEffect(answer) && !Exit.isExit(answer)) {
    exchange.sync = false
    return Effect.flatMap(Effect.exit(from(outside, answer)), end).pipe(Effect.onInterrupt(() =>
      Effect.sync(() => {
        exchange.took = now() - begun
      })))
  }
  const settled = end(Exit.isExit(answer) ? answer : Exit.succeed(answer))
  return Exit.isSuccess(settled) ? settled.value : settled
}

const errorOf = (cause: Cause.Cause<unknown>): LlmErrorJson => LlmError.fromUnknown(Cause.squash(cause)).toJSON()

/** Runs what an edge does in the world outside. */
const from = <A, E, R>({ clock, random }: Outside, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(Effect.provideService(effect, Clock.Clock, clock), Random.Random, random)

const begin = (log: Log, plug: string, request: Request): Writable<Exchange> => {
  const exchange: Writable<Exchange> = {
    plug,
    request: Request.toJson(request) as unknown as JsonObject,
    took: 0,
    sync: true,
    outcome: { _tag: "Interrupted" }
  }
  log.exchanges.push(exchange)
  return exchange
}

const attempt = (f: () => Answer): Answer | Exit.Exit<Request, unknown> => {
  try {
    return f()
  } catch (thrown) {
    return Exit.die(thrown)
  }
}

/** The fields that are not what they were, as JSON; of notes and errors only what was added. */
const changes = (before: Request, after: Request): JsonObject => {
  const json = Request.toJson(after) as unknown as JsonObject
  const out: Record<string, JsonObject[string]> = {}
  for (const name of Object.keys(json) as Array<keyof Request & string>) {
    if (before[name] === after[name]) continue
    if (name === "errors") out.errors = (json.errors as ReadonlyArray<JsonObject>).slice(before.errors.length)
    else if (name === "assigns" || name === "private" || name === "metadata") {
      const fields = Object.entries(json[name] as JsonObject)
      out[name] = Object.fromEntries(fields.filter(([key]) => before[name][key] !== after[name][key]))
    } else out[name] = json[name]
  }
  return out
}

/** The request with its streams passing through the record. */
const listen = (before: Request, after: Request, exchange: Writable<Exchange>, outside: Outside): Request => {
  let out = after
  if (after.reply !== undefined && before.reply === undefined) {
    const pulls: Array<Pull<Parts>> = exchange.parts = []
    const { source } = after.reply
    const pull = tapped(source.pull, pulls, outside, (parts) => parts)
    out = Request.patch(out, { reply: { ...after.reply, source: { ...source, pull } } })
  }
  const body = after.response === before.response ? undefined : after.response?.body
  if (body !== undefined && typeof body !== "string") {
    const pulls: Array<Pull<ReadonlyArray<string>>> = exchange.bytes = []
    const pull = tapped(body.pull, pulls, outside, (chunks) => chunks.map(toBase64))
    out = Request.patch(out, { response: { ...after.response!, body: { ...body, pull } } })
  }
  return out
}

const tapped = <A, B, E extends LlmError>(
  pull: Effect.Effect<A | undefined, E>,
  pulls: Array<Pull<B>>,
  outside: Outside,
  encode: (value: A) => B
): Effect.Effect<A | undefined, E> =>
  Effect.suspend(() => {
    const begun = elapsed(outside.clock)
    const entry: Writable<Pull<B>> = { took: 0 }
    pulls.push(entry)
    return Effect.onExit(from(outside, pull), (exit) => Effect.sync(() => {
      entry.took = elapsed(outside.clock) - begun
      if (Exit.isSuccess(exit)) entry.got = exit.value === undefined ? null : encode(exit.value)
      else if (!Cause.hasInterruptsOnly(exit.cause)) entry.error = errorOf(exit.cause)
    }))
  })

// --- playing
// ----------------------------------------------------------------------------------------------------------

type Playing = Extract<Desk, { readonly _tag: "Play" }>

const play = (plug: string, request: Request, { log, take }: Playing): Answer => {
  const now = begin(log, plug, request)
  const exchange = take(plug, now.request)
  if (exchange === undefined) {
    return Request.fail(request, LlmError.make({
      _tag: "Configuration",
      option: "recording",
      message: `the recording holds no further answer of plug ${JSON.stringify(plug)}`
    }))
  }
  now.sync = exchange.sync
  const answer = (): Answer => {
    now.took = exchange.took
    now.outcome = exchange.outcome
    switch (exchange.outcome._tag) {
      case "Failure":
        return Effect.fail(LlmError.fromJson(exchange.outcome.error))
      case "Interrupted":
        return Effect.never
      case "Answer":
        return restore(request, exchange.outcome.changes, exchange, now)
    }
  }
  if (exchange.outcome._tag === "Interrupted") return Effect.onInterrupt(Effect.never, () => Effect.sync(answer))
  if (exchange.sync) return answer()
  return Effect.flatMap(wait(exchange.took), () => {
    const ready = answer()
    return Effect.isEffect(ready) ? ready : Effect.succeed(ready)
  })
}

const wait = (ms: number): Effect.Effect<void> => ms > 0 ? Effect.sleep(ms) : Effect.yieldNow

/** The request with what the plug had changed, and with streams that play what was pulled. */
const restore = (request: Request, changes: JsonObject, exchange: Exchange, now: Writable<Exchange>): Request => {
  const { assigns, errors, metadata, private: own, response, state, halted, ...fields } = changes
  let out = request
  if (exchange.parts !== undefined) {
    const pulls: Array<Pull<Parts>> = now.parts = []
    out = Request.stream(out, sourceOf(exchange.parts, pulls))
  }
  if (response !== undefined) {
    out = Request.putResponse(out, responseOf(response as unknown as ProviderResponse, exchange, now))
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

const sourceOf = (recorded: ReadonlyArray<Pull<Parts>>, pulls: Array<Pull<Parts>>): Source => {
  const { close, pull } = played(recorded, pulls, (parts) => parts)
  // The pulls of a reply never fail: what went wrong was a part.
  return { pull: Effect.orDie(pull), close }
}

const responseOf = (response: ProviderResponse, exchange: Exchange, now: Writable<Exchange>): ProviderResponse => {
  if (exchange.bytes === undefined) return response
  const pulls: Array<Pull<ReadonlyArray<string>>> = now.bytes = []
  const body: Bytes = played(exchange.bytes, pulls, (chunks) => chunks.map(fromBase64))
  return { ...response, body }
}

const played = <A, B>(recorded: ReadonlyArray<Pull<B>>, pulls: Array<Pull<B>>, decode: (value: B) => A) => {
  let at = 0
  let closed = false
  const pull: Effect.Effect<A | undefined, LlmError> = Effect.suspend(() => {
    const entry = closed ? undefined : recorded[at++]
    if (entry === undefined) return Effect.succeed(undefined)
    if (entry.got === undefined && entry.error === undefined) {
      return Effect.onInterrupt(Effect.never, () => Effect.sync(() => pulls.push(entry)))
    }
    return Effect.flatMap(entry.took > 0 ? Effect.sleep(entry.took) : Effect.void, () => {
      pulls.push(entry)
      if (entry.error !== undefined) return Effect.fail(LlmError.fromJson(entry.error))
      return Effect.succeed(entry.got === null || entry.got === undefined ? undefined : decode(entry.got))
    })
  })
  const close = Effect.sync(() => {
    closed = true
  })
  return { pull, close }
}

const toBase64 = (bytes: Uint8Array): string => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))
const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (character) => character.charCodeAt(0))

/** Whether two requests are the same to an edge. */
export const sameRequest = (a: JsonObject, b: JsonObject): boolean => Json.equals(a, b)
