/** Recorded runs for the tests of the model: generated ones, and a few told by hand. */
import { LlmError, Pipeline, Plug, Request } from "@plugline/core"
import type { PlugLike } from "@plugline/core"
import { type Recorded, recordedOf } from "@plugline/inspector"
import { Arbitrary, Mock, Replay, VirtualClock } from "@plugline/testing"
import { Effect } from "effect"
import fc from "fast-check"

/** Runs a request and gives the record of it, as it would be read from a file. */
export const recorded = async (
  pipeline: Pipeline,
  request: Request,
  options: { readonly edge?: ReadonlyArray<string>; readonly virtual?: boolean } = {}
): Promise<Recorded> => {
  const { edge = [], virtual = true } = options
  const run = Replay.record(pipeline, request, { edge })
  const recording = await Effect.runPromise(virtual ? VirtualClock.provide(run) : run)
  const { trace, world } = Replay.encode(recording)
  // Just what a file of it would hold.
  return JSON.parse(JSON.stringify({ ...recordedOf(recording.trace, { pipeline, world: world as unknown as Recorded["world"] }), trace }))
}

/** Ways a provider may answer. */
const replies = () =>
  fc.oneof(
    fc.string({ maxLength: 40 }).map((text) => Mock.text(text)),
    fc.string({ maxLength: 40 }).map((text) => Mock.text(text, { cut: 3, chunks: 2, between: 4, delay: 7 })),
    fc.constant(Mock.fail({ _tag: "Overloaded", message: "busy", status: 529 })),
    fc.constant(Mock.fail({ _tag: "Server", message: "broken", status: 500 }, { delay: 3 })),
    fc.constant(Mock.throws(new Error("odd"))),
    fc.string({ maxLength: 20 }).map((text) => Mock.fail({ _tag: "Server", message: "gone" }, {
      after: [{ type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: text }]
    }))
  )

export interface Case {
  readonly recorded: Recorded
  readonly pipeline: Pipeline
}

/** Any run: a random line, a provider that answers at random, and a random line behind it. */
export const runs = (): fc.Arbitrary<() => Promise<Case>> =>
  fc.record({
    before: Arbitrary.pipeline({ maxLength: 5 }),
    behind: Arbitrary.pipeline({ maxLength: 2 }),
    answers: fc.array(replies(), { minLength: 1, maxLength: 4 }),
    request: Arbitrary.pending({ operations: ["chat", "stream"] }),
    virtual: fc.boolean()
  }).map(({ answers, before, behind, request, virtual }) => async () => {
    const mock = Mock.make((_request, call) => answers[(call - 1) % answers.length]!, { name: "provider" })
    const pipeline: ReadonlyArray<PlugLike> = [...before, mock.plug, ...behind]
    return { pipeline, recorded: await recorded(pipeline, request, { edge: ["provider"], virtual }) }
  })

/** Holds for every run. */
export const forEveryRun = (holds: (given: Case) => void, numRuns = 150): Promise<void> =>
  fc.assert(fc.asyncProperty(runs(), async (make) => holds(await make())), { numRuns })

/** Tries again while the answer is an error. */
export const retry = (attempts: number): Plug =>
  Plug.around("retry", (request, next) => {
    const ask = (left: number): Effect.Effect<Request> =>
      Effect.flatMap(next(request), (answer) => answer.state === "error" && left > 1 ? ask(left - 1) : Effect.succeed(answer))
    return ask(attempts)
  }, { options: { attempts } })

export const busy = Mock.fail({ _tag: "Overloaded", message: "busy", status: 529 })

export const chat = Request.make({ id: "call-1", provider: "mock", messages: "Hi", options: { model: "small" } })
export const stream = Request.withOperation(chat, "stream")
export const error = (message: string) => LlmError.make({ _tag: "Halted", message })
