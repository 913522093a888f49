/**
 * Limits how long a call may take: to connect, to begin its answer, to pause in it, and in all.
 *
 * The limits are told to the provider's own transport, which alone knows of connections and bytes, and are kept here
 * too, so that they hold for any provider, also one that runs in this process. A limit that has passed is the error
 * `Timeout`, which says which limit it was, and the provider is released at once.
 *
 * @example
 * ```ts
 * import { Pipeline, Request } from "@plugline/core"
 * import { Timeout } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const mock = Mock.make([Mock.never()])
 * const request = Request.make({ provider: "mock", messages: "Hi" })
 * const final = await Effect.runPromise(Pipeline.run([Timeout.plug({ firstToken: 10 }), ...mock.pipeline], request))
 * final.errors[0]?.reason // => { _tag: "Timeout", phase: "first-token", limit: 10, message: "nothing of the answer was there within 10 ms" }
 * mock.calls[0]?.interrupted // => true
 * ```
 *
 * @module
 */
import { type Handler, LlmError, Plug, Reply, Request, type Timeouts } from "@plugline/core"
import { Effect, Schema } from "effect"
import { expired, limited, nearer } from "./retry/limit.ts"
import { ms, Span } from "./retry/span.ts"

export { timeouts } from "./retry/limit.ts"

/** Options of {@link plug}. What is not given is left to the transport. At least one must be given. */
export const Options = Schema.Struct({
  /** Until the connection stands. Kept by the transport alone. */
  connect: Schema.optionalKey(Span),
  /** Until the first part of a stream is there, or the whole of an answer that is not streamed. */
  firstToken: Schema.optionalKey(Span),
  /** Between two pieces of a stream. */
  idle: Schema.optionalKey(Span),
  /** For all of it, until the last part has come. Time in which the reader does not read counts too. */
  total: Schema.optionalKey(Span)
})

/** See the module. */
export const plug: (options?: typeof Options.Encoded) => Plug = Plug.configurable("timeout", Options, (given) =>
  Plug.of({
    name: "timeout",
    make: Object.keys(given).length > 0 ? Effect.succeed(handler(given)) : Effect.fail(LlmError.make({
      _tag: "Configuration",
      option: "timeout",
      expected: Object.keys(Options.fields).join(", "),
      message: `a timeout must have at least one of the options ${Object.keys(Options.fields).join(", ")}`
    }, { plug: "timeout" }))
  }))

const handler = (given: typeof Options.Type): Handler => {
  const told: Timeouts = {
    ...(given.connect !== undefined && { connect: ms(given.connect, 0) }),
    ...(given.firstToken !== undefined && { firstToken: ms(given.firstToken, 0) }),
    ...(given.idle !== undefined && { idle: ms(given.idle, 0) }),
    ...(given.total !== undefined && { total: ms(given.total, 0) })
  }
  const { firstToken = Infinity, idle = Infinity, total = Infinity } = told
  const atFirst = nearer("first-token", firstToken, total, 0, 0)
  return (request, next) => {
    if (request.state !== "pending") return next(request)
    const asked = next(Request.mergeConfig(request, { timeouts: { ...request.config.timeouts, ...told } }))
    if (idle === Infinity && atFirst.left === Infinity) return asked
    return Effect.clockWith((clock) => {
      const begun = clock.currentTimeMillisUnsafe()
      const { provider } = request
      const answered = atFirst.left === Infinity ? asked : Effect.timeoutOrElse(asked, {
        duration: atFirst.left,
        orElse: () => Effect.map(expired(atFirst.phase, atFirst.limit, provider), (error) => Request.fail(request, error))
      })
      if (idle === Infinity && total === Infinity) return answered
      return Effect.map(answered, (answer) =>
        Reply.pulling(answer, {
          _tag: "Pull",
          plug: "timeout",
          wrap: (pull) => limited(pull, { clock, begun, idle, total, provider })
        }))
    })
  }
}
