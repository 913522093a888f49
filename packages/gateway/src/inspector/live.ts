/**
 * What a fork may do where services are asked. It is a call by whoever runs it: what holds him back elsewhere stands in the line
 * whatever is written, and in front of it alone anything may be changed. What he tries out answers nobody else's calls.
 *
 * @module
 */
import type { Fork, Recorded } from "@plugline/inspector"
import {
  Batch, Cache, CircuitBreaker, Hedge, Idempotency, Identity, Providers, Retry, Route, SemanticCache
} from "@plugline/plugs"
import { Verbatim } from "@plugline/providers"
import { Effect, Layer } from "effect"
import { type Handler, Json, type JsonObject, LlmError, Plug, Request, type Services } from "plugline"
import { permissions } from "../auth/permissions.ts"
import { allows, modelsOf, type Principal, providersOf } from "../auth/Principal.ts"
import { checkLine } from "../config/checks.ts"
import type { Loaded } from "../config/load.ts"
import { asked, askedBefore } from "../config/permitted.ts"
import { budgeted, type Call, limited, type Line, type Needs } from "../config/pipelines.ts"
import { checkAddresses, checkFields } from "../server/addresses.ts"
import { Imports } from "./Imports.ts"
import { wayOf } from "./replay.ts"

type AnyPlug = Plug<Needs>

/** What refuses a fork, with the place that does not fit. */
export const invalid = (path: ReadonlyArray<string | number>, message: string): LlmError =>
  LlmError.make({ _tag: "InvalidRequest", status: 400, parameter: path.join("."), message })

// --- the line
// -----------------------------------------------------------------------------------------------------------------------

/** What knows and holds whoever asks: nothing of it may be changed where it counts. */
const held: ReadonlySet<string> = new Set(["identity", "rateLimit", "budget", asked.name, "permitted", Providers.ask.name])

/** Who asks for what is counted and paid from here on. */
const counts: ReadonlySet<string> = new Set(["rateLimit", "budget", "permitted", Providers.ask.name])

const plugsOf = (line: Line): ReadonlyArray<AnyPlug> => line as ReadonlyArray<AnyPlug>

/** The line that is recorded, or the one that is written, with all that holds whoever asks. */
export const liveLine = (
  fork: Fork,
  recorded: Recorded,
  written: Line | undefined,
  loaded: Loaded,
  principal: Principal
): Line => {
  const usual = plugsOf(loaded.pipelineFor(ownWay(recorded, principal)))
  const whole = written === undefined ? usual : among(usual, plugsOf(written))
  refuseChanges(fork, whole)
  const { provider, options: { model } } = recorded.request
  const before = askedBefore(isAsCame(recorded) ? { provider, model } : undefined)
  return [...whole.slice(0, -1).map((plug) => plug.name === asked.name ? before : plug), asking(recorded, principal)]
}

/** A line that somebody wrote, with what holds callers back in the usual one in its places. */
const among = (usual: ReadonlyArray<AnyPlug>, written: ReadonlyArray<AnyPlug>): ReadonlyArray<AnyPlug> => {
  const stay = (...names: ReadonlyArray<string>) => usual.filter(({ name }) => names.includes(name))
  const own = written.filter((plug, index) => {
    if (!held.has(plug.name)) return true
    const isUsual = usual.some(({ name, options }) => name === plug.name && Json.equals(options, plug.options))
    if (isUsual) return false
    throw invalid(["line", index], `${plug.name} knows or holds whoever asks: in a live run it stays as it is, written or not`)
  })
  const counted = stay("rateLimit").reduce(limited, own as ReadonlyArray<AnyPlug>)
  const paid = stay("budget").toReversed().reduce(budgeted, counted)
  return [...stay(asked.name), ...stay("identity"), ...paid, ...stay("permitted"), Providers.ask]
}

/** Refuses changes behind what has looked, and other options for what holds callers back. */
const refuseChanges = ({ at, options = [] }: Fork, line: ReadonlyArray<{ readonly name: string }>): void => {
  const last = line.findIndex(({ name }) => counts.has(name))
  if (at !== undefined) {
    const place = Number.parseInt(at.path, 10)
    if (place > last || place === last && at.path.includes(".")) {
      throw invalid(["at"], `in a live run changes are made before ${line[last]!.name} has looked, at ${last} and in front of it`)
    }
  }
  for (const [index, { path }] of options.entries()) {
    const isInside = path.includes(".")
    const name = isInside ? `what is inside ${path.split(".")[0]}` : line[Number(path)]?.name
    if (isInside || name !== undefined && held.has(name)) {
      throw invalid(["options", index], `in a live run the options of ${name} stay as they are`)
    }
  }
}

/** Refuses a line whose order or size cannot be meant, once all options are what they are to be. */
export const checkWhole = (
  line: Line,
  { options = [] }: Fork,
  make: (plug: AnyPlug, options: JsonObject) => Plug<unknown>,
  loaded: Loaded
): void => {
  const whole = plugsOf(line).map((plug, index) => {
    const other = options.findLast(({ path }) => path === String(index))
    return other === undefined ? plug : make(plug, other.options) as AnyPlug
  })
  checkLine(loaded, ["line"], whole, invalid)
}

// --- the request
// --------------------------------------------------------------------------------------------------------------------

/** What of a request may be changed where services are asked. */
const open = /^(messages|options|provider|metadata)(?![A-Za-z0-9_])/

/** Refuses changes of what is none of the question. */
export const refuseFields = ({ set = [], unset = [] }: Fork): void => {
  for (const path of [...set.map(({ path }) => path), ...unset]) {
    if (!open.test(path)) {
      throw invalid(["set"], `in a live run ${JSON.stringify(path)} stays as it is: messages, options, provider and metadata may be changed`)
    }
  }
}

/** Refuses options with which a plug would lead around what holds callers back. */
export const refuseOptions = (name: string, options: unknown, at: string): void => {
  if (!Json.isRecord(options)) return
  if (options.through === "providers") {
    throw invalid([at, "through"], `in a live run ${name} asks through the rest of the line: leave through out`)
  }
  if (Array.isArray(options.apart) && !options.apart.includes("tenant")) {
    throw invalid([at, "apart"], `in a live run ${name} keeps tenants apart: add "tenant" to apart`)
  }
}

/** The question as whoever runs it asks it. Where it goes, for whom, and what plugs noted, is not taken from a record. */
export const askedBy = (request: Request, { identity }: Principal): Request => {
  const { config: { api, stream }, id, messages, metadata, operation, options, provider } = request
  const config = { ...(typeof api === "string" && { api }), ...(stream === true && { stream }) }
  const made = Request.make({ id, operation, provider, messages, options, metadata, config })
  const speaks = Verbatim.wished(request)
  return Identity.as(typeof speaks === "string" ? Verbatim.keep(made, speaks) : made, identity)
}

/** Whether it is what a client asked, and not what a file or a fork made of it. */
const isAsCame = ({ fork, summary }: Recorded): boolean => fork === undefined && !Imports.isImported(summary.id)

/** The way of a call that is made by whoever asks now: with his tenant, his limits, his providers and models. */
const ownWay = ({ call = {}, request, summary }: Recorded, principal: Principal): Call => {
  const { pipeline, route } = wayOf(call, request.operation)
  const { budgets, identity: { tenant }, limits } = principal
  return {
    operation: request.operation, route, tenant, limits, budgets,
    pipeline: tenant === undefined ? summary.pipeline : pipeline,
    providers: providersOf(principal),
    models: modelsOf(principal)
  }
}

// --- asking
// -------------------------------------------------------------------------------------------------------------------------

/**
 * Asks the provider as the end of every line does, once it is sure that whoever runs this may. What was changed, `permitted` has
 * looked at.
 */
const asking = (recorded: Recorded, principal: Principal): Plug<Providers.Providers> => {
  const { request: { operation, options, provider }, summary } = recorded
  return Plug.of({
    name: Providers.ask.name,
    make: Effect.map(Providers.ask.make, (made) => {
      const ask = made as Handler
      return (request, next) => {
        if (request.state !== "pending") return ask(request, next)
        const { model } = request.options
        const isAsAsked = isAsCame(recorded) && request.provider === provider && model === options.model
        const refusal = allows(principal, {
          permission: permissionOf(operation),
          ...(isAsAsked && {
            provider,
            ...(model !== undefined && { model }),
            ...(summary.asked !== undefined && { alias: summary.asked })
          })
        }) ?? steered(request)
        return refusal === undefined ? ask(request, next) : Request.fail(request, refusal)
      }
    })
  })
}

const permissionOf = (operation: string): string => permissions.find((each) => each === operation) ?? "chat"

/** Why it is not sent: because it says where something is that no client may name. */
const steered = ({ messages, options }: Request): LlmError | undefined => {
  try {
    checkAddresses(messages)
    for (const own of Object.values(options.providerOptions ?? {})) if (Json.isRecord(own)) checkFields(own as JsonObject)
  } catch (thrown) {
    return LlmError.fromUnknown(thrown)
  }
  return undefined
}

// --- apart
// --------------------------------------------------------------------------------------------------------------------------

/** What answers calls, chooses for them and keeps them from services. Limits, budgets, totals and receipts are those of all. */
const own = Layer.mergeAll(
  Cache.memory(), SemanticCache.memory(), Idempotency.memory(), CircuitBreaker.memory(), Retry.memory(), Hedge.memory(), Route.memory(),
  Batch.collecting
)

/** Runs something with caches and circuits of its own: what is tried out neither answers nor hinders the calls of others. */
export const alone = <A, E>(run: Effect.Effect<A, E, Services>): Effect.Effect<A, E, Services> =>
  Effect.provide(run, own, { local: true })
