/**
 * Files, batches and lists as OpenAI's clients know them.
 *
 * @module
 */
import { type JsonObject, LlmError } from "plugline"
import type { FileEntry, Page } from "./Files.ts"
import type { Batch, Counts, Status } from "./Register.ts"

const seconds = (ms: number): number => Math.floor(ms / 1_000)

/** A file. */
export const fileOf = ({ bytes, created, expires, filename, id, purpose }: FileEntry): JsonObject => ({
  id, object: "file", bytes, created_at: seconds(created), expires_at: seconds(expires), filename, purpose, status: "processed"
})

/** A batch, with how far its lines have come. */
export const batchOf = ({ created, expires, facts, id, status }: Batch, counts: Counts): JsonObject => {
  const { at, endpoint, faults, files, input, metadata, written } = facts
  const when = (status: Status): number | null => at[status] === undefined ? null : seconds(at[status])
  return {
    id,
    object: "batch",
    endpoint,
    errors: faults === undefined ? null : { object: "list", data: faults.map((fault) => ({ ...fault })) },
    input_file_id: input,
    completion_window: "24h",
    status,
    output_file_id: written?.output === true ? files.output : null,
    error_file_id: written?.errors === true ? files.errors : null,
    created_at: seconds(created),
    in_progress_at: when("in_progress"),
    expires_at: seconds(expires),
    finalizing_at: when("finalizing"),
    completed_at: when("completed"),
    failed_at: when("failed"),
    expired_at: when("expired"),
    cancelling_at: when("cancelling"),
    cancelled_at: when("cancelled"),
    request_counts: { ...counts },
    metadata
  }
}

/** A page of a list; `entries` are one more than fit where there are more. */
export const listOf = (entries: ReadonlyArray<JsonObject>, limit: number): JsonObject => {
  const data = entries.slice(0, limit)
  return {
    object: "list", data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more: entries.length > limit
  }
}

/**
 * Which page a query asks for.
 *
 * @throws LlmError `InvalidRequest`, status 400.
 */
export const pageOf = (query: string, most: number, usual: number): Page & { readonly purpose?: string } => {
  const asked = new URLSearchParams(query)
  const limit = asked.get("limit") ?? String(usual)
  if (!/^\d{1,5}$/.test(limit) || Number(limit) < 1 || Number(limit) > most) {
    throw invalid("limit", `limit must be a whole number from 1 to ${most}`)
  }
  const order = asked.get("order") ?? "desc"
  if (order !== "asc" && order !== "desc") throw invalid("order", "order must be asc or desc")
  const purpose = asked.get("purpose")
  return { after: asked.get("after") ?? undefined, limit: Number(limit), newest: order === "desc", ...(purpose !== null && { purpose }) }
}

/** What is wrong with a request. */
export const invalid = (parameter: string, message: string, code?: string): LlmError =>
  LlmError.make({ _tag: "InvalidRequest", status: 400, parameter, message, ...(code !== undefined && { code }) })

/** There is none, or it is not the caller's: nobody is told which. */
export const missing = (what: "file" | "batch"): LlmError =>
  LlmError.make({
    _tag: "InvalidRequest", status: 404, parameter: "id", code: `${what}_not_found`, message: `there is no such ${what} here`
  })

/** How long results are kept, in ms, as a client says it with `anchor` and `seconds`; `undefined` where he does not. */
export const keepOf = (anchor: unknown, given: unknown, field: string): number | undefined => {
  if (anchor === undefined && given === undefined) return undefined
  const seconds = Number(given)
  if (anchor !== "created_at" || !Number.isInteger(seconds) || seconds < 3_600 || seconds > 2_592_000) {
    throw invalid(field, `${field} must have the anchor created_at, and seconds from 3600 to 2592000`)
  }
  return seconds * 1_000
}

/** Labels of a batch. */
export const metadataOf = (given: unknown): JsonObject | null => {
  if (given === undefined || given === null) return null
  const entries = typeof given === "object" && !Array.isArray(given) ? Object.entries(given) : undefined
  const fits = entries !== undefined && entries.length <= 16
    && entries.every(([name, value]) => name.length <= 64 && typeof value === "string" && value.length <= 512)
  if (!fits) throw invalid("metadata", "metadata must be at most 16 texts of 512 characters, with names of 64")
  return given as JsonObject
}
