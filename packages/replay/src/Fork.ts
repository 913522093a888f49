/**
 * Runs on from a step of a recorded run with something changed: a value of the request, a plug's options, another line of
 * plugs. What the change leads to is then all that differs.
 *
 * @module
 */
import { LlmError, Mask, Pipeline, Plug, Reply, Request, Suggest } from "@plugline/core"
import type { Answer, Compiled, Handler, JsonValue, Made, Node, Observer } from "@plugline/core"
import { Effect } from "effect"
import { again, type Otherwise, type Rewriting } from "./again.ts"
import { edit, type Edits, refused } from "./Edit.ts"
import { remade } from "./Edge.ts"
import { begin, missingEdge, type Recording, type Tape, taped } from "./Tape.ts"

/** What is to be another way. */
export interface Change extends Edits {
  /**
   * The request is edited when it comes to the plug at this place of the trace (`2`, `2.yes.0`), at this visit. Default:
   * before the first plug; at its first visit.
   */
  readonly at?: { readonly path: string; readonly attempt?: number }
  /** Other options for plugs, by their places. */
  readonly options?: ReadonlyArray<{ readonly path: string; readonly options: JsonValue }>
  /** Makes a plug again with other options; needed where there are any. What it throws refuses the fork. */
  readonly make?: (plug: Plug<unknown>, options: JsonValue) => Plug<unknown>
  /** Whether the services are asked, and paid, or answer as they were recorded. Default: `recorded`. */
  readonly upstream?: "recorded" | "live"
}

/**
 * Runs a recorded request through a pipeline with something changed: the one it was recorded with, or another. Asks and stores
 * answer as they were recorded, to an equal question or else in order; `live`, everything is real, in the services at hand.
 *
 * Fails with `InvalidRequest` where the change does not fit: a path that leads nowhere, a plug that is not there, or is not
 * visited.
 *
 * @example
 * ```ts
 * import { Plug, Request } from "@plugline/core"
 * import { Mock, Replay } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const line = [Plug.make("calm", Request.mergeOptions({ topP: 1 })), ...Mock.make(["Hello"]).pipeline]
 * const request = Request.make({ provider: "mock", messages: "Hi", options: { temperature: 1 } })
 * const set = [{ path: "options.temperature", value: 0 }]
 * const tape = { edge: "mock" }
 * const recording = Effect.runSync(Replay.record(line, request, tape))
 * const forked = Effect.runSync(Replay.fork(line, recording, { ...tape, at: { path: "1" }, set }))
 * forked.trace.steps.map(({ in: { options } }) => options.temperature) // => [1, 0]
 * ```
 */
export const fork = <R = never>(
  pipeline: Pipeline<R>,
  recording: Recording,
  change: Change & Tape
): Effect.Effect<Recording, LlmError, R> =>
  Effect.suspend(() => {
    const missing = missingEdge(pipeline, change)
    if (missing !== undefined) return Effect.fail(missing)
    const preparing = Effect.try({ try: () => prepare(pipeline, recording, change), catch: LlmError.fromUnknown })
    return Effect.flatMap(preparing, (prepared) => {
      const { request } = prepared
      const run = change.upstream === "live"
        ? live(pipeline, request, change, prepared)
        : again(pipeline, request, recording, change, { ...prepared, tolerance })
      return Effect.flatMap(run, (forked) => {
        const error = prepared.wrong()
        return error === undefined ? Effect.succeed(forked) : Effect.fail(error)
      })
    })
  })

interface Prepared extends Required<Omit<Otherwise, "tolerance">> {
  readonly request: Request
  /** What did not fit after all, once the run is over. */
  readonly wrong: () => LlmError | undefined
}

/** What begins so many ms earlier or later than in the recording is another thing, and takes its own time. */
const tolerance = 250

/** Everything that can be refused before anything runs. */
const prepare = <R>(pipeline: Pipeline<R>, recording: Recording, change: Change & Tape): Prepared => {
  const { at, make, options = [] } = change
  const known = new Set([...placesOf(Pipeline.inspect(pipeline)), ...recording.trace.steps.map(({ path }) => path)])
  for (const path of [...options.map(({ path }) => path), ...(at === undefined ? [] : [at.path])]) {
    if (!known.has(path)) throw refused(path, Suggest.refusal("place of a plug", path, [...known]))
  }
  if (options.length > 0 && make === undefined) {
    throw refused(options[0]!.path, "this program cannot make plugs again with other options")
  }
  const remake: Rewriting = (plug, path) => {
    const found = options.findLast((one) => one.path === path)
    if (found === undefined) return plug
    try {
      return make!(plug, found.options)
    } catch (thrown) {
      return remade(plug, Effect.fail(LlmError.fromUnknown(thrown)))
    }
  }
  const request = at === undefined ? edit(recording.request, change) : recording.request
  if (change.upstream === "live") refuseMasked(request)
  if (at === undefined) return { request, remake, wrap: (plug) => plug, observe: (observer) => observer, wrong: () => undefined }
  const attempt = at.attempt ?? 1
  const step = recording.trace.steps.find((step) => step.path === at.path && step.attempt === attempt)
  // What does not fit the request that was there is refused before anybody is asked.
  if (step !== undefined) edit(step.in, change)
  const visits = new Visits(at.path, attempt, change)
  return {
    request,
    remake,
    wrap: (plug, path) => path === at.path ? visits.edited(plug) : plug,
    observe: (observer) => visits.observed(observer),
    wrong: () => visits.wrong()
  }
}

/** The places of all plugs that a pipeline shows. */
const placesOf = (nodes: ReadonlyArray<Node>, prefix = ""): ReadonlyArray<string> =>
  nodes.flatMap(({ children }, index) => {
    const path = `${prefix}${index}`
    return [path, ...Object.entries(children).flatMap(([label, nodes]) => placesOf(nodes, `${path}.${label}.`))]
  })

/** What was masked when it was recorded cannot be sent. */
const refuseMasked = ({ config }: Request): void => {
  for (const [name, value] of Object.entries(config)) {
    if (JSON.stringify(value)?.includes(Mask.masked) === true) {
      const why = "it was masked in the recording, and a live run would send the mask: set it, or take it out"
      throw refused(`config.${name}`, why)
    }
  }
}

const live = <R>(
  pipeline: Pipeline<R>,
  request: Request,
  tape: Tape,
  { observe, remake, wrap }: Prepared
): Effect.Effect<Recording, LlmError, R> => {
  const compiling = Effect.flatMap(Pipeline.Rewrite, (before) =>
    Effect.provideService(Pipeline.compile(pipeline) as Effect.Effect<Compiled, LlmError, R>, Pipeline.Rewrite,
      (plug, path) => wrap(before(remake(plug, path), path), path)))
  return Effect.flatMap(taped(tape)(compiling), (compiled) =>
    Effect.flatMap(begin(request), ({ during, observer, recording }) =>
      Effect.map(during(() => Pipeline.runCompiled(compiled, request, { observer: observe(observer) })), recording)))
}

/**
 * Edits the request that one visit of a plug is handed. The observer hears of a visit before the plug does, so it is edited
 * there, and the trace shows what the plug was handed.
 */
class Visits {
  readonly #path: string
  readonly #attempt: number
  readonly #edits: Edits
  readonly #waiting: Array<{ readonly given: Request; readonly edited: Request }> = []
  #count = 0
  #error: LlmError | undefined

  constructor(path: string, attempt: number, edits: Edits) {
    this.#path = path
    this.#attempt = attempt
    this.#edits = edits
  }

  wrong(): LlmError | undefined {
    if (this.#error !== undefined || this.#count >= this.#attempt) return this.#error
    const times = this.#count === 0 ? "not visited" : this.#count === 1 ? "visited once" : `visited ${this.#count} times`
    return refused(this.#path, `the plug there was ${times} in this run, so there is no visit ${this.#attempt}`)
  }

  observed(observer: Observer): Observer {
    return {
      ...observer,
      enter: (step, given) => {
        if (step.path !== this.#path) return observer.enter(step, given)
        const edited = ++this.#count === this.#attempt ? this.#edit(given) : given
        this.#waiting.push({ given, edited })
        return observer.enter(step, edited)
      }
    }
  }

  #edit(given: Request): Request {
    try {
      return edit(given, this.#edits)
    } catch (thrown) {
      this.#error = LlmError.fromUnknown(thrown)
      return Request.fail(given, this.#error)
    }
  }

  /** The plug, handed what the observer made of its request. */
  edited(plug: Plug<unknown>): Plug<unknown> {
    return remade(plug, Effect.map(plug.make, (made): Made => {
      if (made instanceof Plug.Linear) {
        return new Plug.Linear((given) => {
          const request = this.#take(given)
          return request.halted ? request : made.run(request)
        })
      }
      const handler = made instanceof Plug.After ? aroundOf(plug.name, made) : made
      return (given, next) => {
        const request = this.#take(given)
        return request.halted ? request : handler(request, next)
      }
    }))
  }

  #take(given: Request): Request {
    const at = this.#waiting.findIndex((waiting) => waiting.given === given)
    return at < 0 ? given : this.#waiting.splice(at, 1)[0]!.edited
  }
}

type After = InstanceType<typeof Plug.After>

/** A plug that looks at answers, as one that hands on the request itself. */
const aroundOf = (plug: string, { content, run }: After): Handler => (request, next) =>
  Effect.flatMap(
    Effect.onInterrupt(next(request), () =>
      Effect.ignoreCause(Effect.suspend(() => effectOf(run(request))))),
    (answer) => effectOf(Reply.atEnd(answer, { _tag: "Finisher", plug, content, always: true, done: run }))
  )

const effectOf = (answer: Answer): Effect.Effect<Request, unknown> => Effect.isEffect(answer) ? answer : Effect.succeed(answer)
