/**
 * Runs a recorded request again, with the clock, the random numbers and the answers of the recording, and shows where
 * it went another way. It touches nothing outside and waits for nothing.
 *
 * @module
 */
import { Diff, Request } from "@plugline/core"
import type { LlmError, Pipeline } from "@plugline/core"
import { Effect } from "effect"
import { again } from "./again.ts"
import { missingEdge, type Recording, type Tape } from "./Tape.ts"

export { edit, type Edits } from "./Edit.ts"
export { type Change, fork } from "./Fork.ts"
export { decode, encode, record, type RecordingJson } from "./Record.ts"
export type { Mode, Modes, Store } from "./Stores.ts"
export { begin, type Beginning, type Recording, type Tape, taped, type Taping } from "./Tape.ts"
export type { Exchange, Pull, StoreCall, World } from "./World.ts"

/** Something that is not as it was recorded. */
export interface Difference {
  /** `steps.2#1.out.options.temperature`: of the plug at place 2, visited for the first time. */
  readonly path: string
  readonly recorded: unknown
  readonly replayed: unknown
}

/**
 * Runs a recorded request through a pipeline again. Everything from outside comes from the recording; what it does not
 * hold of an edge is an error of the plug that asked, and what it does not hold of a store is asked of the store at hand. So give
 * stores of the replay's own, as `Taped.apart` of the plugs does. `tape`: as it was recorded.
 *
 * A run that was left is left again at the same point.
 */
export const replay = <R = never, Outcome extends Request | undefined = Request | undefined>(
  pipeline: Pipeline<R>,
  recording: Recording & { readonly outcome: Outcome },
  tape: Tape
): Effect.Effect<Recording & { readonly outcome: Outcome }, LlmError, R> => {
  const missing = missingEdge(pipeline, tape)
  if (missing !== undefined) return Effect.fail(missing)
  // A run that came to its end comes to its end again, and one that was left is left again.
  const replayed = again(pipeline, recording.request, recording, tape)
  return replayed as Effect.Effect<Recording & { readonly outcome: Outcome }, LlmError, R>
}

/**
 * Where two runs went different ways: each step, its attempts, the ends of streams, the parts that reached the reader,
 * the outcome, and what was taken from outside. Times of the steps themselves do not count. Empty when they are equal.
 */
export const equal = (recorded: Recording, replayed: Recording): ReadonlyArray<Difference> => {
  // A reply that was still arriving does not come back from a file, and so neither do the plugs it would pass.
  const through = holdsReplies(recorded) && holdsReplies(replayed)
  const { added, changed, removed } = Diff.between(comparable(recorded, through), comparable(replayed, through))
  return [
    ...changed.map(({ after, before, path }) => ({ path, recorded: before, replayed: after })),
    ...removed.map(({ path, value }) => ({ path, recorded: value, replayed: undefined })),
    ...added.map(({ path, value }) => ({ path, recorded: undefined, replayed: value }))
  ]
}

const holdsReplies = ({ trace }: Recording): boolean =>
  trace.steps.every(({ out }) => out?.state !== "streaming" || out.reply !== undefined)

const comparable = ({ outcome, trace, world }: Recording, through: boolean) => {
  const requestOf = (request: Request | undefined): object | undefined =>
    request === undefined ? undefined : {
      ...Request.toJson(request),
      // Of a reply that is still arriving, the plugs it will pass.
      ...(through && { through: request.reply?.stages.map(({ plug }) => plug) })
    }
  return {
    steps: Object.fromEntries(trace.steps.map((step) => [`${step.path}#${step.attempt}`, {
      name: step.name,
      in: requestOf(step.in),
      out: requestOf(step.out),
      calls: step.calls.map(({ passed, received }) => ({ passed: requestOf(passed), received: requestOf(received) }))
    }])),
    ends: trace.ends.map(({ after, before, plug }) => ({ plug, before: requestOf(before), after: requestOf(after) })),
    parts: trace.parts.map(({ part, plug }) => ({ plug, part })),
    outcome: requestOf(outcome),
    // Whether a sleep had begun when it was cut short is a matter of chance.
    world: { ...world, clock: { ...world.clock, naps: undefined } }
  }
}
