/**
 * What the section `batches` of the configuration may say.
 *
 * @module
 */
import { Schema } from "effect"
import { fieldOr, Size, Span, whole } from "./values.ts"

/** Batches of requests, and their files. */
export const Batches = Schema.Struct({
  concurrency: fieldOr(whole(1, 1_000), 8, "Most lines of all batches that are asked at a time, in this process."),
  fileLimit: fieldOr(Size, "100mb", "Most bytes of one file that is uploaded."),
  storage: fieldOr(Size, "1gb", "Most bytes of all files of one tenant; of one key, where it has no tenant."),
  lines: fieldOr(whole(1, 1_000_000), 50_000, "Most lines of one batch."),
  open: fieldOr(whole(1, 10_000), 50, "Most batches of one tenant that have not ended."),
  keep: fieldOr(Span, "14 days", "How long files, and batches that have ended, are kept where a client does not say so.")
})

/** The section, with its defaults. */
export type Batches = typeof Batches.Type
