/**
 * What a queue does in SQL, written once: each operation is a generator of statements that is run in one transaction,
 * by SQLite at once and by PostgreSQL as Effects. Placeholders are `?`.
 *
 * Whatever changes which jobs wait holds the queue's row in `plugline_queues`, so such steps come one after the other,
 * also between processes. Each is a few statements by index.
 *
 * @module
 */
import type { Effect } from "effect"
import { advance, type Class, classes, order, type Passes } from "../queue/turns.ts"
import type { StoreError } from "./patience.ts"
import type { Dialect, Query, Rows, Steps } from "./QueueStore.tables.ts"
import type { Delivered, Held, Job, JobState, NewJob, Pushed, QueueStoreShape, Settlement, Stats, Take } from "./QueueStore.ts"

/** How a database runs an operation; `write`: all of it or nothing. */
export interface Runner {
  readonly write: <A>(operation: () => Steps<A>) => Effect.Effect<A, StoreError>
  readonly read: <A>(operation: () => Steps<A>) => Effect.Effect<A, StoreError>
}

/** A store from what runs its operations. */
export const storeOf = (dialect: Dialect, { read, write }: Runner): QueueStoreShape => {
  const all = steps(dialect)
  return {
    push: (job) => write(() => all.push(job)),
    take: (asked) => write(() => all.take(asked)),
    renew: (held, until) => read(() => all.renew(held, until)),
    settle: (held, settlement) => write(() => all.settle(held, settlement)),
    find: (queue, id, now) => read(() => all.find(queue, id, now)),
    cancel: (queue, id, expires) => write(() => all.cancel(queue, id, expires)),
    dead: (queue, now, limit) => read(() => all.dead(queue, now, limit)),
    redrive: (queue, id, now, depth) => write(() => all.redrive(queue, id, now, depth)),
    answer: (queue, id, question) => read(() => all.answer(queue, id, question)),
    remember: (queue, id, question, answer) => read(() => all.remember(queue, id, question, answer)),
    stats: (queue, now) => read(() => all.stats(queue, now)),
    sweep: (queue, now) => write(() => all.sweep(queue, now))
  }
}

const steps = ({ lock, skip }: Dialect) => {
  /** The queue's row, held. */
  function* head(queue: string): Steps<Passes & { readonly seq: number }> {
    const find = query(`SELECT seq, virtual, high, normal, batch FROM plugline_queues WHERE queue = ?${lock}`, queue)
    let rows = yield find
    if (rows.length === 0) {
      yield query("INSERT INTO plugline_queues VALUES (?, 0, 0, 0, 0, 0) ON CONFLICT (queue) DO NOTHING", queue)
      rows = yield find
    }
    const row = rows[0]!
    return {
      seq: Number(row.seq), virtual: Number(row.virtual), high: Number(row.high), normal: Number(row.normal), batch: Number(row.batch)
    }
  }

  function* putHead(queue: string, seq: number, { batch, high, normal, virtual }: Passes): Steps<void> {
    yield query("UPDATE plugline_queues SET seq = ?, virtual = ?, high = ?, normal = ?, batch = ? WHERE queue = ?",
      seq, virtual, high, normal, batch, queue)
  }

  /** A tenant that has a job waiting stands in the round; a new one at its end. */
  function* stand(queue: string, name: string, tenant: string, turn: number): Steps<void> {
    yield query("INSERT INTO plugline_queue_lanes VALUES (?, ?, ?, ?) ON CONFLICT (queue, class, tenant) DO NOTHING", queue, name, tenant, turn)
  }

  /** How many jobs of a class have not ended: counted in an index, without looking at them. */
  function* unfinished(queue: string, name: string): Steps<number> {
    const [row] = yield query(
      `SELECT COUNT(*) AS n FROM plugline_queue_jobs WHERE queue = ? AND state IN ('waiting', 'running') AND class = ?`, queue, name)
    return Number(row!.n)
  }

  function* oldest(queue: string, name: string, otherwise: number): Steps<number> {
    const [row] = yield query(
      `SELECT MIN(created_at) AS oldest FROM plugline_queue_jobs
       WHERE queue = ? AND state IN ('waiting', 'running') AND class = ?`, queue, name)
    return Number(row?.oldest ?? otherwise)
  }

  function* push(job: NewJob): Steps<Pushed> {
    const { id, now, queue } = job
    const { seq, ...passes } = yield* head(queue)
    const [known] = yield query("SELECT payload, expires_at FROM plugline_queue_jobs WHERE queue = ? AND id = ?", queue, id)
    if (known !== undefined && (known.expires_at === null || Number(known.expires_at) > now)) {
      return { _tag: "Known", payload: String(known.payload) }
    }
    if ((yield* unfinished(queue, job.class)) >= job.depth) return { _tag: "Full", oldest: yield* oldest(queue, job.class, now) }
    if (known !== undefined) yield* forget(queue, id)
    yield query(
      `INSERT INTO plugline_queue_jobs VALUES (?, ?, ?, ?, 'waiting', ?, ?, ?, ?, 0, 0, 0, NULL, NULL, NULL)`,
      queue, id, job.class, job.tenant, job.payload, seq + 1, job.runAt, now)
    yield* stand(queue, job.class, job.tenant, seq + 1)
    yield* putHead(queue, seq + 1, passes)
    return { _tag: "Accepted" }
  }

  /** Jobs whose worker has gone. */
  function* reclaim({ deliveries, keep, lost, now, queue }: Take, seq: number): Steps<number> {
    const rows = yield query(
      `SELECT id, class, tenant, attempts FROM plugline_queue_jobs
       WHERE queue = ? AND state = 'running' AND lease_until <= ? ORDER BY lease_until LIMIT 100${skip}`, queue, now)
    let turn = seq
    for (const row of rows) {
      if (Number(row.attempts) >= deliveries) {
        yield query(
          `UPDATE plugline_queue_jobs SET state = 'dead', outcome = ?, ended_at = ?, expires_at = ? WHERE queue = ? AND id = ?`,
          lost, now, now + keep, queue, String(row.id))
      } else {
        yield query("UPDATE plugline_queue_jobs SET state = 'waiting' WHERE queue = ? AND id = ?", queue, String(row.id))
        yield* stand(queue, String(row.class), String(row.tenant), ++turn)
      }
    }
    return turn
  }

  /** The job that is next in a class, of the tenant whose turn it is. */
  function* first(queue: string, name: Class, now: number): Steps<Rows[number] | undefined> {
    const [lane] = yield query(
      `SELECT tenant FROM plugline_queue_lanes l WHERE l.queue = ? AND l.class = ? AND EXISTS (
         SELECT 1 FROM plugline_queue_jobs j
         WHERE j.queue = l.queue AND j.state = 'waiting' AND j.class = l.class AND j.tenant = l.tenant AND j.run_at <= ?
       ) ORDER BY l.turn LIMIT 1`, queue, name, now)
    if (lane === undefined) return undefined
    const [row] = yield query(
      `SELECT id, class, tenant, payload, attempts, fence FROM plugline_queue_jobs
       WHERE queue = ? AND state = 'waiting' AND class = ? AND tenant = ? AND run_at <= ? ORDER BY seq LIMIT 1${skip}`,
      queue, name, String(lane.tenant), now)
    return row
  }

  function* take(asked: Take): Steps<ReadonlyArray<Delivered>> {
    const { lease, max, now, queue, weights } = asked
    const { seq, ...before } = yield* head(queue)
    let passes: Passes = before
    let turn = yield* reclaim(asked, seq)
    const taken: Array<Delivered> = []
    while (taken.length < max) {
      let row: Rows[number] | undefined
      let served: Class | undefined
      for (const name of order(passes)) {
        row = yield* first(queue, name, now)
        if (row !== undefined) {
          served = name
          break
        }
      }
      if (row === undefined || served === undefined) break
      const id = String(row.id)
      const tenant = String(row.tenant)
      const fence = Number(row.fence) + 1
      const attempt = Number(row.attempts) + 1
      yield query(
        `UPDATE plugline_queue_jobs SET state = 'running', attempts = ?, fence = ?, lease_until = ? WHERE queue = ? AND id = ?`,
        attempt, fence, now + lease, queue, id)
      yield query("UPDATE plugline_queue_lanes SET turn = ? WHERE queue = ? AND class = ? AND tenant = ?", ++turn, queue, served, tenant)
      yield* leave(queue, served, tenant)
      passes = advance(passes, served, weights)
      taken.push({ id, class: served, tenant, payload: String(row.payload), attempt, fence })
    }
    if (taken.length > 0 || turn !== seq) yield* putHead(queue, turn, passes)
    return taken
  }

  /** A tenant without waiting jobs stands in no round. */
  function* leave(queue: string, name: string, tenant: string): Steps<void> {
    yield query(
      `DELETE FROM plugline_queue_lanes WHERE queue = ? AND class = ? AND tenant = ? AND NOT EXISTS (
         SELECT 1 FROM plugline_queue_jobs WHERE queue = ? AND state = 'waiting' AND class = ? AND tenant = ?
       )`, queue, name, tenant, queue, name, tenant)
  }

  function* forget(queue: string, id: string): Steps<void> {
    yield query("DELETE FROM plugline_queue_answers WHERE queue = ? AND id = ?", queue, id)
    yield query("DELETE FROM plugline_queue_jobs WHERE queue = ? AND id = ?", queue, id)
  }

  function* renew({ fence, id, queue }: Held, until: number): Steps<boolean> {
    return (yield query(
      `UPDATE plugline_queue_jobs SET lease_until = ? WHERE queue = ? AND id = ? AND state = 'running' AND fence = ? RETURNING id`,
      until, queue, id, fence)).length > 0
  }

  function* settle({ fence, id, now, queue }: Held, settlement: Settlement): Steps<boolean> {
    switch (settlement._tag) {
      case "Done": {
        // An answer that was paid for counts, also where the lease has ended meanwhile.
        yield* head(queue)
        const [row] = yield query(
          `UPDATE plugline_queue_jobs SET state = 'done', outcome = ?, ended_at = ?, expires_at = ?
           WHERE queue = ? AND id = ? AND state IN ('running', 'waiting') RETURNING class, tenant`,
          settlement.outcome, now, settlement.expires, queue, id)
        if (row !== undefined) yield* leave(queue, String(row.class), String(row.tenant))
        return row !== undefined
      }
      case "Dead":
        return (yield query(
          `UPDATE plugline_queue_jobs SET state = 'dead', outcome = ?, ended_at = ?, expires_at = ?
           WHERE queue = ? AND id = ? AND state = 'running' AND fence = ? RETURNING id`,
          settlement.outcome, now, settlement.expires, queue, id, fence)).length > 0
      default: {
        const { seq, ...passes } = yield* head(queue)
        const [row] = settlement._tag === "Retry"
          ? yield query(
            `UPDATE plugline_queue_jobs SET state = 'waiting', outcome = ?, run_at = ?
             WHERE queue = ? AND id = ? AND state = 'running' AND fence = ? RETURNING class, tenant`,
            settlement.outcome, settlement.runAt, queue, id, fence)
          : yield query(
            `UPDATE plugline_queue_jobs SET state = 'waiting', attempts = attempts - 1, run_at = ?
             WHERE queue = ? AND id = ? AND state = 'running' AND fence = ? RETURNING class, tenant`,
            now, queue, id, fence)
        if (row === undefined) return false
        yield* stand(queue, String(row.class), String(row.tenant), seq + 1)
        yield* putHead(queue, seq + 1, passes)
        return true
      }
    }
  }

  function* find(queue: string, id: string, now: number): Steps<Job | undefined> {
    const [row] = yield query(
      "SELECT * FROM plugline_queue_jobs WHERE queue = ? AND id = ? AND (expires_at IS NULL OR expires_at > ?)", queue, id, now)
    return row === undefined ? undefined : jobOf(row)
  }

  function* cancel(queue: string, id: string, expires: number): Steps<boolean> {
    yield* head(queue)
    const [row] = yield query(
      `UPDATE plugline_queue_jobs SET state = 'cancelled', outcome = NULL, expires_at = ?
       WHERE queue = ? AND id = ? AND state IN ('running', 'waiting') RETURNING class, tenant`, expires, queue, id)
    if (row !== undefined) yield* leave(queue, String(row.class), String(row.tenant))
    return row !== undefined
  }

  function* dead(queue: string, now: number, limit: number): Steps<ReadonlyArray<Job>> {
    return (yield query(
      `SELECT * FROM plugline_queue_jobs WHERE queue = ? AND state = 'dead' AND expires_at > ? ORDER BY ended_at, seq LIMIT ?`,
      queue, now, limit)).map(jobOf)
  }

  function* redrive(queue: string, id: string, now: number, depth: number): Steps<"redriven" | "missing" | "full"> {
    const { seq, ...passes } = yield* head(queue)
    const [row] = yield query(
      "SELECT class, tenant FROM plugline_queue_jobs WHERE queue = ? AND id = ? AND state = 'dead' AND expires_at > ?", queue, id, now)
    if (row === undefined) return "missing"
    if ((yield* unfinished(queue, String(row.class))) >= depth) return "full"
    yield query(
      `UPDATE plugline_queue_jobs SET state = 'waiting', attempts = 0, run_at = ?, ended_at = NULL, expires_at = NULL
       WHERE queue = ? AND id = ?`, now, queue, id)
    yield* stand(queue, String(row.class), String(row.tenant), seq + 1)
    yield* putHead(queue, seq + 1, passes)
    return "redriven"
  }

  function* answer(queue: string, id: string, question: string): Steps<string | undefined> {
    const [row] = yield query("SELECT answer FROM plugline_queue_answers WHERE queue = ? AND id = ? AND question = ?", queue, id, question)
    return row === undefined ? undefined : String(row.answer)
  }

  function* remember(queue: string, id: string, question: string, answer: string): Steps<void> {
    yield query(
      `INSERT INTO plugline_queue_answers SELECT queue, id, ?, ? FROM plugline_queue_jobs WHERE queue = ? AND id = ?
       ON CONFLICT (queue, id, question) DO UPDATE SET answer = excluded.answer`, question, answer, queue, id)
  }

  function* stats(queue: string, now: number): Steps<Stats> {
    const rows = yield query(
      `SELECT class, state, COUNT(*) AS n, SUM(CASE WHEN run_at > ? THEN 1 ELSE 0 END) AS later, MIN(created_at) AS oldest
       FROM plugline_queue_jobs WHERE queue = ? AND (expires_at IS NULL OR expires_at > ?) GROUP BY class, state`, now, queue, now)
    const ended = (state: JobState) => rows.reduce((sum, row) => row.state === state ? sum + Number(row.n) : sum, 0)
    const of = (name: Class) => {
      const waiting = rows.find((row) => row.class === name && row.state === "waiting")
      const running = rows.find((row) => row.class === name && row.state === "running")
      return {
        waiting: Number(waiting?.n ?? 0),
        delayed: Number(waiting?.later ?? 0),
        running: Number(running?.n ?? 0),
        age: Math.max(0, now - Math.min(Number(waiting?.oldest ?? now), Number(running?.oldest ?? now)))
      }
    }
    return {
      classes: { high: of("high"), normal: of("normal"), batch: of("batch") },
      done: ended("done"),
      dead: ended("dead"),
      cancelled: ended("cancelled")
    }
  }

  function* sweep(queue: string, now: number): Steps<void> {
    yield query(
      `DELETE FROM plugline_queue_answers WHERE queue = ? AND id IN (
         SELECT id FROM plugline_queue_jobs WHERE queue = ? AND expires_at <= ?)`, queue, queue, now)
    yield query("DELETE FROM plugline_queue_jobs WHERE queue = ? AND expires_at <= ?", queue, now)
  }

  return { push, take, renew, settle, find, cancel, dead, redrive, answer, remember, stats, sweep }
}

const query = (sql: string, ...values: ReadonlyArray<string | number | null>): Query => ({ sql, values })

const jobOf = (row: Rows[number]): Job => ({
  id: String(row.id),
  class: classes.find((name) => name === row.class) ?? "normal",
  tenant: String(row.tenant),
  state: String(row.state) as JobState,
  payload: String(row.payload),
  attempts: Number(row.attempts),
  createdAt: Number(row.created_at),
  runAt: Number(row.run_at),
  outcome: typeof row.outcome === "string" ? row.outcome : undefined
})
