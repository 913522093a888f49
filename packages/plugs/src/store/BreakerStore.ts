/**
 * Where circuits are kept: which are open, until when, and what led there. In memory here, for one process;
 * `BreakerStore.redis.ts` keeps them where several processes share them.
 *
 * Not built on `effect/persistence/CircuitBreaker`: it counts calls and not time, knows no slow calls, takes exactly
 * one probe, cannot be opened or closed by hand, and tells each instance of its own transitions only. The rules for
 * stale reports and leases are the same.
 *
 * @module
 */
import { Context, Effect, Layer, PubSub } from "effect"
import { openTime, type Policy, type Report, trips, type Why } from "../breaker/policy.ts"
import type { Now } from "../cost/now.ts"
import { Slots } from "../retry/Slots.ts"
import type { StoreError } from "./patience.ts"

/** `closed`: calls pass. `open`: they are refused. `half-open`: a few pass, to see whether it works again. */
export type State = "closed" | "open" | "half-open"

/** A call that may pass, as its circuit remembers it. */
export interface Permit {
  readonly _tag: "Permit"
  readonly state: "closed" | "half-open"
  /** A report of an earlier generation says nothing about this one. */
  readonly generation: number
  /** Which probe it is, or 0. */
  readonly probe: number
  /** What this call moved. */
  readonly moved?: Transition
}

/** A call that may not pass. */
export interface Refusal {
  readonly _tag: "Refusal"
  readonly state: "open" | "half-open"
  /** When it may be worth coming back, in ms; absent where the circuit was opened by hand and stays so. */
  readonly retryAfter?: number
}

/** A circuit has moved. */
export interface Transition {
  readonly circuit: string
  readonly from: State
  readonly to: State
  /**
   * `time`: it has been open long enough. `probe`: a probe failed. `probes`: all probes succeeded. `manual`: somebody
   * said so.
   */
  readonly why: Why | "time" | "probe" | "probes" | "manual"
  /** When, in ms since 1970. */
  readonly at: number
  /** How long it stays open, in ms, where it opened for a time. */
  readonly openFor?: number
}

/** A circuit as it stands. Times in ms. */
export interface Snapshot {
  readonly circuit: string
  readonly state: State
  /** Whether it was opened by hand and stays so. */
  readonly forced: boolean
  /** When it last moved, since 1970. */
  readonly since: number
  /** How long it stays open yet. */
  readonly retryAfter?: number
  /** Calls in the window that ends now. */
  readonly calls: number
  readonly failures: number
  readonly slow: number
  /** Failures in a row. */
  readonly consecutive: number
  /** How often it opened without having been well for as long as it was last open. */
  readonly openings: number
  /** Probes on their way. */
  readonly probing: number
}

/** What somebody may tell a circuit. `for`: ms it stays open; without it, until it is told otherwise. */
export type Order = { readonly to: "open"; readonly for?: number | undefined } | { readonly to: "closed" | "reset" }

/** Circuits. A store in memory answers at once, any other with an Effect. `now` in ms since 1970. */
export class BreakerStore extends Context.Service<BreakerStore, {
  readonly admit: (circuit: string, policy: Policy, now: number) => Now<Permit | Refusal, StoreError>
  readonly report: (circuit: string, policy: Policy, permit: Permit, report: Report, now: number) => Now<Transition | undefined, StoreError>
  readonly order: (circuit: string, order: Order, now: number) => Now<Transition | undefined, StoreError>
  readonly read: (circuit: string, now: number) => Now<Snapshot | undefined, StoreError>
  readonly circuits: () => Now<ReadonlyArray<string>, StoreError>
  /** What moves in this process; the latest few hundred for who is slow to read. */
  readonly transitions: PubSub.PubSub<Transition>
}>()("@plugline/plugs/BreakerStore") {}

/** How many circuits are kept in memory. */
export interface MemoryBreakerOptions {
  /** Beyond it those that were not used for longest are forgotten. Default: 10,000. */
  readonly maxCircuits?: number
}

/** Where transitions are told. */
export const transitionsHub: Effect.Effect<PubSub.PubSub<Transition>> = PubSub.sliding<Transition>(256)

/** How long a caller is told to wait while probes are on their way, at most, in ms. */
export const probePause = 1_000

/** Circuits in memory: those of one process, gone with it. */
export const memory = ({ maxCircuits = 10_000 }: MemoryBreakerOptions = {}): Layer.Layer<BreakerStore> =>
  Layer.effect(
    BreakerStore,
    Effect.map(transitionsHub, (transitions) => {
      const circuits = new Map<string, Circuit>()
      const generations = { latest: 0 }
      const of = (name: string, now: number): Circuit => {
        let circuit = circuits.get(name)
        if (circuit === undefined) {
          if (circuits.size >= maxCircuits) circuits.delete(longestUnused(circuits))
          circuits.set(name, circuit = new Circuit(name, generations, now))
        }
        return circuit
      }
      return {
        admit: (name, policy, now) => of(name, now).admit(policy, now),
        report: (name, policy, permit, report, now) => circuits.get(name)?.report(policy, permit, report, now),
        order: (name, order, now) => of(name, now).order(order, now),
        read: (name, now) => circuits.get(name)?.snapshot(now),
        circuits: () => [...circuits.keys()],
        transitions
      }
    })
  )

/** Closed ones go first: what an open one knows is worth more. */
const longestUnused = (circuits: ReadonlyMap<string, Circuit>): string => {
  let found: Circuit | undefined
  for (const circuit of circuits.values()) {
    if (found === undefined || (circuit.closed === found.closed ? circuit.used < found.used : circuit.closed)) found = circuit
  }
  return found!.name
}

const calls = 0
const failures = 1
const slow = 2

class Circuit {
  readonly name: string
  /** When it was last used. */
  used: number
  /** Shared by all circuits, so that one that was forgotten and made anew takes no report meant for the old. */
  readonly #generations: { latest: number }
  readonly #probes = new Map<number, number>()
  #generation: number
  #state: State = "closed"
  #forced = false
  #since: number
  #openUntil = 0
  #openings = 0
  /** Once it has been closed until then, it counts as well. */
  #wellAt = 0
  #lastOpenFor = 0
  #consecutive = 0
  #slots: Slots | undefined
  #window = 0
  #succeeded = 0
  #probe = 0

  constructor(name: string, generations: { latest: number }, now: number) {
    this.name = name
    this.#generations = generations
    this.#generation = ++generations.latest
    this.used = this.#since = now
  }

  get closed(): boolean {
    return this.#state === "closed"
  }

  admit(policy: Policy, now: number): Permit | Refusal {
    this.used = now
    if (this.#state === "closed") return { _tag: "Permit", state: "closed", generation: this.#generation, probe: 0 }
    let moved: Transition | undefined
    if (this.#state === "open") {
      if (this.#forced) return { _tag: "Refusal", state: "open" }
      if (now < this.#openUntil) return { _tag: "Refusal", state: "open", retryAfter: this.#openUntil - now }
      moved = this.#move("half-open", "time", now)
    }
    let soonest = Infinity
    for (const [probe, until] of this.#probes) {
      if (until <= now) this.#probes.delete(probe)
      else soonest = Math.min(soonest, until)
    }
    if (this.#probes.size > 0 && this.#probes.size + this.#succeeded >= policy.probes) {
      return { _tag: "Refusal", state: "half-open", retryAfter: Math.min(probePause, soonest - now) }
    }
    const probe = ++this.#probe
    this.#probes.set(probe, now + policy.lease)
    return { _tag: "Permit", state: "half-open", generation: this.#generation, probe, ...(moved !== undefined && { moved }) }
  }

  report(policy: Policy, permit: Permit, { outcome, retryAfter, slow: wasSlow }: Report, now: number): Transition | undefined {
    if (permit.generation !== this.#generation) return undefined
    this.used = now
    const failed = outcome === "failure"
    if (this.#state === "half-open") {
      if (!this.#probes.delete(permit.probe) || outcome === "ignored") return undefined
      if (failed || (wasSlow && policy.slowRate > 0)) return this.#open(policy, "probe", retryAfter, now)
      return ++this.#succeeded >= policy.probes ? this.#close("probes", now) : undefined
    }
    if (outcome === "ignored") return undefined
    this.#consecutive = failed ? this.#consecutive + 1 : 0
    if (this.#slots === undefined || this.#window !== policy.window) {
      this.#slots = new Slots(policy.window, 3)
      this.#window = policy.window
    }
    this.#slots.add(now, calls)
    if (failed) this.#slots.add(now, failures)
    else if (wasSlow) this.#slots.add(now, slow)
    // A call that went well may be the one that makes the window hold enough calls.
    const why = trips(policy, this.#counts(now))
    return why === undefined ? undefined : this.#open(policy, why, retryAfter, now)
  }

  order(order: Order, now: number): Transition | undefined {
    this.used = now
    if (order.to === "open") {
      this.#forced = order.for === undefined
      this.#openUntil = now + (order.for ?? 0)
      return this.#move("open", "manual", now, order.for)
    }
    const moved = this.#close("manual", now)
    if (order.to === "reset") this.#openings = 0
    return moved
  }

  snapshot(now: number): Snapshot {
    const over = this.#state === "open" && !this.#forced && now >= this.#openUntil
    let probing = 0
    for (const until of this.#probes.values()) if (until > now) probing++
    return {
      circuit: this.name,
      state: over ? "half-open" : this.#state,
      forced: this.#forced,
      since: over ? this.#openUntil : this.#since,
      ...(this.#state === "open" && !over && !this.#forced && { retryAfter: this.#openUntil - now }),
      ...this.#counts(now),
      openings: this.#openings,
      probing
    }
  }

  #counts(now: number) {
    const slots = this.#slots
    return {
      calls: slots?.sum(now, calls) ?? 0,
      failures: slots?.sum(now, failures) ?? 0,
      slow: slots?.sum(now, slow) ?? 0,
      consecutive: this.#consecutive
    }
  }

  #open(policy: Policy, why: Transition["why"], retryAfter: number | undefined, now: number): Transition {
    if (this.#state === "closed" && now >= this.#wellAt) this.#openings = 0
    const openFor = openTime(policy, ++this.#openings, retryAfter)
    this.#openUntil = now + openFor
    this.#lastOpenFor = openFor
    return this.#move("open", why, now, openFor)!
  }

  #close(why: Transition["why"], now: number): Transition | undefined {
    this.#forced = false
    this.#wellAt = now + this.#lastOpenFor
    return this.#move("closed", why, now)
  }

  /** Whatever it moves to, what was counted before counts no more, nor does what is still on its way. */
  #move(to: State, why: Transition["why"], now: number, openFor?: number): Transition | undefined {
    const from = this.#state
    this.#state = to
    this.#since = now
    this.#generation = ++this.#generations.latest
    this.#consecutive = 0
    this.#slots?.clear()
    this.#probes.clear()
    this.#succeeded = 0
    return from === to ? undefined : { circuit: this.name, from, to, why, at: now, ...(openFor !== undefined && { openFor }) }
  }
}
