/**
 * `/inspector/api/traces/{id}/replay` and `…/fork`: runs a recorded request again, as it was or another way.
 *
 * @module
 */
import type { Fork, Forked, Replayed } from "@plugline/inspector"
import { Cause, Clock, Effect } from "effect"
import { type JsonValue, LlmError } from "plugline"
import type { Ask } from "../../admin/act.ts"
import { audited } from "../audit.ts"
import type { Route } from "../../server/Server.ts"
import { decode, invalid } from "../../auth/input.ts"
import { forked, ForkBody } from "../fork.ts"
import { Imports } from "../Imports.ts"
import { differencesOf, lineNow, recordingOf, replayed, shown } from "../replay.ts"
import { lineOf } from "../lines.ts"
import { act, recordedOf, type Site } from "./shared.ts"

/** What a file says may be read and still be no run: then it is the file that is wrong. */
const unlessDamaged = <A, E, R>(ask: Ask, work: Effect.Effect<A, E, R>): Effect.Effect<A, E | LlmError, R> =>
  !Imports.isImported(ask.id) ? work : Effect.catchCause(work, (cause): Effect.Effect<never, E | LlmError> => {
    const error = Cause.findErrorOption(cause)
    const isPlain = error._tag === "Some" && !(LlmError.isLlmError(error.value) && error.value.reason._tag === "Plug")
    return isPlain ? Effect.failCause(cause) : Effect.fail(invalid("this recorded request cannot be run: the file was changed, or damaged"))
  })

/** The routes on which recorded requests run again. */
export const replayRoutes = (site: Site): ReadonlyArray<Route> => [
  act(site, "/inspector/api/traces/{id}/replay", { permission: "replay", action: "inspector.replay" }, (ask, inspector) =>
    audited(ask, "inspector.replay", unlessDamaged(ask, Effect.gen(function*() {
      const recorded = yield* recordedOf(ask, inspector)
      const recording = yield* recordingOf(recorded)
      const line = yield* lineNow(recorded, ask.live.loaded, ask.principal)
      const run = yield* replayed(line, recording, ask.live.loaded)
      const differences = differencesOf(recording, run)
      const { pipeline } = recorded.summary
      const about = { id: ask.requestId, at: ask.now, route: "replay", line, pipeline, principal: ask.principal } as const
      const answer: Replayed = {
        equal: differences.length === 0,
        differences,
        pipelineChanged: lineOf(line).hash !== recorded.summary.hash,
        replayed: shown(run, recorded, about)
      }
      return answer as unknown as JsonValue
    })))),
  act(site, "/inspector/api/traces/{id}/fork", { permission: "replay", action: "inspector.fork" }, (ask, inspector) =>
    audited(ask, "inspector.fork", unlessDamaged(ask, Effect.gen(function*() {
      const fork: Fork = yield* decode(ForkBody, ask.input)
      const recorded = yield* recordedOf(ask, inspector)
      const recording = yield* recordingOf(recorded)
      const { line, run } = yield* forked({ fork, recorded, recording, ask })
      const { pipeline } = recorded.summary
      const at = yield* Clock.currentTimeMillis
      const about = { id: ask.requestId, at, route: "fork", line, pipeline, principal: ask.principal } as const
      const made = shown(run, recorded, about, fork)
      const { summary, ...rest } = made
      const { seq: _, ...kept } = summary
      inspector.writer.offer({ summary: () => kept, record: () => rest })
      yield* inspector.writer.flush
      const found = yield* inspector.store.find(kept.id)
      const answer: Forked = {
        forked: { ...made, summary: found?.summary ?? summary },
        differences: differencesOf(recording, run)
      }
      return answer as unknown as JsonValue
    }))))
]
