/**
 * What a pipeline is made of: named, inspectable values that handle a request, given the rest of the line. `Plug.ts` is the
 * public face of this module and adds the plugs that take pipelines.
 *
 * @module
 */
import { Effect, Schema, SchemaIssue } from "effect"
import type { Json } from "./Json.ts"
import { isRecord } from "./Json.ts"
import * as Guard from "./Guard.ts"
import * as LlmError from "./LlmError.ts"
import * as Mask from "./Mask.ts"
import type { Part } from "./Part.ts"
import * as Reply from "./Reply.ts"
import { failure, type PartHandler, type Parts, type Request } from "./Request.ts"
import * as Suggest from "./Suggest.ts"

/** How deep a plug reaches into a stream: not at all, sees its text, changes its parts, follows its whole life. */
export type Level = 0 | 1 | 2 | 3

/** A request now or later. A failure becomes an entry in the request's errors. */
export type Answer = Request | Effect.Effect<Request, unknown>

/** The rest of the line. May be called once, several times (retry), or not at all (a cache hit). It never fails. */
export type Next = (request: Request) => Effect.Effect<Request>

/** Handles a request, given the rest of the line. */
export type Handler = (request: Request, next: Next) => Answer

/** A handler that takes no part in what follows: it gets a request and hands one on. Runs of these compile to one loop. */
export class Linear {
  readonly run: (request: Request) => Answer
  constructor(run: (request: Request) => Answer) {
    this.run = run
  }
}

/** A handler that waits for the answer. */
export class After {
  readonly run: (request: Request) => Answer
  /** Whether it reads the answer's content. */
  readonly content: boolean
  constructor(run: (request: Request) => Answer, content: boolean) {
    this.run = run
    this.content = content
  }
}

/** What a plug becomes when its pipeline is compiled. */
export type Made = Handler | Linear | After

/** A pipeline: a plain list of plugs, bare functions, and further lists, which count as if their plugs stood here. */
export interface Pipeline<out R = never> extends ReadonlyArray<PlugLike<R>> {}

/** What may stand in a pipeline. A bare function of one argument is a plug as with `make`, one of two as with `around`. */
export type PlugLike<R = never> = Plug<R> | Handler | Pipeline<R>

/** What a plug is made of. */
export interface Init<R> {
  /** Stable: insert, replace and remove go by it. */
  readonly name: string
  /** What inspection shows. Default: none. */
  readonly options?: Json
  /** Default: 0. */
  readonly level?: Level
  /** The pipelines it runs, by what they are for. */
  readonly children?: { readonly [label: string]: Pipeline<R> }
  /** Checks options and finds services. Called once, when the pipeline is compiled. */
  readonly make: Effect.Effect<Made, LlmError.LlmError, R>
}

/** A named, inspectable value that handles a request, given the rest of the line. `R`: the services it needs. */
export class Plug<out R = never> {
  readonly name: string
  readonly options: Json
  readonly level: Level
  readonly children: { readonly [label: string]: Pipeline<R> }
  readonly make: Effect.Effect<Made, LlmError.LlmError, R>

  constructor(init: Init<R>) {
    this.name = init.name
    this.options = init.options ?? null
    this.level = init.level ?? 0
    this.children = init.children ?? noChildren
    this.make = init.make
  }

  toJSON(): Json {
    const children = Object.entries(this.children).map(([label, plugs]) => [label, Mask.json(plugs)] as const)
    return {
      name: this.name,
      level: this.level,
      ...(this.options !== null && { options: Mask.json(this.options) }),
      ...(children.length > 0 && { children: Object.fromEntries(children) })
    }
  }

  [Symbol.for("nodejs.util.inspect.custom")](_depth: number, options: object, inspect: (value: unknown, options: object) => string) {
    const shown = this.options === null ? "" : `(${inspect(Mask.json(this.options), options)})`
    const children = Object.keys(this.children).length === 0 ? "" : ` ${inspect(this.children, options)}`
    return `Plug ${this.name}${shown}${children}`
  }
}

const noChildren = Object.freeze({})

/** A plug from its pieces: for plugs that need services. See `docs/write-a-plug.md`. */
export const of = <R = never>(init: Init<R>): Plug<R> => new Plug(init)

/** Whether a value is a plug. */
export const isPlug = (value: unknown): value is Plug<never> => value instanceof Plug

interface Shown {
  /** What inspection shows. */
  readonly options?: Json
}

/**
 * A plug from a function of request to request, which is what most plugs are. Standing before the provider it sees what is
 * asked; standing behind it, what was answered: of a stream, once it has ended.
 *
 * @example
 * ```ts
 * import { Pipeline, Plug, Request } from "@plugline/core"
 * import { Effect } from "effect"
 *
 * const polite = Plug.make("polite", Request.mergeOptions({ temperature: 0.2 }))
 * const request = Request.make({ provider: "local", messages: "Hi" })
 * const after = Effect.runSync(Pipeline.run([polite], request))
 * after.options // => { temperature: 0.2 }
 * ```
 */
export const make = (name: string, f: (request: Request) => Answer, shown: Shown = {}): Plug =>
  new Plug({ name, ...shown, make: Effect.succeed(new Linear(f)) })

/**
 * A plug that waits for the answer: it gets the request when it is completed or has failed. Each request it let through
 * comes back exactly once, also when the run is interrupted or the reader of a stream leaves; then the state is still
 * `executing` or `streaming`, and what it answers is not used.
 *
 * What it changes in an answer that was streamed cannot reach parts that have already left; use `mapParts` for that.
 *
 * `content: false` says that it reads no content of the answer, so that none need be kept of a stream. Default: true.
 */
export const after = (
  name: string,
  f: (request: Request) => Answer,
  options: Shown & { readonly content?: boolean } = {}
): Plug => new Plug({ name, ...shownOf(options), make: Effect.succeed(new After(f, options.content ?? true)) })

/** A plug that has the rest of the line in hand: it may call it, several times, or answer itself. */
export const around = (name: string, handler: Handler, shown: Shown = {}): Plug =>
  new Plug({ name, ...shown, make: Effect.succeed((request: Request, next: Next) => handler(request, next)) })

/**
 * A plug that changes the parts of a reply: 0 to n parts for a part. A whole reply goes through it as the parts it would have
 * come in. An error part ends the reply; nothing that follows a finish or error part gets out.
 *
 * However the provider cuts a text into parts, the outcome must be the same: change what does not depend on the cut.
 */
export const mapParts = (
  name: string,
  f: (part: Part, request: Request) => Part | Parts | Effect.Effect<Part | Parts, unknown>,
  shown: Shown = {}
): Plug =>
  new Plug({
    name,
    ...shown,
    level: 2,
    make: Effect.succeed((request: Request, next: Next) =>
      Guard.andThen(next(request), (answer) =>
        Reply.through(answer, { _tag: "Transform", plug: name, open: (request) => (part) => f(part, request) })))
  })

/** What a plug does in the course of one reply. */
export interface StreamHooks {
  /** For each part. Default: hands it on. */
  readonly part?: (part: Part) => Part | Parts | Effect.Effect<Part | Parts, unknown>
  /** When the reply has ended well. */
  readonly end?: (request: Request) => Answer
  /** When it has failed, `error` saying why, or when the reader has left (`undefined`). */
  readonly error?: (request: Request, error: LlmError.LlmError | undefined) => Answer
}

/** A plug that follows the whole life of a reply. `start` is called when there is one, and its hooks live as long as it does. */
export const stream = (name: string, start: (request: Request) => StreamHooks, shown: Shown = {}): Plug =>
  new Plug({
    name,
    ...shown,
    level: 3,
    make: Effect.succeed((request: Request, next: Next) =>
      Guard.andThen(next(request), (answer) => {
        const hooks = start(answer)
        const { part } = hooks
        const changed = part === undefined
          ? answer
          : Reply.through(answer, { _tag: "Transform", plug: name, open: () => part })
        return Guard.andThen(changed, (answer) =>
          Reply.finally_(answer, {
            _tag: "Finisher",
            plug: name,
            content: true,
            always: true,
            done: (request) =>
              request.state === "completed" ? hooks.end?.(request) ?? request : hooks.error?.(request, failure(request)) ?? request
          }))
      }))
  })

/** What a text monitor is shown. */
export interface Seen {
  readonly kind: "text" | "reasoning" | "tool-params"
  /** The end of what was written so far, at most `window` characters. */
  readonly text: string
  /** How many characters were written so far. */
  readonly length: number
}

/** How a text monitor looks. */
export interface MonitorOptions {
  /** Looks after every so many characters, and at the end. Default: 80. */
  readonly every?: number
  /** How many characters back it sees. Default: 4,000. */
  readonly window?: number
  /** What it looks at. Default: the visible text. */
  readonly of?: ReadonlyArray<Seen["kind"]>
}

/**
 * A plug that reads along as a reply is written and can halt it: by answering with an `LlmError`, or with a text, which
 * becomes a refusal with the reason `Halted`. It looks at the same places of the text however the provider cuts it.
 * A halted reply ends in an error part right where the look was taken, and the provider's stream is closed.
 */
export const monitor = (
  name: string,
  options: MonitorOptions,
  look: (seen: Seen, request: Request) => LlmError.LlmError | string | undefined | Effect.Effect<LlmError.LlmError | string | undefined, unknown>
): Plug => {
  const { every = 80, window = 4_000, of: kinds = ["text"] } = options
  return new Plug({
    name,
    options: { every, window, of: kinds },
    level: 1,
    make: !(Number.isSafeInteger(every) && every > 0)
      ? Effect.fail(misfit(name, "every", every, "a whole number of characters, at least 1"))
      : !(Number.isSafeInteger(window) && window > 0)
      ? Effect.fail(misfit(name, "window", window, "a whole number of characters, at least 1"))
      : Effect.succeed((request: Request, next: Next) =>
        Guard.andThen(next(request), (answer) =>
          Reply.through(answer, {
            _tag: "Transform",
            plug: name,
            open: (request) => watch({ every, window, kinds, look: (seen) => look(seen, request) })
          })))
  })
}

interface Watch {
  readonly every: number
  readonly window: number
  readonly kinds: ReadonlyArray<Seen["kind"]>
  readonly look: (seen: Seen) => LlmError.LlmError | string | undefined | Effect.Effect<LlmError.LlmError | string | undefined, unknown>
}

interface Track {
  readonly kind: Seen["kind"]
  tail: string
  length: number
  looked: number
  nextAt: number
}

const watch = ({ every, kinds, look, window }: Watch): PartHandler => {
  const tracks = new Map<string, Track>()

  const lookAt = (track: Track) => {
    track.looked = track.length
    return look({ kind: track.kind, text: track.tail.slice(-window), length: track.length })
  }
  const write = (track: Track, text: string) => {
    track.tail = track.tail.length + text.length > 2 * window ? (track.tail + text).slice(-window) : track.tail + text
    track.length += text.length
  }

  /** Writes on to the next place to look at, looks, and goes on behind it. */
  const advance = (track: Track, part: Part & { readonly delta: string }, from: number): ReturnType<PartHandler> => {
    const left = part.delta.length - from
    const need = track.nextAt - track.length
    if (left < need) {
      write(track, part.delta.slice(from))
      return [part]
    }
    write(track, part.delta.slice(from, from + need))
    // Half of a surrogate pair is no text to look at: look one further.
    const last = track.tail.charCodeAt(track.tail.length - 1)
    if (last >= 0xd800 && last <= 0xdbff) {
      track.nextAt++
      return advance(track, part, from + need)
    }
    track.nextAt = track.length + every
    const verdict = lookAt(track)
    const go = (verdict: LlmError.LlmError | string | undefined): ReturnType<PartHandler> =>
      verdict === undefined
        ? advance(track, part, from + need)
        : [{ ...part, delta: part.delta.slice(0, from + need) } as Part, refusal(verdict)]
    return Effect.isEffect(verdict) ? Effect.flatMap(verdict, (verdict) => asEffect(go(verdict))) : go(verdict)
  }

  /** Looks at what is new since the last look, when the reply is about to end. */
  const last = (part: Part, left: ReadonlyArray<Track>): ReturnType<PartHandler> => {
    const [track, ...rest] = left
    if (track === undefined) return [part]
    if (track.looked === track.length) return last(part, rest)
    const verdict = lookAt(track)
    const go = (verdict: LlmError.LlmError | string | undefined): ReturnType<PartHandler> =>
      verdict === undefined ? last(part, rest) : [refusal(verdict)]
    return Effect.isEffect(verdict) ? Effect.flatMap(verdict, (verdict) => asEffect(go(verdict))) : go(verdict)
  }

  return (part) => {
    if (part.type === "finish") return last(part, [...tracks.values()])
    if (part.type !== "text-delta" && part.type !== "reasoning-delta" && part.type !== "tool-params-delta") return [part]
    const kind = part.type.slice(0, -"-delta".length) as Seen["kind"]
    if (!kinds.includes(kind)) return [part]
    // Tool arguments are texts of their own, call by call; text and reasoning are one text each.
    const key = `${kind} ${part.choice ?? 0} ${kind === "tool-params" ? part.id : ""}`
    let track = tracks.get(key)
    if (track === undefined) tracks.set(key, track = { kind, tail: "", length: 0, looked: 0, nextAt: every })
    return advance(track, part, 0)
  }
}

const refusal = (verdict: LlmError.LlmError | string): Part => ({
  type: "error",
  error: (typeof verdict === "string" ? LlmError.make({ _tag: "Halted", message: verdict }) : verdict).toJSON()
})

const asEffect = (parts: ReturnType<PartHandler>): Effect.Effect<Part | Parts, unknown> =>
  Effect.isEffect(parts) ? parts : Effect.succeed(parts)

const shownOf = ({ options }: Shown): Shown => options === undefined ? {} : { options }

/**
 * A plug with options: they are decoded by a Schema once, when the pipeline is compiled, and a value that does not fit is
 * refused with the plug, the option, the value and what would fit. `build` makes a plug from the decoded options with any of
 * the constructors of this module.
 *
 * @example
 * ```ts
 * import { Pipeline, Plug, Request } from "@plugline/core"
 * import { Effect, Schema } from "effect"
 *
 * const cap = Plug.configurable("cap", Schema.Struct({ maxTokens: Schema.Int }), ({ maxTokens }) =>
 *   Plug.make("cap", Request.mergeOptions({ maxTokens })))
 *
 * const request = Request.make({ provider: "local", messages: "Hi" })
 * Effect.runSync(Pipeline.run([cap({ maxTokens: 100 })], request)).options // => { maxTokens: 100 }
 * ```
 */
export const configurable = <S extends Schema.ConstraintDecoder<unknown>, R = never>(
  name: string,
  schema: S,
  build: (options: S["Type"]) => Plug<R>,
  info: { readonly level?: Level } = {}
): (options?: S["Encoded"]) => Plug<R> => {
  const decode = Schema.decodeUnknownResult(schema)
  return (options) =>
    new Plug<R>({
      name,
      options: options === undefined ? null : Mask.json(options),
      ...info,
      make: Effect.suspend(() => {
        const given = options ?? {}
        const stranger = unknownOption(schema, given)
        if (stranger !== undefined) {
          return Effect.fail(LlmError.make({
            _tag: "Configuration",
            option: stranger.name,
            value: Mask.json(stranger.value),
            expected: stranger.known.join(", "),
            message: Suggest.refusal("option", stranger.name, stranger.known)
          }, { plug: name }))
        }
        const decoded = decode(given)
        return decoded._tag === "Success" ? build(decoded.success).make : Effect.fail(unfit(name, given, decoded.failure))
      })
    })
}

/** An option that does not fit: names plug, option, value and what would. */
const misfit = (plug: string, option: string, value: unknown, expected: string): LlmError.LlmError =>
  LlmError.make({
    _tag: "Configuration",
    option,
    value: Mask.json(value),
    expected,
    message: `option ${option === "" ? "value" : option} must be ${expected}, not ${
      value === undefined ? "absent" : JSON.stringify(Mask.json(value))
    }`
  }, { plug })

const issues = SchemaIssue.makeFormatterStandardSchemaV1()

const unfit = (plug: string, given: unknown, error: Schema.SchemaError): LlmError.LlmError => {
  const issue = issues(error.issue).issues[0]
  const path = (issue?.path ?? []).map((step) => String(typeof step === "object" ? step.key : step))
  const value = path.reduce<unknown>((inside, step) => isRecord(inside) ? inside[step] : Array.isArray(inside) ? inside[Number(step)] : undefined, given)
  const said = issue?.message ?? error.message
  const expected = /^Expected (.*?)(?:, got .*)?$/s.exec(said)?.[1] ?? said
  return misfit(plug, path.join("."), value, expected === "Missing key" ? "given" : expected)
}

const unknownOption = (schema: unknown, given: unknown) => {
  const fields = typeof schema === "object" || typeof schema === "function" ? (schema as { fields?: unknown }).fields : undefined
  if (!isRecord(fields) || !isRecord(given)) return undefined
  const known = Object.keys(fields)
  const name = Object.keys(given).find((key) => !known.includes(key))
  return name === undefined ? undefined : { name, value: given[name], known }
}
