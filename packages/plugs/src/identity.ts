/**
 * Who a call is made for, as far as whoever runs it knows: what limits, budgets, caches and logs tell apart.
 *
 * It is written by the program, or by a plug that has checked a credential, never taken from what a caller says in a
 * body.
 *
 * @example
 * ```ts
 * import { Pipeline, Request } from "@plugline/core"
 * import { Identity } from "@plugline/plugs"
 * import { Effect } from "effect"
 *
 * const request = Request.make({ provider: "local", messages: "Hi" })
 * const after = Effect.runSync(Pipeline.run([Identity.plug({ tenant: "acme", user: "ada" })], request))
 * Identity.of(after).tenant // => "acme"
 * ```
 *
 * @module
 */
import { Key, Plug, Request } from "@plugline/core"
import { Schema } from "effect"

/** Who a call is made for. Each field is optional; what is absent is not told apart. */
export interface Identity {
  /** The customer whose data stays apart from that of every other. */
  readonly tenant?: string
  readonly team?: string
  readonly user?: string
  /** The name or id of the key that was used, never the key itself. */
  readonly key?: string
  /** The class of service: `free`, `premium`. */
  readonly tier?: string
}

const identity = Key.make<Identity>("identity")

/** Who a request is made for; nobody in particular where no plug has said it. */
export const of = (request: Request): Identity => Request.get(request, identity) ?? nobody

const nobody: Identity = Object.freeze({})

/** The request, made for somebody. What was known before and is not said again stays. */
export const as = (request: Request, who: Identity): Request => Request.assign(request, identity, { ...of(request), ...who })

/** Options of {@link plug}. What is not given is not told apart. */
export const Options = Schema.Struct({
  /** The customer whose data stays apart from that of every other. Default: not said. */
  tenant: Schema.optionalKey(Schema.String),
  /** Default: not said. */
  team: Schema.optionalKey(Schema.String),
  /** Default: not said. */
  user: Schema.optionalKey(Schema.String),
  /** The name or id of the key that was used, never the key itself. Default: not said. */
  key: Schema.optionalKey(Schema.String),
  /** The class of service: `free`, `premium`. Default: not said. */
  tier: Schema.optionalKey(Schema.String)
})

/** A plug that says who every request through it is made for. */
export const plug: (who?: Identity) => Plug = Plug.configurable("identity", Options, (who) =>
  Plug.make("identity", (request) => as(request, who)))
