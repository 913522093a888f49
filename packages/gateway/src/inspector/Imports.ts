/**
 * Requests that somebody opened from a file: kept in memory for him alone, and only for a while.
 *
 * @module
 */
import type { Recorded } from "@plugline/inspector"
import { randomBytes } from "node:crypto"
import type { Principal } from "../auth/Principal.ts"

interface Imported {
  readonly owner: string
  readonly recorded: Recorded
  readonly bytes: number
}

/** Most of them, of everybody together. */
const most = { entries: 50, bytes: 64 * 1024 * 1024 } as const

/** Requests from files. */
export class Imports {
  readonly #kept = new Map<string, Imported>()
  #bytes = 0

  /** Whether an id is one of these. */
  static isImported(id: string): boolean {
    return id.startsWith("file_")
  }

  /** Keeps one, and says under which id; the oldest go where there are too many. */
  add(principal: Principal, recorded: Recorded, bytes: number): Recorded {
    const id = `file_${randomBytes(8).toString("hex")}`
    const { key: _key, tenant: _tenant, user: _user, ...summary } = recorded.summary
    const { tenant } = principal.identity
    // Whose it was is what a file says; who opened it is known. Nor does a file lead a tenant into a pipeline that is none of its own.
    const { pipeline: _pipeline, ...ownCall } = recorded.call ?? {}
    const kept: Recorded = {
      ...recorded,
      ...(recorded.call !== undefined && tenant !== undefined && { call: ownCall }),
      summary: { ...summary, id, parent: summary.id, ...(tenant !== undefined && { tenant }) }
    }
    this.#kept.set(id, { owner: ownerOf(principal), recorded: kept, bytes })
    this.#bytes += bytes
    for (const [oldest, { bytes }] of this.#kept) {
      if (this.#kept.size <= most.entries && this.#bytes <= most.bytes) break
      this.#kept.delete(oldest)
      this.#bytes -= bytes
    }
    return kept
  }

  /** What this one opened under an id. */
  find(principal: Principal, id: string): Recorded | undefined {
    const found = this.#kept.get(id)
    return found !== undefined && found.owner === ownerOf(principal) ? found.recorded : undefined
  }
}

const ownerOf = ({ id, identity: { tenant }, kind }: Principal): string => JSON.stringify([kind, id, tenant ?? null])
