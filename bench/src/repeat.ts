/**
 * Repeats an exchange and makes sure that each time it brought what it should.
 *
 * @module
 */
import type { Contender } from "./worker.ts"

/** Whom a contender asks, and for which kind of answer. */
export interface Upstream {
  readonly origin: string
  /** The first part of the path; see `upstream.ts`. */
  readonly how: string
}

/** One after the other. */
export const inTurn = <A>(exchange: () => Promise<A>, expected: A): Contender => async (count) => {
  for (let run = 0; run < count; run++) check(await exchange(), expected)
}

/** All at the same time. */
export const together = <A>(exchange: () => Promise<A>, expected: A): Contender => async (count) => {
  for (const brought of await Promise.all(Array.from({ length: count }, exchange))) check(brought, expected)
}

const check = (brought: unknown, expected: unknown): void => {
  if (brought === expected) return
  throw new Error(`the exchange brought ${JSON.stringify(brought)}, not ${JSON.stringify(expected)}`)
}
