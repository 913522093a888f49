/**
 * Runs many requests through a pipeline, so many at a time: each item ends as a value, answered or failed, and none
 * takes another with it. A batch that was broken off goes on where it stood.
 *
 * @example
 * ```ts
 * import { Request, Result } from "@plugline/core"
 * import { Batch } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const provider = Mock.make((_, call) => call === 2 ? Mock.fail({ _tag: "Server", message: "oops" }) : `answer ${call}`)
 * const items = ["a", "b", "c"].map((text) => Request.make({ provider: "mock", messages: text }))
 * const { outcomes, progress } = await Effect.runPromise(Batch.run(provider.pipeline, items, { concurrency: 1 }))
 * outcomes.map((outcome) => outcome._tag) // => ["Answered", "Failed", "Answered"]
 * outcomes.map((outcome) => outcome._tag === "Answered" ? Result.text(outcome.result) : "") // => ["answer 1", "", "answer 3"]
 * progress.done // => 2
 * progress.failed // => 1
 * ```
 *
 * {@link embeddings} is a plug beside it: it makes one call of many callers' embedding calls.
 *
 * @module
 */
import { type LlmError as LlmErrorType, LlmError, Pipeline, type Request, type Result } from "@plugline/core"
import { Clock, Effect, Stream } from "effect"
import type { Journal } from "./batch/journal.ts"
import { type Progress, Tally } from "./batch/progress.ts"
import { questionOf } from "./queue/job.ts"
import { Prices } from "./cost/charge.ts"

export { batched, collecting, Collector, embeddings, EmbeddingsOptions } from "./batch/embeddings.ts"
export { type Journal, jsonl, sqlite } from "./batch/journal.ts"
export type { Progress } from "./batch/progress.ts"
export { type Share, share, split } from "./batch/share.ts"

/**
 * One item: a request, or one with an id. Default id: the request's own where it has one, else its place in the list.
 */
export type Item = Request | { readonly id: string; readonly request: Request }

/** How one item ended. */
export type Outcome =
  | {
    readonly _tag: "Answered"
    readonly index: number
    readonly id: string
    readonly result: Result
    /** The request at its end. Absent where the journal had the answer. */
    readonly request?: Request
  }
  /** `request` is absent where the item could not be asked. */
  | {
    readonly _tag: "Failed"
    readonly index: number
    readonly id: string
    readonly error: LlmErrorType
    readonly request?: Request
  }
  /** Not asked, because the batch had stopped. */
  | { readonly _tag: "Skipped"; readonly index: number; readonly id: string }

/** How a batch is run. */
export interface Options {
  /** Most requests at a time. Default: 8. */
  readonly concurrency?: number
  /** Of {@link stream}: outcomes in the order of the items, or as they come. Default: `items`. */
  readonly order?: "items" | "completed"
  /** Ask nothing more once so many items have failed; what is under way comes to its end. Default: never. */
  readonly stopAfter?: number
  /** Is told after each item. What it throws or fails with is logged and changes nothing. */
  readonly onProgress?: (progress: Progress) => void | Effect.Effect<unknown, unknown>
  /** What was answered before, and where answers are written. Default: none. */
  readonly journal?: Journal
}

/** A whole batch. */
export interface Summary {
  /** One per item, in the order of the items. */
  readonly outcomes: ReadonlyArray<Outcome>
  readonly progress: Progress
}

/**
 * Runs all items and gives every outcome, in the order of the items. Fails only where the pipeline is set up wrongly.
 */
export const run = <R = never>(
  pipeline: Pipeline<R>,
  items: Iterable<Item>,
  options: Options = {}
): Effect.Effect<Summary, LlmErrorType, R> =>
  Effect.suspend(() => {
    const all = [...items]
    const outcomes = all.map((item, index): Outcome => ({ _tag: "Skipped", index, id: idOf(item, index) }))
    let progress: Progress | undefined
    return Effect.gen(function*() {
      const { last, outcomes: each } = yield* begin(pipeline, all, { ...options, order: "completed" })
      yield* Stream.runForEach(each, (outcome) =>
        Effect.sync(() => {
          outcomes[outcome.index] = outcome
        }))
      progress = yield* last
      return { outcomes, progress }
    })
  })

/**
 * Runs items as they are wanted and streams their outcomes. Items may be lazy and endless: no more are drawn than are
 * run. Of a batch that has stopped, nothing more comes. To leave the stream stops what is under way.
 */
export const stream = <R = never>(
  pipeline: Pipeline<R>,
  items: Iterable<Item>,
  options: Options = {}
): Stream.Stream<Outcome, LlmErrorType, R> =>
  Stream.unwrap(Effect.map(begin(pipeline, items, options), ({ outcomes }) => outcomes))

const begin = <R>(pipeline: Pipeline<R>, items: Iterable<Item>, options: Options) =>
  Effect.gen(function*() {
    const { concurrency = 8, journal, onProgress, order = "items", stopAfter = Infinity } = options
    if (!Number.isInteger(concurrency) || concurrency < 1) return yield* Effect.fail(misfit("concurrency", concurrency))
    if (!(stopAfter >= 1)) return yield* Effect.fail(misfit("stopAfter", stopAfter))
    const compiled = yield* Pipeline.compile(pipeline)
    const catalog = yield* Prices
    const total = Array.isArray(items) ? items.length : undefined
    const tally = new Tally(total, yield* Clock.currentTimeMillis, catalog)
    const last = Effect.map(Clock.currentTimeMillis, (now) => tally.at(now))

    const ask = (item: Item, index: number): Effect.Effect<Outcome> => {
      const id = idOf(item, index)
      const request = requestOf(item)
      return Effect.uninterruptibleMask((restore) =>
        Effect.gen(function*() {
          const fingerprint = journal === undefined ? "" : yield* Effect.sync(() => questionOf(request))
          const known = journal === undefined ? undefined : yield* restore(journal.find(id, fingerprint))
          if (known !== undefined) {
            tally.resumed()
            return { _tag: "Answered", index, id, result: known } as const
          }
          const final = yield* restore(Effect.suspend(() => Pipeline.runCompiled(compiled, request)))
          tally.asked(final)
          const error = Pipeline.outcome(final)
          if (error !== undefined || final.result === undefined) {
            return { _tag: "Failed", index, id, error: error ?? LlmError.make(nothing), request: final } as const
          }
          // An answer that was paid for is written down before anybody can interrupt; where that fails it is handed on
          // all the same.
          if (journal !== undefined) {
            yield* Effect.catchCause(journal.write(id, fingerprint, final.result), (cause) =>
              Effect.logError("an answer could not be written into the journal; a later run will ask for it again", cause))
          }
          return { _tag: "Answered", index, id, result: final.result, request: final } as const
        })).pipe(
          // An item that breaks what runs it is one more failed item.
          Effect.catchDefect((thrown) => broken(index, id, thrown)),
          Effect.catch((error) => broken(index, id, error)),
          Effect.tap(report)
        )
    }
    const broken = (index: number, id: string, thrown: unknown): Effect.Effect<Outcome> =>
      Effect.sync(() => {
        tally.broken()
        return { _tag: "Failed", index, id, error: LlmError.fromUnknown(thrown) }
      })
    const report = onProgress === undefined ? Effect.void : Effect.ignoreCause(
      Effect.flatMap(last, (progress) => {
        const told = onProgress(progress)
        return Effect.isEffect(told) ? told : Effect.void
      }),
      { log: "Warn" }
    )
    const outcomes: Stream.Stream<Outcome> = Stream.fromIterable(items, { chunkSize: 1 }).pipe(
      // An item is drawn when there is room for it, and then begun at once.
      Stream.takeWhile(() => tally.failed < stopAfter),
      Stream.mapEffect(ask, { concurrency, unordered: order === "completed" })
    )
    return { outcomes, last }
  })

const requestOf = (item: Item): Request => "request" in item ? item.request : item

const idOf = (item: Item, index: number): string => "request" in item ? item.id : item.id === "" ? String(index) : item.id

const nothing = { _tag: "Halted", message: "the pipeline ended without an answer" } as const

const misfit = (option: string, value: number): LlmErrorType =>
  LlmError.make({
    _tag: "Configuration",
    option,
    value,
    expected: "a whole number of 1 or more",
    message: `${option} must be a whole number of 1 or more, not ${value}`
  })
