/**
 * Files and batches of a gateway, opened where its stores are: they outlast the process wherever the stores do.
 *
 * @module
 */
import { Queue, Sqlite } from "@plugline/plugs"
import { Effect, Layer, Redacted, type Scope } from "effect"
import { join, resolve } from "node:path"
import { LlmError } from "plugline"
import type { Batches as Settings } from "../config/Batches.ts"
import type { Config } from "../config/Config.ts"
import { databaseOf } from "../config/stores.ts"
import type { Current } from "../server/Current.ts"
import { type Driver, make as drive } from "./Driver.ts"
import { type Files, make as filesOf } from "./Files.ts"
import { make as registerOf, type Register } from "./Register.ts"
import { postgres, sqlite, type Sql } from "./Sql.ts"
import { plug } from "./worker.ts"

/** Files and batches. */
export interface Batches {
  readonly settings: Settings
  readonly files: Files
  readonly register: Register
  readonly driver: Driver
}

/** What they are opened with. */
export interface Options {
  readonly settings: Settings
  readonly stores: Config["stores"]
  /** The folder that paths of the configuration begin at. */
  readonly folder: string
  readonly current: () => Current
}

/** So many lines of each batch are in the queue at a time, for each that is asked at a time. */
const ahead = 4

/** How long a line may go on when the gateway stops. */
const grace = "2 seconds"

/** Opens them, and begins to work. Fails with `Configuration` where the store cannot be opened. */
export const open = ({ current, folder, settings, stores }: Options): Effect.Effect<Batches, LlmError, Scope.Scope> =>
  Effect.gen(function*() {
    const { jobs, sql } = yield* opened(stores, folder)
    const files = filesOf(sql, settings.storage)
    const register = registerOf(sql)
    const working = Queue.work([plug({ register, jobs, current })], { concurrency: settings.concurrency, grace })
    yield* Effect.forkScoped(Effect.provideService(working, Queue.Jobs, jobs))
    const driver = yield* drive({
      register,
      files,
      jobs,
      window: Math.max(16, settings.concurrency * ahead),
      lines: settings.lines,
      longest: () => current().limits.body,
      keep: settings.keep
    })
    return { settings, files, register, driver }
  })

interface Opened {
  readonly sql: Sql
  readonly jobs: Queue.Jobs["Service"]
}

// A line is kept where its answer is: jobs that have ended are of no more use.
const queue = Queue.layer({
  name: "batches", deliveries: 50, lease: "15 seconds", keep: "10 minutes", rest: { base: "1 second", max: "1 minute" }
})

const opened = (stores: Config["stores"], folder: string): Effect.Effect<Opened, LlmError, Scope.Scope> =>
  Effect.mapError(
    stores.kind === "postgres" ? inPostgres(stores) : inSqlite(pathOf(stores, folder)),
    (error) =>
      LlmError.isLlmError(error) ? error : LlmError.make({
        _tag: "Configuration",
        option: "stores",
        message: "the store of batches cannot be opened: where stores.kind is redis, it is a file beside the configuration"
      }, { cause: error })
  )

/** Redis would have to hold whole files in memory: with it they lie in a file of this machine. */
const pathOf = (stores: Config["stores"], folder: string): string =>
  stores.kind === "sqlite" ? databaseOf(stores, folder)
    : stores.kind === "redis" ? join(resolve(folder), "plugline-batches.db")
    : ":memory:"

const inSqlite = (path: string) =>
  Effect.gen(function*() {
    const context = yield* Layer.build(Layer.provideMerge(queue, Layer.provideMerge(Queue.sqlite, Sqlite.layer({ path }))))
    return yield* Effect.provideContext(both(sqlite), context)
  })

const inPostgres = ({ connections, url }: Config["stores"]) =>
  Effect.gen(function*() {
    const { postgres: pool } = yield* Effect.promise(() => import("@plugline/plugs/postgres"))
    const connected = pool({ url: url ?? Redacted.make(""), ...(connections !== undefined && { connections }) })
    const context = yield* Layer.build(Layer.provideMerge(queue, Layer.provideMerge(Queue.postgres, connected)))
    return yield* Effect.provideContext(both(postgres), context)
  })

const both = <E, R>(sql: Effect.Effect<Sql, E, R>) =>
  Effect.gen(function*() {
    const jobs = yield* Queue.Jobs
    return { jobs, sql: yield* sql }
  })
