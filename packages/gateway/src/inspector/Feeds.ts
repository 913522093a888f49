/**
 * Tells whoever watches of each request when it is over, as server-sent events. Nothing waits in memory for a slow reader: what he
 * has not read yet is in the store, and where it is too much he is told of the gap.
 *
 * @module
 */
import type { Summary } from "@plugline/inspector"
import { Effect, Exit } from "effect"
import { LlmError } from "plugline"
import type { Open, Watch } from "../server/call.ts"
import type { Exchange } from "../server/Exchange.ts"
import type { TraceStore } from "./store/TraceStore.ts"

/** Most watchers at a time. */
const most = 64

/** How many requests are sent at a time. */
const page = 200

/** How many requests a watcher may be behind before they are left out. */
const furthest = 1_000

/** Everybody who watches. */
export class Feeds {
  readonly #store: TraceStore["Service"]
  readonly #isDraining: () => boolean
  readonly #open = new Set<Feed>()

  constructor(store: TraceStore["Service"], isDraining: () => boolean) {
    this.#store = store
    this.#isDraining = isDraining
  }

  /** How many watch now. */
  get size(): number {
    return this.#open.size
  }

  /** Begins to tell somebody of what comes behind `after`; by default of what comes from now on. */
  open(exchange: Exchange, watch: Watch, after: number | undefined): void {
    if (this.#open.size >= most) {
      return exchange.fail(LlmError.make({
        _tag: "Overloaded", status: 503, retryAfter: 5_000, message: `${most} watch already: ask again when somebody has left`
      }))
    }
    const within = exchange.principal?.identity.tenant
    const last = after ?? lastOf(this.#store)
    if (last === undefined) return exchange.fail(unreadable())
    const feed = new Feed(exchange, this.#store, within, last, watch.now, this.#isDraining)
    const gone = (): void => {
      this.#open.delete(feed)
      watch.closed(feed)
    }
    this.#open.add(feed)
    watch.opened(feed, exchange)
    exchange.response.once("close", gone)
    feed.begin()
  }

  /** Something new is in the store. */
  wake(): void {
    for (const feed of this.#open) feed.tell()
  }

  close(): void {
    for (const feed of this.#open) feed.end()
  }
}

/** One who watches. */
class Feed implements Open {
  readonly #exchange: Exchange
  readonly #store: TraceStore["Service"]
  readonly #within: string | undefined
  readonly #now: () => number
  readonly #isDraining: () => boolean
  #seq: number
  #wrote: number
  #ended = false
  #waits = false

  constructor(
    exchange: Exchange,
    store: TraceStore["Service"],
    within: string | undefined,
    seq: number,
    now: () => number,
    isDraining: () => boolean
  ) {
    this.#exchange = exchange
    this.#store = store
    this.#within = within
    this.#seq = seq
    this.#now = now
    this.#isDraining = isDraining
    this.#wrote = now()
  }

  begin(): void {
    this.#exchange.begin("text/event-stream")
    if (this.#exchange.request.method === "HEAD") return this.end()
    this.#write("retry: 2000\n\n")
    this.tell()
  }

  /** Sends what is new, as far as it is read. */
  tell(): void {
    const { response } = this.#exchange
    while (!this.#ended && !this.#waits && !response.destroyed) {
      if (response.writableNeedDrain) {
        this.#waits = true
        response.once("drain", () => {
          this.#waits = false
          this.tell()
        })
        return
      }
      const last = lastOf(this.#store)
      if (last === undefined || last === this.#seq) return
      // Whoever begins a file anew begins its numbers anew.
      if (last < this.#seq) this.#seq = 0
      if (last - this.#seq > furthest) {
        const to = last - page
        this.#write(`event: gap\nid: ${to}\ndata: ${JSON.stringify({ after: this.#seq, until: to })}\n\n`)
        this.#seq = to
      }
      const found = Effect.runSyncExit(this.#store.after(this.#seq, page, this.#within))
      if (Exit.isFailure(found)) return
      if (found.value.length < page) this.#seq = Math.max(last, found.value.at(-1)?.seq ?? 0)
      else this.#seq = found.value.at(-1)!.seq
      if (found.value.length === 0) return
      this.#write(found.value.map(eventOf).join(""))
    }
  }

  keepAlive(now: number, idle: number): void {
    if (this.#isDraining()) return this.end()
    if (this.#ended || now - this.#wrote < idle || this.#exchange.response.writableNeedDrain) return
    this.#write(": \n\n")
  }

  fail(error: LlmError): void {
    if (this.#ended) return
    this.#write(`event: error\ndata: ${JSON.stringify({ message: error.reason.message })}\n\n`)
    this.end()
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#exchange.response.end()
  }

  #write(text: string): void {
    if (this.#ended || this.#exchange.response.destroyed) return
    this.#wrote = this.#now()
    this.#exchange.response.write(text)
  }
}

const lastOf = (store: TraceStore["Service"]): number | undefined => {
  const found = Effect.runSyncExit(store.last)
  return Exit.isSuccess(found) ? found.value : undefined
}

const eventOf = (summary: Summary): string => `event: trace\nid: ${summary.seq}\ndata: ${JSON.stringify(summary)}\n\n`

const unreadable = (): LlmError =>
  LlmError.make({ _tag: "Server", status: 503, retryAfter: 1_000, message: "what is kept of requests cannot be read now" })
