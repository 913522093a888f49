/**
 * What is in force: where requests go and what they run through, as the configuration says. Requests that are under way keep the
 * one they began with.
 *
 * @module
 */
import type { Registry } from "@plugline/providers"
import type { Effect, Exit } from "effect"
import type { Compiled, LlmError, Model, Operation, Pipeline, Services } from "plugline"
import type { Auth } from "../auth/Auth.ts"
import type { Principal } from "../auth/Principal.ts"
import type { Target } from "../config/models.ts"

import type { Call as Way } from "../config/pipelines.ts"

export type { Target } from "../config/models.ts"

/** What is in force. */
export interface Current {
  readonly limits: Limits
  readonly auth: Auth
  readonly registry: Registry
  /** The interface of a provider that the configuration names; absent where any of its own will do. */
  readonly apiOf: (provider: string) => string | undefined
  /** Who is asked for a model of this name, or why nobody can be. */
  readonly resolve: (model: string | undefined, operation: Operation, principal: Principal) => Target | LlmError
  /** What a call runs through. */
  readonly pipeline: (target: Target, operation: Operation, principal: Principal, route: string) => Pipeline<Services>
  /** How that is found, as plain data: the same finds it again. */
  readonly wayOf: (target: Target, operation: Operation, principal: Principal, route: string) => Way
  /** The name of the pipeline that is found so. */
  readonly nameOf: (way: Way) => string
  /** Which share of the calls is kept with every step. */
  readonly sample: number
  /** A pipeline ready to run: compiled once. */
  readonly compiled: (pipeline: Pipeline<Services>) => Effect.Effect<Compiled, LlmError, Services>
  /** The models that are offered, aliases first. */
  readonly models: ReadonlyArray<Model>
  /** Whether calls have spans. */
  readonly spans: boolean
  /** Runs an Effect on the services; what is answered ends it. */
  readonly run: Run
}

/** Runs an Effect and tells how it ended; what is answered ends it early. */
export type Run = <A, E>(
  effect: Effect.Effect<A, E, Services>,
  options: { readonly onExit: (exit: Exit.Exit<A, E>) => void }
) => () => void

/** What a client may send, and how long it may take. */
export interface Limits {
  /** Longest body, in bytes. */
  readonly body: number
  /** After how many ms without a word an open stream is told that it lives. */
  readonly keepAlive: number
}
