/**
 * Cached answers in memory: those of one process, gone with it. Never more than so many bytes; what was used longest
 * ago goes first.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { encode, type Entry, frozen, isOver } from "../cache/Entry.ts"
import { CacheStore } from "../cache/Store.ts"
import { StoreError } from "./patience.ts"

/** How much is kept in memory. */
export interface MemoryCacheOptions {
  /** Most bytes of all entries, counted as two for each character of their JSON text. Default: 64 MiB. */
  readonly maxBytes?: number
  /** Most bytes of one entry. Default: an eighth of `maxBytes`. */
  readonly maxEntryBytes?: number
}

interface Kept {
  readonly entry: Entry
  readonly bytes: number
}

/** What an entry takes up besides its text. */
const overhead = 256

/**
 * Answers in memory. Entries are copies that cannot be changed, so a hit needs no reading and no caller can spoil it
 * for the next.
 */
export const memory = (
  { maxBytes = 64 * 1024 * 1024, maxEntryBytes = Math.floor(maxBytes / 8) }: MemoryCacheOptions = {}
): Layer.Layer<CacheStore> =>
  Layer.sync(CacheStore, () => {
    const kept = new Map<string, Kept>()
    let bytes = 0
    const drop = (key: string, { bytes: size }: Kept): void => {
      kept.delete(key)
      bytes -= size
    }
    return {
      get: (key, now) => {
        const found = kept.get(key)
        if (found === undefined) return undefined
        if (isOver(found.entry, now)) {
          drop(key, found)
          return undefined
        }
        // A map keeps the order in which its keys were set.
        kept.delete(key)
        kept.set(key, found)
        return found.entry
      },
      set: (key, entry) => {
        let text: string
        let copy: Entry
        try {
          text = encode(entry)
          copy = frozen(text)
        } catch (thrown) {
          return Effect.fail(new StoreError("cache", "the entry is no JSON", thrown))
        }
        const size = 2 * (text.length + key.length) + overhead
        const before = kept.get(key)
        if (before !== undefined) drop(key, before)
        if (size > maxEntryBytes || size > maxBytes) return false
        for (const [oldest, found] of kept) {
          if (bytes + size <= maxBytes) break
          drop(oldest, found)
        }
        kept.set(key, { entry: copy, bytes: size })
        bytes += size
        return true
      },
      remove: (key) => {
        const found = kept.get(key)
        if (found !== undefined) drop(key, found)
      },
      clear: () => {
        kept.clear()
        bytes = 0
      },
      size: () => [{ store: "memory", entries: kept.size, bytes }]
    }
  })
