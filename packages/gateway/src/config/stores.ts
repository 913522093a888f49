/**
 * Where caches, limits, budgets and circuits are kept, as the configuration says.
 *
 * @module
 */
import {
  Budget, Cache, CircuitBreaker, Idempotency, memory, RateLimit, SemanticCache, Sqlite, type Stores, TrackCost
} from "@plugline/plugs"
import { Effect, Layer, Redacted } from "effect"
import { lstatSync, statSync } from "node:fs"
import { dirname, isAbsolute, join, normalize, resolve, sep } from "node:path"
import { LlmError, Mask } from "plugline"
import type { Config } from "./Config.ts"
import type { Path } from "./read.ts"

type Settings = Config["stores"]

/** The stores, opened with the layer. What one kind cannot keep is kept in memory. */
export const storesOf = (settings: Settings, folder: string): Layer.Layer<Stores, LlmError> => {
  const { connections, kind, maxBytes, prefix, url } = settings
  const sized = maxBytes === undefined ? undefined : { maxBytes }
  switch (kind) {
    case "memory":
      return sized === undefined ? memory : Layer.merge(memory, Cache.memory(sized))
    case "sqlite": {
      const kept = Layer.mergeAll(
        Cache.sqlite(sized), SemanticCache.sqlite(), Idempotency.sqlite(), RateLimit.sqlite(), TrackCost.sqlite, Budget.sqlite
      )
      return over(url, Layer.provide(kept, Sqlite.layer({ path: databaseOf(settings, folder) })))
    }
    case "redis":
      return over(url, Layer.unwrap(Effect.map(Effect.promise(() => import("@plugline/plugs/redis")), ({ redis }) => {
        const keys = prefix === undefined ? {} : { prefix }
        const kept = Layer.mergeAll(
          Cache.redis(keys), Idempotency.redis(keys), RateLimit.redis(keys), TrackCost.redis(keys), Budget.redis(keys), CircuitBreaker.redis(keys)
        )
        return Layer.provide(kept, redis(url === undefined ? {} : { url: Redacted.value(url) }))
      })))
    case "postgres":
      return over(url, Layer.unwrap(Effect.map(Effect.promise(() => import("@plugline/plugs/postgres")), ({ postgres }) => {
        const pool = postgres({ url: url ?? Redacted.make(""), ...(connections !== undefined && { connections }) })
        return Layer.mergeAll(
          Cache.memory(sized),
          Layer.provide(Layer.mergeAll(RateLimit.postgres(), Budget.postgres), pool)
        )
      })))
  }
}

/** These stores, and those of the memory for all that they do not keep. */
const over = <A extends Stores, E>(url: Settings["url"], kept: Layer.Layer<A, E>): Layer.Layer<Stores, LlmError> =>
  Layer.catch(Layer.merge(memory, kept), (error) => Layer.effectContext(Effect.fail(LlmError.make({
    _tag: "Configuration",
    option: "stores",
    message: `the store cannot be opened: ${hide(url, error instanceof Error ? error.message : String(error))}`
  }))))

/** A message without the address that holds the credentials. */
const hide = (url: Settings["url"], message: string): string =>
  url === undefined ? message : message.replaceAll(Redacted.value(url), Mask.masked)

/** The file of the database. */
export const databaseOf = ({ path = "plugline.db", root }: Settings, folder: string): string =>
  path === ":memory:" ? path : join(resolve(folder, root ?? "."), path)

/**
 * Refuses settings that do not go together, and a database that would lie elsewhere than below its folder.
 *
 * @throws what `refuse` gives.
 */
export const checkStores = (settings: Settings, folder: string, refuse: (path: Path, message: string) => LlmError): void => {
  const { connections, kind, path, prefix, root, url } = settings
  const wrong = (field: string, message: string) => refuse(["stores", field], `stores.${field} ${message}`)
  if (path !== undefined && kind !== "sqlite") throw wrong("path", `is for sqlite, not for ${kind}`)
  if (root !== undefined && kind !== "sqlite") throw wrong("root", `is for sqlite, not for ${kind}`)
  if (url !== undefined && kind !== "redis" && kind !== "postgres") {
    throw wrong("url", `is for redis and postgres, not for ${kind}`)
  }
  if (prefix !== undefined && kind !== "redis") throw wrong("prefix", `is for redis, not for ${kind}`)
  if (connections !== undefined && kind !== "postgres") throw wrong("connections", `is for postgres, not for ${kind}`)
  if (kind === "postgres" && url === undefined) throw wrong("url", "is missing: where is the database?")
  const scheme = url === undefined ? undefined : URL.parse(Redacted.value(url))?.protocol
  if (url !== undefined && !(schemes[kind] ?? []).includes(scheme ?? "")) {
    throw wrong("url", `must begin with ${schemes[kind]?.join("// or ")}//`)
  }
  if (kind === "sqlite" && path !== undefined && path !== ":memory:") checkPath(
    path,
    resolve(folder, root ?? "."),
    wrong
  )
}

const schemes: { readonly [kind: string]: ReadonlyArray<string> } = {
  redis: ["redis:", "rediss:"],
  postgres: ["postgres:", "postgresql:"]
}

/** A path that stays below a folder, and passes through no link that could lead out of it. */
export const checkPath = (
  path: string,
  root: string,
  wrong: (field: string, message: string) => LlmError,
  below = "stores.root"
): void => {
  if (isAbsolute(path)) {
    throw wrong("path", `must lie below ${below}: write a path that does not begin at the root of the file system`)
  }
  const normal = normalize(path)
  if (normal === ".." || normal.startsWith(`..${sep}`) || path.split(/[\\/]/).includes("..")) {
    throw wrong("path", `must lie below ${below} and holds ".."`)
  }
  let inside = normal
  while (inside !== "." && inside !== sep) {
    if (lstatSync(join(root, inside), { throwIfNoEntry: false })?.isSymbolicLink() === true) {
      throw wrong("path", `passes through the link ${JSON.stringify(inside)}`)
    }
    inside = dirname(inside)
  }
  if (statSync(join(root, dirname(normal)), { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw wrong("path", "lies in a folder that is not there")
  }
}
