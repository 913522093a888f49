/**
 * Works on the jobs of a queue: takes those whose turn it is, runs each through a pipeline, and writes down how it ended. Whoever is
 * killed in between loses nothing: what was lent is delivered again.
 *
 * @module
 */
import { LlmError, Pipeline, type Request } from "@plugline/core"
import { Cause, Clock, Duration, Effect, Exit, Latch, Random, Schedule, type Scope } from "effect"
import type { Delivered, Settlement } from "../store/QueueStore.ts"
import { failureOf, outcomeOf, requestOf } from "./job.ts"
import { Jobs, type Running } from "./Jobs.ts"
import { rest } from "./turns.ts"

/** How jobs are worked on. */
export interface WorkOptions {
  /** Most jobs at a time in this process. Default: 8. */
  readonly concurrency?: number
  /**
   * For upstreams that answer several at once: jobs that come within `window` are begun together, up to `max`, which is no more than
   * `concurrency`. With
   * `Batch.embeddings` in the pipeline they become one call. Default: each job is begun when it comes.
   */
  readonly gather?: { readonly max: number; readonly window: Duration.Input }
  /**
   * How long jobs that are being worked on may go on when the worker is stopped; what has not ended by then is given
   * back to the queue. Default: 0, given back at once.
   */
  readonly grace?: Duration.Input
}

/** Works until it is interrupted: then it takes no more, and after `grace` gives back what it has not finished. */
export const work = <R = never>(pipeline: Pipeline<R>, options?: WorkOptions): Effect.Effect<never, LlmError, R | Jobs> =>
  Effect.flatMap(ready(pipeline, options), (working) => working)

/** A worker that has found everything it needs: what it answers with works until it is interrupted. */
export const ready = <R = never>(
  pipeline: Pipeline<R>,
  { concurrency = 8, gather, grace = 0 }: WorkOptions = {}
): Effect.Effect<Effect.Effect<never>, LlmError, R | Jobs> =>
  Effect.gen(function*() {
    const jobs = yield* Jobs
    const { running, settings, store, work: something } = jobs
    const { deliveries, keep, lease, name, patience, poll, weights } = settings
    if (!Number.isInteger(concurrency) || concurrency < 1) return yield* Effect.fail(misfit("concurrency", concurrency))
    const atOnce = gather?.max ?? 1
    if (!Number.isInteger(atOnce) || atOnce < 1 || atOnce > concurrency) return yield* Effect.fail(misfit("gather.max", atOnce))
    const compiled = yield* Pipeline.compile(pipeline)
    const room = Latch.makeUnsafe(true)
    const idle = Latch.makeUnsafe(true)
    const window = Duration.fromInputUnsafe(gather?.window ?? 0)
    let busy = 0

    const take = (max: number) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        store.take({ queue: name, now, max, lease, weights, deliveries, keep, lost: lostWorker }).pipe(
          Effect.timeout(Duration.millis(patience)),
          Effect.catchCause((cause) =>
            Cause.hasInterruptsOnly(cause)
              ? Effect.failCause(cause as Cause.Cause<never>)
              : Effect.as(
                Effect.andThen(Effect.logWarning("the queue's store does not answer", cause), Effect.sleep(Duration.millis(poll * 4))),
                [] as ReadonlyArray<Delivered>
              ))
        ))

    const begin = (job: Delivered): Effect.Effect<void, never, Scope.Scope> =>
      Effect.asVoid(Effect.forkScoped(
        Effect.withFiber((fiber) => {
          const held: Running = { fence: job.fence, fiber, lost: false }
          running.set(job.id, held)
          busy++
          idle.closeUnsafe()
          if (busy + atOnce > concurrency) room.closeUnsafe()
          return Effect.onExit(deliver(job, held), () =>
            Effect.sync(() => {
              if (running.get(job.id) === held) running.delete(job.id)
              busy--
              if (busy === 0) idle.openUnsafe()
              if (busy + atOnce <= concurrency) room.openUnsafe()
            }))
        }),
        { startImmediately: true }
      ))

    const deliver = (job: Delivered, held: Running): Effect.Effect<void> =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(Effect.exit(restore(run(job))), (exit) => {
          if (held.lost) return jobs.count(job.class, "left")
          return Effect.flatMap(settlementOf(job, exit), (settlement) => settle(job, settlement))
        }))

    const run = (job: Delivered): Effect.Effect<Request, LlmError> =>
      Effect.suspend(() => {
        const { attempt, class: class_, fence, id, payload, tenant } = job
        const told = { queue: name, id, class: class_, tenant, attempt, again: fence > 1 }
        return Pipeline.runCompiled(compiled, requestOf(payload, told))
      })

    const settlementOf = (job: Delivered, exit: Exit.Exit<Request, LlmError>): Effect.Effect<Settlement> =>
      Effect.gen(function*() {
        if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) return { _tag: "Release" }
        const now = yield* Clock.currentTimeMillis
        const error = Exit.isSuccess(exit) ? Pipeline.outcome(exit.value) : LlmError.fromUnknown(Cause.squash(exit.cause))
        if (Exit.isSuccess(exit) && error === undefined) return { _tag: "Done", outcome: outcomeOf(exit.value), expires: now + keep }
        const outcome = failureOf(error!)
        if (!error!.retryable || job.attempt >= deliveries) return { _tag: "Dead", outcome, expires: now + keep }
        const pause = rest(job.attempt, yield* Random.next, { ...settings.rest, retryAfter: error!.retryAfter })
        return { _tag: "Retry", outcome, runAt: now + pause }
      })

    /** An answer that was paid for is not given up because the store is away for a while: it is tried as long as a lease lasts. */
    const settle = (job: Delivered, settlement: Settlement): Effect.Effect<void> =>
      Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        const taken = yield* store.settle({ queue: name, id: job.id, fence: job.fence, now }, settlement).pipe(
          Effect.timeout(Duration.millis(patience)),
          Effect.retry(Schedule.spaced(Duration.millis(poll * 4))),
          Effect.timeout(Duration.millis(settlement._tag === "Done" ? Math.max(lease, patience) : patience))
        )
        yield* jobs.count(job.class, taken ? outcomes[settlement._tag] : "late")
        if (settlement._tag === "Done" || settlement._tag === "Dead") jobs.ended(job.id)
      }).pipe(Effect.catchCause((cause) => Effect.logError("how a job ended could not be written down", cause)))

    const renew = (id: string, held: Running) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        store.renew({ queue: name, id, fence: held.fence, now }, now + lease)).pipe(
          Effect.timeout(Duration.millis(patience)),
          Effect.flatMap((ours) =>
            ours || running.get(id) !== held ? Effect.void : Effect.sync(() => {
              // Cancelled, or answered by another: to go on would be to pay for nothing.
              held.lost = true
              held.fiber.interruptUnsafe()
            })),
          Effect.ignoreCause
        )

    const keepHeld = Effect.forever(Effect.andThen(
      Effect.sleep(Duration.millis(lease / 3)),
      Effect.suspend(() => Effect.forEach([...running], ([id, held]) => renew(id, held), { concurrency: 16, discard: true }))
    ))
    const sweep = Effect.forever(Effect.andThen(
      Effect.sleep("1 minute"),
      Effect.ignoreCause(Effect.flatMap(Clock.currentTimeMillis, (now) => store.sweep(name, now)))
    ))
    const turn = Effect.gen(function*() {
      yield* room.await
      something.closeUnsafe()
      // What was lent and not begun would lie there until its lease ends: no interruption between the two.
      const begun = yield* Effect.uninterruptibleMask((restore) =>
        Effect.gen(function*() {
          const most = gather === undefined ? concurrency - busy : atOnce
          const first = yield* restore(take(most))
          if (gather === undefined || first.length === 0 || first.length >= most) {
            yield* Effect.forEach(first, begin, { discard: true })
            return first.length
          }
          yield* Effect.sleep(window)
          const more = yield* restore(take(most - first.length))
          yield* Effect.forEach([...first, ...more], begin, { discard: true })
          return first.length
        }))
      if (begun === 0) yield* Effect.raceFirst(something.await, Effect.sleep(Duration.millis(poll)))
    })
    return Effect.scoped(Effect.andThen(
      Effect.andThen(Effect.forkScoped(keepHeld), Effect.forkScoped(sweep)),
      // Leases are renewed meanwhile, so that nobody else begins what is about to end.
      Effect.onInterrupt(Effect.forever(turn), () => Effect.raceFirst(idle.await, Effect.sleep(grace)))
    ))
  })

const outcomes = { Done: "done", Retry: "retried", Dead: "dead", Release: "released" } as const

const misfit = (option: string, value: number): LlmError => {
  const expected = option === "concurrency" ? "a whole number of 1 or more" : "a whole number from 1 to concurrency"
  return LlmError.make({ _tag: "Configuration", option, value, expected, message: `${option} must be ${expected}, not ${value}` })
}

const lostWorker = JSON.stringify({
  error: LlmError.make({ _tag: "Server", message: "every worker that had this job was lost before it answered" }).toJSON()
})
