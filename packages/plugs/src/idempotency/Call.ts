/**
 * One call with a key: gives the answer that was given under the key before, waits for the call that is under way, or
 * asks and keeps the answer. At no time do two calls with one key ask, in all processes that share the store.
 *
 * @module
 */
import { type Answer, type Next, Reply, Request } from "@plugline/core"
import { Deferred, Effect, Exit } from "effect"
import { ownerOf } from "../cache/claim.ts"
import { isServed, status } from "../cache/status.ts"
import { effect, type Now } from "../cost/now.ts"
import { counter } from "../observe/series.ts"
import { count as counted, providerLabel } from "../retry/count.ts"
import { orElse, type StoreError } from "../store/patience.ts"
import type { Answers, Kept, UnderWay } from "./Answers.ts"
import { conflict, type Outcome, outcome, running, unavailable } from "./outcome.ts"

/** How calls with a key are kept apart. Times in ms. */
export interface Settings {
  readonly ttl: number
  readonly wait: number
  readonly lease: number
  readonly whenDown: "closed" | "open"
}

/** A call with a key, and what it works with. */
export interface Given {
  readonly settings: Settings
  readonly answers: Answers["Service"]
  /** ms since 1970. */
  readonly now: () => number
  readonly request: Request
  readonly next: Next
  /** Names tenant and key. */
  readonly place: string
  /** The fingerprint of what is asked. */
  readonly question: string
}

/** How often another process is asked whether it is ready: the first pause and the longest, in ms. */
const firstPause = 20
const longestPause = 500

/** Counts calls with a key by how they were answered. */
export const requests = counter("plugline.idempotency.calls", {
  description: "Calls with an idempotency key by how they were answered"
})

/** Answers the call. */
export const answer = (given: Given): Effect.Effect<Request> =>
  Effect.suspend(() => ask(given, given.now() + given.settings.wait))

const ask = (given: Given, until: number): Effect.Effect<Request> =>
  Effect.suspend(() => {
    const { answers, place, question } = given
    const other = answers.underWay.get(place)
    return other === undefined ? lead(given, until)
      : other.question !== question ? refuse(given, "conflict")
      : follow(given, other, until)
  })

/** Waits for the call that is under way here; where it failed, one of those that waited asks. */
const follow = (given: Given, { ended }: UnderWay, until: number): Effect.Effect<Request> =>
  Effect.flatMap(
    Effect.timeoutOrElse(Deferred.await(ended), {
      duration: Math.max(0, until - given.now()),
      orElse: () => Effect.succeed("late" as const)
    }),
    (how) => how === "late" ? refuse(given, "running") : how === "failed" ? ask(given, until) : serve(given, how)
  )

/** Is the one that others here wait for, however it ends. */
const lead = (given: Given, until: number): Effect.Effect<Request> => {
  const { answers, place, question } = given
  const own: UnderWay = { question, ended: Deferred.makeUnsafe() }
  answers.underWay.set(place, own)
  const claimed = Effect.flatMap(ownerOf, (owner) =>
    released(given, owner, claim(given, own, owner, until, firstPause)))
  return Effect.onExit(claimed, (exit) =>
    Exit.isSuccess(exit) ? Effect.void : Effect.sync(() => end(given, own, "failed")))
}

/** Looks the answer up; where there is none, takes the lock of the key, or waits for the process that has it. */
const claim = (given: Given, own: UnderWay, owner: string, until: number, pause: number): Effect.Effect<Request> =>
  Effect.gen(function*() {
    const { answers: { store }, now, place, settings } = given
    const ours = store.lock === undefined ? true
      : yield* closed(store.lock.take(place, owner, now() + settings.lease, now()))
    // Looked up behind the lock, because who had it before may have answered since.
    const found = ours === "down" ? "down" : yield* closed(store.get(place, now()))
    if (ours === "down" || found === "down") {
      if (settings.whenDown === "open") return yield* go(given, own, owner)
      end(given, own, "failed")
      return yield* Effect.andThen(release(given, owner), refuse(given, "unavailable"))
    }
    if (found !== undefined && "question" in found) {
      end(given, own, found as Kept)
      return yield* Effect.andThen(ours ? release(given, owner) : Effect.void, serve(given, found as Kept))
    }
    if (ours) return yield* go(given, own, owner)
    const left = until - now()
    if (left <= 0) {
      end(given, own, "failed")
      return yield* refuse(given, "running")
    }
    yield* Effect.sleep(Math.min(pause, left))
    return yield* claim(given, own, owner, until, Math.min(longestPause, pause * 2))
  })

/** Asks, and keeps the answer once it is whole. */
const go = (given: Given, own: UnderWay, owner: string): Effect.Effect<Request> =>
  Effect.flatMap(given.next(marked(given.request, "first")), (answer) =>
    effect(Reply.atEnd(answer, {
      _tag: "Finisher",
      plug: "idempotency",
      content: true,
      always: true,
      done: (final) => keep(given, own, owner, final)
    }) as Now<Request>))

const keep = (given: Given, own: UnderWay, owner: string, final: Request): Answer => {
  const { answers: { store }, now, place, question, settings } = given
  const { result } = final
  if (final.state !== "completed" || result === undefined) {
    end(given, own, "failed")
    return Effect.as(release(given, owner), final)
  }
  const kept: Kept = { at: now(), until: now() + settings.ttl, result, saves: {}, question }
  // Whoever leaves now has been charged: the answer is kept all the same.
  return Effect.uninterruptible(Effect.gen(function*() {
    const stored = yield* open(store.set(place, kept, now()))
    end(given, own, kept)
    yield* count(given, isServed(final) ? "cached" : "asked")
    if (stored === true) {
      yield* release(given, owner)
      return final
    }
    // The lock stays until its lease is over: for as long nobody else asks, though the answer could not be kept.
    return marked(final, "first", { stored: false, why: stored === false ? "it is too large" : "the store is down" })
  }))
}

/** Gives an answer again, if it is to the same question. */
const serve = (given: Given, kept: Kept): Effect.Effect<Request> => {
  if (kept.question !== given.question) return refuse(given, "conflict")
  const age = Math.max(0, given.now() - kept.at)
  // For what counts money and calls it is an answer from a cache.
  const told = Request.assign(marked(given.request, "replayed", { age }), status, { status: "hit", age })
  return Effect.as(count(given, "replayed"), Request.halt(told, kept.result))
}

const refuse = (given: Given, how: "conflict" | "running" | "unavailable"): Effect.Effect<Request> =>
  Effect.as(count(given, how), Request.fail(given.request, { conflict, running, unavailable }[how]()))

const marked = (request: Request, how: Outcome["status"], more: Omit<Outcome, "status"> = {}): Request => {
  const told = { status: how, ...more }
  return Request.putMetadata(Request.assign(request, outcome, told), "idempotency", told)
}

const end = ({ answers, place }: Given, own: UnderWay, how: Kept | "failed"): void => {
  if (answers.underWay.get(place) === own) answers.underWay.delete(place)
  Deferred.doneUnsafe(own.ended, Effect.succeed(how))
}

/** What the store answers, or that it does not. */
const asked = (way: "closed" | "open") => <A>(answer: Now<A, StoreError>): Effect.Effect<A | "down"> =>
  Effect.isEffect(answer)
    ? orElse(answer, { store: "idempotency", way, instead: () => Effect.succeed("down" as const) })
    : Effect.succeed(answer)
const closed = asked("closed")
const open = asked("open")

const release = ({ answers: { store }, place }: Given, owner: string): Effect.Effect<void> =>
  store.lock === undefined ? Effect.void : Effect.asVoid(open(store.lock.release(place, owner)))

/** Gives the lock back where asking is interrupted or goes wrong. */
const released = (given: Given, owner: string, asking: Effect.Effect<Request>): Effect.Effect<Request> =>
  Effect.onExit(asking, (exit) => Exit.isSuccess(exit) ? Effect.void : release(given, owner))

const count = ({ request }: Given, how: string): Effect.Effect<void> =>
  counted(requests, { outcome: how, provider: providerLabel(request.provider) })
