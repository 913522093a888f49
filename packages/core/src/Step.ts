/**
 * What a pipeline is made of: named, inspectable values that handle a request, given the rest of the line. `Plug.ts` is the
 * public face of this module, and adds the plugs that read along, have options, or take pipelines.
 *
 * @module
 */
import { Effect } from "effect"
import type { Json } from "./Json.ts"
import * as Guard from "./Guard.ts"
import type * as LlmError from "./LlmError.ts"
import * as Mask from "./Mask.ts"
import type { Part } from "./Part.ts"
import * as Reply from "./Reply.ts"
import { failure, type Parts, type Request } from "./Request.ts"

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

/**
 * Where a plug must stand in a line, as far as that can be told by names: each name with the reason, a sentence that goes on
 * after "because". Checked when a pipeline is compiled, inside the pipelines of other plugs too.
 */
export interface Order {
  /** Plugs that must not stand in front of it. */
  readonly before?: { readonly [name: string]: string }
  /** Plugs that must not stand behind it. */
  readonly after?: { readonly [name: string]: string }
}

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
  /** Where it must stand. Default: anywhere. */
  readonly order?: Order
  /** What is wrong with its options, if anything; asked where no services are at hand. Default: nothing is known to be. */
  readonly check?: () => LlmError.LlmError | undefined
  /** Checks options and finds services. Called once, when the pipeline is compiled. */
  readonly make: Effect.Effect<Made, LlmError.LlmError, R>
}

/** A named, inspectable value that handles a request, given the rest of the line. `R`: the services it needs. */
export class Plug<out R = never> {
  readonly name: string
  readonly options: Json
  readonly level: Level
  readonly children: { readonly [label: string]: Pipeline<R> }
  readonly order: Order | undefined
  readonly check: () => LlmError.LlmError | undefined
  readonly make: Effect.Effect<Made, LlmError.LlmError, R>

  constructor(init: Init<R>) {
    this.name = init.name
    this.options = init.options ?? null
    this.level = init.level ?? 0
    this.children = init.children ?? noChildren
    this.order = init.order
    this.check = init.check ?? nothing
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
const nothing = () => undefined

/** A plug from its pieces: for plugs that need services. See `docs/write-a-plug.md`. */
export const of = <R = never>(init: Init<R>): Plug<R> => new Plug(init)

/** The same plug, free to stand anywhere: for a line whose order is meant, though it is mostly a mistake. */
export const anywhere = <R>(plug: Plug<R>): Plug<R> => {
  const { check, children, level, make, name, options } = plug
  return new Plug<R>({ name, options, level, children, check, make })
}

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
          Reply.atEnd(answer, {
            _tag: "Finisher",
            plug: name,
            content: true,
            always: true,
            done: (request) =>
              request.state === "completed" ? hooks.end?.(request) ?? request : hooks.error?.(request, failure(request)) ?? request
          }))
      }))
  })

const shownOf = ({ options }: Shown): Shown => options === undefined ? {} : { options }
