/**
 * The gateway as one value: a configuration that is kept in force, who may ask, where things are kept, and the server over all of
 * it.
 *
 * @module
 */
import { Transport } from "@plugline/providers"
import { Clock, Context, Effect, Layer, type Scope } from "effect"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { type Compiled, LlmError, Pipeline } from "plugline"
import { recordsOf } from "./admin/records.ts"
import { adminRoutes } from "./admin/routes.ts"
import * as Auth from "./auth/Auth.ts"
import { modelsOf, providersOf } from "./auth/Principal.ts"
import type { AuthConfig } from "./auth/AuthConfig.ts"
import { refuseToStart } from "./auth/startup.ts"
import { open as openBatches } from "./batches/Batches.ts"
import { batchRoutes } from "./batches/routes.ts"
import { isPublic } from "./config/guard.ts"
import { tracesOf } from "./config/Inspector.ts"
import { load, type Loaded } from "./config/load.ts"
import type { Env } from "./config/read.ts"
import { nameOf } from "./config/pipelines.ts"
import { Configuration, layer as configuration, type Live } from "./config/reload.ts"
import { open as openInspector } from "./inspector/Inspector.ts"
import { inspectorRoutes, playing } from "./inspector/routes.ts"
import type { Current } from "./server/Current.ts"
import { requestLog } from "./server/log.ts"
import { measure } from "./server/metrics.ts"
import { routes } from "./server/routes.ts"
import { type Intake, type Route, type Server, serve, type ServerOptions } from "./server/Server.ts"
import { telemetry as sending } from "./server/telemetry.ts"

/** How a gateway is started. What is given here counts more than the file. */
export interface GatewayOptions {
  /** The configuration file. Default: the environment alone. */
  readonly config?: string | undefined
  readonly host?: string | undefined
  readonly port?: number | undefined
  /** The variables that keys and references come from. */
  readonly env: Env
  /** Where lines about requests go. Default: nowhere. */
  readonly write?: (text: string) => void
  /** Whether they go to a person's terminal. Default: no. */
  readonly terminal?: boolean
  /** Whether the file is watched and SIGHUP heard. Default: true. */
  readonly reload?: boolean
}

/** A gateway that runs. */
export interface Gateway {
  readonly server: Server
  readonly configuration: Configuration["Service"]
  /** Every route there is. */
  readonly routes: ReadonlyArray<Route>
}

const noAuth: AuthConfig = { keys: [], roles: {} }

/** Starts a gateway, which ends in order with the scope. Fails with what is wrong, in one sentence, before anything listens. */
export const start = (options: GatewayOptions): Effect.Effect<Gateway, LlmError, Scope.Scope> => startWith(options, serve)

/** What takes requests in: a port, or whoever hands them over. */
type Running = Pick<Intake, "active" | "isDraining">

/** The same over whatever takes requests in. */
export const startWith = <S extends Running>(
  options: GatewayOptions,
  serve: (options: ServerOptions) => Effect.Effect<S, LlmError, Scope.Scope>
): Effect.Effect<Omit<Gateway, "server"> & { readonly server: S }, LlmError, Scope.Scope> =>
  Effect.gen(function*() {
    // How it listens is read once; everything else is read anew with each reload.
    const first = yield* load(options.config, options.env)
    const { server, telemetry } = first.config
    const host = options.host ?? server.host
    const refused = refuseToStart(host, first.config.auth ?? noAuth)
    if (refused !== undefined) return yield* Effect.fail(refused)

    let live: (() => Live) | undefined
    const transport = yield* Layer.build(Transport.layerWith({
      allow: (origin, address) => isPublic(address) || (live?.().loaded ?? first).privateOrigins.has(origin)
    }))
    const records = yield* Layer.build(recordsOf(first.config.stores, first.folder))
    const known = Context.merge(transport, records)
    const auth = (loaded: Loaded) =>
      Effect.provideContext(Auth.make(loaded.config.auth ?? noAuth, { host, env: options.env }), known)
    const held = yield* Layer.build(Layer.provide(
      configuration({
        path: options.config,
        env: options.env,
        watch: options.reload ?? true,
        signal: options.reload ?? true,
        base: telemetry.otlp === undefined ? Context.empty() : yield* sending(telemetry.otlp),
        auth
      }),
      Layer.succeedContext(transport)
    ))
    const kept = Context.get(held, Configuration)
    live = kept.current

    const measured = measure(yield* Effect.context<never>())
    const { format, level } = telemetry.logs
    const log = options.write === undefined || level === "none" ? undefined : requestLog({
      write: options.write,
      format: format === "auto" ? options.terminal === true ? "text" : "json" : format,
      level: level === "warn" || level === "error" ? level : "info",
      color: options.terminal === true
    })
    if (log !== undefined) yield* Effect.addFinalizer(() => Effect.sync(log.flush))

    const current = inForce(kept.current)
    // Without a store for them everything else goes on; who asks for batches is told why there are none.
    const batches = yield* Effect.catch(
      openBatches({ settings: first.config.batches, stores: first.config.stores, folder: first.folder, current }),
      (error) => Effect.as(Effect.logError("there are no batches", error), error)
    )

    const { cors, grace, headersTimeout, maxConnections, requestTimeout, tls } = server
    let running: S | undefined
    const offered = [...routes, ...batchRoutes(batches)]
    const isDraining = () => running?.isDraining() ?? false
    const admin = {
      configuration: kept,
      records,
      started: yield* Clock.currentTimeMillis,
      active: () => running?.active() ?? 0,
      isDraining,
      routes: offered
    }
    const inspector = yield* openInspector({
      settings: first.config.inspector,
      path: tracesOf(first.config, first.folder),
      routes: [...offered, playing],
      isDraining
    })
    const table = [...offered, ...adminRoutes(admin), ...inspectorRoutes({ admin, inspector, current })]
    running = yield* serve({
      host,
      port: options.port ?? server.port,
      routes: table,
      current,
      grace,
      headersTimeout,
      maxConnections,
      requestTimeout,
      ...(cors.origins.length > 0 && { cors }),
      ...(tls !== undefined && { tls: yield* certificates(tls, first.folder) }),
      ended: (exchange, took, open) => {
        measured(exchange, took, open)
        log?.ended(exchange, took)
        inspector?.recorder.ended(exchange, took)
      },
      recorder: inspector?.recorder
    })
    return { server: running, configuration: kept, routes: table }
  })

/** What is in force, as the server asks for it: made once for each configuration. */
const inForce = (current: () => Live): () => Current => {
  const made = new WeakMap<Live, Current>()
  return () => {
    const live = current()
    let found = made.get(live)
    if (found === undefined) made.set(live, found = currentOf(live))
    return found
  }
}

const currentOf = ({ auth, loaded, run }: Live): Current => {
  const ready = new WeakMap<object, Effect.Effect<Compiled>>()
  return {
    limits: { body: loaded.config.server.bodyLimit, keepAlive: loaded.config.server.keepAlive },
    auth,
    registry: loaded.registry,
    apiOf: (provider) => loaded.config.providers?.[provider]?.api,
    resolve: (model, operation, { identity }) => loaded.resolve(model, operation, identity.tenant),
    pipeline: (target, operation, principal, route) => loaded.pipelineFor(wayOf(target, operation, principal, route)),
    wayOf,
    nameOf: (way) => nameOf(loaded.config, way),
    sample: loaded.config.inspector.sample ?? (auth.isOpen ? 1 : 0),
    compiled: (pipeline) =>
      ready.get(pipeline) ?? Effect.tap(Pipeline.compile(pipeline), (compiled) =>
        Effect.sync(() => void ready.set(pipeline, Effect.succeed(compiled)))),
    models: loaded.models,
    spans: loaded.config.telemetry.otlp !== undefined,
    run
  }
}

const wayOf: Current["wayOf"] = ({ pipeline }, operation, principal, route) => {
  const { budgets, identity, limits } = principal
  return { operation, pipeline, route, tenant: identity.tenant, limits, budgets, providers: providersOf(principal), models: modelsOf(principal) }
}

const certificates = ({ cert, key }: { readonly cert: string; readonly key: string }, folder: string) =>
  Effect.try({
    try: () => ({ cert: readFileSync(resolve(folder, cert)), key: readFileSync(resolve(folder, key)) }),
    catch: (thrown) =>
      LlmError.make({
        _tag: "Configuration",
        option: "server.tls",
        message: `the certificate or its key cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`
      })
  })
