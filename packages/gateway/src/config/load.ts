/**
 * Loads a configuration: from a file, or from the environment alone. What comes out is checked as a whole and ready
 * for requests.
 *
 * @module
 */
import { Providers, type Stores, TrackCost } from "@plugline/plugs"
import { Credentials, type Registry, Transport } from "@plugline/providers"
import { Catalog } from "@plugline/catalog"
import { ConfigProvider, Effect, Layer } from "effect"
import { readFile, realpath, stat } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import { LlmError, type Model, type Operation, Pipeline, Request, type Services } from "plugline"
import { check, type Warning } from "./checks.ts"
import type { Config } from "./Config.ts"
import { checkInspector } from "./Inspector.ts"
import { builtInPlugs, lineOf, pathOf, type Table } from "./lines.ts"
import { modelsOf, type Target } from "./models.ts"
import { type Call, finder, type Line, type Needs, standard, usual } from "./pipelines.ts"
import { defined, offer, type Offer } from "./providers.ts"
import { type Env, type Path, read, type Read, several } from "./read.ts"
import { checkStores, storesOf } from "./stores.ts"

/** A configuration in force. */
export interface Loaded {
  readonly config: Config
  /** The file it came from, or `undefined` for the environment alone. */
  readonly path: string | undefined
  /** The folder that paths in it begin at. */
  readonly folder: string
  /** What was written, for printing. */
  readonly written: Read["written"]
  readonly references: Read["references"]
  /** What is taken, though it may be meant otherwise: with line and field. */
  readonly warnings: ReadonlyArray<string>
  readonly registry: Registry
  /** Keys of the file, then those of the environment. */
  readonly credentials: Layer.Layer<Credentials>
  /** The same where the keys are the same. */
  readonly credentialsKey: string
  /** Caches, limits, budgets, circuits, opened with the layer. */
  readonly stores: Layer.Layer<Stores, LlmError>
  /** Everything that pipelines need, over stores, credentials and connections that are at hand. */
  readonly services: Layer.Layer<Services, never, Stores | Credentials | Transport>
  /** Whether a provider's address may be one of this machine or of a private network. */
  readonly allowsPrivate: (provider: string) => boolean
  /** The origins of these providers. */
  readonly privateOrigins: ReadonlySet<string>
  /** Who is asked for a model of this name, or why nobody can be. `tenant`: by whom. */
  readonly resolve: (model: string | undefined, operation: Operation, tenant?: string) => Target | LlmError
  /** The models that are offered, aliases first. */
  readonly models: ReadonlyArray<Model>
  /** What a call runs through: the same array for the same call. */
  readonly pipelineFor: (call: Call) => Line
  /** The pipelines by name, as they were written, without the provider at their end. */
  readonly lines: ReadonlyMap<string, Line>
}

/** What may be given beside a file. */
export interface LoadOptions {
  /** Further plugs that pipelines may name, by that name. Default: those that are shipped. */
  readonly plugs?: Table
}

/** The longest file that is read, in bytes. */
const longest = 1_000_000

/** The configuration of a file, or without one that of the environment alone. Fails with `Configuration`. */
export const load = (path: string | undefined, env: Env, options: LoadOptions = {}): Effect.Effect<Loaded, LlmError> =>
  path === undefined
    ? from("", "the environment", { env, folder: process.cwd(), path: undefined, ...options })
    : Effect.flatMap(
      textOf(path),
      ({ text }) => from(text, path, { env, folder: dirname(resolve(path)), path: resolve(path), ...options })
    )

interface Origin extends LoadOptions {
  readonly env: Env
  readonly folder: string
  readonly path: string | undefined
}

/** The configuration that a text holds. `name` is what messages call it. */
export const from = (text: string, name: string, { env, folder, path, plugs }: Origin): Effect.Effect<Loaded, LlmError> =>
  Effect.flatMap(
    Effect.try(
      { try: () => prepare(text, name, env, folder, { ...builtInPlugs, ...plugs }), catch: (thrown) => LlmError.fromUnknown(thrown) }
    ),
    ({ found, lines, loaded }) => {
      const whole: Loaded = { ...loaded, path, folder }
      return Effect.as(Effect.provide(compileAll(whole, lines, found), idle(whole.registry)), whole)
    }
  )

const textOf = (path: string): Effect.Effect<{ readonly text: string }, LlmError> =>
  Effect.tryPromise({
    try: async () => {
      if (path.includes("\0")) throw new Error("its path holds NUL")
      const found = await stat(await realpath(path))
      if (!found.isFile()) throw new Error("it is no file")
      if (found.size > longest) throw new Error(`it is longer than ${longest} bytes`)
      return { text: await readFile(path, "utf8") }
    },
    catch: (thrown) =>
      LlmError.make({
        _tag: "Configuration",
        option: "config",
        message: `${JSON.stringify(path.slice(0, 200))} cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`
      })
  })

const prepare = (text: string, name: string, env: Env, folder: string, plugs: Table) => {
  const found = read(text, name, env)
  const { config, refuse } = found
  checkStores(config.stores, folder, refuse)
  checkInspector(config.inspector, folder, refuse)
  const offered = offer(config.providers, env, refuse)
  const lines = new Map<string, Line>()
  const wrong: Array<LlmError> = []
  for (const [line, written] of Object.entries(config.pipelines)) {
    try {
      lines.set(
        line,
        lineOf(written, plugs, (path, message) => refuse(["pipelines", line, ...path], `pipelines.${line}: ${message}`))
      )
    } catch (thrown) {
      wrong.push(LlmError.fromUnknown(thrown))
    }
  }
  if (wrong.length > 0) throw several(wrong)
  const models = modelsOf(config, offered, refuse)
  const warnings = [...offered.warnings, ...check({ config, offer: offered, lines, references: found.references }, refuse)]
  const loaded = {
    config,
    written: found.written,
    references: found.references,
    warnings: warnings.map(({ message, path }: Warning) => refuse(path, message).reason.message),
    registry: offered.registry,
    credentials: offered.credentials,
    credentialsKey: offered.credentialsKey,
    stores: storesOf(config.stores, folder),
    services: servicesOf(offered, env),
    allowsPrivate: offered.allowsPrivate,
    privateOrigins: offered.privateOrigins,
    ...models,
    pipelineFor: finder(config, lines),
    lines
  }
  return { found, lines, loaded }
}

/** Prices go by what a provider is, not by what it is called here. */
const pricesOf = ({ kindOf }: Offer): Layer.Layer<never> =>
  Layer.succeed(TrackCost.Prices, {
    ...Catalog.builtin,
    get: (provider, id) => Catalog.get(kindOf(provider), id),
    models: (provider) => Catalog.models(kindOf(provider))
  })

const servicesOf = (offered: Offer, env: Env): Layer.Layer<Services, never, Stores | Credentials | Transport> => {
  const passed = Layer.effectContext(Effect.context<Stores | Credentials | Transport>())
  const environment = ConfigProvider.layer(ConfigProvider.fromEnv({ env: defined(env) }))
  const reach = Layer.mergeAll(passed, environment, pricesOf(offered))
  return Layer.provideMerge(Providers.layer(offered.registry), reach)
}

// --- compiling
// -------------------------------------------------------------------------------------------------------------------

/** What pipelines need to be compiled, and not to be run: nothing is opened or asked. */
const idle = (registry: Registry): Layer.Layer<Needs> => {
  const nobody = Layer.merge(Transport.memory(() => Effect.succeed({ status: 503 }) as never), Credentials.none)
  return Layer.merge(
    storesOf({ kind: "memory" }, "") as Layer.Layer<Stores>,
    Layer.provide(Providers.layer(registry), nobody)
  )
}

/**
 * Compiles every pipeline with the limits of everyone who may go through it; the first that cannot be is refused
 * with its line.
 */
const compileAll = (loaded: Loaded, lines: ReadonlyMap<string, Line>, found: Read): Effect.Effect<void, LlmError, Needs> =>
  Effect.gen(function*() {
    for (const [name, line] of lines) {
      yield* Effect.mapError(
        Pipeline.compile([...line, Providers.ask] as Line),
        (error) => placed(error, name, line, found)
      )
    }
    for (const tenant of [undefined, ...Object.keys(loaded.config.tenants)]) {
      for (const pipeline of [standard, ...lines.keys()]) {
        for (const operation of Request.operations) {
          const line = loaded.pipelineFor({ operation, pipeline, tenant })
          yield* Effect.mapError(Pipeline.compile(line), (error) => limited(error, tenant, found))
        }
      }
    }
    yield* Pipeline.compile(usual)
  })

/** An error of compiling, at the plug that it is about. */
const placed = (error: LlmError, name: string, line: Line, { config, refuse }: Read): LlmError => {
  const { plug, reason } = error
  const misplaced = reason.message.startsWith("plug ")
  const at = Array.isArray(config.pipelines[name]) ? line.findIndex((each) => "name" in each && each.name === plug) : -1
  const option = reason._tag === "Configuration" && !misplaced ? reason.option : undefined
  const path: Path = ["pipelines", name, ...(at < 0 ? [] : [at, ...(option === undefined ? [] : pathOf(option))])]
  // What is said of `Plug.anywhere` helps those who write code.
  const message = reason.message.replace(/; where this order is meant, .*$/, "")
  return refuse(path, `pipelines.${name}: ${plug === undefined || misplaced ? "" : `${plug}: `}${message}`)
}

/** An error that the limits and budgets of a tenant or of the gateway make. */
const limited = (error: LlmError, tenant: string | undefined, { config, refuse }: Read): LlmError => {
  const section = error.plug === "budget" ? "budgets" : "limits"
  const [, index, rest = ""] = /^limits\.(\d+)(?:\.(.*))?$/.exec(error.reason._tag === "Configuration" ? error.reason.option ?? "" : "") ?? []
  const own = index === undefined ? undefined : Number(index) - config[section].length
  const inside = index === undefined ? [] : [own! < 0 ? Number(index) : own!, ...(rest === "" ? [] : pathOf(rest))]
  const path: Path = [...(tenant === undefined || own === undefined || own < 0 ? [] : ["tenants", tenant]), section, ...inside]
  return refuse(path, `${path.join(".")}: ${error.reason.message.replace(/^option \S+ /, "").replace(/, not \{.*$/, "")}`)
}
