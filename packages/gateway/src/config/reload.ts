/**
 * Keeps a configuration in force, and puts another in its place when the file changes or the process is told to
 * (SIGHUP): wholly checked and opened first, then at once. Where it cannot be, the old one stays.
 *
 * @module
 */
import type { Stores } from "@plugline/plugs"
import { type Credentials, Transport } from "@plugline/providers"
import { Clock, Context, Effect, Exit, Layer, Queue, Scope, Semaphore } from "effect"
import { watch } from "node:fs"
import { basename, dirname } from "node:path"
import { Json, type LlmError, Mask, type Services } from "plugline"
import type { Auth } from "../auth/Auth.ts"
import type { Config } from "./Config.ts"
import { load, type Loaded, type LoadOptions } from "./load.ts"
import type { Env } from "./read.ts"
import { digest, parts } from "./shared.ts"

/** A configuration in force, with its services. */
export interface Live {
  readonly loaded: Loaded
  /** Who may ask. */
  readonly auth: Auth
  /** Everything that its pipelines need, opened. */
  readonly context: Context.Context<Services>
  /** 1 for the first, and one more for each after it. */
  readonly generation: number
  /** Says that a request goes by it: its services stay open until the answer to this is called. */
  readonly hold: () => () => void
  /** Runs an Effect on its services, which stay open for it. What is answered ends it early. */
  readonly run: <A, E>(
    effect: Effect.Effect<A, E, Services>,
    options: { readonly onExit: (exit: Exit.Exit<A, E>) => void }
  ) => () => void
}

/** A reload that failed. */
export interface Failed {
  readonly error: LlmError
  /** When, in ms since 1970. */
  readonly at: number
}

/** The configuration in force. */
export class Configuration extends Context.Service<Configuration, {
  /** What new requests go by. */
  readonly current: () => Live
  /** Loads anew and swaps; fails with what is wrong, and then nothing has changed. */
  readonly reload: Effect.Effect<Live, LlmError>
  /** Why the latest reload failed, until one succeeds. */
  readonly lastError: () => Failed | undefined
}>()("@plugline/gateway/Configuration") {}

/** How a configuration is kept. */
export interface ReloadOptions extends LoadOptions {
  /** Who may ask, as a configuration says. */
  readonly auth: (loaded: Loaded) => Effect.Effect<Auth, LlmError>
  /** What is at hand for calls beside the configuration's own: a tracer, for example. Default: nothing. */
  readonly base?: Context.Context<never>
  /** The file. Default: the environment alone. */
  readonly path?: string | undefined
  readonly env: Env
  /** Whether the file is watched. Default: true. */
  readonly watch?: boolean
  /** Whether SIGHUP reloads. Default: true. */
  readonly signal?: boolean
  /** How long a file must be left alone before it is read, in ms. Default: 200. */
  readonly debounce?: number
}

/**
 * The configuration of a file or of the environment, kept in force as long as the layer. Fails where the first is
 * broken.
 */
export const layer = (options: ReloadOptions): Layer.Layer<Configuration, LlmError, Transport> =>
  Layer.effect(Configuration, keep(options))

const keep = Effect.fnUntraced(function*(options: ReloadOptions) {
  const transport = yield* Transport
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const stores = parts<Stores, LlmError>(scope)
  const credentials = parts<Credentials>(scope)
  const one = yield* Semaphore.make(1)
  let generation = 0
  let failed: Failed | undefined

  const open = Effect.fnUntraced(function*(loaded: Loaded) {
    const auth = yield* options.auth(loaded)
    const own = yield* Scope.fork(scope)
    const built = Effect.gen(function*() {
      const store = yield* stores.take(storesKey(loaded), loaded.stores)
      yield* Scope.addFinalizer(own, store.release)
      const keys = yield* credentials.take(loaded.credentialsKey, loaded.credentials)
      yield* Scope.addFinalizer(own, keys.release)
      const below = Layer.succeedContext(
        Context.merge(Context.merge(store.context, keys.context), Context.make(Transport, transport))
      )
      return yield* Layer.buildWithScope(Layer.provide(loaded.services, below), own)
    })
    const context = yield* Effect.onError(built, () => Scope.close(own, Exit.void))
    return live(loaded, auth, options.base === undefined ? context : Context.merge(options.base, context), ++generation, Scope.close(own, Exit.void))
  })

  const first = yield* load(options.path, options.env, options)
  for (const warning of first.warnings) yield* Effect.logWarning(warning)
  let current = yield* open(first)

  const reload = one.withPermits(1)(Effect.tapError(
    Effect.gen(function*() {
      const loaded = yield* load(options.path, options.env, options)
      const opened = yield* open(loaded)
      const before = current
      current = opened
      failed = undefined
      yield* before.retire
      for (const warning of loaded.warnings) yield* Effect.logWarning(warning)
      const late = needsRestart(before.loaded.config, loaded.config)
      if (late.length > 0) yield* Effect.logWarning(
        `these take effect when the gateway is started again: ${late.join(", ")}`
      )
      yield* Effect.logInfo(`the configuration was loaded anew: number ${opened.generation}`)
      return opened as Live
    }),
    (error) => {
      failed = { error, at: clock.currentTimeMillisUnsafe() }
      return Effect.logError(`the configuration stays as it was: ${Mask.text(error.reason.message)}`)
    }
  ))

  const asked = yield* Queue.sliding<"change" | "signal">(1)
  if (options.path !== undefined && options.watch !== false) yield* watching(
    options.path,
    () => Queue.offerUnsafe(asked, "change")
  )
  if (options.signal !== false) yield* listening(() => Queue.offerUnsafe(asked, "signal"))
  const settled = Effect.gen(function*() {
    yield* Queue.take(asked)
    // A file that is written takes several steps to get there.
    yield* Effect.sleep(options.debounce ?? 200)
    yield* Queue.clear(asked)
    yield* Effect.exit(reload)
  })
  yield* Effect.forkScoped(Effect.forever(settled))
  return Configuration.of({ current: () => current, reload, lastError: () => failed })
})

/** What is in force only from the next start on. */
export const needsRestart = (before: Config, after: Config): ReadonlyArray<string> => [
  ...["host", "port", "tls", "maxConnections", "headersTimeout", "requestTimeout"].flatMap((field) =>
    Json.equals(before.server[field as "host"], after.server[field as "host"]) ? [] : [`server.${field}`]),
  ...(["kind", "root", "path"] as const).every((field) => before.stores[field] === after.stores[field])
    ? []
    : ["stores, as far as API keys, the audit log and batches are kept there"],
  ...Json.equals(before.batches, after.batches) ? [] : ["batches"],
  ...Json.equals({ ...before.inspector, sample: 0 }, { ...after.inspector, sample: 0 }) ? [] : ["inspector, but for inspector.sample"]
]

const storesKey = ({ config, folder }: Loaded): string =>
  JSON.stringify([config.stores, config.stores.kind === "sqlite" ? folder : "", digest(config.stores.url)])

/** A configuration, open until nobody holds it any more and another has taken its place. */
const live = (loaded: Loaded, auth: Auth, context: Context.Context<Services>, generation: number, close: Effect.Effect<void>) => {
  const fork = Effect.runForkWith(context)
  let held = 0
  let retired = false
  const done = Effect.suspend(() => retired && held === 0 ? close : Effect.void)
  const hold = () => {
    let holding = true
    held++
    return () => {
      if (!holding) return
      holding = false
      held--
      if (retired && held === 0) Effect.runFork(close)
    }
  }
  const run: Live["run"] = (effect, { onExit }) => {
    const release = hold()
    const fiber = fork(effect)
    fiber.addObserver((exit) => {
      release()
      onExit(exit)
    })
    return () => fiber.interruptUnsafe()
  }
  const retire = Effect.suspend(() => {
    retired = true
    return done
  })
  return { loaded, auth, context, generation, hold, run, retire }
}

/** Tells of changes of a file, also where another is put in its place. */
const watching = (path: string, tell: () => void) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const name = basename(path)
      try {
        // The folder is watched, because an editor writes another file and gives it the name; a secret mount swaps a link.
        const watcher = watch(dirname(path), { persistent: false }, (_event, changed) => {
          if (changed === null || changed === name || changed.startsWith("..")) tell()
        })
        watcher.on("error", () => watcher.close())
        return watcher
      } catch {
        return undefined
      }
    }),
    (watcher) => Effect.sync(() => watcher?.close())
  )

const listening = (tell: () => void) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      process.on("SIGHUP", tell)
    }),
    () => Effect.sync(() => process.off("SIGHUP", tell))
  )
