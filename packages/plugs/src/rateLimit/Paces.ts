/**
 * How far the limits of a provider are lowered because it said that it is asked too much: halved each time it says so,
 * raised again little by little. Kept in each process, by what that process was answered.
 *
 * @module
 */

/** How limits follow what a provider answers. */
export interface Adaptive {
  /** The lowest share of its limits that is left to a provider, above 0 and up to 1. */
  readonly floor: number
  /** What the share grows by each time, above 0. */
  readonly step: number
  /** ms between two times it grows. */
  readonly every: number
  /** The longest a provider is left alone because it asked for it, in ms. */
  readonly longest: number
}

/** A share of the limits, and since when; until when not to ask at all. Times in ms. */
export interface Pace {
  readonly share: number
  readonly since: number
  readonly paused: number
}

const whole: Pace = { share: 1, since: -Infinity, paused: -Infinity }

/** The share of the limits that holds now, up to 1. */
export const share = (pace: Pace, { every, step }: Adaptive, now: number): number =>
  pace.share >= 1 ? 1 : Math.min(1, pace.share + step * Math.max(0, Math.floor((now - pace.since) / every)))

/**
 * After a provider said that it is asked too much. Of the calls that were under way together only the first that is
 * answered so halves the share: `began` is when this one was let through. `retryAfter` in ms.
 */
export const slower = (
  pace: Pace,
  adaptive: Adaptive,
  { began, now, retryAfter }: { readonly began: number; readonly now: number; readonly retryAfter: number | undefined }
): Pace => {
  const asked = retryAfter !== undefined && retryAfter > 0 ? Math.min(retryAfter, adaptive.longest) : 0
  const paused = Math.max(pace.paused, asked > 0 ? now + asked : -Infinity)
  return began < pace.since
    ? { ...pace, paused }
    : { share: Math.max(adaptive.floor, share(pace, adaptive, now) / 2), since: now, paused }
}

/** The paces of all providers. */
export class Paces {
  readonly #paces = new Map<string, Pace>()

  of(provider: string): Pace {
    return this.#paces.get(provider) ?? whole
  }

  set(provider: string, pace: Pace): void {
    // Providers are few; names that somebody makes up must not fill the memory.
    if (this.#paces.size < 1_000 || this.#paces.has(provider)) this.#paces.set(provider, pace)
  }
}
