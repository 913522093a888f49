/**
 * Counts how far a batch has come: items, tokens, cost, and how long it may still take.
 *
 * @module
 */
import type { Catalog } from "@plugline/catalog"
import type { Request, Result } from "@plugline/core"
import { type Amount, parse, text } from "../cost/amount.ts"
import { of as chargeOf } from "../cost/charge.ts"
import { known } from "../cost/tracked.ts"
import { of as trackedOf } from "../TrackCost.ts"

/** How far a batch has come. */
export interface Progress {
  /** Items that were answered, now or before. */
  readonly done: number
  /** Of those, the ones the journal knew. */
  readonly resumed: number
  readonly failed: number
  /** All items, where their number is known. */
  readonly total?: number
  /** What the answers of this run used, as far as providers said. */
  readonly tokens: { readonly input: number; readonly output: number }
  /** What is known of this run's cost, in USD, as decimal text. */
  readonly cost: string
  /** Answers whose cost is not, or not wholly, known: where there are any, the true cost is higher. */
  readonly unknownCosts: number
  /** Since the beginning, in ms. */
  readonly elapsed: number
  /**
   * How long the rest may take, in ms, if it goes on as so far. Absent until an item was asked, and where `total` is.
   */
  readonly eta?: number
}

/** Counts one run. */
export class Tally {
  #done = 0
  #resumed = 0
  #failed = 0
  #input = 0
  #output = 0
  #cost: Amount = 0n
  #unknown = 0
  readonly #total: number | undefined
  readonly #begun: number
  readonly #catalog: Catalog

  constructor(total: number | undefined, begun: number, catalog: Catalog) {
    this.#total = total
    this.#begun = begun
    this.#catalog = catalog
  }

  get failed(): number {
    return this.#failed
  }

  resumed(): void {
    this.#done++
    this.#resumed++
  }

  asked(final: Request): void {
    if (final.state === "completed") this.#done++
    else this.#failed++
    this.#count(final.result)
    const tracked = trackedOf(final)
    if (tracked !== undefined) {
      this.#cost += parse(tracked.known) ?? 0n
      if (tracked.total === undefined) this.#unknown++
      return
    }
    const charge = chargeOf(final, this.#catalog)
    this.#cost += known(charge)
    if (charge._tag === "Unknown") this.#unknown++
  }

  /** An item that failed before it could be asked. */
  broken(): void {
    this.#failed++
  }

  #count(result: Result | undefined): void {
    if (result === undefined || !("usage" in result)) return
    this.#input += result.usage.inputTokens.total ?? 0
    this.#output += result.usage.outputTokens.total ?? 0
  }

  at(now: number): Progress {
    const elapsed = Math.max(0, now - this.#begun)
    const asked = this.#done + this.#failed - this.#resumed
    const total = this.#total
    const left = total === undefined ? 0 : Math.max(0, total - this.#done - this.#failed)
    return {
      done: this.#done,
      resumed: this.#resumed,
      failed: this.#failed,
      ...(total !== undefined && { total }),
      tokens: { input: this.#input, output: this.#output },
      cost: text(this.#cost),
      unknownCosts: this.#unknown,
      elapsed,
      ...(total !== undefined && asked > 0 && { eta: Math.round(elapsed / asked * left) })
    }
  }
}
