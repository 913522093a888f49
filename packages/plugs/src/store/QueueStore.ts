/**
 * Where queued jobs are kept: who is next is decided there, in one step, so that several processes agree.
 *
 * `effect/persistence/PersistedQueue` keeps jobs as safely, but knows no classes, tenants, caps, cancelling, answers or
 * dead letters that can be sent again; one queue per class and tenant could not share workers fairly between processes.
 * So these stores are our own, and pass the same contract.
 *
 * Stores read no clock: times come from the caller, in ms since 1970. The clocks of the machines that share a queue
 * must agree to well within a lease.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { Class, PerClass } from "../queue/turns.ts"
import type { StoreError } from "./patience.ts"

/** How far a job has come. `waiting` holds those that are delayed. */
export type JobState = "waiting" | "running" | "done" | "dead" | "cancelled"

/** A job to be kept. */
export interface NewJob {
  readonly queue: string
  readonly id: string
  readonly class: Class
  readonly tenant: string
  readonly payload: string
  /** Not before this time. */
  readonly runAt: number
  readonly now: number
  /** Most jobs of this class that are waiting or running. */
  readonly depth: number
}

/** What became of a job that was to be kept. */
export type Pushed =
  | { readonly _tag: "Accepted" }
  /** There is one of this id, with this payload: nothing was changed. */
  | { readonly _tag: "Known"; readonly payload: string }
  /** The class is full. `oldest`: since when its oldest unfinished job is there. */
  | { readonly _tag: "Full"; readonly oldest: number }

/** What takes jobs. */
export interface Take {
  readonly queue: string
  readonly now: number
  /** Most jobs. */
  readonly max: number
  /** How long they are lent, in ms. */
  readonly lease: number
  readonly weights: PerClass
  /** A job that was lent this often and never came back is dead. */
  readonly deliveries: number
  /** How long one that is found dead so is kept, in ms. */
  readonly keep: number
  /** What is said of it. */
  readonly lost: string
}

/** A job that was taken. */
export interface Delivered {
  readonly id: string
  readonly class: Class
  readonly tenant: string
  readonly payload: string
  /** Which delivery it is, counted from 1; those that were given back without a try do not count. */
  readonly attempt: number
  /** Tells this delivery from every other of the job: only its holder may give it back. */
  readonly fence: number
}

/** How a delivery ended. */
export type Settlement =
  /** Answered. The first answer counts, whoever brings it. */
  | { readonly _tag: "Done"; readonly outcome: string; readonly expires: number }
  /** To be tried again, not before `runAt`. */
  | { readonly _tag: "Retry"; readonly outcome: string; readonly runAt: number }
  /** Not to be tried again. */
  | { readonly _tag: "Dead"; readonly outcome: string; readonly expires: number }
  /** Given back without a try. */
  | { readonly _tag: "Release" }

/** Which delivery. */
export interface Held {
  readonly queue: string
  readonly id: string
  readonly fence: number
  readonly now: number
}

/** A job as it stands. */
export interface Job {
  readonly id: string
  readonly class: Class
  readonly tenant: string
  readonly state: JobState
  readonly payload: string
  readonly attempts: number
  readonly createdAt: number
  readonly runAt: number
  /** The answer, or what went wrong last. */
  readonly outcome: string | undefined
}

/** How many jobs of a class are where. */
export interface ClassStats {
  readonly waiting: number
  /** Of those waiting, the ones whose time has not come. */
  readonly delayed: number
  readonly running: number
  /** How long the oldest unfinished job has been there, in ms; 0 where there is none. */
  readonly age: number
}

/** How many jobs are where. */
export interface Stats {
  readonly classes: { readonly [Name in Class]: ClassStats }
  readonly done: number
  readonly dead: number
  readonly cancelled: number
}

/** What can be asked of a store. */
export interface QueueStoreShape {
  readonly push: (job: NewJob) => Effect.Effect<Pushed, StoreError>
  /** The jobs whose turn it is. Those whose lease has ended go back first. */
  readonly take: (take: Take) => Effect.Effect<ReadonlyArray<Delivered>, StoreError>
  /** Lengthens the lease; false where the delivery is no longer the holder's. */
  readonly renew: (held: Held, until: number) => Effect.Effect<boolean, StoreError>
  /** False where it came too late: the job has ended, or is lent to another. */
  readonly settle: (held: Held, settlement: Settlement) => Effect.Effect<boolean, StoreError>
  readonly find: (queue: string, id: string, now: number) => Effect.Effect<Job | undefined, StoreError>
  /** False where there is no such job that has not ended. */
  readonly cancel: (queue: string, id: string, expires: number) => Effect.Effect<boolean, StoreError>
  /** Dead jobs, the longest dead first. */
  readonly dead: (queue: string, now: number, limit: number) => Effect.Effect<ReadonlyArray<Job>, StoreError>
  /** Lets a dead job start again from its first delivery. */
  readonly redrive: (queue: string, id: string, now: number, depth: number) => Effect.Effect<"redriven" | "missing" | "full", StoreError>
  /** What the provider answered to a question of this job, where it is known. */
  readonly answer: (queue: string, id: string, question: string) => Effect.Effect<string | undefined, StoreError>
  /** Keeps what the provider answered, until the job is gone. */
  readonly remember: (queue: string, id: string, question: string, answer: string) => Effect.Effect<void, StoreError>
  readonly stats: (queue: string, now: number) => Effect.Effect<Stats, StoreError>
  /** Removes what has ended and expired. */
  readonly sweep: (queue: string, now: number) => Effect.Effect<void, StoreError>
}

/** Where jobs are kept. */
export class QueueStore extends Context.Service<QueueStore, QueueStoreShape>()("@plugline/plugs/QueueStore") {}
