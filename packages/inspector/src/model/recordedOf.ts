/**
 * Makes a recorded run of a trace, so that a program that uses the library can write files that the inspector opens.
 *
 * @module
 */
import { LlmError, Mask, Pipeline, Request, Trace } from "@plugline/core"
import type { PlugNode, Recorded, WorldJson } from "../api.ts"
import { emptyWorld, type Known, summaryOf } from "./summary.ts"
import { once } from "./view.ts"

/** What a trace does not know of its run. Every field is optional. */
export interface RecordedOptions extends Known {
  /** The pipeline that was run: shows options, and plugs that were not visited. Default: not known. */
  readonly pipeline?: Pipeline<unknown>
  /** What came in from outside, as `Replay.record` of `@plugline/replay` keeps it: then it can be replayed. Default: nothing. */
  readonly world?: WorldJson
}

/**
 * A recorded run: `JSON.stringify` it into a file, and `plugline trace show FILE` or `plugline trace open FILE` shows it.
 * Credentials are masked.
 *
 * @throws LlmError `InvalidRequest` for a trace in which nothing happened.
 * @example
 * ```ts
 * import { Plug, Request, Trace } from "@plugline/core"
 * import { recordedOf, steps, walk } from "@plugline/inspector"
 * import { Effect } from "effect"
 *
 * const pipeline = [Plug.make("calm", Request.mergeOptions({ temperature: 0 }))]
 * const trace = Effect.runSync(Trace.run(pipeline, Request.make({ provider: "local", messages: "Hi" })))
 * const recorded = recordedOf(trace, { pipeline })
 * steps(walk(recorded)).map(({ direction, visit }) => `${direction} ${visit.name}`) // => ["down calm"]
 * ```
 */
export const recordedOf = (trace: Trace, options: RecordedOptions = {}): Recorded => {
  const { pipeline = [], world = emptyWorld, ...known } = options
  const asked = trace.steps[0]?.in ?? trace.final
  if (asked === undefined) {
    throw LlmError.make({
      _tag: "InvalidRequest", parameter: "steps", message: "nothing happened in this trace: no plug was visited"
    })
  }
  const encoded = Trace.encode(trace)
  return {
    version: 1,
    summary: summaryOf(encoded, known),
    pipeline: Mask.json(Pipeline.inspect(pipeline)) as unknown as ReadonlyArray<PlugNode>,
    request: Request.toJson(asked),
    trace: encoded,
    world
  }
}

/** The trace of a recorded run, read back once. */
export const traceOf: (recorded: Recorded) => Trace = once(({ trace }) => Trace.decode(trace))
