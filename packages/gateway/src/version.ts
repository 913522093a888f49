/**
 * The version of this package, as its manifest has it.
 *
 * @module
 */

/** The version of this package. */
export const version = "0.1.0"
