/**
 * Moments as other formats write them.
 *
 * @module
 */

/** A time in ms since 1970 as ISO 8601; of one that is none, the beginning of 1970. */
export const isoOf = (ms: number): string => Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : new Date(0).toISOString()

/** A time as nanoseconds since 1970: `at` ms after `startedAt`. */
export const nanosOf = (startedAt: number, at: number): string =>
  String(BigInt(Math.max(0, Math.trunc(startedAt))) * 1_000_000n + BigInt(Math.max(0, Math.round((startedAt % 1 + at) * 1e6))))
