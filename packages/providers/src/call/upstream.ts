/**
 * The join of providers that are no service but a model object in the same program: what such an object does is an Effect of an
 * answer or of a stream of parts.
 *
 * @module
 */
import { type LlmError, type Operation, Part, type Parts, Plug, Request, type Result, type Source, type Warning } from "@plugline/core"
import { Effect, Exit, type Stream, Stream as Streams, Scope } from "effect"
import { conclude } from "./conclude.ts"
import { warned } from "./prepare.ts"
import { begin } from "./source.ts"

/** What a model object does with a request. */
export interface Upstream {
  /** The whole answer, and what of the request could not be honoured. */
  readonly whole: (request: Request) => Effect.Effect<{ readonly result: Result; readonly warnings: ReadonlyArray<Warning> }, LlmError>
  /** The parts of a streamed answer. Its end without a finish or an error is `cut`. */
  readonly stream: (request: Request) => Effect.Effect<Streamed, LlmError>
  readonly cut: () => LlmError
}

/** A streamed answer. */
export interface Streamed {
  readonly parts: Stream.Stream<Parts, LlmError>
  readonly warnings: ReadonlyArray<Warning>
}

/** The plug that asks a model object. `make` finds it, once per compiled pipeline. */
export const ask = <R>(provider: string, operation: Operation, make: Effect.Effect<Upstream, LlmError, R>): Plug<R> =>
  Plug.of({
    name: "ask",
    options: { provider, operation },
    make: Effect.map(make, (upstream) =>
      new Plug.Linear((request) => {
        if (request.state !== "pending") return request
        const executing = Request.execute(request)
        return operation === "stream" ? streamed(upstream, executing) : whole(upstream, executing)
      }))
  })

const whole = (upstream: Upstream, request: Request): Effect.Effect<Request> =>
  Effect.match(upstream.whole(request), {
    onSuccess: ({ result, warnings }) => Request.complete(request, warned(result, warnings)),
    onFailure: (error) => conclude(request, error)
  })

const streamed = (upstream: Upstream, request: Request): Effect.Effect<Request> =>
  Effect.matchEffect(upstream.stream(request), {
    onFailure: (error) => Effect.succeed(conclude(request, error)),
    onSuccess: ({ parts, warnings }) =>
      Effect.suspend(() => {
        const scope = Scope.makeUnsafe()
        const source = sourceOf(parts, scope, upstream.cut)
        const noted = warnings.map((warning): Part => ({ type: "warning", warning }))
        return Effect.onInterrupt(
          Effect.flatMap(begin(source, noted), (begun) =>
            "source" in begun
              ? Effect.succeed(Request.stream(request, begun.source))
              : Effect.as(source.close, Request.fail(request, Part.errorOf(begun.error)))),
          () => source.close
        )
      })
  })

/** A stream as the source of a reply: it runs as fast as it is read, and not at all once it is closed. */
const sourceOf = (parts: Stream.Stream<Parts, LlmError>, scope: Scope.Closeable, cut: () => LlmError): Source => {
  let ended = false
  const end = Effect.succeed(undefined)
  const fail = (error: LlmError): Parts => {
    ended = true
    return [Part.error(error)]
  }
  const note = (parts: Parts): Parts => {
    const at = parts.findIndex(Part.isTerminal)
    if (at < 0) return parts
    ended = true
    return at === parts.length - 1 ? parts : parts.slice(0, at + 1)
  }
  let next: Effect.Effect<Parts | undefined> | undefined
  const opened = Effect.map(Scope.provide(Streams.toPull(parts), scope), (pull) =>
    Effect.matchEffect(pull, {
      onSuccess: (chunks) => Effect.sync(() => note(chunks.flat())),
      onFailure: (reason) => Effect.sync(() => fail("reason" in reason ? reason : cut()))
    }))
  const pull: Source["pull"] = Effect.suspend(() => {
    if (ended) return end
    if (next !== undefined) return again(next)
    return Effect.flatMap(opened, (first) => again(next = first))
  })
  const again = (next: Effect.Effect<Parts | undefined>): Effect.Effect<Parts | undefined> =>
    Effect.flatMap(next, (parts) => parts !== undefined && parts.length === 0 ? pull : Effect.succeed(parts))
  return { pull, close: Effect.suspend(() => (ended = true, Scope.close(scope, Exit.void))) }
}
