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
  /** The file: read, it would take up many times as much. */
  readonly file: Buffer
  /** What is known better than the file says. */
  readonly known: Pick<Recorded, "summary" | "call">
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

  /** Keeps one, as it is in a file, and says under which id; the oldest go where there are too many. */
  add(principal: Principal, recorded: Recorded, file: Buffer): Recorded["summary"] {
    const id = `file_${randomBytes(8).toString("hex")}`
    const { key: _key, tenant: _tenant, user: _user, ...summary } = recorded.summary
    const { tenant } = principal.identity
    // Whose it was is what a file says; who opened it is known. Nor does a file lead a tenant into a pipeline that is none of its own.
    const { pipeline: _pipeline, ...ownCall } = recorded.call ?? {}
    const known: Imported["known"] = {
      ...(recorded.call !== undefined && tenant !== undefined && { call: ownCall }),
      summary: { ...summary, id, parent: summary.id, ...(tenant !== undefined && { tenant }) }
    }
    this.#kept.set(id, { owner: ownerOf(principal), file, known })
    this.#bytes += file.length
    for (const [oldest, { file }] of this.#kept) {
      if (this.#kept.size <= most.entries && this.#bytes <= most.bytes) break
      this.#kept.delete(oldest)
      this.#bytes -= file.length
    }
    return known.summary
  }

  /** What this one opened under an id. */
  find(principal: Principal, id: string): Recorded | undefined {
    const found = this.#kept.get(id)
    if (found === undefined || found.owner !== ownerOf(principal)) return undefined
    return { ...JSON.parse(found.file.toString("utf8")) as Recorded, ...found.known }
  }
}

const ownerOf = ({ id, identity: { tenant }, kind }: Principal): string => JSON.stringify([kind, id, tenant ?? null])
