/**
 * What every admin route has in common: who asks and what for, an answer or an error, and a line in the audit log for
 * what changes something.
 *
 * @module
 */
import type { StoreError } from "@plugline/plugs"
import { Cause, type Context, DateTime, Effect, Exit, type Schema } from "effect"
import { type JsonObject, type JsonValue, LlmError, Mask, type Services as Stores } from "plugline"
import { Audit, type Outcome } from "../audit/Audit.ts"
import { decode, invalid } from "../auth/input.ts"
import type { Permission } from "../auth/permissions.ts"
import { forbidden, type Principal } from "../auth/Principal.ts"
import type { Configuration, Live } from "../config/reload.ts"
import { openai } from "../dialects/openai/index.ts"
import { bodyOf, type Exchange } from "../server/Exchange.ts"
import type { Asked, Route } from "../server/Server.ts"
import type { Records } from "./records.ts"

// --- models
// ----------------------------------------------------------------------------------------------------------------

/** What admin routes tell of and act on. */
export interface Admin {
  readonly configuration: Configuration["Service"]
  readonly records: Context.Context<Records>
  /** When the gateway started, in ms since 1970. */
  readonly started: number
  /** Requests under way. */
  readonly active: () => number
  readonly isDraining: () => boolean
  /** The routes of clients. */
  readonly routes: ReadonlyArray<Route>
}

/** One request to an admin route. */
export interface Ask {
  readonly principal: Principal
  readonly requestId: string
  /** What the open place of the path holds. */
  readonly id: string
  readonly query: string
  /** The body as JSON; empty where there is none. */
  readonly input: unknown
  /** What is in force. */
  readonly live: Live
  /** When it came, in ms since 1970. */
  readonly now: number
}

/** An answer with a status of its own. */
export class Said {
  readonly status: number
  readonly body: JsonValue

  constructor(status: number, body: JsonValue) {
    this.status = status
    this.body = body
  }
}

/** An answer that is JSON already. */
export class Written {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** What a route does. */
export type Work = (ask: Ask) => Effect.Effect<JsonValue | Said | Written, LlmError | StoreError, Stores | Records>

// --- routes
// ----------------------------------------------------------------------------------------------------------------

/** A route that tells something. */
export const tells = (admin: Admin, path: string, permission: Permission, work: Work): Route => ({
  method: "GET",
  path,
  permission,
  dialect: openai,
  handle: (asked) => answer(admin, asked, work)
})

/** A route that changes something. Who may not use it is written down, too. */
export const acts = (
  admin: Admin,
  method: Route["method"],
  path: string,
  { action, permission }: { readonly permission: Permission; readonly action: string },
  work: Work
): Route => ({
  method,
  path,
  permission,
  dialect: openai,
  body: "bytes",
  refused: (exchange, who) => {
    const act = { who, action, target: exchange.parameter ?? "", outcome: "refused", requestId: exchange.id } as const
    const noted = Effect.flatMap(Audit, (audit) => audit.record(act))
    Effect.runFork(Effect.ignore(Effect.provideContext(noted, admin.records)))
  },
  handle: (asked) => answer(admin, asked, work)
})

const answer = (admin: Admin, { bytes, exchange, principal }: Asked, work: Work): void => {
  exchange.headers["cache-control"] = "no-store"
  const input = bytes.length === 0 ? {} : bodyOf(bytes)
  if (LlmError.isLlmError(input)) return exchange.fail(input)
  const live = admin.configuration.current()
  const { came: now, id: requestId, parameter: id = "", query } = exchange
  const done = Effect.provideContext(work({ principal, requestId, id, query, input, live, now }), admin.records)
  // Whoever leaves does not call off what he has begun.
  live.run(done, { onExit: (exit) => said(exchange, exit) })
}

const said = (exchange: Exchange, exit: Exit.Exit<JsonValue | Said | Written, LlmError | StoreError>): void => {
  if (Exit.isSuccess(exit)) {
    const { value } = exit
    if (value instanceof Written) return exchange.send(200, value.text, "application/json")
    return value instanceof Said ? exchange.json(value.body, value.status) : exchange.json(value)
  }
  const error = Cause.findErrorOption(exit.cause)
  if (error._tag === "None") return exchange.fail(LlmError.fromUnknown(Cause.squash(exit.cause)))
  exchange.fail(LlmError.isLlmError(error.value) ? error.value : unreachable(error.value))
}

const unreachable = (cause: StoreError): LlmError =>
  LlmError.make(
    { _tag: "Server", status: 503, retryAfter: 1_000, message: `what is kept of ${cause.store} cannot be reached now` },
    { cause }
  )

// --- for the routes
// -----------------------------------------------------------------------------------------------------------

/** Does what is about the whole gateway, with lines in the audit log; whoever belongs to a tenant may not. */
export const audited = <A, R>(
  ask: Ask,
  action: string,
  work: Effect.Effect<A, LlmError | StoreError, R>,
  more: { readonly target?: string; readonly before?: JsonValue; readonly why?: string } = {}
): Effect.Effect<A, LlmError | StoreError, R | Audit> =>
  Effect.gen(function*() {
    const audit = yield* Audit
    const note = (outcome: Outcome, summary: { readonly before?: JsonValue } = {}) =>
      audit.record({
        who: ask.principal, action, target: more.target ?? "", outcome, requestId: ask.requestId, ...summary
      })
    yield* Effect.tapError(ofAll(ask.principal, more.why), () => note("refused"))
    yield* note("allowed", more.before === undefined ? {} : { before: more.before })
    return yield* Effect.tapError(work, () => note("failed"))
  })

/** Refuses what is about the whole gateway to whoever belongs to a tenant. `why` it cannot be done for the tenant alone. */
export const ofAll = ({ identity }: Principal, why?: string): Effect.Effect<void, LlmError> =>
  identity.tenant === undefined
    ? Effect.void
    : Effect.fail(forbidden(`it belongs to a tenant, and this is about the whole gateway${why === undefined ? "" : `: ${why}`}`))

/** The query, as a schema has it. A credential in it is none of its fields. */
export const queryOf = <S extends Schema.Decoder<unknown>>(
  { query }: Ask,
  schema: S
): Effect.Effect<S["Type"], LlmError> => {
  const fields: JsonObject = {}
  for (const [name, value] of new URLSearchParams(query)) {
    if (name === "key") continue
    if (Object.hasOwn(fields, name)) return Effect.fail(invalid(`${JSON.stringify(name)} is in the query twice`, name))
    Object.defineProperty(fields, name, { value, enumerable: true })
  }
  return decode(schema, fields, "the query")
}

/** A time as text: 2027-01-31T12:00:00.000Z. */
export const timeOf = (ms: number): string => DateTime.formatIso(DateTime.makeUnsafe(ms))

/** Data with everything that looks like a credential taken out of its texts. */
export const masked = (value: unknown): JsonValue => Mask.json(value) as JsonValue
