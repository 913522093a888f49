/**
 * Brings batches to their end: checks their lines, gives them to the queue so many at a time, and writes the results. What a
 * process that was killed had begun, another goes on with.
 *
 * @module
 */
import type { Queue, StoreError } from "@plugline/plugs"
import { Clock, Effect, Latch, type Scope, Semaphore, Stream } from "effect"
import { LlmError } from "plugline"
import type { Files } from "./Files.ts"
import { endpoints, failed, isFault, kept, lineOf, Splitter, written } from "./lines.ts"
import type { Batch, Facts, Fault, Line, NewLine, Register } from "./Register.ts"
import { jobOf } from "./worker.ts"

/** What batches are driven with. */
export interface Drive {
  readonly register: Register
  readonly files: Files
  readonly jobs: Queue.Jobs["Service"]
  /** Most lines of one batch that are in the queue at a time. */
  readonly window: number
  /** Most lines of a batch. */
  readonly lines: number
  /** Longest line, in bytes; asked anew for each batch. */
  readonly longest: () => number
  /** How long batches that have ended are kept, in ms. */
  readonly keep: number
}

/** Drives all batches that nobody else drives. */
export interface Driver {
  /** Looks now: a batch has come, or was called off. */
  readonly look: () => void
}

/** How long a batch is held without a word; and how often it is looked for what is new. In ms. */
const lease = 5_000
const pulse = 500
/** How many lines are written or read at a time. */
const page = 200
/** Most faults that are told of. */
const told = 100

/** Begins to drive, for as long as the scope. */
export const make = (drive: Drive): Effect.Effect<Driver, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { register } = drive
    const driven = new Map<string, Latch.Latch>()
    const news = Latch.makeUnsafe(false)
    yield* Effect.addFinalizer(() => Effect.ignore(register.hold(driven.keys(), 0)))
    const beat = Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      yield* register.hold(driven.keys(), now + lease)
      for (const id of yield* register.claim(now, now + lease)) {
        if (driven.has(id)) continue
        const woken = Latch.makeUnsafe(false)
        driven.set(id, woken)
        yield* Effect.forkScoped(Effect.onExit(through(drive, id, woken), (exit) =>
          exit._tag === "Success" ? Effect.sync(() => void driven.delete(id)) : Effect.void))
      }
    })
    const sweep = Effect.forever(Effect.andThen(
      Effect.ignoreCause(Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Effect.andThen(drive.files.sweep, register.sweep(now - drive.keep)))),
      Effect.sleep("1 minute")
    ))
    yield* Effect.forkScoped(sweep)
    yield* Effect.forkScoped(Effect.forever(Effect.gen(function*() {
      news.closeUnsafe()
      yield* Effect.catchCause(beat, (cause) => Effect.logWarning("the store of batches does not answer", cause))
      yield* Effect.raceFirst(news.await, Effect.sleep(pulse))
    })))
    return {
      look: () => {
        for (const woken of driven.values()) woken.openUnsafe()
        news.openUnsafe()
      }
    }
  })

/** Drives one batch until it has ended, however often the store is away meanwhile. */
const through = (drive: Drive, id: string, woken: Latch.Latch): Effect.Effect<void> => {
  const step: Effect.Effect<void, StoreError> = Effect.flatMap(drive.register.find(id), (batch) => {
    switch (batch?.status) {
      case "validating":
        return Effect.andThen(validate(drive, batch), step)
      case "in_progress":
        return Effect.andThen(feed(drive, batch, woken), step)
      case "finalizing":
      case "cancelling":
        return Effect.andThen(finish(drive, batch), step)
      default:
        return Effect.void
    }
  })
  return Effect.catchCause(step, (cause) =>
    Effect.andThen(
      Effect.andThen(Effect.logWarning(`the batch ${id} waits`, cause), Effect.sleep("1 second")),
      Effect.suspend(() => through(drive, id, woken))
    ))
}

// --- validating ------------------------------------------------------------------------------------------------------

const validate = (drive: Drive, batch: Batch): Effect.Effect<void, StoreError> =>
  Effect.gen(function*() {
    const { files, register } = drive
    const { endpoint, input } = batch.facts
    // What was begun before a crash is begun anew.
    yield* register.dropLines(batch.id)
    const file = yield* files.find(input, batch.owner)
    const faults = file === undefined
      ? [fault("file_not_found", null, "the input file is gone")]
      : yield* take(drive, batch.id, input, endpoint)
    if (faults.length === 0) return yield* register.move(batch, "in_progress")
    yield* register.dropLines(batch.id)
    return yield* register.move(batch, "failed", { faults, counts: { total: 0, completed: 0, failed: 0 } })
  })

/** Takes all lines of a file in, and tells which cannot be taken. */
const take = (drive: Drive, batch: string, input: string, endpoint: string): Effect.Effect<ReadonlyArray<Fault>, StoreError> =>
  Effect.gen(function*() {
    const faults: Array<Fault> = []
    const known = new Set<string>()
    const longest = drive.longest()
    const splitter = new Splitter(longest)
    let at = 0
    let held: Array<NewLine> = []
    let over = false
    const store = Effect.suspend(() => {
      const lines = held
      held = []
      return lines.length === 0 || faults.length > 0 ? Effect.void : drive.register.addLines(batch, lines)
    })
    const one = (bytes: Buffer): void => {
      at++
      // A blank line is none.
      if (over || bytes.toString("latin1").trim() === "") return
      if (known.size >= drive.lines) {
        over = true
        faults.push(fault("too_many_lines", at, `a batch has at most ${drive.lines} lines`))
        return
      }
      const line = lineOf(bytes, at, endpoint, known)
      if (!isFault(line)) held.push(line)
      else if (faults.push(line) >= told) over = true
    }
    yield* Stream.runForEachWhile(drive.files.read(input), (bytes) =>
      Effect.gen(function*() {
        const lines = splitter.push(bytes)
        if (lines === undefined) {
          over = true
          faults.push(fault("line_too_long", at + 1, `a line has at most ${longest} bytes`))
          return false
        }
        for (const [index, line] of lines.entries()) {
          one(line)
          if (index % page === page - 1) yield* Effect.andThen(store, Effect.yieldNow)
        }
        yield* Effect.andThen(store, Effect.yieldNow)
        return !over
      }))
    one(splitter.end())
    yield* store
    if (known.size === 0 && faults.length === 0) faults.push(fault("empty_file", null, "the input file holds no line"))
    return faults
  })

const fault = (code: string, line: number | null, message: string): Fault => ({ code, line, message, param: null })

// --- in progress -----------------------------------------------------------------------------------------------------

/** Has all lines answered, until that is so, the batch is called off or its time is over. */
const feed = (drive: Drive, batch: Batch, woken: Latch.Latch): Effect.Effect<void, StoreError> =>
  Effect.gen(function*() {
    const { jobs, register } = drive
    const given = new Set<string>()
    const all = Effect.gen(function*() {
      for (let pass = 0; (yield* register.waiting(batch.id, 0, 1)).length > 0; pass++) {
        if (pass > 0) yield* Effect.sleep("1 second")
        const next = yield* source(register, batch.id)
        const feeder: Effect.Effect<void, StoreError> = Effect.flatMap(next, (line) =>
          line === undefined ? Effect.void : Effect.andThen(settle(drive, batch, line, pass, given), Effect.suspend(() => feeder)))
        yield* Effect.forEach(Array.from({ length: drive.window }), () => feeder, { concurrency: "unbounded", discard: true })
      }
      return "answered" as const
    })
    const stopped: Effect.Effect<"stopped" | "expired", StoreError> = Effect.gen(function*() {
      woken.closeUnsafe()
      const now = yield* Clock.currentTimeMillis
      if (now >= batch.expires) return "expired" as const
      if ((yield* register.find(batch.id))?.status !== "in_progress") return "stopped" as const
      yield* Effect.raceFirst(woken.await, Effect.sleep(pulse))
      return yield* stopped
    })
    const how = yield* Effect.raceFirst(all, stopped)
    if (how !== "stopped") yield* register.move(batch, "finalizing", { ending: how === "expired" ? "expired" : "completed" })
    // Whoever works on what is left is stopped; on an answer that comes now, nobody waits.
    if (how !== "answered") yield* Effect.forEach(given, (id) => Effect.ignore(jobs.cancel(id)), { concurrency: 8, discard: true })
  })

/** Gives out the lines that wait, one at a time. */
const source = (register: Register, batch: string) =>
  Effect.map(Semaphore.make(1), (one) => {
    let held: ReadonlyArray<Line> = []
    let at = 0
    let after = 0
    return one.withPermit(Effect.suspend((): Effect.Effect<Line | undefined, StoreError> => {
      if (at < held.length) return Effect.succeed(held[at++])
      return Effect.map(register.waiting(batch, after, page), (lines) => {
        held = lines
        at = 1
        after = lines.at(-1)?.line ?? after
        return lines[0]
      })
    }))
  })

/** Has one line asked, and waits until it is. */
const settle = (
  { jobs, register }: Drive,
  { facts, id, owner }: Batch,
  { line }: Line,
  pass: number,
  given: Set<string>
): Effect.Effect<void, StoreError> => {
  const job = jobOf(id, line, pass)
  const offered: Effect.Effect<void> = Effect.catch(
    Effect.asVoid(jobs.offer(job.request, { id: job.id, class: "batch", tenant: owner })),
    // The queue is full, or its store is away.
    () => Effect.andThen(Effect.sleep("1 second"), Effect.suspend(() => offered))
  )
  return Effect.gen(function*() {
    given.add(job.id)
    yield* offered
    const ended = yield* Effect.catch(jobs.wait(job.id), () => Effect.undefined)
    given.delete(job.id)
    if (ended?.state !== "dead") return
    const error = ended.error ?? LlmError.make({ _tag: "Server", message: "the line could not be asked" })
    yield* register.answer(id, line, kept(failed(error, `${id}_${line}`, endpoints[facts.endpoint]!)), true)
  })
}

// --- finalizing ------------------------------------------------------------------------------------------------------

/** Writes the results. Done again it does the same: from now on no line changes any more. */
const finish = ({ files, register }: Drive, batch: Batch): Effect.Effect<void, StoreError> =>
  Effect.gen(function*() {
    const { facts, id, owner, status } = batch
    const ending = status === "cancelling" ? "cancelled" : facts.ending ?? "completed"
    const counts = yield* register.counts(id)
    const now = yield* Clock.currentTimeMillis
    const write = (well: boolean, file: string) => {
      const name = `${id}_${well ? "output" : "error"}.jsonl`
      const described = { purpose: "batch_output", filename: name, expires: now + facts.keep }
      return files.write(file, owner, described, results(register, id, well, ending))
    }
    const output = counts.completed > 0
    const errors = counts.total > counts.completed
    if (output) yield* write(true, facts.files.output)
    if (errors) yield* write(false, facts.files.errors)
    const last: Partial<Facts> = { counts, written: { output, errors } }
    yield* register.move(batch, ending, last)
    yield* register.dropLines(id)
  })

/** The lines of a file of results, so many to a piece that each piece is the same when it is written again. */
const results = (register: Register, batch: string, well: boolean, ending: string): Stream.Stream<Uint8Array, StoreError> =>
  Stream.unfold(0, (after) =>
    Effect.map(register.settled(batch, well, after, page), (lines) =>
      lines.length === 0
        ? undefined
        : [Buffer.from(lines.map((line) => written(batch, line, ending)).join("")), lines.at(-1)!.line] as const))
