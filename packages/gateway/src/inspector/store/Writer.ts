/**
 * Hands requests that are over to the store, off the path: they are gathered for a moment, encoded a few at a time so that nobody
 * waits, packed on other threads, and written together. What does not fit is left out and counted.
 *
 * @module
 */
import type { Summary } from "@plugline/inspector"
import type { StoreError } from "@plugline/plugs"
import { Clock, Effect, Fiber, Schedule, type Scope, Semaphore } from "effect"
import { setImmediate } from "node:timers/promises"
import { Mask } from "plugline"
import { pack } from "./packing.ts"
import type { Entry, TraceStore } from "./TraceStore.ts"

/** A request that is over, not yet looked at. */
export interface Waiting {
  readonly summary: () => Entry["summary"]
  /** Its steps, fit to be written as JSON, or why they are not to be had. Absent where they are not wanted. */
  readonly record?: () => object | NonNullable<Summary["unrecorded"]>
}

/** What became of what was handed over. */
export interface Told {
  /** Requests of which nothing was kept, for want of time or because the store failed. */
  readonly lost: number
  /** Requests whose steps were not kept, for want of time. */
  readonly unrecorded: number
  /** Why the store fails; absent where it does not. */
  readonly trouble?: string
}

/** Hands requests to the store. */
export interface Writer {
  readonly offer: (waiting: Waiting) => void
  /** Writes everything that waits. */
  readonly flush: Effect.Effect<void>
  /** Waits until what waits by now is written, for half a second at most. */
  readonly caughtUp: Effect.Effect<void>
  readonly told: () => Told
}

/** How it writes. */
export interface WriterOptions {
  readonly store: TraceStore["Service"]
  /** Most bytes of the steps of one request, before they are packed. */
  readonly maxRecord: number
  /** Is told after each write. */
  readonly written: () => void
  /** How long requests are gathered, in ms. Default: 50. */
  readonly every?: number
  /** How many may wait. Default: 10,000, of which 500 with their steps. */
  readonly most?: { readonly entries: number; readonly records: number }
}

/** How many are written together. */
const together = 200

/** How long the event loop may be held at a time, in ms. */
const slice = 4

/** How often it is said that the store fails, in ms. */
const quiet = 60_000

/** A writer, which writes what waits when the scope closes. */
export const make = ({ every = 50, maxRecord, most = usual, store, written }: WriterOptions): Effect.Effect<Writer, never, Scope.Scope> =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const elapsed = (): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    const fork = Effect.runForkWith(yield* Effect.context<never>())
    const one = yield* Semaphore.make(1)
    const waiting: Array<Waiting> = []
    let records = 0
    let lost = 0
    let unrecorded = 0
    let trouble: string | undefined
    let complained = Number.NEGATIVE_INFINITY
    let begun = 0
    /** Whether a write is to come. */
    let awaited = false

    const failed = (count: number) => (error: StoreError): Effect.Effect<void> => {
      lost += count
      trouble = Mask.text(error.message)
      const now = elapsed()
      if (now - complained < quiet) return Effect.void
      complained = now
      return Effect.logError(`requests cannot be kept for the inspector, and calls go on without: ${trouble}`)
    }
    const write = (entries: ReadonlyArray<Entry>): Effect.Effect<void> =>
      Effect.matchEffect(Effect.retry(store.add(entries), busy), {
        onSuccess: () => Effect.sync(() => {
          trouble = undefined
          written()
        }),
        // One that the store does not take leaves the others theirs.
        onFailure: (error) =>
          entries.length > 1 && isUnfit(error)
            ? Effect.forEach(entries, (entry) => write([entry]), { discard: true })
            : failed(entries.length)(error)
      })
    /** Lets others go first where the loop has been held for long. */
    const breathe = async (): Promise<void> => {
      if (elapsed() - begun < slice) return
      await setImmediate()
      begun = elapsed()
    }
    const gathered = async (): Promise<ReadonlyArray<Entry>> => {
      const entries: Array<Entry> = []
      begun = elapsed()
      for (let next = waiting.shift(); next !== undefined; next = entries.length < together ? waiting.shift() : undefined) {
        if (next.record !== undefined) records--
        entries.push(await entryOf(next, maxRecord))
        await breathe()
      }
      return entries
    }
    const drain: Effect.Effect<void> = Effect.suspend(() =>
      waiting.length === 0 ? Effect.void : Effect.andThen(Effect.flatMap(Effect.promise(gathered), write), drain))
    const flush = Effect.suspend(() => {
      awaited = false
      return one.withPermits(1)(drain)
    })
    yield* Effect.addFinalizer(() => flush)

    return {
      flush,
      // Whoever stops waiting does not stop what is being written.
      caughtUp: Effect.suspend(() => Effect.ignore(Effect.timeout(Fiber.join(fork(flush)), patience))),
      told: () => ({ lost, unrecorded, ...(trouble !== undefined && { trouble }) }),
      offer: (given) => {
        if (waiting.length >= most.entries) return void lost++
        if (given.record === undefined) waiting.push(given)
        else if (records < most.records) {
          records++
          waiting.push(given)
        } else {
          unrecorded++
          waiting.push({ summary: () => without(given.summary(), "load") })
        }
        if (awaited) return
        awaited = true
        fork(Effect.delay(flush, every))
      }
    }
  })

/** How long whoever reads waits for what is not written yet. */
const patience = "500 millis"

const usual = { entries: 10_000, records: 500 }

/** Another process writes: mostly not for long. */
const busy = {
  times: 3,
  schedule: Schedule.spaced("100 millis"),
  while: ({ message }: StoreError): boolean => /locked|busy/i.test(message)
}

/** It is a request that does not fit, and not the store that fails. */
const isUnfit = ({ message }: StoreError): boolean => /constraint|cannot store/i.test(message)

/** A request with its steps packed; without them where they are too large, or cannot be written down. */
const entryOf = async ({ record, summary }: Waiting, maxRecord: number): Promise<Entry> => {
  const about = summary()
  if (record === undefined) return { summary: about }
  try {
    const steps = record()
    if (typeof steps === "string") return { summary: without(about, steps) }
    const json = JSON.stringify(steps)
    if (Buffer.byteLength(json) > maxRecord) return { summary: without(about, "size") }
    return { summary: about, record: await pack(json) }
  } catch {
    return { summary: without(about, "fault") }
  }
}

/** A summary that says why there are no steps. */
export const without = (summary: Entry["summary"], unrecorded: NonNullable<Summary["unrecorded"]>): Entry["summary"] => ({
  ...summary,
  recorded: false,
  unrecorded
})
