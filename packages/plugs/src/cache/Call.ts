/**
 * One question at a cache: looks it up, waits for an equal one that is under way, or asks the provider and keeps the
 * answer.
 *
 * Of equal questions at the same time one leads: it asks the provider, and the others are given its answer once it is
 * whole, also of a stream. They do not read along: what had been handed out of a reply whose reader leaves could be
 * neither continued nor taken back. Who waits too long asks alone. Where the one that leads fails or is left, the next
 * one leads.
 *
 * @module
 */
import type { Catalog } from "@plugline/catalog"
import { type FinishReason, LlmError, type Next, Reply, Request } from "@plugline/core"
import { Deferred, Effect, Exit } from "effect"
import { andThen, effect, type Now } from "../cost/now.ts"
import { claim, type Claim, ownerOf, take } from "./claim.ts"
import { type Entry, of as entryOf, refusal } from "./Entry.ts"
import type { Flight, FlightsShape, Outcome } from "./Flights.ts"
import type { KeyOptions } from "./key.ts"
import { isServed, mark, type Status } from "./status.ts"
import { type CacheStoreShape, type Lock, open } from "./Store.ts"
import { sourceOf, Timeline } from "./timeline.ts"

/** How a cache does its work. Times in ms. */
export interface Settings {
  readonly ttl: number
  readonly stale: number
  readonly wait: number
  readonly maxGap: number
  readonly finish: ReadonlyArray<FinishReason>
  readonly recorded: boolean
  readonly onlyDeterministic: boolean
  readonly key: KeyOptions
}

/** What a cache works with. */
export interface Desk {
  readonly store: CacheStoreShape
  readonly flights: FlightsShape
  readonly catalog: Catalog
  /** ms since 1970. */
  readonly now: () => number
}

/** A question at a cache, asked once. */
export class Call {
  readonly #settings: Settings
  readonly #desk: Desk
  readonly #request: Request
  readonly #next: Next
  readonly #key: string
  readonly #begun: number
  #deadline: number | undefined

  constructor(settings: Settings, desk: Desk, request: Request, next: Next, key: string) {
    this.#settings = settings
    this.#desk = desk
    this.#request = request
    this.#next = next
    this.#key = key
    this.#begun = desk.now()
  }

  /** The answer from the cache, or else the provider's, kept. At once where the store answers at once. */
  ask(): Now<Request> {
    const { flights, store } = this.#desk
    const now = this.#desk.now()
    const found = store.get(this.#key, now)
    const flight = flights.find(this.#key)
    if (!Effect.isEffect(found)) return this.#found(this.#usable(found, now), flight, now)
    const stale = this.#usable(flight?.stale, now)
    if (stale !== undefined) return this.#serve(stale, now)
    // Others wait already for the look into the store, so that a thousand equal questions look once.
    return this.#join((own) =>
      Effect.flatMap(open(found, "down" as const), (entry) => {
        const now = this.#desk.now()
        const usable = entry === "down" ? undefined : this.#usable(entry, now)
        if (usable === undefined) return this.#lead(own, entry !== "down")
        this.#land(own, usable)
        return effect(this.#serveFound(usable, now))
      }))
  }

  /** The provider's answer in place of what is kept. */
  renew(): Effect.Effect<Request> {
    return this.#go(undefined, undefined, true, "refreshed")
  }

  /** The answer from the cache, or none. */
  look(): Now<Request> {
    const now = this.#desk.now()
    const found = this.#desk.store.get(this.#key, now)
    return andThen(Effect.isEffect(found) ? open(found, undefined) : found, (entry) => {
      const usable = this.#usable(entry, now)
      if (usable !== undefined) return this.#serve(usable, now)
      this.#desk.flights.count("miss", this.#request.provider)
      return Request.fail(mark(this.#request, { status: "miss", key: this.#key }), LlmError.make({
        _tag: "Halted",
        message: "the cache has no answer to this, and the caller wants none from the provider (only-if-cached)"
      }))
    })
  }

  // --- what is kept

  /** An entry that this plug may still give, fresh or stale. */
  #usable(entry: Entry | undefined, now: number): Entry | undefined {
    return entry !== undefined && now - entry.at < this.#settings.ttl + this.#settings.stale ? entry : undefined
  }

  #isFresh(entry: Entry, now: number): boolean {
    return now - entry.at < this.#settings.ttl
  }

  #found(entry: Entry | undefined, flight: Flight | undefined, now: number): Now<Request> {
    if (entry !== undefined) return flight === undefined ? this.#serveFound(entry, now) : this.#serve(entry, now)
    return this.#join((own) => this.#lead(own, true))
  }

  /** Gives an entry; one that is stale is asked for anew in the background. */
  #serveFound(entry: Entry, now: number): Now<Request> {
    return this.#isFresh(entry, now)
      ? this.#serve(entry, now)
      : Effect.map(this.#refreshBehind(entry), () => this.#serve(entry, now))
  }

  /**
   * Gives an entry. `landed`: it is what another call came back with, which may have been asking the provider
   * meanwhile.
   */
  #serve(entry: Entry, now: number, landed = false): Request {
    const { flights } = this.#desk
    const shared = landed && entry.at >= this.#begun
    const status = shared || this.#isFresh(entry, now) ? "hit" : "stale"
    flights.count(status, this.#request.provider, shared)
    flights.saved(entry.saves)
    const marked = mark(this.#request, {
      status,
      age: Math.max(0, now - entry.at),
      key: this.#key,
      ...(shared && { shared })
    })
    return this.#settings.recorded && entry.timeline !== undefined && this.#request.operation === "stream"
      ? Request.halt(Request.stream(marked, sourceOf(entry.timeline, this.#settings.maxGap)))
      : Request.halt(marked, entry.result)
  }

  // --- others who ask the same

  /**
   * Waits for the equal call that is under way, or is it. Decided when this runs, for nobody waits for what is never
   * run.
   */
  #join(lead: (own: Flight) => Effect.Effect<Request>): Effect.Effect<Request> {
    return Effect.suspend(() => {
      const flight = this.#desk.flights.find(this.#key)
      return flight === undefined ? this.#begin(lead) : this.#follow(flight)
    })
  }

  /**
   * A call that others wait for. However it goes wrong, nobody is left waiting; a reply that is still arriving lands at
   * its end.
   */
  #begin(asking: (own: Flight) => Effect.Effect<Request>, stale?: Entry): Effect.Effect<Request> {
    let own: Flight | undefined
    return Effect.onExit(
      Effect.suspend(() => asking(own = this.#desk.flights.begin(this.#key, stale))),
      (exit) => Exit.isSuccess(exit) ? Effect.void : Effect.sync(() => this.#land(own, "failed"))
    )
  }

  /** Until when it waits for others. */
  #until(): number {
    return this.#deadline ??= this.#desk.now() + this.#settings.wait
  }

  #follow(flight: Flight): Effect.Effect<Request> {
    const left = this.#until() - this.#desk.now()
    if (left <= 0) return this.#go(undefined, undefined, true, "miss")
    const landed = Deferred.await(flight.landed)
    const waited: Effect.Effect<Outcome | "late"> = Number.isFinite(left)
      ? Effect.timeoutOrElse(landed, { duration: left, orElse: () => Effect.succeed("late" as const) })
      : landed
    return Effect.flatMap(waited, (outcome) =>
      outcome === "failed"
        ? effect(this.ask())
        : outcome === "late" || outcome === "unkept"
        ? this.#go(undefined, undefined, true, "miss")
        : Effect.succeed(this.#serve(outcome, this.#desk.now(), true)))
  }

  /** Asks the provider for all who wait, here and in other processes. */
  #lead(flight: Flight, up: boolean): Effect.Effect<Request> {
    const { lock } = this.#desk.store
    if (lock === undefined || !up || this.#settings.wait <= 0) return this.#go(flight, undefined, up, "miss")
    return Effect.flatMap(ownerOf, (owner) =>
      this.#locked(
        owner,
        Effect.flatMap(claim(this.#claimed(lock, owner), this.#until(), this.#stored()), (entry) => {
          if (entry === undefined) return this.#go(flight, owner, true, "miss")
          this.#land(flight, entry)
          return Effect.map(effect(this.#unlock(owner)), () => this.#serve(entry, this.#desk.now(), true))
        })
      ))
  }

  /** The entry in the store, if it is fresh. */
  #stored(): Effect.Effect<Entry | undefined> {
    return Effect.suspend(() =>
      Effect.map(open(effect(this.#desk.store.get(this.#key, this.#desk.now())), undefined), (entry) =>
        entry !== undefined && this.#isFresh(entry, this.#desk.now()) ? entry : undefined))
  }

  #claimed(lock: Lock, owner: string): Claim {
    return { lock, key: this.#key, owner, wait: this.#settings.wait, now: this.#desk.now }
  }

  /** Asks anew in the background, if nobody does already. */
  #refreshBehind(stale: Entry): Effect.Effect<void> {
    const { flights, store } = this.#desk
    const lock = this.#settings.wait > 0 ? store.lock : undefined
    const refreshed = this.#begin((flight) =>
      lock === undefined
        ? this.#go(flight, undefined, true, "refreshed")
        : Effect.flatMap(ownerOf, (owner) =>
          this.#locked(
            owner,
            Effect.flatMap(take(this.#claimed(lock, owner)), (ours) => {
              if (ours !== false) return this.#go(flight, owner, true, "refreshed")
              this.#land(flight, "failed")
              return Effect.succeed(this.#request)
            })
          )), stale)
    return Effect.suspend(() =>
      flights.find(this.#key) === undefined
        ? Effect.asVoid(Effect.forkIn(Effect.ignoreCause(Effect.flatMap(refreshed, Reply.drain)), flights.scope, {
          startImmediately: true
        }))
        : Effect.void)
  }

  // --- the provider

  /** Asks the provider and keeps its answer once it is whole. */
  #go(
    flight: Flight | undefined,
    owner: string | undefined,
    up: boolean,
    status: Status["status"]
  ): Effect.Effect<Request> {
    this.#desk.flights.count(status, this.#request.provider)
    const timeline = this.#settings.recorded ? new Timeline(this.#desk.now) : undefined
    return Effect.flatMap(this.#next(mark(this.#request, { status, key: this.#key })), (answer) => {
      const recorded = timeline !== undefined && answer.state === "streaming"
        ? Reply.through(answer, timeline.transform)
        : answer
      return effect(andThen(recorded, (recorded) =>
        Reply.atEnd(recorded, {
          _tag: "Finisher",
          plug: "cache",
          content: true,
          always: true,
          done: (final) => this.#keep(final, status, flight, owner, up, timeline)
        })))
    })
  }

  /** Keeps the answer, and tells who waits. */
  #keep(
    final: Request,
    status: Status["status"],
    flight: Flight | undefined,
    owner: string | undefined,
    up: boolean,
    timeline: Timeline | undefined
  ): Now<Request> {
    const said = { status, key: this.#key } as const
    const kept = this.#entry(final, timeline)
    if (typeof kept === "string") {
      const served = isServed(final)
      this.#land(flight, final.state === "completed" ? "unkept" : "failed")
      return andThen(this.#unlock(owner), () =>
        final.state === "completed" && !served ? mark(final, { ...said, stored: false, why: kept }) : final)
    }
    // Who waits is not to wait for the store.
    if (flight !== undefined) this.#desk.flights.land(flight, kept)
    const written = up ? this.#desk.store.set(this.#key, kept, this.#desk.now()) : "down"
    const stored = Effect.isEffect(written)
      ? Effect.ensuring(open(written, "down" as const), Effect.sync(() => this.#land(flight, kept)))
      : written
    return andThen(stored, (stored) => {
      this.#land(flight, kept)
      return andThen(this.#unlock(owner), () =>
        mark(final, {
          ...said,
          stored: stored === true,
          ...(stored === false && { why: "it is too large" }),
          ...(stored === "down" && { why: "the store is down" })
        }))
    })
  }

  /** What is kept of an answer, or why it is not. */
  #entry(final: Request, timeline: Timeline | undefined): Entry | string {
    if (isServed(final)) return "it is from another cache"
    const why = refusal(final, this.#settings.finish)
    if (why !== undefined) return why
    try {
      return entryOf(final, final.result!, {
        at: this.#desk.now(),
        catalog: this.#desk.catalog,
        keep: this.#settings.ttl + this.#settings.stale,
        timeline: timeline !== undefined && timeline.pulls.length > 0 ? timeline.pulls : undefined
      })
    } catch {
      return "it cannot be kept"
    }
  }

  /** Tells who waits how it ended, and lets the next one begin. */
  #land(flight: Flight | undefined, outcome: Outcome): void {
    if (flight === undefined) return
    this.#desk.flights.end(this.#key, flight)
    this.#desk.flights.land(flight, outcome)
  }

  /** Gives the lock back where asking goes wrong. */
  #locked(owner: string, asking: Effect.Effect<Request>): Effect.Effect<Request> {
    return Effect.onExit(asking, (exit) => Exit.isSuccess(exit) ? Effect.void : effect(this.#unlock(owner)))
  }

  #unlock(owner: string | undefined): Now<void> {
    const { lock } = this.#desk.store
    return owner === undefined || lock === undefined ? undefined : open(lock.release(this.#key, owner), undefined)
  }
}
