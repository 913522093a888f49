/**
 * Recorded runs by their ids: fetched from the gateway, run by this page, or opened from a file. A few are kept.
 *
 * @module
 */
import type { Recorded } from "../../api.ts"
import * as client from "./client.ts"
import { type Resource, useResource } from "./resource.ts"

const most = 24
const kept = new Map<string, Recorded>()
const files = new Set<string>()

/** Keeps a recording that came another way than by {@link load}. */
export const put = (recorded: Recorded, from: "gateway" | "file" = "gateway"): void => {
  const { id } = recorded.summary
  kept.delete(id)
  kept.set(id, recorded)
  if (from === "file") files.add(id)
  for (const oldest of kept.keys()) {
    if (kept.size <= most) break
    kept.delete(oldest)
    files.delete(oldest)
  }
}

/** Whether a recording was opened from a file: the gateway does not know it. */
export const isFile = (id: string): boolean => files.has(id)

export const load = async (id: string, signal?: AbortSignal): Promise<Recorded> => {
  const found = kept.get(id)
  if (found !== undefined) return found
  const recorded = await client.trace(id, signal)
  put(recorded)
  return recorded
}

export const useRecorded = (id: string | undefined): Resource<Recorded> => {
  const resource = useResource(id, (signal) => load(id!, signal))
  // What is at hand is there at the first drawing.
  const found = id === undefined ? undefined : kept.get(id)
  return resource.value === undefined && found !== undefined ? { ...resource, value: found, loading: false } : resource
}

/** Reads a trace file. Throws an `LlmError` that says what does not fit. */
export const open = async (file: File): Promise<Recorded> => {
  if (file.size > largest) throw new Error(`${file.name} is larger than ${largest / 1_000_000} MB`)
  const { read } = await import("../../model/read.ts")
  let json: unknown
  try {
    json = JSON.parse(await file.text())
  } catch {
    throw new Error(`${file.name} is not JSON`)
  }
  const recorded = read(json)
  try {
    // The gateway keeps it for a while under an id of its own: then it can be replayed and forked like any other.
    const { id, summary } = await client.imported(recorded)
    const known: Recorded = { ...recorded, summary: { ...summary, id } }
    put(known)
    return known
  } catch {
    // Too large for the gateway, or none of its business: it can be looked at all the same.
    put(recorded, "file")
    return recorded
  }
}

/** Most bytes of a file. */
const largest = 200_000_000
