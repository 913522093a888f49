/**
 * Decides whose turn it is: how classes share the workers so that the lowest never starves, how long a failed job
 * rests, and what a caller is told who comes to a full queue. Pure; every store asks here or does the same in its own
 * language.
 *
 * @module
 */

/** Classes of work, the most urgent first. */
export const classes = ["high", "normal", "batch"] as const

/** A class of work. */
export type Class = typeof classes[number]

/** A number for each class. */
export type PerClass = { readonly [Name in Class]: number }

/** Where each class stands on the common road: the one that has come least far is served next. */
export interface Passes extends PerClass {
  /** How far the class that was served last had come. */
  readonly virtual: number
}

/** The road before anything was served. */
export const start: Passes = { virtual: 0, high: 0, normal: 0, batch: 0 }

/**
 * The classes in the order in which they should be served: the one that has come least far first. A class that had
 * nothing to do does not save up turns: it goes on from where the others are.
 *
 * @example
 * ```ts
 * import { Queue } from "@plugline/plugs"
 *
 * Queue.order({ virtual: 0, high: 1, normal: 0, batch: 0.5 }) // => ["normal", "batch", "high"]
 * ```
 */
export const order = (passes: Passes): ReadonlyArray<Class> =>
  classes.toSorted((a, b) => Math.max(passes[a], passes.virtual) - Math.max(passes[b], passes.virtual))

/**
 * The road after a class was served: it goes on by one over its weight, so a class of twice the weight is served twice
 * as often.
 */
export const advance = (passes: Passes, served: Class, weights: PerClass): Passes => {
  const virtual = Math.max(passes[served], passes.virtual)
  return { ...passes, virtual, [served]: virtual + 1 / weights[served] }
}

/**
 * How long a failed job rests before its next delivery, in ms: doubled each time from `base` up to `max`, of that a
 * random part (`chance`, 0 to 1), and never less than the service asked for (which counts up to `max`).
 */
export const rest = (
  attempt: number,
  chance: number,
  { base, max, retryAfter = 0 }: { readonly base: number; readonly max: number; readonly retryAfter?: number | undefined }
): number => {
  const asked = Number.isFinite(retryAfter) ? Math.max(0, retryAfter) : 0
  return Math.min(max, Math.max(asked, Math.ceil(chance * Math.min(max, base * 2 ** Math.min(attempt - 1, 40)))))
}

/**
 * What a caller is told who comes to a full class, in ms: the time in which a tenth of it drains. What has waited
 * longest tells how long the whole takes. At least 1 s, at most 5 min.
 */
export const retryAfter = (oldest: number, now: number): number =>
  Math.min(300_000, Math.max(1_000, Math.ceil((now - oldest) / 10)))
