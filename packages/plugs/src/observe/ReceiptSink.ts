/**
 * Where receipts are written: kept in memory, or given to a function of yours. The one that writes files is in
 * `receiptFile.ts`.
 *
 * @module
 */
import { Context, Effect, Layer, Metric } from "effect"
import { andThen, type Now } from "../cost/now.ts"
import * as Ledger from "./ledger.ts"
import type { Receipt } from "./receipt.ts"

/** Takes receipts. */
export class ReceiptSink extends Context.Service<ReceiptSink, {
  /** Takes one, at once or later. */
  readonly write: (receipt: Receipt) => Now<void, unknown>
  /** The latest lines, from the oldest on. */
  readonly recent: () => ReadonlyArray<string>
}>()("@plugline/plugs/ReceiptSink") {}

/** The latest lines that were written, from the oldest on: for tests and inspection. */
export const recent: Effect.Effect<ReadonlyArray<string>, never, ReceiptSink> = Effect.map(ReceiptSink, (sink) =>
  sink.recent())

/** Receipts that could not be written, by why: `full`, `failed`, `closed`. */
export const lost = Metric.counter("plugline.receipt.lost", {
  description: "Receipts that could not be written",
  incremental: true
})

/** How lines are made. */
export interface LedgerOptions {
  /**
   * Whether each line carries the hash of the line before (`prev`), so that a missing one is noticed. Default: false.
   */
  readonly chain?: boolean
  /** How many of the latest lines are kept in memory. Default: 100; of the sink in memory 1,000. */
  readonly recent?: number
}

/** Keeps the latest lines in memory, and nothing else. */
export const memory = ({ chain = false, recent = 1_000 }: LedgerOptions = {}): Layer.Layer<ReceiptSink> =>
  custom(() => {}, { chain, recent })

/**
 * Gives each line, without its line break, to a function, in order. It may answer at once, or with an Effect or a
 * Promise that the request waits for, at most 1 second; a line it fails for is lost, counted, and leaves a gap that the
 * chain shows.
 */
export const custom = (
  write: (line: string, receipt: Receipt) => unknown,
  { chain = false, recent: capacity = 100 }: LedgerOptions = {}
): Layer.Layer<ReceiptSink> =>
  Layer.sync(ReceiptSink, () => {
    const recent = new Ledger.Recent(capacity)
    let prev = ""
    return {
      write: (receipt) => {
        const line = Ledger.line(receipt, chain ? { prev } : {})
        // The next line names this one whether or not it can be written: a line that is lost shows.
        prev = chain ? Ledger.hash(line) : ""
        const written = promised(write(line, receipt))
        const kept = andThen(written as Now<unknown, unknown>, () => recent.add(line))
        return Effect.isEffect(kept) ? Effect.tapCause(kept, () => count("failed")) : kept
      },
      recent: () => recent.list()
    }
  })

const promised = (answer: unknown): unknown =>
  answer instanceof Promise ? Effect.tryPromise({ try: () => answer, catch: (cause) => cause }) : answer

/** Counts receipts that are lost. */
export const count = (why: "full" | "failed" | "closed", receipts = 1): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(lost, { why }), receipts)
