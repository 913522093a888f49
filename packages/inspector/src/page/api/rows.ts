/**
 * The list of requests as data: what belongs in it, how pages and events become one list, how long to wait. Pure.
 *
 * @module
 */
import type { Summary, TracesQuery } from "../../api.ts"

/** What narrows the list down. */
export type Filter = Pick<TracesQuery, "q" | "provider" | "model" | "pipeline" | "tenant" | "cache" | "status">

export const filterNames = ["q", "status", "provider", "model", "pipeline", "cache", "tenant"] as const

/** Most rows that are kept; the oldest go. */
export const most = 20_000

/** Whether a request that just ended belongs in the list: as the gateway itself would choose. */
export const matches = (summary: Summary, filter: Filter): boolean => {
  for (const name of ["provider", "pipeline", "tenant", "cache"] as const) {
    const wanted = filter[name]
    if (wanted !== undefined && wanted !== "" && summary[name] !== wanted) return false
  }
  if (filter.model !== undefined && filter.model !== "" && summary.model !== filter.model && summary.asked !== filter.model)
    return false
  if (filter.status !== undefined && filter.status !== "") {
    const { status } = summary
    const fits =
      filter.status === "ok" ? status < 400 : filter.status === "error" ? status >= 400 : String(status) === filter.status
    if (!fits) return false
  }
  if (filter.q === undefined || filter.q.trim() === "") return true
  const { asked, error, id, model, provider, route, tenant, user } = summary
  const text = [id, asked, model, provider, route, error?.reason, error?.message, tenant, user]
    .filter((each) => each !== undefined)
    .join("\n")
    .toLowerCase()
  return filter.q
    .trim()
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}

/** Two lists as one, newest first, each request once. */
export const merge = (rows: ReadonlyArray<Summary>, more: ReadonlyArray<Summary>): ReadonlyArray<Summary> => {
  if (more.length === 0) return rows
  const sorted = [...more].sort((a, b) => b.seq - a.seq)
  if (rows.length === 0 || sorted.at(-1)!.seq > rows[0]!.seq) return unique([...sorted, ...rows])
  if (sorted[0]!.seq < rows.at(-1)!.seq) return unique([...rows, ...sorted])
  return unique([...sorted, ...rows].sort((a, b) => b.seq - a.seq))
}

const unique = (sorted: ReadonlyArray<Summary>): ReadonlyArray<Summary> => {
  const out = sorted.filter((row, index) => index === 0 || row.seq !== sorted[index - 1]!.seq)
  return out.length === sorted.length ? sorted : out
}

/** How long to wait before the connection is tried again, in ms. */
export const backoff = (tries: number): number => Math.min(10_000, 400 * 2 ** Math.min(tries, 6))
