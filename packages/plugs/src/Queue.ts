/**
 * Takes work in durably and answers it by id or while one waits: urgent work first without starving the rest, tenants
 * in turns, a full queue with a clear refusal, failed jobs again and hopeless ones set aside; what a killed worker held
 * is delivered again.
 *
 * A job is a request that is written down; workers, in this process or in others on the same store, run it through
 * their pipeline. Delivery is at least once; of several answers the first counts. Put {@link once} in front of the
 * provider, so that an answer that had come before a crash is not asked for again.
 *
 * @example
 * ```ts
 * import { Request, Result } from "@plugline/core"
 * import { Queue } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect, Layer } from "effect"
 *
 * const provider = Mock.make(["Hello"])
 * const queue = Layer.provide(Queue.layer({ name: "mail" }), Queue.memory())
 * const program = Effect.gen(function*() {
 *   yield* Effect.forkChild(Queue.work([Queue.once(), ...provider.pipeline]))
 *   const id = yield* Queue.offer(Request.make({ provider: "mock", messages: "Hi" }), { class: "high" })
 *   return yield* Queue.wait(id)
 * })
 * const ended = await Effect.runPromise(Effect.provide(program, queue))
 * ended.state // => "done"
 * Result.text(ended.result) // => "Hello"
 * ```
 *
 * @module
 */
import { type Handler, Key, LlmError, type Pipeline, Plug, Request } from "@plugline/core"
import { Effect, Layer, Schema } from "effect"
import { type Ended, type Ticket } from "./queue/job.ts"
import { Jobs, type Offer } from "./queue/Jobs.ts"
import { classes } from "./queue/turns.ts"
import { ready, type WorkOptions } from "./queue/worker.ts"
import type { Stats } from "./store/QueueStore.ts"

export { type Delivery, delivery, type Ended, idempotencyKey, type Ticket } from "./queue/job.ts"
export { counter, Jobs, layer, type Offer, Options, type Settings } from "./queue/Jobs.ts"
export { once } from "./queue/once.ts"
export { advance, type Class, classes, order, type Passes, type PerClass, rest, retryAfter, start } from "./queue/turns.ts"
export { work, type WorkOptions } from "./queue/worker.ts"
export { QueueStore, type ClassStats, type JobState, type Stats } from "./store/QueueStore.ts"
export { memory, type MemoryQueueOptions } from "./store/QueueStore.memory.ts"
export { postgres } from "./store/QueueStore.postgres.ts"
export { redis, type RedisQueueOptions } from "./store/QueueStore.redis.ts"
export { sqlite } from "./store/QueueStore.sqlite.ts"

/**
 * Takes a request in, and answers with the id of its job once it is safely kept. Fails with `Overloaded` (and
 * `retryAfter`) where its class is full or the store does not answer, `Configuration` where it holds a credential,
 * `InvalidRequest` where the id is that of another request.
 */
export const offer = (request: Request, options?: Offer): Effect.Effect<string, LlmError, Jobs> =>
  Effect.flatMap(Jobs, (jobs) => jobs.offer(request, options))

/**
 * Waits until a job has ended. Fails with `NotFound` where there is none, or no longer. To stop waiting does not stop
 * the job.
 */
export const wait = (id: string): Effect.Effect<Ended, LlmError, Jobs> => Effect.flatMap(Jobs, (jobs) => jobs.wait(id))

/** A job as it stands; `undefined` where there is none, or no longer. */
export const find = (id: string): Effect.Effect<Ticket | undefined, LlmError, Jobs> => Effect.flatMap(Jobs, (jobs) => jobs.find(id))

/**
 * Calls a job off; false where it has ended or there is none. One that is being worked on in this process is stopped at
 * once, in another within a third of a lease.
 */
export const cancel = (id: string): Effect.Effect<boolean, LlmError, Jobs> => Effect.flatMap(Jobs, (jobs) => jobs.cancel(id))

/** Dead jobs with their reasons, the longest dead first. `limit`: default 100. */
export const dead = (limit?: number): Effect.Effect<ReadonlyArray<Ticket>, LlmError, Jobs> =>
  Effect.flatMap(Jobs, (jobs) => jobs.dead(limit))

/**
 * Lets a dead job start again, with all its tries; false where there is none. Fails with `Overloaded` where its class
 * is full.
 */
export const redrive = (id: string): Effect.Effect<boolean, LlmError, Jobs> => Effect.flatMap(Jobs, (jobs) => jobs.redrive(id))

/** How many jobs are where. */
export const stats: Effect.Effect<Stats, LlmError, Jobs> = Effect.flatMap(Jobs, (jobs) => jobs.stats)

/**
 * A worker in the background, as long as the layer lives. Fails at once where the pipeline or an option is set up
 * wrongly.
 */
export const worker = <R = never>(pipeline: Pipeline<R>, options?: WorkOptions): Layer.Layer<never, LlmError, R | Jobs> =>
  Layer.effectDiscard(Effect.andThen(ready(pipeline, options), (working) => Effect.forkScoped(working)))

/** What {@link plug} writes: the job that answered. */
export const job: Key<{ readonly id: string; readonly attempts: number }> = Key.make("queue.job")

/** Options of {@link plug}. */
export const PlugOptions = Schema.Struct({
  /** Default: `normal`. */
  class: Schema.optionalKey(Schema.Literals(classes))
})

/**
 * A plug that hands requests to the queue and waits for their answers: what stands behind it is not run; the worker's
 * pipeline is. Streams come whole. When the caller leaves, the job is called off.
 */
export const plug: (options?: typeof PlugOptions.Encoded) => Plug<Jobs> = Plug.configurable(
  "queue",
  PlugOptions,
  ({ class: class_ = "normal" }) =>
    Plug.of({
      name: "queue",
      make: Effect.map(Jobs, (jobs): Handler => (request) =>
        Effect.matchEffect(jobs.offer(request, { class: class_ }), {
          onFailure: (error) => Effect.succeed(Request.fail(request, error)),
          onSuccess: (id) =>
            Effect.match(Effect.onInterrupt(jobs.wait(id), () => Effect.ignore(jobs.cancel(id))), {
              onFailure: (error) => Request.fail(request, error),
              onSuccess: (ended) => answered(request, ended)
            })
        }))
    })
)

const answered = (request: Request, { attempts, class: class_, error, id, metadata, result, state }: Ended): Request => {
  let told = Request.assign(request, job, { id, attempts })
  for (const [name, value] of Object.entries(metadata ?? {})) {
    if (value !== undefined && !Object.hasOwn(request.metadata, name)) told = Request.putMetadata(told, name, value)
  }
  told = Request.putMetadata(told, "queue", { id, class: class_, attempts })
  if (state === "done" && result !== undefined) return Request.halt(told, result)
  return Request.fail(told, error ?? LlmError.make({ _tag: "Halted", message: `the job ${JSON.stringify(id)} was called off` }))
}
