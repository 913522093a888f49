/**
 * Runs a request through a plain list of plugs, whole or streamed, and edits and shows such lists. A pipeline needs no
 * constructor: it is an array.
 *
 * @module
 */
import { Cause, Effect, type Scope, Stream } from "effect"
import { dual } from "effect/Function"
import { compile as compileLine, type Compiled, flatten } from "./Compile.ts"
import * as Guard from "./Guard.ts"
import type { Json } from "./Json.ts"
import * as LlmError from "./LlmError.ts"
import * as Part from "./Part.ts"
import * as Reply from "./Reply.ts"
import { failure, join, type Observer, type Parts, type Request, type Run } from "./Request.ts"
import * as Result from "./Result.ts"
import type { Level, Pipeline, Plug, PlugLike } from "./Step.ts"
import * as Suggest from "./Suggest.ts"

export type { Pipeline } from "./Step.ts"
export { type Compiled, Rewrite } from "./Compile.ts"

/** How a run is watched. */
export interface RunOptions {
  /** Is told every step: the recorder of a `Trace`, for example. Default: nobody, at no cost. */
  readonly observer?: Observer
  /** Whether each plug gets an OpenTelemetry span. Default: false. */
  readonly spans?: boolean
}

/** A typed failure that still holds the request: what was asked, what had arrived, and every error on the way. */
export class RequestFailed extends LlmError.LlmError {
  // Private, because a printed error shows what went wrong, not the conversation.
  readonly #request: Request

  constructor(error: LlmError.LlmError, request: Request) {
    super(error.reason, error)
    this.#request = request
  }

  get request(): Request {
    return this.#request
  }
}

/** The services that a pipeline needs: all that any of its plugs does. */
export type Services<P extends Pipeline<unknown>> = Needs<P[number]>

/** By hand for lists in lists: a type that calls itself would never end on a pipeline, which may hold pipelines. */
type Needs<E> = E extends Plug<infer R> ? R : E extends ReadonlyArray<infer I> ? I extends Plug<infer R> ? R : I extends ReadonlyArray<infer J> ?
      J extends Plug<infer R> ? R : never : never : never

/** A pipeline checked and made ready, for plugs that run pipelines of their own: `label` names it among them. */
export const compile = <const P extends Pipeline<unknown>>(
  pipeline: P,
  label?: string
): Effect.Effect<Compiled, LlmError.LlmError, Services<P>> => compileLine(typed(pipeline), label)

/** The same pipeline, typed by what its plugs need. */
const typed = <P extends Pipeline<unknown>>(pipeline: P): Pipeline<Services<P>> => pipeline as Pipeline<unknown> as Pipeline<Services<P>>

/**
 * Runs a request to its end and gives the final request; a reply that arrives in parts is read and folded. Whatever goes
 * wrong on the way is in the request's errors; this fails only if the pipeline itself is set up wrongly.
 *
 * @example
 * ```ts
 * import { Pipeline, Plug, Request } from "@plugline/core"
 * import { Effect } from "effect"
 *
 * const request = Request.make({ provider: "local", messages: "Hi" })
 * const final = Effect.runSync(Pipeline.run([Plug.make("no", Request.refuse("not today"))], request))
 * final.state // => "error"
 * final.errors[0]?.message // => 'local, plug "no": not today (Halted)'
 * ```
 */
export const run: {
  (request: Request, options?: RunOptions): <const P extends Pipeline<unknown>>(pipeline: P) => Effect.Effect<Request, LlmError.LlmError, Services<P>>
  <const P extends Pipeline<unknown>>(pipeline: P, request: Request, options?: RunOptions): Effect.Effect<Request, LlmError.LlmError, Services<P>>
} = dual(
  (args) => Array.isArray(args[0]),
  <R>(pipeline: Pipeline<R>, request: Request, options?: RunOptions): Effect.Effect<Request, LlmError.LlmError, R> =>
    pipeline.length === 0 || request.halted
      ? Effect.succeed(request)
      : Effect.flatMapEager(compileLine(pipeline), (compiled) => runCompiled(compiled, request, options))
)

/** Like {@link run}, for a pipeline that was compiled before. */
export const runCompiled = (compiled: Compiled, request: Request, options?: RunOptions): Effect.Effect<Request> => {
  if (request.halted) return Effect.succeed(request)
  const run = newRun(options)
  const outcome = compiled.handle(join(request, run))
  if (!Effect.isEffect(outcome) && outcome.state !== "streaming" && run.closers.length === 0 && run.open === undefined) return Effect.succeed(outcome)
  return Effect.onExit(Effect.flatMap(Guard.effect(outcome), Reply.drain), () => closeAll(run))
}

/** Like {@link run}, but fails with {@link RequestFailed} where the request ended in an error or without an answer. */
export const execute: {
  (request: Request, options?: RunOptions): <const P extends Pipeline<unknown>>(pipeline: P) => Effect.Effect<Request, LlmError.LlmError, Services<P>>
  <const P extends Pipeline<unknown>>(pipeline: P, request: Request, options?: RunOptions): Effect.Effect<Request, LlmError.LlmError, Services<P>>
} = dual(
  (args) => Array.isArray(args[0]),
  <R>(pipeline: Pipeline<R>, request: Request, options?: RunOptions): Effect.Effect<Request, LlmError.LlmError, R> =>
    Effect.flatMapEager(run(pipeline, request, options), (final) => {
      const failed = outcome(final)
      return failed === undefined ? Effect.succeed(final) : Effect.fail(failed)
    })
)

/** Why a request that has been run has no answer, if it has none. */
export const outcome = (request: Request): RequestFailed | undefined => {
  if (request.state === "completed") return undefined
  const error = failure(request) ?? LlmError.make({
    _tag: "Halted",
    message: request.state === "streaming"
      ? "the reply was not read to its end"
      : "the pipeline ended without an answer: no plug in it completed the request (is the provider's part missing?)"
  }, { provider: request.provider })
  return new RequestFailed(error, request)
}

/** A reply being read: its request as it was when the reply began, its parts, and how it ended. */
export interface Live {
  /** When the first part was there, or when the request ended without a stream. */
  readonly request: Request
  /** The next parts; `undefined` at the end. Never fails: a failure is an error part. */
  readonly pull: Effect.Effect<Parts | undefined>
  /** The request after the last part, with everything plugs did at the end; before that, `undefined`. */
  readonly final: () => Request | undefined
}

/**
 * Runs a request until its reply begins and hands over the reply. When the scope closes, the provider's stream is closed and
 * every plug knows that the reader has gone. Of a reply nobody folds, no content is kept: memory does not grow with it.
 */
export const open = <const P extends Pipeline<unknown>>(
  pipeline: P,
  request: Request,
  options?: RunOptions & { readonly keep?: boolean }
): Effect.Effect<Live, LlmError.LlmError, Services<P> | Scope.Scope> =>
  Effect.flatMap(compileLine(typed(pipeline)), (compiled) => openCompiled(compiled, request, options))

/** Like {@link open}, for a pipeline that was compiled before. */
export const openCompiled = (
  compiled: Compiled,
  request: Request,
  options?: RunOptions & { readonly keep?: boolean }
): Effect.Effect<Live, never, Scope.Scope> =>
  Effect.gen(function*() {
    const run = newRun(options)
    let flow: Reply.Flow | undefined
    yield* Effect.addFinalizer(() => Effect.andThen(Effect.suspend(() => flow?.leave ?? Effect.void), closeAll(run)))
    const begun = yield* Guard.effect(request.halted ? request : compiled.handle(join(request, run)))
    if (begun.state === "streaming" && begun.reply !== undefined) {
      const live = flow = new Reply.Flow(begun, options?.keep ?? options?.observer !== undefined)
      return { request: begun, pull: live.pull, final: () => live.final }
    }
    const { pull } = Reply.sourceOf(partsOf(begun))
    return { request: begun, pull, final: () => begun }
  })

/** A request that has ended, as the parts of a stream. */
const partsOf = (request: Request): Parts => {
  const failed = outcome(request)
  if (failed !== undefined) return [Part.error(failed)]
  return Result.isChat(request.result) ? Result.parts(request.result) : []
}

/**
 * Runs a request and streams the parts of its reply; a whole answer comes as the parts it is made of. After an error part
 * the stream fails with {@link RequestFailed}. Ending it early closes the provider's stream.
 */
export const stream: {
  (request: Request, options?: RunOptions): <const P extends Pipeline<unknown>>(pipeline: P) => Stream.Stream<Part.Part, LlmError.LlmError, Services<P>>
  <const P extends Pipeline<unknown>>(pipeline: P, request: Request, options?: RunOptions): Stream.Stream<Part.Part, LlmError.LlmError, Services<P>>
} = dual(
  (args) => Array.isArray(args[0]),
  <R>(pipeline: Pipeline<R>, request: Request, options?: RunOptions): Stream.Stream<Part.Part, LlmError.LlmError, R> =>
    Stream.unwrap(Effect.map(open(pipeline, request, options), (live) => {
      const pull: Effect.Effect<readonly [Part.Part, ...Array<Part.Part>], LlmError.LlmError | Cause.Done> = Effect.flatMap(
        live.pull,
        (parts) => {
          if (parts === undefined) {
            const final = live.final()
            const failed = final === undefined ? undefined : outcome(final)
            return failed === undefined ? Cause.done() : Effect.fail(failed)
          }
          return isNonEmpty(parts) ? Effect.succeed(parts) : pull
        }
      )
      return Stream.fromPull(Effect.succeed(pull))
    }))
)

const isNonEmpty = (parts: Parts): parts is readonly [Part.Part, ...Array<Part.Part>] => parts.length > 0

const newRun = (options: RunOptions | undefined): Run => ({
  observer: options?.observer,
  spans: options?.spans ?? false,
  watched: options?.observer !== undefined || options?.spans === true,
  closers: [],
  open: undefined
})

/** However a run ends, replies that nobody has read to their end are left, and what was opened is closed. */
const closeAll = (run: Run): Effect.Effect<void> =>
  Effect.suspend(() =>
    run.closers.length === 0 && run.open === undefined ? Effect.void : Effect.andThen(
      Effect.forEach([...run.open?.values() ?? []], Reply.abandon, { discard: true }),
      Effect.forEach(run.closers.splice(0), (close) => close, { discard: true })
    ))

// --- showing ----------------------------------------------------------------------------------------------------------

/** A plug as inspection shows it. */
export interface Node {
  readonly name: string
  readonly level: Level
  readonly options: Json
  readonly children: { readonly [label: string]: ReadonlyArray<Node> }
}

/**
 * What a pipeline is made of, as a tree of plain data.
 *
 * @example
 * ```ts
 * import { Pipeline, Plug } from "@plugline/core"
 *
 * const pipeline = [Plug.identity, Plug.branch("night", () => true, { yes: [Plug.identity] })]
 * Pipeline.render(pipeline) // => "identity\nnight\n  yes:\n    identity"
 * ```
 */
export const inspect = <R>(pipeline: Pipeline<R>): ReadonlyArray<Node> =>
  flatten(pipeline).map(({ children, level, name, options }) => ({
    name,
    level,
    options,
    children: Object.fromEntries(Object.entries(children).map(([label, plugs]) => [label, inspect(plugs)]))
  }))

/** The tree as text, one plug a line, with its options. */
export const render = <R>(pipeline: Pipeline<R>): string => lines(inspect(pipeline), "").join("\n")

const lines = (nodes: ReadonlyArray<Node>, indent: string): ReadonlyArray<string> =>
  nodes.flatMap(({ children, name, options }) => [
    `${indent}${name}${options === null ? "" : ` ${JSON.stringify(options)}`}`,
    ...Object.entries(children).flatMap(([label, nodes]) => [`${indent}  ${label}:`, ...lines(nodes, `${indent}    `)])
  ])

/** The names of a pipeline's plugs, in order; those of lists inside it count, those inside plugs do not. */
export const names = <R>(pipeline: Pipeline<R>): ReadonlyArray<string> => flatten(pipeline).map(({ name }) => name)

// --- editing ----------------------------------------------------------------------------------------------------------

/** A pipeline with a plug at its end. */
export const append: {
  <R2 = never>(plug: PlugLike<R2>): <R = never>(pipeline: Pipeline<R>) => Pipeline<R | R2>
  <R = never, R2 = never>(pipeline: Pipeline<R>, plug: PlugLike<R2>): Pipeline<R | R2>
} = dual(2, <R, R2>(pipeline: Pipeline<R>, plug: PlugLike<R2>): Pipeline<R | R2> => [...flatten(pipeline), plug])

/** A pipeline with a plug at its beginning. */
export const prepend: {
  <R2 = never>(plug: PlugLike<R2>): <R = never>(pipeline: Pipeline<R>) => Pipeline<R | R2>
  <R = never, R2 = never>(pipeline: Pipeline<R>, plug: PlugLike<R2>): Pipeline<R | R2>
} = dual(2, <R, R2>(pipeline: Pipeline<R>, plug: PlugLike<R2>): Pipeline<R | R2> => [plug, ...flatten(pipeline)])

/**
 * A pipeline with a plug before the one of this name.
 *
 * @throws LlmError `Configuration` when there is no such plug, or more than one.
 */
export const insertBefore: {
  <R2 = never>(target: string, plug: PlugLike<R2>): <R = never>(pipeline: Pipeline<R>) => Pipeline<R | R2>
  <R = never, R2 = never>(pipeline: Pipeline<R>, target: string, plug: PlugLike<R2>): Pipeline<R | R2>
} = dual(3, <R, R2>(pipeline: Pipeline<R>, target: string, plug: PlugLike<R2>): Pipeline<R | R2> =>
  splice<R | R2>(pipeline, target, 0, 0, [plug]))

/**
 * A pipeline with a plug behind the one of this name.
 *
 * @throws LlmError `Configuration` when there is no such plug, or more than one.
 */
export const insertAfter: {
  <R2 = never>(target: string, plug: PlugLike<R2>): <R = never>(pipeline: Pipeline<R>) => Pipeline<R | R2>
  <R = never, R2 = never>(pipeline: Pipeline<R>, target: string, plug: PlugLike<R2>): Pipeline<R | R2>
} = dual(3, <R, R2>(pipeline: Pipeline<R>, target: string, plug: PlugLike<R2>): Pipeline<R | R2> =>
  splice<R | R2>(pipeline, target, 1, 0, [plug]))

/**
 * A pipeline with another plug in the place of the one of this name.
 *
 * @throws LlmError `Configuration` when there is no such plug, or more than one.
 */
export const replace: {
  <R2 = never>(target: string, plug: PlugLike<R2>): <R = never>(pipeline: Pipeline<R>) => Pipeline<R | R2>
  <R = never, R2 = never>(pipeline: Pipeline<R>, target: string, plug: PlugLike<R2>): Pipeline<R | R2>
} = dual(3, <R, R2>(pipeline: Pipeline<R>, target: string, plug: PlugLike<R2>): Pipeline<R | R2> =>
  splice<R | R2>(pipeline, target, 0, 1, [plug]))

/**
 * A pipeline without the plug of this name.
 *
 * @throws LlmError `Configuration` when there is no such plug, or more than one.
 */
export const remove: {
  (target: string): <R = never>(pipeline: Pipeline<R>) => Pipeline<R>
  <R = never>(pipeline: Pipeline<R>, target: string): Pipeline<R>
} = dual(2, <R>(pipeline: Pipeline<R>, target: string): Pipeline<R> => splice(pipeline, target, 0, 1, []))

const splice = <R>(
  pipeline: Pipeline<R>,
  target: string,
  offset: number,
  removed: number,
  added: ReadonlyArray<PlugLike<R>>
): Pipeline<R> => {
  const plugs: ReadonlyArray<Plug<R>> = flatten(pipeline)
  const at = plugs.findIndex(({ name }) => name === target)
  if (at < 0) {
    throw LlmError.make({
      _tag: "Configuration",
      option: "target",
      value: target,
      message: Suggest.refusal("plug", target, plugs.map(({ name }) => name))
    })
  }
  if (plugs.some(({ name }, index) => index > at && name === target)) {
    throw LlmError.make({
      _tag: "Configuration",
      option: "target",
      value: target,
      message: `the pipeline has more than one plug named ${Suggest.quote(target)}; give them different names to tell them apart`
    })
  }
  return [...plugs.slice(0, at + offset), ...added, ...plugs.slice(at + offset + removed)]
}
