/**
 * What the gateway and the page say to each other, as plain data: the shapes of `/inspector/api/*`. Times are in ms since
 * 1970, durations in ms, costs in USD as decimal text.
 *
 * @module
 */
import type { JsonObject, JsonValue as Json, RequestJson, TraceJson } from "@plugline/core"

/** One request in the list. What is absent is unknown, or was not there. */
export interface Summary {
  /** The id that the client was told in `x-request-id`. */
  readonly id: string
  /** Grows with each request that ends: what `live` and `before` go by. */
  readonly seq: number
  /** When it came. */
  readonly at: number
  readonly took: number
  /** The route: `/v1/chat/completions`; `replay` and `fork` for those that the inspector ran. */
  readonly route: string
  readonly dialect: string
  readonly operation: string
  readonly streamed: boolean
  /** What the client was answered; 499 where it had left. */
  readonly status: number
  readonly provider?: string
  /** The model as it was asked for. */
  readonly asked?: string
  /** The model that answered. */
  readonly model?: string
  /** The name of the pipeline. */
  readonly pipeline: string
  /** Tells pipelines of different plugs or options apart. */
  readonly hash: string
  readonly cache?: string
  readonly attempts?: number
  readonly inputTokens?: number
  readonly outputTokens?: number
  /** Absent: unknown, which is not zero. */
  readonly cost?: string
  /** What the cache saved. */
  readonly saved?: string
  /** Until the first part reached the client. */
  readonly firstToken?: number
  readonly error?: { readonly reason: string; readonly message: string; readonly plug?: string }
  readonly tenant?: string
  readonly user?: string
  readonly key?: string
  /** Of which request this is a replay or a fork. */
  readonly parent?: string
  /** Of a fork whose services answered as they were recorded: it asked nobody, and cost nothing. */
  readonly upstream?: "recorded"
  /** Whether its steps are kept, so that it can be walked. */
  readonly recorded: boolean
  /** Why its steps are not kept though they were to be: too large, too much at once, or they could not be written down. */
  readonly unrecorded?: "size" | "load" | "fault"
  /** Bytes that its record takes up, packed. */
  readonly bytes?: number
}

/** A request with everything that is kept of it. */
export interface Recorded {
  readonly version: 1
  readonly summary: Summary
  /** What it ran through, as it was then. */
  readonly pipeline: ReadonlyArray<PlugNode>
  /** What was asked, as the pipeline got it. */
  readonly request: RequestJson
  readonly trace: TraceJson
  readonly world: WorldJson
  /** How the pipeline was found, to find it again. */
  readonly call?: JsonObject
  /** Of a fork: what was changed. */
  readonly fork?: Fork
}

/** A plug of a pipeline, as `Pipeline.inspect` shows it. */
export interface PlugNode {
  readonly name: string
  readonly level: number
  readonly options: Json
  readonly children: { readonly [label: string]: ReadonlyArray<PlugNode> }
}

/** What came in from outside: as `World` of `@plugline/replay`, whose exchanges the page shows as the wire. */
export interface WorldJson {
  readonly clock: { readonly millis: ReadonlyArray<number>; readonly nanos: ReadonlyArray<string>; readonly monotonic: ReadonlyArray<string> }
  readonly random: { readonly integers: ReadonlyArray<number>; readonly doubles: ReadonlyArray<number> }
  readonly exchanges: ReadonlyArray<WireExchange>
  /** What stores answered: caches, limits, budgets, circuits. */
  readonly stores?: ReadonlyArray<JsonObject>
}

/** One request to a service and what came of it. */
export interface WireExchange {
  /** The plug that sent it. */
  readonly plug: string
  /** The whole request as that plug got it; what it sent is its `providerRequest`. */
  readonly request: JsonObject
  readonly took: number
  readonly sync: boolean
  readonly outcome:
    | { readonly _tag: "Answer"; readonly changes: JsonObject }
    | { readonly _tag: "Failure"; readonly error: JsonObject }
    | { readonly _tag: "Interrupted" }
  readonly parts?: ReadonlyArray<WirePull>
  /** Bytes of the response, base64, pull by pull. */
  readonly bytes?: ReadonlyArray<WirePull>
}

/** One pull of a stream: what it gave (`null` at the end), or what it failed with. */
export interface WirePull {
  readonly took: number
  readonly got?: Json
  readonly error?: JsonObject
}

// --- lists ------------------------------------------------------------------------------------------------------------

/** Query of `GET /inspector/api/traces`: newest first. Every field narrows it down. */
export interface TracesQuery {
  /** At most so many. Default: 200; at most 1,000. */
  readonly limit?: number
  /** Only those before this `seq`. */
  readonly before?: number
  /** Words to be found in id, model, provider, route, error, tenant, user. */
  readonly q?: string
  readonly provider?: string
  readonly model?: string
  readonly pipeline?: string
  readonly tenant?: string
  readonly cache?: string
  /** `ok`, `error` (400 and above, or a stream that ended in an error), or a status. */
  readonly status?: string
  readonly since?: number
  readonly until?: number
}

/** Answer of `GET /inspector/api/traces`. `GET /inspector/api/traces/live?after=SEQ` streams summaries as events named `trace`. */
export interface Traces {
  readonly traces: ReadonlyArray<Summary>
  /** Whether there are more before the last of these. */
  readonly more: boolean
  /** How many are kept in all. */
  readonly total: number
}

// --- replay and fork --------------------------------------------------------------------------------------------------

/** A place where two runs went different ways: `steps.2#1.out.options.temperature`. */
export interface Difference {
  readonly path: string
  readonly before?: unknown
  readonly after?: unknown
}

/** Answer of `POST /inspector/api/traces/{id}/replay`. */
export interface Replayed {
  readonly equal: boolean
  readonly differences: ReadonlyArray<Difference>
  /** Whether the configuration has another pipeline there by now. */
  readonly pipelineChanged: boolean
  readonly replayed: Recorded
}

/** Body of `POST /inspector/api/traces/{id}/fork`: what is to be another way. */
export interface Fork {
  /** The request is changed when it comes to the plug at this path, at this visit, counted from 1. Default: before the first plug. */
  readonly at?: { readonly path: string; readonly attempt: number }
  /** Values to put in place of those of the request, by path: `options.temperature`, `messages[1].content`. */
  readonly set?: ReadonlyArray<{ readonly path: string; readonly value: Json }>
  /** Fields to take out, by path. */
  readonly unset?: ReadonlyArray<string>
  /** Other options for plugs, by the path of the plug. */
  readonly options?: ReadonlyArray<{ readonly path: string; readonly options: JsonObject }>
  /** Another line of shipped plugs in place of the one that was recorded; what asks the provider stays at its end. */
  readonly line?: ReadonlyArray<{ readonly name: string; readonly options?: Json }>
  /** Whether services are asked, and paid, or answer as they were recorded. Default: `recorded`. */
  readonly upstream?: "recorded" | "live"
}

/** Answer of `POST /inspector/api/traces/{id}/fork`: the new run, kept under an id of its own. */
export interface Forked {
  readonly forked: Recorded
  /** Where it went another way than the one it was forked from. */
  readonly differences: ReadonlyArray<Difference>
}

/** Answer of `POST /inspector/api/import`, whose body is a {@link Recorded}: it can be asked for by this id, by whoever opened it. */
export interface Imported {
  readonly id: string
  readonly summary: Summary
}

// --- pipelines, health, session ---------------------------------------------------------------------------------------

/** One configured pipeline. Answer of `GET /inspector/api/pipelines`: `{ pipelines: PipelineView[], plugs: ShippedPlug[] }`. */
export interface PipelineView {
  readonly name: string
  readonly hash: string
  /** `POST /v1/chat/completions (chat)`. */
  readonly routes: ReadonlyArray<string>
  readonly tree: ReadonlyArray<PlugNode>
  /** Names of the stores and services it needs. */
  readonly needs: ReadonlyArray<string>
  readonly checks: ReadonlyArray<{ readonly name: string; readonly ok: boolean; readonly says: string }>
}

/** A plug that can stand in a line, with its options as JSON Schema. */
export interface ShippedPlug {
  readonly name: string
  readonly says: string
  readonly schema?: Json
}

/** Query of `GET /inspector/api/health`. */
export interface HealthQuery {
  /** How far back. Default: an hour. */
  readonly since?: number
  /** Length of a slot. Default: a sixtieth of the time asked for. */
  readonly slot?: number
  /** What lines are told apart by. Default: `provider`. */
  readonly by?: "provider" | "model" | "tenant" | "pipeline" | "none"
}

/** Answer of `GET /inspector/api/health`. */
export interface Health {
  readonly since: number
  readonly slot: number
  /** Beginnings of the slots. */
  readonly times: ReadonlyArray<number>
  readonly groups: ReadonlyArray<HealthGroup>
  readonly circuits: ReadonlyArray<JsonObject>
  readonly limits: ReadonlyArray<JsonObject>
  readonly cache: JsonObject
}

/** One line of each plot; each list has one place per slot, `null` where nothing was measured. */
export interface HealthGroup {
  readonly name: string
  readonly calls: ReadonlyArray<number>
  readonly errors: ReadonlyArray<number>
  readonly inputTokens: ReadonlyArray<number>
  readonly outputTokens: ReadonlyArray<number>
  /** USD; what is unknown is not in it. */
  readonly cost: ReadonlyArray<number>
  readonly saved: ReadonlyArray<number>
  readonly unpriced: ReadonlyArray<number>
  readonly p50: ReadonlyArray<number | null>
  readonly p95: ReadonlyArray<number | null>
  readonly p99: ReadonlyArray<number | null>
  readonly firstToken50: ReadonlyArray<number | null>
  readonly firstToken95: ReadonlyArray<number | null>
}

/** Answer of `GET /inspector/api/session`: who looks, and what may be done. */
export interface Session {
  readonly name: string
  readonly role: string
  readonly tenant?: string
  readonly permissions: ReadonlyArray<string>
  /** Whether nobody need show a key here. */
  readonly open: boolean
  readonly version: string
  readonly recording: {
    readonly on: boolean
    readonly sample: number
    readonly keeps: string
    /** Requests of which nothing could be kept since the start. */
    readonly lost?: number
    /** Why they cannot be kept now. */
    readonly trouble?: string
  }
}
