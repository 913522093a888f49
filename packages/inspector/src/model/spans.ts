/**
 * Sums up times that overlap.
 *
 * @module
 */

/** From when to when. */
export type Window = readonly [from: number, to: number]

/** How much of the time from `from` to `to` lies in any of these windows. */
export const covered = (windows: ReadonlyArray<Window>, from: number, to: number): number => {
  let sum = 0
  let reached = from
  for (const [start, end] of windows.toSorted((a, b) => a[0] - b[0])) {
    const begin = Math.max(start, reached)
    const stop = Math.min(end, to)
    if (stop > begin) {
      sum += stop - begin
      reached = stop
    }
  }
  return sum
}
