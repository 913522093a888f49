/**
 * Runs what was recorded again: as it was, which must come out equal, or another way. Nobody outside is asked and nothing that is
 * kept is touched, unless a fork is to be live.
 *
 * @module
 */
import type { Difference, Fork, Recorded } from "@plugline/inspector"
import { Providers, Taped } from "@plugline/plugs"
import { Transport } from "@plugline/providers"
import { Replay } from "@plugline/replay"
import { Effect, Layer, Semaphore } from "effect"
import { type JsonObject, LlmError, Mask, type Pipeline, type Request, type Services } from "plugline"
import type { Principal } from "../auth/Principal.ts"
import type { Loaded } from "../config/load.ts"
import { type Call, complete, nameOf, usual } from "../config/pipelines.ts"
import { noteOf } from "../server/headers.ts"
import { guarded } from "../server/idempotency.ts"
import { statusOf } from "../server/status.ts"
import { Imports } from "./Imports.ts"
import { lineOf } from "./lines.ts"
import { tape } from "./Recorder.ts"
import type { Entry } from "./store/TraceStore.ts"
import { errorOf, factsOf, savedOf } from "./summary.ts"

/** A pipeline that calls go through. */
export type Line = Pipeline<Services>

/** How many runs of the inspector there may be at a time. */
const most = 4

/** How long one may take. */
export const patience = { recorded: "30 seconds", live: "2 minutes" } as const

/** Most places that are told of where two runs differ. */
const told = 2_000

const slots = Semaphore.makeUnsafe(most)

/** A run of the inspector: at most so many at a time, and not for ever. */
export const bounded = <A, E, R>(run: Effect.Effect<A, E, R>, time: string): Effect.Effect<A, E | LlmError, R> =>
  Effect.flatMap(
    slots.withPermitsIfAvailable(1)(Effect.timeoutOrElse(run, {
      duration: time as "30 seconds",
      orElse: () => Effect.fail(LlmError.make({
        _tag: "Timeout", status: 504, phase: "total", message: `this run took longer than ${time} and was stopped`
      }))
    })),
    (done) =>
      done._tag === "Some" ? Effect.succeed(done.value) : Effect.fail(LlmError.make({
        _tag: "Overloaded",
        status: 503,
        retryAfter: 1_000,
        message: `the inspector runs ${most} requests at a time: ask again in a moment`
      }))
  )

/** What was recorded, ready to be run; fails where it is damaged. */
export const recordingOf = ({ request, trace, world }: Recorded): Effect.Effect<Replay.Recording, LlmError> =>
  Effect.try({
    try: () => Replay.decode({ version: 1, request, trace, world }),
    catch: (thrown) => LlmError.fromUnknown(thrown)
  })

/** The pipeline that a recorded request would go through now. Whoever belongs to a tenant has only that tenant's. */
export const lineNow = (
  { call = {}, request, summary }: Recorded,
  loaded: Loaded,
  { identity: { tenant } }: Principal
): Effect.Effect<Line, LlmError> =>
  Effect.try({
    try: () => {
      const way = { ...wayOf(call, request.operation), ...(tenant !== undefined && { tenant }) }
      // Pipelines that are found are kept: what a file says of limits and budgets is not.
      const found = Imports.isImported(summary.id) ? made(loaded, way) : loaded.pipelineFor(way)
      return call.keyed === true ? guarded(found) : found
    },
    catch: (thrown) => LlmError.fromUnknown(thrown)
  })

const made = ({ config, lines }: Loaded, way: Call): Line => {
  const tenant = way.tenant !== undefined && Object.hasOwn(config.tenants, way.tenant) ? way.tenant : undefined
  return complete(config, lines.get(nameOf(config, way)) ?? usual, tenant, way)
}

/** How a pipeline was found, as it was recorded; what does not fit was never said. */
export const wayOf = (call: JsonObject, operation: Request["operation"]): Call => {
  const { budgets, limits, models, pipeline, providers, route, tenant } = call
  return {
    operation,
    ...(typeof route === "string" && { route }),
    ...(typeof pipeline === "string" && { pipeline }),
    ...(typeof tenant === "string" && { tenant }),
    ...(typeof limits === "object" && limits !== null && { limits: limits as NonNullable<Call["limits"]> }),
    ...(Array.isArray(budgets) && { budgets: budgets as unknown as NonNullable<Call["budgets"]> }),
    ...(Array.isArray(providers) && { providers: providers as unknown as NonNullable<Call["providers"]> }),
    ...(Array.isArray(models) && { models: models as unknown as NonNullable<Call["models"]> })
  }
}

/** Where two runs went different ways, as it may be told. */
export const differencesOf = (before: Replay.Recording, after: Replay.Recording): ReadonlyArray<Difference> =>
  Replay.equal(before, after).slice(0, told).map(({ path, recorded, replayed }) => ({
    path,
    ...(recorded !== undefined && { before: Mask.content(recorded) }),
    ...(replayed !== undefined && { after: Mask.content(replayed) })
  }))

/** Runs it again as it was. */
export const replayed = (
  line: Line,
  recording: Replay.Recording,
  loaded: Keyring
): Effect.Effect<Replay.Recording, LlmError, Services> =>
  bounded(apart(loaded, Replay.replay(line, recording, tape)), patience.recorded)

/** Who is asked, and with which keys. */
export type Keyring = Pick<Loaded, "credentials" | "registry">

/**
 * Runs something on a recording: in stores of its own, and with providers that know the same keys and tell nobody how these did,
 * so that no key rests because of it. What would be sent is not.
 */
export const apart = <A, E>(
  { credentials, registry }: Keyring,
  run: Effect.Effect<A, E, Services>
): Effect.Effect<A, E, Services> => {
  const own = Layer.merge(Layer.fresh(credentials), Transport.memory(() => Effect.die(unreachable)))
  return Effect.provide(Taped.apart(run), Layer.provide(Providers.layer(registry), own), { local: true })
}

const unreachable = LlmError.make({ _tag: "Configuration", message: "a run on a recording sends nothing" })

/** What is said of a run of the inspector. */
export interface About {
  readonly id: string
  readonly at: number
  readonly route: "replay" | "fork"
  readonly line: Line
  /** The name of its pipeline. */
  readonly pipeline: string
  readonly principal: Principal
}

/** A run of the inspector with everything there is to see of it. */
export const shown = (
  run: Replay.Recording,
  from: Recorded,
  { at, id, line, pipeline, principal, route }: About,
  fork?: Fork
): Recorded => {
  const { hash, tree } = lineOf(line)
  const { dialect, operation, streamed } = from.summary
  const { key, tenant = from.summary.tenant, user } = principal.identity
  const { outcome, trace } = run
  const failed = outcome === undefined ? undefined : outcome.state === "error" ? outcome.errors.at(-1) : undefined
  const { asked, firstToken } = from.summary
  const summary: Entry["summary"] = {
    id,
    at,
    took: Math.max(0, ...trace.steps.map(({ endedAt, startedAt }) => endedAt ?? startedAt), ...trace.ends.map(({ at }) => at)),
    route,
    dialect,
    operation,
    streamed,
    status: outcome === undefined ? 499 : failed === undefined ? 200 : statusOf(failed),
    ...(asked !== undefined && { asked }),
    ...(outcome !== undefined && { ...factsOf(noteOf(outcome)), ...savedOf(outcome) }),
    ...(route === "replay" && firstToken !== undefined && { firstToken }),
    pipeline,
    hash,
    ...(failed !== undefined && { error: errorOf(failed) }),
    ...(tenant !== undefined && { tenant }),
    ...(user !== undefined && { user }),
    ...(key !== undefined && { key }),
    parent: from.summary.id,
    ...(route === "fork" && fork?.upstream !== "live" && { upstream: "recorded" as const }),
    recorded: true
  }
  return {
    ...Replay.encode(run) as unknown as Pick<Recorded, "version" | "request" | "trace" | "world">,
    summary: { ...summary, seq: 0 },
    pipeline: tree,
    ...(from.call !== undefined && { call: from.call }),
    ...(fork !== undefined && { fork })
  }
}
