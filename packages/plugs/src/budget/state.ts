/**
 * How limits stand, and which thresholds a charge has passed. Pure.
 *
 * @module
 */
import { Key } from "@plugline/core"
import * as Amount from "../cost/amount.ts"
import type { Balance } from "../store/BudgetStore.ts"
import type { Applied, Rules } from "./limit.ts"
import { forecast } from "./period.ts"

/** How one limit stands. Amounts are decimal text in USD. */
export interface Standing {
  readonly limit: string
  /** Whose account it is: `user ada`, `all`. */
  readonly whose: string
  readonly kind: "hard" | "soft"
  readonly amount: string
  readonly spent: string
  /** Held for calls that are still running. */
  readonly held: string
  /** Charges of which nobody knows how much they were. */
  readonly unknown: number
  /** When it starts anew, ISO 8601. Absent: never. */
  readonly resetsAt?: string
  /** What will be spent by then if it goes on as it has so far. */
  readonly forecast?: string
}

/** A limit has been spent to one of its thresholds. */
export interface Alert extends Standing {
  /** The threshold, as a fraction of the limit. */
  readonly threshold: number
}

/** What a budget did with a request. Plain JSON; amounts are decimal text in USD. */
export interface State {
  /** What was held for it. Absent where the store could not be asked. */
  readonly held?: string
  /** What it was charged in the end. Absent while it runs. */
  readonly charged?: string
  /** Whether `charged` is only what it is taken for, because nobody knows. */
  readonly unknown?: true
  /** The limits it counts in, as they stood afterwards. */
  readonly limits: ReadonlyArray<Standing>
  /** The thresholds its charge has passed. */
  readonly alerts: ReadonlyArray<Alert>
}

/** Where {@link State} is written. */
export const state: Key<State> = Key.make<State>("budget.state")

/** How a limit stands at a moment. */
export const standingOf = (
  { period, rule, whose }: Applied,
  { held, spent, unknown }: Balance,
  now: number
): Standing => {
  const ahead = forecast(spent, period, now)
  return {
    limit: rule.name,
    whose,
    kind: rule.hard ? "hard" : "soft",
    amount: Amount.text(rule.amount),
    spent: Amount.text(spent),
    held: Amount.text(held),
    unknown,
    ...(period.resetsAt !== undefined && { resetsAt: period.resetsAt }),
    ...(ahead !== undefined && { forecast: Amount.text(ahead) })
  }
}

/** The thresholds that accounts have passed between what they had spent before and what they stand at now. */
export const alertsOf = (
  { thresholds }: Rules,
  applied: ReadonlyArray<Applied>,
  before: ReadonlyArray<Amount.Amount>,
  balances: ReadonlyArray<Balance>,
  now: number
): ReadonlyArray<Alert> => {
  let raised: Array<Alert> | undefined
  for (let index = 0; index < applied.length; index++) {
    const each = applied[index]!
    const earlier = before[index]! * 1_000n
    const later = balances[index]!.spent * 1_000n
    if (later <= earlier) continue
    for (const threshold of thresholds) {
      const mark = each.rule.amount * BigInt(threshold)
      if (earlier < mark && later >= mark) {
        ;(raised ??= []).push({ ...standingOf(each, balances[index]!, now), threshold: threshold / 1_000 })
      }
    }
  }
  return raised ?? none
}

const none: ReadonlyArray<Alert> = Object.freeze([])
