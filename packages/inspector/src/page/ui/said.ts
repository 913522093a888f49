/**
 * What was said, as it stands in a record.
 *
 * @module
 */

/** A message as it stands in a record: what is not known of it is shown as JSON. */
export interface Said {
  readonly role: string
  readonly content: unknown
}

/** A piece of what was said, likewise. */
export type Piece = { readonly type?: unknown; readonly [field: string]: unknown }
