/**
 * What the caches say of an answer and what a caller may ask of them, under typed keys. It stands alone, so that any
 * plug can read it.
 *
 * @module
 */
import { Json, type JsonObject, Key, Request } from "@plugline/core"

/**
 * How an answer came about: `hit` from a cache, `stale` from a cache after its time, `miss` from the provider,
 * `refreshed` from the provider because the caller wanted it anew, `bypass` past the cache.
 */
export interface Status {
  readonly status: "hit" | "miss" | "stale" | "bypass" | "refreshed"
  /** How old the answer is, in ms; of a hit. */
  readonly age?: number
  /** Whether it is the answer to an equal call that was under way at the same time. */
  readonly shared?: true
  /** Whether the provider's answer was kept. Known once it is whole. */
  readonly stored?: boolean
  /** Why the answer was not kept, or why the cache was passed by. */
  readonly why?: string
  /** The entry's key: 64 hexadecimal digits. Not among the metadata. */
  readonly key?: string
  /** How likeness was measured, where the answer is to a question that is only alike. */
  readonly measure?: string
  /** How alike the two questions are, up to 1. */
  readonly similarity?: number
}

/** What the caches say of an answer. */
export const status: Key<Status> = Key.make<Status>("cache.status")

/**
 * What a caller may ask of the caches: `skip` them, `refresh` the entry, or answer `only-if-cached` and never ask the
 * provider.
 */
export type Order = "skip" | "refresh" | "only-if-cached"

/** Where {@link Order} is written. */
export const order: Key<Order> = Key.make<Order>("cache.control")

/** Writes what a cache says of an answer: in full for plugs, in short for people. */
export const mark = (request: Request, said: Status): Request => {
  const { key: _, ...shown } = said
  return Request.putMetadata(Request.assign(request, status, said), "cache", shown as JsonObject)
}

/**
 * Whether an answer came from a cache, so that it cost nothing. Goes by what the caches wrote, not by what a caller can
 * say.
 */
export const isServed = (request: Request): boolean => {
  const said: unknown = Request.get(request, status)
  return Json.isRecord(said) && (said.status === "hit" || said.status === "stale")
}
