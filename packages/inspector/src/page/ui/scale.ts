/**
 * Round numbers and places for labels, for what is drawn along a line. Pure.
 *
 * @module
 */

/** Round numbers from 0 to `end`, at most so many: 1, 2 or 5 times a power of ten apart. */
export const ticks = (end: number, most: number): ReadonlyArray<number> => {
  if (!(end > 0) || most < 1) return [0]
  const rough = end / most
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power
  return Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, index) => index * step)
}

/** Labels in as few lanes as keep them apart, each a number from 0. A label that finds no place in `most` lanes has none. */
export const lanes = (
  labels: ReadonlyArray<{ readonly from: number; readonly to: number }>,
  most: number
): ReadonlyArray<number | undefined> => {
  const ends: Array<number> = []
  return labels.map(({ from, to }) => {
    for (let lane = 0; lane < most; lane++) {
      if ((ends[lane] ?? -Infinity) > from) continue
      ends[lane] = to
      return lane
    }
    return undefined
  })
}
