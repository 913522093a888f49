/**
 * Queued jobs in memory, for tests and for work that may be lost with the process.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { advance, type Class, order, type Passes, start } from "../queue/turns.ts"
import { type ClassStats, type Job, QueueStore } from "./QueueStore.ts"

/** How much is kept in memory. */
export interface MemoryQueueOptions {
  /** Most ended jobs per queue; beyond it those that ended first are forgotten. Default: 10,000. */
  readonly max?: number
}

type Entry = { -readonly [Name in keyof Job]: Job[Name] } & {
  seq: number
  fence: number
  leaseUntil: number
  expires: number
  readonly answers: Map<string, string>
}

interface State {
  readonly jobs: Map<string, Entry>
  /**
   * Of each class: its tenants with waiting jobs, in the order of their turns, each with its jobs in the order in which
   * they came.
   */
  readonly lanes: { readonly [Name in Class]: Map<string, Array<Entry>> }
  /** How many jobs of each class have not ended. */
  readonly open: { [Name in Class]: number }
  readonly running: Set<Entry>
  /** In the order in which they ended. */
  readonly ended: Set<Entry>
  passes: Passes
  seq: number
}

/** Jobs in memory: those of one process, gone with it. */
export const memory = ({ max = 10_000 }: MemoryQueueOptions = {}): Layer.Layer<QueueStore> =>
  Layer.sync(QueueStore, () => {
    const states = new Map<string, State>()
    const of = (queue: string): State => {
      let state = states.get(queue)
      if (state === undefined) states.set(queue, state = empty())
      return state
    }
    const end = (state: State, entry: Entry, to: "done" | "dead" | "cancelled", outcome: string | undefined, expires: number): void => {
      leave(state, entry)
      state.open[entry.class]--
      Object.assign(entry, { state: to, outcome, expires })
      state.ended.add(entry)
      for (const oldest of state.ended) {
        if (state.ended.size <= max) break
        forget(state, oldest)
      }
    }
    return {
      push: ({ class: name, depth, id, now, payload, queue, runAt, tenant }) =>
        Effect.sync(() => {
          const state = of(queue)
          const known = state.jobs.get(id)
          if (known !== undefined && known.expires > now) return { _tag: "Known", payload: known.payload } as const
          if (state.open[name] >= depth) {
            return { _tag: "Full", oldest: unfinished(state, name).reduce((min, job) => Math.min(min, job.createdAt), now) } as const
          }
          if (known !== undefined) forget(state, known)
          const entry: Entry = {
            id, class: name, tenant, payload, runAt, state: "waiting", attempts: 0, createdAt: now, outcome: undefined,
            seq: ++state.seq, fence: 0, leaseUntil: 0, expires: Infinity, answers: new Map()
          }
          state.jobs.set(id, entry)
          state.open[name]++
          wait(state, entry)
          return { _tag: "Accepted" } as const
        }),
      take: ({ deliveries, keep, lease, lost, max, now, queue, weights }) =>
        Effect.sync(() => {
          const state = of(queue)
          for (const entry of state.running) {
            if (entry.leaseUntil > now) continue
            if (entry.attempts >= deliveries) end(state, entry, "dead", lost, now + keep)
            else wait(state, entry)
          }
          const taken: Array<Entry> = []
          while (taken.length < max) {
            const entry = next(state, now)
            if (entry === undefined) break
            state.passes = advance(state.passes, entry.class, weights)
            const lane = state.lanes[entry.class].get(entry.tenant)!
            leave(state, entry)
            if (lane.length > 0) {
              // Whoever was served goes to the end of the round.
              state.lanes[entry.class].delete(entry.tenant)
              state.lanes[entry.class].set(entry.tenant, lane)
            }
            Object.assign(entry, { state: "running", leaseUntil: now + lease })
            entry.attempts++
            entry.fence++
            state.running.add(entry)
            taken.push(entry)
          }
          return taken.map(({ attempts, class: name, fence, id, payload, tenant }) =>
            ({ id, class: name, tenant, payload, attempt: attempts, fence }))
        }),
      renew: ({ fence, id, queue }, until) =>
        Effect.sync(() => {
          const entry = of(queue).jobs.get(id)
          const held = entry?.state === "running" && entry.fence === fence
          if (held) entry.leaseUntil = until
          return held
        }),
      settle: ({ fence, id, now, queue }, settlement) =>
        Effect.sync(() => {
          const state = of(queue)
          const entry = state.jobs.get(id)
          if (entry === undefined || (entry.state !== "running" && entry.state !== "waiting")) return false
          if (settlement._tag === "Done") {
            end(state, entry, "done", settlement.outcome, settlement.expires)
            return true
          }
          if (entry.state !== "running" || entry.fence !== fence) return false
          switch (settlement._tag) {
            case "Dead":
              end(state, entry, "dead", settlement.outcome, settlement.expires)
              return true
            case "Retry":
              Object.assign(entry, { runAt: settlement.runAt, outcome: settlement.outcome })
              break
            case "Release":
              entry.attempts--
              entry.runAt = now
          }
          wait(state, entry)
          return true
        }),
      find: (queue, id, now) =>
        Effect.sync(() => {
          const entry = of(queue).jobs.get(id)
          return entry === undefined || entry.expires <= now ? undefined : jobOf(entry)
        }),
      cancel: (queue, id, expires) =>
        Effect.sync(() => {
          const state = of(queue)
          const entry = state.jobs.get(id)
          if (entry === undefined || (entry.state !== "running" && entry.state !== "waiting")) return false
          end(state, entry, "cancelled", undefined, expires)
          return true
        }),
      dead: (queue, now, limit) =>
        Effect.sync(() =>
          [...of(queue).ended].filter(({ expires, state }) => state === "dead" && expires > now).slice(0, limit).map(jobOf)),
      redrive: (queue, id, now, depth) =>
        Effect.sync(() => {
          const state = of(queue)
          const entry = state.jobs.get(id)
          if (entry?.state !== "dead" || entry.expires <= now) return "missing"
          if (state.open[entry.class] >= depth) return "full"
          state.ended.delete(entry)
          state.open[entry.class]++
          Object.assign(entry, { attempts: 0, runAt: now, expires: Infinity })
          wait(state, entry)
          return "redriven"
        }),
      answer: (queue, id, question) => Effect.sync(() => of(queue).jobs.get(id)?.answers.get(question)),
      remember: (queue, id, question, answer) => Effect.sync(() => void of(queue).jobs.get(id)?.answers.set(question, answer)),
      stats: (queue, now) =>
        Effect.sync(() => {
          const state = of(queue)
          const count = (name: Class): ClassStats => {
            const all = unfinished(state, name)
            const waiting = all.filter((entry) => entry.state === "waiting")
            return {
              waiting: waiting.length,
              delayed: waiting.filter(({ runAt }) => runAt > now).length,
              running: all.length - waiting.length,
              age: all.reduce((age, { createdAt }) => Math.max(age, now - createdAt), 0)
            }
          }
          const ended = [...state.ended].filter(({ expires }) => expires > now)
          const number = (state: Job["state"]) => ended.filter((entry) => entry.state === state).length
          return {
            classes: { high: count("high"), normal: count("normal"), batch: count("batch") },
            done: number("done"),
            dead: number("dead"),
            cancelled: number("cancelled")
          }
        }),
      sweep: (queue, now) =>
        Effect.sync(() => {
          const state = of(queue)
          for (const entry of state.ended) if (entry.expires <= now) forget(state, entry)
        })
    }
  })

const empty = (): State => ({
  jobs: new Map(),
  lanes: { high: new Map(), normal: new Map(), batch: new Map() },
  open: { high: 0, normal: 0, batch: 0 },
  running: new Set(),
  ended: new Set(),
  passes: start,
  seq: 0
})

const unfinished = (state: State, name: Class): ReadonlyArray<Entry> => [
  ...[...state.lanes[name].values()].flat(),
  ...[...state.running].filter((entry) => entry.class === name)
]

const next = (state: State, now: number): Entry | undefined => {
  for (const name of order(state.passes)) {
    for (const lane of state.lanes[name].values()) {
      const first = lane.find(({ runAt }) => runAt <= now)
      if (first !== undefined) return first
    }
  }
  return undefined
}

const wait = (state: State, entry: Entry): void => {
  state.running.delete(entry)
  entry.state = "waiting"
  const lanes = state.lanes[entry.class]
  let lane = lanes.get(entry.tenant)
  if (lane === undefined) lanes.set(entry.tenant, lane = [])
  // Mostly at the end; one that comes back, where it was.
  lane.splice(lane.findLastIndex(({ seq }) => seq < entry.seq) + 1, 0, entry)
}

const leave = (state: State, entry: Entry): void => {
  state.running.delete(entry)
  const lanes = state.lanes[entry.class]
  const lane = lanes.get(entry.tenant)
  const at = lane?.indexOf(entry) ?? -1
  if (at >= 0) lane!.splice(at, 1)
  if (lane?.length === 0) lanes.delete(entry.tenant)
}

const forget = (state: State, entry: Entry): void => {
  state.ended.delete(entry)
  state.jobs.delete(entry.id)
}

const jobOf = ({ attempts, class: name, createdAt, id, outcome, payload, runAt, state, tenant }: Entry): Job =>
  ({ id, class: name, tenant, state, payload, attempts, createdAt, runAt, outcome })
