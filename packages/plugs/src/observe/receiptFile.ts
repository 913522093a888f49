/**
 * Writes receipts to a file, one line each: whole lines only, in order, in the background, with bounded memory; rotated
 * by size, and flushed when the layer closes.
 *
 * @module
 */
import { type Cause, Effect, Fiber, Layer, Queue } from "effect"
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises"
import { dirname } from "node:path"
import { StoreError } from "../store/patience.ts"
import * as Ledger from "./ledger.ts"
import type { Receipt } from "./receipt.ts"
import { count, type LedgerOptions, ReceiptSink } from "./ReceiptSink.ts"

/** How a file of receipts is written. */
export interface FileOptions extends LedgerOptions {
  /**
   * The file; it and its folder are made where they are missing, readable for their owner alone. One process per file.
   */
  readonly path: string
  /** How large a file may grow, in bytes, before the next is begun. Default: 64 MiB. */
  readonly maxBytes?: number
  /** How many older files are kept, as `path.1` (the latest), `path.2`, …; older ones are removed. Default: 10. */
  readonly keep?: number
  /** How many receipts may wait to be written. Default: 10,000. */
  readonly capacity?: number
  /**
   * What happens to one that finds no room: it is left out and counted, or its request waits, at most 1 second.
   * Default: `drop`.
   */
  readonly whenFull?: "drop" | "wait"
}

/** See the module. A chain goes on where the file ended, also over a restart and from one file to the next. */
export const file = (options: FileOptions): Layer.Layer<ReceiptSink, StoreError> =>
  Layer.effect(ReceiptSink, make(options))

const make = Effect.fnUntraced(function*(options: FileOptions) {
  const { capacity = 10_000, path, recent: kept = 100, whenFull = "drop" } = options
  const misfit = unfit(options)
  if (misfit !== undefined) return yield* Effect.fail(new StoreError("receipts", misfit))
  const recent = new Ledger.Recent(kept)
  const journal = new Journal(options, (line) => recent.add(line))
  yield* Effect.tryPromise({
    try: () => journal.open(),
    catch: (cause) => new StoreError("receipts", `the file of receipts ${path} cannot be opened: ${said(cause)}`, cause)
  })
  const queue = yield* Queue.make<Receipt, Cause.Done>({ capacity })
  const writer = yield* Effect.forkScoped(write(queue, journal))
  // What waits is written before the file is closed; a disk that does not answer keeps the program for so long and no
  // longer.
  const flushed = Effect.andThen(Fiber.await(writer), Effect.promise(() => journal.close()))
  yield* Effect.addFinalizer(() =>
    Effect.andThen(Queue.end(queue), Effect.ignoreCause(Effect.timeout(Effect.interruptible(flushed), closing))))
  const refuse = (why: "full" | "closed") =>
    Effect.andThen(
      Effect.sync(() => {
        journal.lost++
      }),
      count(why)
    )
  return {
    recent: () => recent.list(),
    write: (receipt: Receipt) => {
      if (Queue.offerUnsafe(queue, receipt)) return
      if (queue.state._tag !== "Open") return refuse("closed")
      if (whenFull === "drop") return refuse("full")
      return Effect.onInterrupt(
        Effect.flatMap(Queue.offer(queue, receipt), (taken) => taken ? Effect.void : refuse("closed")),
        () => refuse("full")
      )
    }
  }
})

/** How long closing may take, in ms. */
const closing = 10_000

const unfit = ({ capacity = 1, keep = 0, maxBytes = 1, path }: FileOptions): string | undefined => {
  if (typeof path !== "string" || path === "" || path.includes("\0")) {
    return "the path of a file of receipts must be a text without NUL"
  }
  if (!(maxBytes >= 1)) return `maxBytes must be a number of bytes, at least 1, not ${maxBytes}`
  if (!(Number.isSafeInteger(keep) && keep >= 0)) return `keep must be a whole number of files, not ${keep}`
  return Number.isSafeInteger(capacity) && capacity >= 1
    ? undefined
    : `capacity must be a whole number of receipts, at least 1, not ${capacity}`
}

/** Writes all that waits at a time, until the queue ends. */
const write = (queue: Queue.Queue<Receipt, Cause.Done>, journal: Journal): Effect.Effect<void> =>
  Effect.matchCauseEffect(Queue.takeAll(queue), {
    onFailure: () => Effect.void,
    onSuccess: (receipts) =>
      Effect.andThen(
        Effect.matchCauseEffect(Effect.promise(() => journal.append(receipts)), {
          onSuccess: (failed) => failed === 0 ? Effect.void : report(failed, journal),
          onFailure: () => Effect.void
        }),
        Effect.suspend(() => write(queue, journal))
      )
  })

/** Said once per trouble, not once per line. */
const report = (failed: number, journal: Journal): Effect.Effect<void> =>
  Effect.andThen(
    count("failed", failed),
    journal.troubled ? Effect.void : Effect.suspend(() => {
      journal.troubled = true
      return Effect.logError(`receipts cannot be written: ${journal.trouble}`)
    })
  )

const said = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

/** A file that lines are put at the end of. */
class Journal {
  /** Receipts that could not be written since the last that could. */
  lost = 0
  /** What went wrong last, and whether it has been said. */
  trouble = ""
  troubled = false
  readonly #path: string
  readonly #maxBytes: number
  readonly #keep: number
  readonly #chain: boolean
  readonly #written: (line: string) => void
  #handle: FileHandle | undefined
  #size = 0
  #prev = ""

  constructor(options: FileOptions, written: (line: string) => void) {
    const { chain = false, keep = 10, maxBytes = 64 * 1024 * 1024, path } = options
    this.#path = path
    this.#maxBytes = maxBytes
    this.#keep = keep
    this.#chain = chain
    this.#written = written
  }

  /** Opens the file at its end. What a crash left of a line is ended, so that the next stands by itself. */
  async open(): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
    const handle = await open(this.#path, "a+", 0o600)
    try {
      let { size } = await handle.stat()
      const tail = size === 0 ? "" : await lastLine(handle, size)
      if (tail !== "" && !tail.endsWith("\n")) {
        await handle.appendFile("\n")
        size++
      }
      if (this.#chain && tail !== "") this.#prev = Ledger.hash(tail.endsWith("\n") ? tail.slice(0, -1) : tail)
      this.#size = size
      this.#handle = handle
    } catch (thrown) {
      await handle.close()
      throw thrown
    }
  }

  /** Puts lines at the end. Answers how many could not be written. */
  async append(receipts: ReadonlyArray<Receipt>): Promise<number> {
    let at = 0
    while (at < receipts.length) {
      try {
        if (this.#handle === undefined) await this.open()
        at += await this.#some(receipts, at)
        this.troubled = false
      } catch (thrown) {
        this.trouble = said(thrown)
        await this.close().catch(() => {})
        this.lost += receipts.length - at
        return receipts.length - at
      }
    }
    return 0
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    if (handle === undefined) return
    try {
      await handle.datasync()
    } finally {
      await handle.close()
    }
  }

  /** Writes as many as fit into this file, in one piece; answers how many. */
  async #some(receipts: ReadonlyArray<Receipt>, from: number): Promise<number> {
    const lines: Array<string> = []
    let { lost } = this
    let prev = this.#prev
    let bytes = 0
    for (let at = from; at < receipts.length; at++) {
      const line = Ledger.line(receipts[at]!, { lost, prev: this.#chain ? prev : undefined })
      const size = Buffer.byteLength(line) + 1
      const full = this.#size + bytes + size > this.#maxBytes
      if (full && lines.length > 0) break
      if (full && this.#size > 0) await this.#rotate()
      lines.push(line)
      bytes += size
      lost = 0
      if (this.#chain) prev = Ledger.hash(line)
      // A piece of a few MB is written at a time, so that memory does not follow the number of lines that wait.
      if (bytes > 4 * 1024 * 1024) break
    }
    const taken = this.lost
    await this.#handle!.appendFile(`${lines.join("\n")}\n`)
    this.#size += bytes
    this.#prev = prev
    // What was lost while this was written is for the next line to say.
    this.lost -= taken
    for (const line of lines) this.#written(line)
    return lines.length
  }

  /** The file becomes `path.1`, that one `path.2`, and so on; the oldest goes. */
  async #rotate(): Promise<void> {
    await this.close()
    if (this.#keep === 0) await rm(this.#path, { force: true })
    else {
      await rm(`${this.#path}.${this.#keep}`, { force: true })
      for (let age = this.#keep - 1; age > 0; age--) await moved(`${this.#path}.${age}`, `${this.#path}.${age + 1}`)
      await moved(this.#path, `${this.#path}.1`)
    }
    await this.open()
  }
}

const moved = async (from: string, to: string): Promise<void> => {
  try {
    await rename(from, to)
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT")) throw thrown
  }
}

/** The end of a file from its last line on, with its line break where it has one. */
const lastLine = async (handle: FileHandle, size: number): Promise<string> => {
  for (let length = 64 * 1024;; length *= 4) {
    const from = Math.max(0, size - length)
    const bytes = Buffer.alloc(size - from)
    let filled = 0
    while (filled < bytes.length) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, from + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    const before = filled < 2 ? -1 : bytes.subarray(0, filled - 1).lastIndexOf(10)
    if (before >= 0 || from === 0) return bytes.subarray(before + 1, filled).toString("utf8")
  }
}
