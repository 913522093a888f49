/**
 * Queued jobs in Redis, for workers on several machines. Each operation is one script.
 *
 * Redis keeps what it is told to keep: with `appendonly yes` an accepted job outlives the server's crash but for the
 * last second, and `maxmemory-policy noeviction` keeps it from throwing jobs away.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { Redis } from "effect/persistence"
import { classes } from "../queue/turns.ts"
import { StoreError } from "./patience.ts"
import { type ClassStats, type Job, type JobState, QueueStore } from "./QueueStore.ts"
import * as Lua from "./QueueStore.lua.ts"

/** How jobs are kept in Redis. */
export interface RedisQueueOptions {
  /** What every key begins with. Default: `plugline`. */
  readonly prefix?: string
}

const script = (lua: string) =>
  Redis.script((base: string, ...values: ReadonlyArray<string | number>) => [base, ...values], { numberOfKeys: 1, lua })
    .withReturnType<ReadonlyArray<string | number | null>>()

const scripts = {
  push: script(Lua.push),
  take: script(Lua.take),
  renew: script(Lua.renew),
  settle: script(Lua.settle),
  find: script(Lua.find),
  cancel: script(Lua.cancel),
  dead: script(Lua.dead),
  redrive: script(Lua.redrive),
  remember: script(Lua.remember),
  stats: script(Lua.stats),
  sweep: script(Lua.sweep)
}

/** Jobs in Redis. All keys of a queue hold the tag `{queue:<name>}`, so that in a cluster they are in one place. */
export const redis = (options: RedisQueueOptions = {}): Layer.Layer<QueueStore, never, Redis.Redis> =>
  Layer.effect(
    QueueStore,
    Effect.gen(function*() {
      const { eval: evaluate, send } = yield* Redis.Redis
      const base = (queue: string): string => `${options.prefix ?? "plugline"}:{queue:${queue}}:`
      const failed = (error: Redis.RedisError): StoreError => new StoreError("queue", "Redis could not be asked", error)
      const call = (name: keyof typeof scripts) => {
        const ready = evaluate(scripts[name])
        return (queue: string, ...values: ReadonlyArray<string | number>) => Effect.mapError(ready(base(queue), ...values), failed)
      }
      const push = call("push")
      const take = call("take")
      const renew = call("renew")
      const settle = call("settle")
      const find = call("find")
      const cancel = call("cancel")
      const dead = call("dead")
      const redrive = call("redrive")
      const remember = call("remember")
      const stats = call("stats")
      const sweep = call("sweep")
      return {
        push: (job) =>
          Effect.map(
            push(job.queue, job.id, job.class, job.tenant, job.payload, job.runAt, job.now, job.depth),
            ([tag, value]) =>
              tag === "Known"
                ? { _tag: "Known", payload: String(value) }
                : tag === "Full"
                ? { _tag: "Full", oldest: Number(value) }
                : { _tag: "Accepted" }
          ),
        take: ({ deliveries, keep, lease, lost, max, now, queue, weights }) =>
          Effect.map(
            take(queue, now, max, lease, deliveries, keep, lost, ...classes.map((name) => weights[name])),
            (flat) =>
              chunks(flat, 6).map(([id, name, tenant, payload, attempt, fence]) => ({
                id: String(id),
                class: classOf(name),
                tenant: String(tenant),
                payload: String(payload),
                attempt: Number(attempt),
                fence: Number(fence)
              }))
          ),
        renew: ({ fence, id, queue }, until) => Effect.map(renew(queue, id, fence, until), yes),
        settle: ({ fence, id, now, queue }, settlement) =>
          Effect.map(
            settle(
              queue, id, fence, now, settlement._tag,
              settlement._tag === "Release" ? "" : settlement.outcome,
              settlement._tag === "Release" ? now : settlement._tag === "Retry" ? settlement.runAt : settlement.expires
            ),
            yes
          ),
        find: (queue, id, now) => Effect.map(find(queue, id, now), (row) => row.length === 0 ? undefined : jobOf(row)),
        cancel: (queue, id, expires) => Effect.map(cancel(queue, id, expires), yes),
        dead: (queue, now, limit) => Effect.map(dead(queue, now, limit), (flat) => chunks(flat, 9).map(jobOf)),
        redrive: (queue, id, now, depth) =>
          Effect.map(redrive(queue, id, now, depth), ([said]) => said === "full" || said === "redriven" ? said : "missing"),
        answer: (queue, id, question) =>
          Effect.mapError(
            Effect.map(send<string | null>("HGET", `${base(queue)}job:${id}`, `a:${question}`), (answer) => answer ?? undefined),
            failed
          ),
        remember: (queue, id, question, answer) => Effect.asVoid(remember(queue, id, question, answer)),
        stats: (queue, now) =>
          Effect.map(stats(queue, now), (flat) => {
            const of = (at: number): ClassStats => ({
              waiting: Number(flat[at]),
              delayed: Number(flat[at + 1]),
              running: Number(flat[at + 2]),
              age: Number(flat[at + 3])
            })
            return {
              classes: { high: of(0), normal: of(4), batch: of(8) },
              done: Number(flat[12]),
              dead: Number(flat[13]),
              cancelled: Number(flat[14])
            }
          }),
        // A thousand of each kind at a time, so that nobody else waits long.
        sweep: (queue, now) => Effect.asVoid(Effect.repeat(sweep(queue, now), { while: ([count]) => Number(count) >= 1_000 }))
      }
    })
  )

const yes = ([said]: ReadonlyArray<string | number | null>): boolean => Number(said) === 1

const classOf = (name: unknown) => classes.find((known) => known === name) ?? "normal"

const chunks = <A>(flat: ReadonlyArray<A>, size: number): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: flat.length / size }, (_, index) => flat.slice(index * size, (index + 1) * size))

const jobOf = ([id, name, tenant, state, payload, attempts, createdAt, runAt, outcome]: ReadonlyArray<string | number | null>): Job => ({
  id: String(id),
  class: classOf(name),
  tenant: String(tenant),
  state: String(state) as JobState,
  payload: String(payload),
  attempts: Number(attempts),
  createdAt: Number(createdAt),
  runAt: Number(runAt),
  outcome: typeof outcome === "string" ? outcome : undefined
})
