/**
 * Sentences about a run: what they are about, and which plug.
 *
 * @module
 */
import type { LlmErrorJson, RequestJson } from "@plugline/core"
import type { Recorded } from "../api.ts"
import { sentence } from "./say.ts"
import type { Tried } from "./services.ts"
import type { Visit, Walk } from "./walk.ts"

/** What a sentence is about. */
export type About = "route" | "model" | "price" | "cache" | "attempts" | "limits" | "error" | "answer" | "time"

/** One reason. */
export interface Sentence {
  readonly about: About
  readonly text: string
  /** The path of the plug that it is about. */
  readonly path?: string
  /** The id of the visit that it is about. */
  readonly visit?: string
}

/** What the sentences are made from. */
export interface Known {
  readonly recorded: Recorded
  readonly tree: Walk
  /** The request as it was in the end, or as far as it came. */
  readonly end: RequestJson
  readonly error: LlmErrorJson | undefined
  readonly tried: ReadonlyArray<Tried>
}

/** Which plug a sentence is about: the last visit to one of this name. */
export interface Where {
  readonly plug?: string | undefined
  readonly which?: (visit: Visit) => boolean
}

/** A sentence. */
export const about = (topic: About, said: string, tree: Walk, { plug, which = () => true }: Where = {}): Sentence => {
  const visit = plug === undefined
    ? undefined
    : tree.flat.findLast((each) => each.name === plug && each.attempt > 0 && which(each))
  return { about: topic, text: sentence(said), ...(visit !== undefined && { path: visit.path, visit: visit.id }) }
}
