/**
 * Opens the store of requests where the configuration says. A file that cannot be opened, or is broken, keeps nobody from calling:
 * then the memory of this process stands in for it, and the log says so.
 *
 * @module
 */
import { Sqlite, type StoreError } from "@plugline/plugs"
import { Context, Effect, Layer, type Scope } from "effect"
import { Mask } from "plugline"
import type { Inspector } from "../../config/Inspector.ts"
import { type Bounds, TraceStore } from "./TraceStore.ts"
import { sqlite } from "./TraceStore.sqlite.ts"

/** A store that is open. */
export interface Opened {
  readonly store: TraceStore["Service"]
  /** The file, or `:memory:`. */
  readonly path: string
}

/** How long another process that writes holds this one up, in ms. */
const busyTimeout = 25

/** Opens it until the scope closes. */
export const open = (settings: Inspector, path: string): Effect.Effect<Opened, never, Scope.Scope> =>
  Effect.catch(at(path, settings), (error) =>
    Effect.andThen(
      Effect.logWarning(`requests are kept for the inspector until the next start only: ${path} cannot be opened (${Mask.text(error.message)})`),
      Effect.orDie(at(":memory:", settings))
    ))

const at = (path: string, bounds: Bounds): Effect.Effect<Opened, StoreError, Scope.Scope> =>
  Effect.map(Layer.build(Layer.provide(sqlite(bounds), Sqlite.layer({ path, busyTimeout }))), (context) => ({
    store: Context.get(context, TraceStore),
    path
  }))
