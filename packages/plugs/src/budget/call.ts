/**
 * One call on a budget: what is held for it, and what it is charged however it ends.
 *
 * @module
 */
import type { Catalog } from "@plugline/catalog"
import { type Next, Reply, Request } from "@plugline/core"
import { Clock, Effect, Exit, PubSub } from "effect"
import * as Amount from "../cost/amount.ts"
import { of as chargeOf } from "../cost/charge.ts"
import { attempt, effect } from "../cost/now.ts"
import { known } from "../cost/tracked.ts"
import type { BudgetStore, Reservation, Settled } from "../store/BudgetStore.ts"
import { orElse, patience, type StoreError } from "../store/patience.ts"
import type { Count } from "../tokens/count.ts"
import type { Applied, Rules } from "./limit.ts"
import { type Alert, alertsOf, standingOf, state } from "./state.ts"
import { Arrived, estimateOf } from "./worst.ts"

/** What every call on a budget needs. */
export interface Means {
  readonly rules: Rules
  readonly store: BudgetStore["Service"]
  readonly catalog: Catalog
  readonly bus: PubSub.PubSub<Alert>
}

/** One call with what is held for it. */
export interface Held {
  readonly id: string
  readonly amount: Amount.Amount
  readonly applied: ReadonlyArray<Applied>
  /** Tokens of the prompt, as expected and at most. */
  readonly prompt: Count
  /** Whether it has no price, and passes as unknown. */
  readonly unpriced: boolean
  /** Alerts that were raised by holds that had run out. */
  readonly alerts: ReadonlyArray<Alert>
}

/** Lets what is in it be interrupted again. */
export type Restore = <A, E, R>(inner: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Makes the call, and settles what is held for it however it ends. */
export const call = (
  means: Means,
  held: Held,
  request: Request,
  restore: Restore,
  next: Next
): Effect.Effect<Request> =>
  Effect.flatMap(
    Effect.onExit(restore(next(request)), (exit) =>
      Exit.isFailure(exit) ? Effect.asVoid(settle(means, held, request, nothing, true)) : Effect.void),
    (answer) => {
      if (answer.state !== "streaming") return settle(means, held, answer, () => Arrived.of(answer))
      // What has arrived is weighed as it passes, so that a stream that is left can be charged for it.
      let arrived = new Arrived("")
      const weighed = Reply.through(answer, {
        _tag: "Transform",
        plug: "budget",
        open: (request) => {
          arrived = new Arrived(request.options.model ?? "")
          return (part) => {
            arrived.add(part)
            return part
          }
        }
      })
      return Effect.flatMap(effect(weighed), (answer) =>
        effect(Reply.atEnd(answer, {
          _tag: "Finisher",
          plug: "budget",
          content: false,
          always: true,
          done: (final) => settle(means, held, final, () => arrived.tokens)
        })))
    }
  )

/** Holds what the call can cost at most; `undefined` where the store cannot be asked. */
export const reserve = (
  { rules, store }: Means,
  { amount, applied, id }: Omit<Held, "alerts">,
  now: number
): Effect.Effect<Reservation | undefined> => {
  const claims = applied.map(({ claim }) => claim)
  const accounts = claims.map(({ account }) => account)
  const hold = { id, amount, expires: now + rules.hold, claims }
  // Where it is not known whether it was held, it is let go of, so that nobody pays for a call that was not made.
  const letGo = (): Effect.Effect<undefined> =>
    Effect.as(
      Effect.forkDetach(Effect.ignoreCause(Effect.timeout(
        Effect.suspend(() => effect(store.settle({ id, accounts, amount: 0n, unknown: false }, now))),
        patience * 10
      ))),
      undefined
    )
  const { whenDown } = rules
  return asked(() => store.reserve(hold, now), whenDown, whenDown === "closed" ? letGo : () => Effect.undefined)
}

/** Asks the store; one in memory answers at once, any other is given as long as patience lasts. */
const asked = <A>(
  ask: () => A | Effect.Effect<A, StoreError>,
  way: "open" | "closed",
  instead: () => Effect.Effect<undefined>
): Effect.Effect<A | undefined> =>
  Effect.suspend(() => {
    const answer = attempt(ask)
    return Effect.isEffect(answer) ? orElse(answer, { store: "budget", way, instead }) : Effect.succeed(answer)
  })

const nothing = (): number => 0

/** Replaces what is held with what was charged, and writes it on the request. `left`: the call was interrupted. */
const settle = (
  means: Means,
  held: Held,
  final: Request,
  arrived: () => number,
  left = false
): Effect.Effect<Request> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const { applied, id } = held
    const { amount, unknown } = chargedFor(means, held, final, arrived, left)
    const accounts = applied.map(({ claim }) => claim.account)
    // A settlement that does not arrive leaves the hold, which becomes a charge in time: never free.
    const settling = () => means.store.settle({ id, accounts, amount, unknown }, now)
    return Effect.map(asked(settling, "closed", () => Effect.undefined), (settled) => {
      const raised = settled === undefined ? [] : raisedBy(means.rules, applied, settled, now)
      publish(means.bus, raised)
      const before = Request.get(final, state)
      const charged = Amount.text(amount)
      const alerts = [...held.alerts, ...raised]
      return Request.putMetadata(
        Request.assign(final, state, {
          ...(before?.held !== undefined && { held: before.held }),
          charged,
          ...(unknown && { unknown }),
          limits: settled === undefined
            ? before?.limits ?? []
            : applied.map((each, index) => standingOf(each, settled[index]!.balance, now)),
          alerts
        }),
        "budget",
        {
          held: Amount.text(held.amount),
          charged,
          ...(unknown && { unknown }),
          ...(alerts.length > 0 && { alerts: alerts.map(({ limit, threshold }) => `${limit} ${threshold * 100} %`) })
        }
      )
    })
  })

interface Charged {
  readonly amount: Amount.Amount
  readonly unknown: boolean
}

/** What a call is charged: what it cost, or by policy where nobody knows. Of what is known it is never charged less. */
const chargedFor = (
  { catalog, rules }: Means,
  held: Held,
  final: Request,
  arrived: () => number,
  left: boolean
): Charged => {
  const charge = chargeOf(final, catalog, left)
  switch (charge._tag) {
    case "Free":
      return { amount: 0n, unknown: false }
    case "Unknown": {
      const least = known(charge)
      const taken = rules.uncertain === "reservation" || held.unpriced
        ? held.amount
        : estimateOf(final, held.prompt.tokens, arrived(), catalog) ?? held.amount
      return { amount: taken > least ? taken : least, unknown: true }
    }
    default:
      return { amount: Amount.of(charge.total, "up"), unknown: false }
  }
}

const raisedBy = (
  rules: Rules,
  applied: ReadonlyArray<Applied>,
  settled: ReadonlyArray<Settled>,
  now: number
): ReadonlyArray<Alert> =>
  alertsOf(rules, applied, settled.map(({ before }) => before), settled.map(({ balance }) => balance), now)

/** Tells whoever listens. */
export const publish = (bus: PubSub.PubSub<Alert>, raised: ReadonlyArray<Alert>): void => {
  for (const alert of raised) PubSub.publishUnsafe(bus, alert)
}
