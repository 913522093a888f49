/**
 * What routing is told, and what it tells: options, and the record of each decision.
 *
 * @module
 */
import { type Key as KeyOf, Key, type Request } from "@plugline/core"
import type { When } from "../fallback/movesOn.ts"
import type { Target, Through } from "../fallback/target.ts"
import type { Tried } from "../fallback/walk.ts"
import { counter } from "../observe/series.ts"
import type { Span } from "../retry/span.ts"
import type { Aliases } from "./choose.ts"
import type { Abilities } from "./fit.ts"
import type { Strategy } from "./order.ts"

/** A provider and model that requests may go to. */
export interface RouteTarget<out R = never> extends Target<R>, Abilities {
  /** Its share, relative to the others; 0: only where all others are out. Default: 1. */
  readonly weight?: number
}

/** Options of `Route.plug`. */
export interface RouteOptions<R = never> {
  readonly targets: ReadonlyArray<RouteTarget<R>>
  /** Default: `first`. */
  readonly strategy?: Strategy
  /**
   * What else callers may write as the model, and which targets that means, by name or model. `auto` means all.
   * Default: none.
   */
  readonly aliases?: Aliases
  /**
   * What becomes of a model that is no target and no alias: `refuse` with NotFound, or `pass` it on down the line.
   * Default: `refuse`.
   */
  readonly otherModels?: "refuse" | "pass"
  /**
   * What `sticky` and `experiment` go by. Default: the session or user; for `sticky`, else how the conversation begins.
   */
  readonly key?: (request: Request) => string | undefined
  /** The name of the experiment. Default: that of the pool. */
  readonly experiment?: string
  /** How often `latency` tries another than the fastest, 0 to 1. Default: 0.05. */
  readonly explore?: number
  /** Whether what the catalog does not know of a model counts against it. Default: false. */
  readonly strict?: boolean
  /** How many targets are asked at most. Default: 3. */
  readonly attempts?: number
  /** Which errors lead to the next target. Default: `Fallback.movesOn`. */
  readonly when?: When
  /** How long one target may take until its answer begins. Default: no limit. */
  readonly timeout?: typeof Span.Encoded
  /** How long all of it may take until an answer begins. Default: no limit. */
  readonly deadline?: typeof Span.Encoded
  /** Where requests go whose target has no `pipeline`. Default: `providers`. */
  readonly through?: Through
  /** The name of this set of targets: whose turn it is is counted by it. Default: the names of its targets. */
  readonly pool?: string
}

/** What was chosen, and why. Plain JSON. */
export interface Decision {
  readonly strategy: Strategy
  /** The name of the target that answered; absent where none did. */
  readonly chosen?: string
  /** The targets that could answer, in the order in which they were to be asked. */
  readonly order: ReadonlyArray<string>
  /** Those that could not, and why. */
  readonly excluded: { readonly [target: string]: string }
  /** Those that were put last because they fail or asked to be left alone. */
  readonly unhealthy: ReadonlyArray<string>
  /** For `experiment`: the variant this person belongs to, whoever answered. */
  readonly assigned?: string
  /** What the caller wrote as the model. */
  readonly asked?: string
  /** Everyone who was asked. */
  readonly steps: ReadonlyArray<Tried>
}

/** Where {@link Decision} is written. */
export const decision: KeyOf<Decision> = Key.make<Decision>("route.decision")

/** Counts routed calls by the provider that answered (`none`) and by strategy. */
export const calls = counter("plugline.route.calls", { description: "Routed calls" })
