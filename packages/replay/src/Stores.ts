/**
 * Puts the services that plugs keep things in on the tape: a recording keeps what they answered, and a replay gives it
 * back, so that it goes the same way whatever they hold by then, and leaves them alone.
 *
 * @module
 */
import { Json, LlmError } from "@plugline/core"
import type { JsonObject, JsonValue } from "@plugline/core"
import { Cause, type Context, Deferred, Effect, Exit } from "effect"
import { decode, encode, Settled } from "./Coded.ts"
import { type Desk, from, here } from "./Desk.ts"
import type { Called, Log } from "./Log.ts"
import type { Timeline } from "./Timeline.ts"
import type { StoreCall } from "./World.ts"

/**
 * What becomes of a member of a service. A function: it is on the tape; a call that was not recorded like this is given what was
 * recorded for another where the function says that it fits, first come first served. `settled`: on the tape
 * as it was then, for answers that change later, and with what a `Deferred` in it is settled with by somebody else. `local`, and
 * what is not named: it is that of the service at hand.
 */
export type Mode = "local" | "settled" | ((recorded: ReadonlyArray<JsonValue>, asked: ReadonlyArray<JsonValue>) => boolean)

/** What becomes of each member of a service, and of the members of its parts. */
export interface Modes {
  readonly [member: string]: Mode | Modes
}

/** A service that is put on the tape. */
export interface Store {
  /** What it is called there. */
  readonly name: string
  readonly service: Context.Key<never, unknown>
  /** Of a service that is a function: what becomes of that. */
  readonly modes: Mode | Modes
  /** Makes what it failed with from the fields of that, with `name` and `message`. Default: an `Error`. */
  readonly failure?: (fields: JsonObject) => unknown
}

type Method = (...given: ReadonlyArray<unknown>) => unknown

/** The service with all that it answers written down in runs that are recorded. */
export const recorded = (store: Store, service: object): object => {
  let known = wrapped.get(service)
  if (known === undefined) wrapped.set(service, known = new Map())
  let found = known.get(store)
  if (found === undefined) {
    found = around(service, store.modes, "", (method, mode, call) => recordedCall(store, method, mode, call))
    known.set(store, found)
  }
  return found
}

const wrapped = new WeakMap<object, Map<Store, object>>()

/**
 * The service with all that is on the tape given back. One of another kind may have been recorded: what it was asked that the
 * service at hand does not have is there too.
 */
export const played = (store: Store, service: object, player: Player): object => {
  const play: Wrap = (method, mode, call) => playedCall(store, method, mode, call, player)
  const out = around(service, store.modes, "", play)
  for (const method of player.methods(store.name)) addMissing(out, store.modes, method.split("."), method, play)
  return out
}

const addMissing = (part: object, modes: Mode | Modes, names: ReadonlyArray<string>, method: string, wrap: Wrap): void => {
  const [name = "", ...rest] = names
  if (typeof modes !== "object" || !Object.hasOwn(modes, name)) return
  const mode = modes[name]!
  const known: unknown = Reflect.get(part, name)
  if (rest.length > 0) {
    const inner: object = isFields(known) ? known : {}
    if (inner !== known) Object.defineProperty(part, name, { value: inner, enumerable: true })
    addMissing(inner, mode, rest, method, wrap)
  } else if (known === undefined && typeof mode !== "object" && mode !== "local") {
    Object.defineProperty(part, name, { value: wrap(method, mode, () => Effect.die(notThere(method))), enumerable: true })
  }
}

const notThere = (method: string): LlmError =>
  LlmError.make({
    _tag: "Configuration",
    option: "recording",
    message: `the recording holds no further answer of ${JSON.stringify(method)}, and the store at hand has nothing of that name`
  })

type Wrap = (method: string, mode: Exclude<Mode, "local">, call: Method) => Method

/** A service, or a part of one, with other methods in the places of its own. */
const around = (service: object, modes: Mode | Modes, path: string, wrap: Wrap): object => {
  if (modes === "local") return service
  if (typeof service === "function") return typeof modes === "object" ? service : wrap(path, modes, service as Method)
  const out = {}
  for (const name of membersOf(service)) {
    const mode = typeof modes === "object" && Object.hasOwn(modes, name) ? modes[name]! : "local"
    const place = path === "" ? name : `${path}.${name}`
    const member: unknown = Reflect.get(service, name, service)
    // A method of a class needs its object, and a plain field may change.
    const taped = typeof member === "function"
      ? around(member.bind(service), mode, place, wrap)
      : mode !== "local" && isFields(member)
      ? around(member, mode, place, wrap)
      : undefined
    const field = taped === undefined ? { get: () => Reflect.get(service, name, service) as unknown } : { value: taped }
    Object.defineProperty(out, name, { ...field, enumerable: true })
  }
  return out
}

/** The names of all members, also of those that its class gives it. */
const membersOf = (service: object): ReadonlySet<string> => {
  const names = new Set<string>()
  for (let at: object | null = service; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) if (name !== "constructor") names.add(name)
  }
  return names
}

// --- recording --------------------------------------------------------------------------------------------------------

const recordedCall = ({ name: store }: Store, method: string, mode: Mode, call: Method): Method => (...given) => {
  const desk = here()
  if (desk === undefined) return call(...given)
  const called = begin(desk.log, store, method, given, desk.now())
  let answer: unknown
  try {
    answer = call(...given)
  } catch (thrown) {
    called.ending = { _tag: "Failure", cause: Cause.die(thrown) }
    throw thrown
  }
  if (!Effect.isEffect(answer)) {
    called.ending = { _tag: "Answer", value: mode === "settled" ? watched(answer, desk) : answer }
    return answer
  }
  called.sync = false
  // An answer can be waited for more than once, or never; each time is a time of its own.
  let asked: Called | undefined = called
  return Effect.suspend(() => {
    const entry = asked ?? begin(desk.log, store, method, given, desk.now())
    asked = undefined
    entry.sync = false
    return Effect.onExit(from(desk.outside, answer as Effect.Effect<unknown, unknown>), (exit) => {
      entry.took = desk.now() - entry.at
      if (Exit.isSuccess(exit)) entry.ending = { _tag: "Answer", value: exit.value }
      else if (!Cause.hasInterruptsOnly(exit.cause)) entry.ending = { _tag: "Failure", cause: exit.cause }
      return Effect.void
    })
  })
}

const begin = (log: Log, store: string, method: string, given: ReadonlyArray<unknown>, at: number): Called => {
  const called: Called = { store, method, given, at, took: 0, sync: true, ending: undefined }
  log.calls.push(called)
  return called
}

/** The answer as the tape holds it: what somebody else settles is written down when that happens. */
const watched = (answer: unknown, { now }: Desk): unknown =>
  !isFields(answer) ? answer : Object.fromEntries(Object.entries(answer).map(([name, field]) => {
    if (!Deferred.isDeferred<unknown, unknown>(field)) return [name, field]
    const settled = new Settled()
    const begun = now()
    Effect.runFork(Effect.map(Deferred.await(field), (value) => settled.end(now() - begun, value)))
    return [name, settled]
  }))

// --- playing ----------------------------------------------------------------------------------------------------------

/** Plays what was recorded, and writes down what was played. */
export interface Player {
  readonly log: Log
  readonly timeline: Timeline
  /** What a store was asked when it was recorded. */
  readonly methods: (store: string) => Iterable<string>
  /** What such a call was answered; each answer is given once. */
  readonly take: (store: string, method: string, given: ReadonlyArray<JsonValue>, mode: Mode) => StoreCall | undefined
}

const playedCall = (
  { failure, name: store }: Store,
  method: string,
  mode: Mode,
  call: Method,
  { log, take, timeline }: Player
): Method => (...given) => {
  const found = take(store, method, given.map(encode), mode)
  // What the recording knows nothing of goes to the service of the replay, and shows as a difference.
  if (found === undefined) return askedOf(begin(log, store, method, given, timeline.now()), given, call)
  const called = begin(log, store, method, given, found.at ?? timeline.now())
  called.sync = found.sync
  const end = (): Exit.Exit<unknown, unknown> => {
    called.took = found.took
    if (found.outcome._tag === "Interrupted") return Exit.interrupt()
    if (found.outcome._tag === "Failure") {
      const cause = Cause.fail(decode(found.outcome.error, failure))
      called.ending = { _tag: "Failure", cause }
      return Exit.failCause(cause)
    }
    const value = decode(found.outcome.value, failure)
    called.ending = { _tag: "Answer", value: mode === "settled" && isFields(value) ? { ...value } : value }
    return Exit.succeed(settling(value, called.at, timeline))
  }
  if (!found.sync) {
    return found.outcome._tag === "Interrupted"
      ? Effect.onInterrupt(timeline.standstill(store), () => Effect.sync(end))
      : Effect.andThen(found.took > 0 ? timeline.wait(found) : Effect.void, Effect.suspend(end))
  }
  const exit = end()
  if (Exit.isSuccess(exit)) return exit.value
  throw Cause.squash(exit.cause)
}

/** A call that the service of the replay answers. */
const askedOf = (called: Called, given: ReadonlyArray<unknown>, call: Method): unknown => {
  const answer = call(...given)
  if (!Effect.isEffect(answer)) {
    called.ending = { _tag: "Answer", value: answer }
    return answer
  }
  called.sync = false
  return Effect.onExit(answer as Effect.Effect<unknown, unknown>, (exit) => {
    if (Exit.isSuccess(exit)) called.ending = { _tag: "Answer", value: exit.value }
    else if (!Cause.hasInterruptsOnly(exit.cause)) called.ending = { _tag: "Failure", cause: exit.cause }
    return Effect.void
  })
}

/** What the recording says somebody else settled is settled after the same time. */
const settling = (value: unknown, at: number, timeline: Timeline): unknown =>
  !isFields(value) || !Object.values(value).some((field) => field instanceof Settled)
    ? value
    : Object.fromEntries(Object.entries(value).map(([name, field]) => {
      if (!(field instanceof Settled)) return [name, field]
      const deferred = Deferred.makeUnsafe<unknown>()
      const { ending } = field
      if (ending !== undefined) {
        Effect.runFork(Effect.andThen(timeline.wait({ at, took: ending.took }), Deferred.succeed(deferred, ending.value)))
      }
      return [name, deferred]
    }))

const isFields = (value: unknown): value is object => typeof value === "object" && value !== null

/** Whether what was recorded for a call answers another one, which was not recorded. */
export const fits = (mode: Mode, recorded: ReadonlyArray<JsonValue>, asked: ReadonlyArray<JsonValue>): boolean =>
  mode === "local" ? false : mode === "settled" ? Json.equals(recorded[0], asked[0]) : mode(recorded, asked)
