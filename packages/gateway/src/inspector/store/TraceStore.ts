/**
 * Where requests that are over are kept for the inspector: what each took and cost, and of some every step. Bounded by age,
 * number and bytes; the oldest go first.
 *
 * Whatever is asked `within` a tenant knows of that tenant's requests alone.
 *
 * @module
 */
import type { Summary, Traces, TracesQuery } from "@plugline/inspector"
import type { StoreError } from "@plugline/plugs"
import { Context, type Effect } from "effect"

/** A request that is over. Its number it gets from the store. */
export interface Entry {
  readonly summary: Omit<Summary, "seq" | "bytes">
  /** Its steps, packed. */
  readonly record?: Uint8Array
}

/** A request that is kept. */
export interface Kept {
  readonly summary: Summary
  /** Its steps, packed; absent where they are not kept. */
  readonly record?: Uint8Array
}

/** How much is kept. */
export interface Bounds {
  /** In ms. */
  readonly maxAge: number
  readonly maxEntries: number
  readonly maxBytes: number
}

/** What a request took and cost, as far as it is counted together with others. */
export interface Measure {
  readonly seq: number
  readonly at: number
  readonly took: number
  readonly failed: boolean
  readonly provider: string | undefined
  readonly model: string | undefined
  readonly tenant: string | undefined
  readonly pipeline: string
  readonly inputTokens: number
  readonly outputTokens: number
  /** USD; absent: unknown. */
  readonly cost: number | undefined
  readonly saved: number
  readonly firstToken: number | undefined
}

/** Which of them are wanted. */
export interface Range {
  readonly since: number
  readonly until: number
  /** Only those behind this number. */
  readonly after: number
  readonly limit: number
}

/** What is kept in all. */
export interface Info {
  readonly entries: number
  readonly bytes: number
}

/** Requests that are over. */
export class TraceStore extends Context.Service<TraceStore, {
  /** Keeps them, in this order, and lets go of what is too old or too much. */
  readonly add: (entries: ReadonlyArray<Entry>) => Effect.Effect<void, StoreError>
  /** The latest that fit, newest first. */
  readonly list: (query: TracesQuery, within?: string) => Effect.Effect<Traces, StoreError>
  /** Those behind a number, oldest first. */
  readonly after: (seq: number, limit: number, within?: string) => Effect.Effect<ReadonlyArray<Summary>, StoreError>
  readonly find: (id: string, within?: string) => Effect.Effect<Kept | undefined, StoreError>
  /** What they took and cost, oldest first; without forks on what was recorded, which took and cost nobody anything. */
  readonly measures: (range: Range, within?: string) => Effect.Effect<ReadonlyArray<Measure>, StoreError>
  readonly info: (within?: string) => Effect.Effect<Info, StoreError>
  /** The number of the latest of all; 0 where there is none. */
  readonly last: Effect.Effect<number, StoreError>
}>()("@plugline/gateway/TraceStore") {}

/** How many a list holds where nothing is said, and at most. */
export const listed = { usual: 200, most: 1_000 } as const
