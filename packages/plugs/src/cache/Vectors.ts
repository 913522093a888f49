/**
 * Where a semantic cache keeps questions as vectors, with their answers: in memory, or in SQLite. Vectors are compared
 * one by one, so a partition (what one tenant asks of one model under one system prompt) is bounded: 2,000 vectors of
 * 1,024 numbers are compared in some 3 ms in memory, 500 in some 6 ms in SQLite.
 *
 * @module
 */
import { Context } from "effect"
import type { Now } from "../cost/now.ts"
import type { StoreError } from "../store/patience.ts"
import type { Entry } from "./Entry.ts"
import type { Unit } from "./likeness.ts"

/** The nearest question and its answer. */
export interface Near {
  readonly entry: Entry
  /** The cosine of the two vectors, up to 1. */
  readonly similarity: number
}

/** A store of questions by likeness. Times are in ms since 1970. */
export class VectorStore extends Context.Service<VectorStore, {
  /** The most alike question of a partition that is not over, if any is at least so much alike. */
  readonly nearest: (partition: string, vector: Unit, least: number, now: number) => Now<Near | undefined, StoreError>
  /** Keeps a question; `false` where it is too large. What was kept under the same id before is replaced. */
  readonly add: (partition: string, id: string, vector: Unit, entry: Entry, now: number) => Now<boolean, StoreError>
  readonly clear: () => Now<void, StoreError>
  readonly size: () => Now<{ readonly entries: number; readonly bytes: number }, StoreError>
}>()("@plugline/plugs/VectorStore") {}

/** How much is kept. */
export interface VectorOptions {
  /**
   * Most bytes: two for each character of an entry's JSON text, four for each number of its vector. Default: 64 MiB.
   */
  readonly maxBytes?: number
  /** Most questions of one partition; the oldest go first. Default: 2,000 in memory, 500 in SQLite. */
  readonly maxPerPartition?: number
}

/** How many bytes are kept where nothing else is said. */
export const defaultBytes = 64 * 1024 * 1024

/** What a question takes up. */
export const bytesOf = (partition: string, id: string, vector: Unit, text: string): number =>
  2 * (text.length + partition.length + id.length) + 4 * vector.length + 256
