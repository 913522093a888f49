/**
 * Questions as vectors in memory: those of one process, gone with it. What was added longest ago goes first.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { encode, type Entry, frozen, isOver } from "../cache/Entry.ts"
import { cosine, type Unit } from "../cache/likeness.ts"
import { bytesOf, defaultBytes, type VectorOptions, VectorStore } from "../cache/Vectors.ts"
import { StoreError } from "./patience.ts"

interface Kept {
  readonly partition: string
  readonly id: string
  readonly vector: Unit
  readonly entry: Entry
  readonly bytes: number
}

/** Questions in memory. */
export const memory = (
  { maxBytes = defaultBytes, maxPerPartition = 2_000 }: VectorOptions = {}
): Layer.Layer<VectorStore> =>
  Layer.sync(VectorStore, () => {
    const partitions = new Map<string, Map<string, Kept>>()
    const all = new Set<Kept>()
    let bytes = 0
    const drop = (kept: Kept): void => {
      const partition = partitions.get(kept.partition)
      partition?.delete(kept.id)
      if (partition?.size === 0) partitions.delete(kept.partition)
      all.delete(kept)
      bytes -= kept.bytes
    }
    return {
      nearest: (partition, vector, least, now) => {
        let best: Kept | undefined
        let similarity = least
        for (const kept of partitions.get(partition)?.values() ?? []) {
          if (isOver(kept.entry, now)) {
            drop(kept)
            continue
          }
          const alike = cosine(kept.vector, vector)
          if (alike >= similarity) {
            similarity = alike
            best = kept
          }
        }
        return best === undefined ? undefined : { entry: best.entry, similarity }
      },
      add: (partition, id, vector, entry) => {
        let text: string
        let copy: Entry
        try {
          text = encode(entry)
          copy = frozen(text)
        } catch (thrown) {
          return Effect.fail(new StoreError("cache", "the entry is no JSON", thrown))
        }
        const size = bytesOf(partition, id, vector, text)
        const before = partitions.get(partition)?.get(id)
        if (before !== undefined) drop(before)
        if (size > maxBytes) return false
        const others = partitions.get(partition)
        if (others !== undefined && others.size >= maxPerPartition) drop(others.values().next().value!)
        for (const oldest of all) {
          if (bytes + size <= maxBytes) break
          drop(oldest)
        }
        const kept = { partition, id, vector: vector.slice(), entry: copy, bytes: size }
        const place = partitions.get(partition) ?? new Map<string, Kept>()
        partitions.set(partition, place.set(id, kept))
        all.add(kept)
        bytes += size
        return true
      },
      clear: () => {
        partitions.clear()
        all.clear()
        bytes = 0
      },
      size: () => ({ entries: all.size, bytes })
    }
  })
