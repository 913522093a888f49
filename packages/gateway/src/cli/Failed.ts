/**
 * What a command ends with where it cannot do what it was asked: one sentence for a person.
 *
 * @module
 */

/** A command that failed. */
export class Failed extends Error {
  readonly _tag = "Failed"
}
