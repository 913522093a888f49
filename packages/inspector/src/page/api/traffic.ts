/**
 * The list of requests as it grows: pages of what was, events of what is, over a connection that is kept.
 *
 * @module
 */
import type { Summary } from "../../api.ts"
import * as client from "./client.ts"
import { events } from "./events.ts"
import { backoff, type Filter, matches, merge, most } from "./rows.ts"

const page = 500

export interface TrafficState {
  readonly rows: ReadonlyArray<Summary>
  /** `loading` until the first page is there. */
  readonly phase: "loading" | "ready" | "failed"
  readonly connection: "connecting" | "live" | "lost"
  readonly paused: boolean
  /** How many came while it was paused. */
  readonly waiting: number
  readonly more: boolean
  readonly loadingMore: boolean
  readonly total: number
  readonly error: unknown
}

/** A list that is kept up to date until it is closed. */
export class Traffic {
  state: TrafficState = {
    rows: [],
    phase: "loading",
    connection: "connecting",
    paused: false,
    waiting: 0,
    more: false,
    loadingMore: false,
    total: 0,
    error: undefined
  }
  readonly #filter: Filter
  readonly #listeners = new Set<() => void>()
  #control = new AbortController()
  #arrived: Array<Summary> = []
  #held: Array<Summary> = []
  #last = 0
  #timer: number | undefined

  constructor(filter: Filter) {
    this.#filter = filter
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  readonly snapshot = (): TrafficState => this.state

  #set(changes: Partial<TrafficState>): void {
    this.state = { ...this.state, ...changes }
    for (const listener of this.#listeners) listener()
  }

  /** Fetches the first page, then listens. May be called again after {@link close}. */
  open(): void {
    this.#control = new AbortController()
    void this.#first(this.#control.signal)
  }

  close(): void {
    this.#control.abort()
    window.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  async #first(signal: AbortSignal): Promise<void> {
    for (let tries = 0; !signal.aborted; tries++) {
      try {
        const { more, total, traces } = await client.traces({ ...this.#filter, limit: page }, signal)
        this.#last = Math.max(this.#last, traces[0]?.seq ?? 0)
        this.#set({ rows: merge(this.state.rows, traces), phase: "ready", more, total, error: undefined })
        return await this.#listen(signal)
      } catch (error) {
        if (signal.aborted) return
        this.#set({ phase: this.state.rows.length > 0 ? "ready" : "failed", connection: "lost", error })
        if (error instanceof client.Refused && error.status >= 400 && error.status < 500) return
        await pause(backoff(tries), signal)
      }
    }
  }

  async #listen(signal: AbortSignal): Promise<void> {
    for (let tries = 0; !signal.aborted; tries++) {
      try {
        const response = await client.send(`/inspector/api/traces/live?after=${this.#last}`, { signal })
        this.#set({ connection: "live" })
        for await (const { data, event } of events(response)) {
          tries = 0
          if (event === "trace") this.#take(JSON.parse(data) as Summary)
          // More came than the gateway holds for anybody: what is shown would have a hole.
          else if (event === "gap") await this.#anew(signal)
        }
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof client.Refused && (error.status === 401 || error.status === 403))
          return this.#set({ connection: "lost", error })
      }
      if (signal.aborted) return
      this.#set({ connection: "lost" })
      await pause(backoff(tries), signal)
    }
  }

  /** Only the newest page, without anything that was shown before. */
  async #anew(signal: AbortSignal): Promise<void> {
    const { more, total, traces } = await client.traces({ ...this.#filter, limit: page }, signal)
    this.#last = Math.max(this.#last, traces[0]?.seq ?? 0)
    this.#set({ rows: traces, more, total })
  }

  /** Many may come at once: they are shown together, some times a second. */
  #take(summary: Summary): void {
    this.#last = Math.max(this.#last, summary.seq)
    if (!matches(summary, this.#filter)) return
    this.#arrived.push(summary)
    this.#timer ??= window.setTimeout(() => {
      this.#timer = undefined
      this.#show()
    }, 120)
  }

  #show(): void {
    const arrived = this.#arrived
    this.#arrived = []
    if (this.state.paused) {
      this.#held.push(...arrived)
      if (this.#held.length > most) this.#held.splice(0, this.#held.length - most)
      return this.#set({ waiting: this.#held.length })
    }
    const before = this.state.rows.length
    const rows = merge(this.state.rows, arrived)
    const cut = rows.length > most
    this.#set({
      rows: cut ? rows.slice(0, most) : rows,
      total: this.state.total + rows.length - before,
      more: this.state.more || cut
    })
  }

  /** Holds back what comes, or shows what was held back. */
  pause(paused: boolean): void {
    if (paused === this.state.paused) return
    if (!paused) {
      this.#arrived = [...this.#held, ...this.#arrived]
      this.#held = []
    }
    this.#set({ paused, waiting: 0 })
    if (!paused) this.#show()
  }

  /** The next older page, if there is one. */
  async older(): Promise<void> {
    const { loadingMore, more, phase, rows } = this.state
    const last = rows.at(-1)
    if (!more || loadingMore || phase !== "ready" || last === undefined || rows.length >= most) return
    this.#set({ loadingMore: true })
    const { signal } = this.#control
    try {
      const got = await client.traces({ ...this.#filter, limit: page, before: last.seq }, signal)
      this.#set({ rows: merge(this.state.rows, got.traces), more: got.more, total: got.total, loadingMore: false })
    } catch (error) {
      if (!signal.aborted) this.#set({ loadingMore: false, error })
    }
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = window.setTimeout(resolve, ms)
    signal.addEventListener(
      "abort",
      () => {
        window.clearTimeout(timer)
        resolve()
      },
      { once: true }
    )
  })
