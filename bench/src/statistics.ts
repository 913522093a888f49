/**
 * Tells what a set of repeated measurements amounts to: the middle one, and where the middle half of them lies.
 *
 * @module
 */

/** Repeated measurements of one thing. */
export interface Spread {
  readonly median: number
  /** A quarter of the measurements lies below. */
  readonly low: number
  /** A quarter of the measurements lies above. */
  readonly high: number
}

/** The spread of some measurements; between two of them, values are interpolated. */
export const spread = (values: ReadonlyArray<number>): Spread => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => {
    const place = (sorted.length - 1) * share
    const below = sorted[Math.floor(place)]
    const above = sorted[Math.ceil(place)]
    if (below === undefined || above === undefined) throw new RangeError("there is nothing to summarise")
    return below + (above - below) * (place - Math.floor(place))
  }
  return { median: at(0.5), low: at(0.25), high: at(0.75) }
}

/** Measurement by measurement, one series worked out against another taken in the same rounds. */
export const paired = (
  a: ReadonlyArray<number>,
  b: ReadonlyArray<number>,
  f: (a: number, b: number) => number
): ReadonlyArray<number> => {
  if (a.length !== b.length) throw new RangeError(`${a.length} measurements cannot be paired with ${b.length}`)
  return a.map((value, index) => f(value, b[index]!))
}
