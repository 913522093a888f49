/**
 * The inspector of a gateway: what it keeps of requests, who takes note of them, and who watches.
 *
 * @module
 */
import { Effect, Random, type Scope } from "effect"
import type { Inspector as Settings } from "../config/Inspector.ts"
import type { Route } from "../server/Server.ts"
import { Feeds } from "./Feeds.ts"
import { Imports } from "./Imports.ts"
import { make as recorderOf, type Recorder } from "./Recorder.ts"
import { open as openStore } from "./store/open.ts"
import type { TraceStore } from "./store/TraceStore.ts"
import { make as writerOf, type Writer } from "./store/Writer.ts"

/** An inspector. */
export interface Inspector {
  readonly settings: Settings
  /** The file that requests are kept in, or `:memory:`. */
  readonly path: string
  readonly store: TraceStore["Service"]
  readonly writer: Writer
  readonly recorder: Recorder
  readonly feeds: Feeds
  readonly imports: Imports
}

/** What it is opened with. */
export interface Options {
  readonly settings: Settings
  /** The file that requests are kept in, or `:memory:`. */
  readonly path: string
  /** The routes on which models are asked. */
  readonly routes: ReadonlyArray<Pick<Route, "operation" | "path">>
  /** Whether the gateway takes no new requests any more. */
  readonly isDraining: () => boolean
}

/** Opens it; `undefined` where it is turned off. What waits is written when the scope closes. */
export const open = ({ isDraining, path, routes, settings }: Options): Effect.Effect<Inspector | undefined, never, Scope.Scope> =>
  Effect.gen(function*() {
    if (!settings.enabled) return undefined
    const opened = yield* openStore(settings, path)
    const { store } = opened
    const feeds = new Feeds(store, isDraining)
    yield* Effect.addFinalizer(() => Effect.sync(() => feeds.close()))
    // Other processes may keep theirs in the same file.
    yield* Effect.forkScoped(Effect.forever(Effect.delay(Effect.sync(() => feeds.wake()), "1 second")))
    const writer = yield* writerOf({ store, maxRecord: settings.maxRecord, written: () => feeds.wake() })
    return {
      settings,
      path: opened.path,
      store,
      writer,
      recorder: recorderOf(writer, routes, settings.maxRecord, yield* Random.Random),
      feeds,
      imports: new Imports()
    }
  })
