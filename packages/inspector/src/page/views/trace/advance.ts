/**
 * How time goes on in what is played back. Pure.
 *
 * @module
 */

/** Where a player is after some time, and whether it goes on. */
export const advanced = (
  at: number,
  passed: number,
  speed: number,
  end: number
): { readonly at: number; readonly playing: boolean } => {
  const next = at + passed * speed
  return next >= end ? { at: end, playing: false } : { at: next, playing: true }
}
