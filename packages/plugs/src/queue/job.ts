/**
 * A request as a job that is kept, and what became of it: what is written down, what is refused, and how it is read
 * back.
 *
 * @module
 */
import { Key, LlmError, Mask, Request, type JsonObject, type Operation, type Result } from "@plugline/core"
import * as Canonical from "../canonical.ts"
import * as Identity from "../identity.ts"
import type { Job, JobState } from "../store/QueueStore.ts"
import type { Class } from "./turns.ts"

/** What a job's pipeline is told of it. */
export interface Delivery {
  readonly queue: string
  readonly id: string
  readonly class: Class
  readonly tenant: string
  /** Which try it is, counted from 1. */
  readonly attempt: number
  /** Whether the job was delivered before, be it in part: its provider may have been asked already. */
  readonly again: boolean
}

/** The delivery a request belongs to; read it to know which try it is. */
export const delivery: Key<Delivery> = Key.make<Delivery>("queue.delivery")

/** The same for every delivery of a job, and for no other job: hand it to whatever must not do its work twice. */
export const idempotencyKey: Key<string> = Key.make<string>("queue.idempotencyKey")

/** A job as its owner sees it. */
export interface Ticket {
  readonly id: string
  readonly class: Class
  readonly tenant: string
  readonly state: JobState
  /** How often it was tried. */
  readonly attempts: number
  /** ms since 1970. */
  readonly createdAt: number
  /** Not before this time, ms since 1970. */
  readonly runAt: number
  /** The answer, where it is done. */
  readonly result?: Result
  readonly metadata?: JsonObject
  /** Why it is dead, or why its last try failed. */
  readonly error?: LlmError
}

/** A job that has ended. */
export interface Ended extends Ticket {
  readonly state: "done" | "dead" | "cancelled"
}

/**
 * What is kept of a request: what is asked, of whom, for whom, and its metadata.
 *
 * @throws LlmError `Configuration` where it holds a credential or headers: those are added where the job is worked on, and are never
 * written down. `InvalidRequest` where it is no plain JSON, or has been answered.
 */
export const payloadOf = (request: Request): string => {
  if (request.state !== "pending") {
    throw LlmError.make({
      _tag: "InvalidRequest",
      message: `only a request that is pending can be queued; this one is ${request.state}`
    })
  }
  for (const [name, value] of Object.entries(request.config)) {
    if (value === undefined) continue
    const shown = Mask.json({ [name]: value })
    if (name !== "headers" && Canonical.text(shown) === written(() => Canonical.text({ [name]: value })) && !hasMask(shown)) continue
    throw LlmError.make({
      _tag: "Configuration",
      option: `config.${name}`,
      message: `config.${name} is not written into a queue, because it may hold a credential or is no plain JSON; `
        + "set it in the pipeline that works on the jobs"
    })
  }
  return written(() =>
    JSON.stringify({
      version: 1,
      operation: request.operation,
      provider: request.provider,
      messages: request.messages,
      options: request.options,
      config: request.config,
      metadata: request.metadata,
      identity: Identity.of(request),
      requestId: request.id
    }))
}

/** Whether two payloads ask the same for the same caller; ids and labels of the requests make no difference. */
export const sameWork = (one: string, other: string): boolean => one === other || workOf(one) === workOf(other)

const workOf = (payload: string): string => {
  const { config, identity, messages, operation, options, provider } = JSON.parse(payload) as { readonly [field: string]: unknown }
  return Canonical.text({ config, identity, messages, operation, options, provider })
}

const hasMask = (shown: unknown): boolean => JSON.stringify(shown).includes(Mask.masked)

const written = (write: () => string): string => {
  try {
    return write()
  } catch (cause) {
    throw LlmError.make({ _tag: "InvalidRequest", message: "the request cannot be queued, because it is no plain JSON" }, { cause })
  }
}

/**
 * The request of a payload.
 *
 * @throws LlmError `InvalidRequest` where the payload is none.
 */
export const requestOf = (payload: string, told: Delivery): Request => {
  const kept = JSON.parse(payload) as {
    readonly operation: Operation
    readonly provider: string
    readonly messages: Request["messages"]
    readonly options: Request["options"]
    readonly config: Request["config"]
    readonly metadata: JsonObject
    readonly identity: Identity.Identity
    readonly requestId: string
  }
  const { config, identity, messages, metadata, operation, options, provider, requestId: id } = kept
  return Request.make({ id, operation, provider, messages, options, config, metadata }).pipe(
    Request.assign(delivery, told),
    Request.assign(idempotencyKey, `${told.queue}:${told.id}`),
    (request) => Object.keys(identity).length === 0 ? request : Identity.as(request, identity)
  )
}

/** What is kept of an answered request. */
export const outcomeOf = (final: Request): string => JSON.stringify({ result: final.result, metadata: final.metadata })

/** What is kept of an error. */
export const failureOf = (error: LlmError): string => JSON.stringify({ error: error.toJSON() })

/** A job as its owner sees it. */
export const ticketOf = ({ attempts, class: name, createdAt, id, outcome, runAt, state, tenant }: Job): Ticket => {
  const kept = outcome === undefined ? {} : JSON.parse(outcome) as {
    readonly result?: Result
    readonly metadata?: JsonObject
    readonly error?: unknown
  }
  return {
    id, class: name, tenant, state, attempts, createdAt, runAt,
    ...(kept.result !== undefined && { result: kept.result }),
    ...(kept.metadata !== undefined && { metadata: kept.metadata }),
    ...(kept.error !== undefined && { error: LlmError.fromJson(kept.error) })
  }
}

/** Whether a job has come to its end. */
export const isEnded = (ticket: Ticket): ticket is Ended => ticket.state !== "waiting" && ticket.state !== "running"

/** What is asked of a provider, as a fingerprint: two requests with the same one ask the same. */
export const questionOf = ({ config, messages, operation, options, provider }: Request): string =>
  Canonical.fingerprint({ provider, operation, messages, options, ...(config.baseUrl !== undefined && { baseUrl: config.baseUrl }) })
