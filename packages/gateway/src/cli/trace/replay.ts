/**
 * `trace replay`: runs a recorded request again, with the clock, the random numbers and the answers of the recording, and says
 * whether it went the same way. Nobody outside is asked and nothing that is kept is touched.
 *
 * @module
 */
import type { Difference, Recorded, Replayed } from "@plugline/inspector"
import { memory } from "@plugline/plugs"
import { Transport } from "@plugline/providers"
import { Effect, Layer } from "effect"
import { Json, LlmError, plugline } from "plugline"
import { load, type Loaded } from "../../config/load.ts"
import type { Env } from "../../config/read.ts"
import { differencesOf, type Line, recordingOf, replayed, wayOf } from "../../inspector/replay.ts"
import { lineOf } from "../../inspector/lines.ts"
import { guarded } from "../../server/idempotency.ts"
import { Failed } from "../Failed.ts"
import { json, painter, printable, type Screen } from "../Screen.ts"
import { attempt, told } from "../told.ts"
import { oneLine } from "./lines.ts"
import { ask, type Source } from "./Source.ts"

/** How a replay went. */
export type Outcome = Pick<Replayed, "equal" | "differences" | "pipelineChanged">

/** Most differences that are written out. */
const most = 50

/** Has a gateway replay one of its requests. */
export const inGateway = (id: string, source: Source): Effect.Effect<Outcome, Failed> =>
  Effect.flatMap(ask(source, "POST", `/traces/${encodeURIComponent(id)}/replay`, "{}"), (answer) =>
    Json.isRecord(answer) && typeof answer.equal === "boolean" && Array.isArray(answer.differences)
      ? Effect.succeed(answer as unknown as Outcome)
      : Effect.fail(new Failed(`the gateway at ${source.url} did not say how the replay went`)))

/** Replays a file, in the pipeline that the configuration has for it now. */
export const here = (recorded: Recorded, config: string | undefined, env: Env): Effect.Effect<Outcome, Failed> =>
  Effect.gen(function*() {
    const loaded = yield* told(load(config, env))
    const line = yield* told(lineFor(recorded, loaded))
    const recording = yield* told(recordingOf(recorded))
    // Keys are put where they were, as always; there is nobody they could be sent to.
    const nobody = Layer.mergeAll(memory, loaded.credentials, Transport.memory(() => Effect.succeed({ status: 503 }) as never))
    const run = yield* told(Effect.provide(replayed(line, recording, loaded), Layer.provide(loaded.services, nobody)))
    const differences = differencesOf(recording, run)
    const { hash } = recorded.summary
    return { equal: differences.length === 0, differences, pipelineChanged: hash !== "" && lineOf(line).hash !== hash }
  })

/** What `trace ask` notes of how its pipeline is found: that of the provider alone. */
export const asked = { by: "ask" } as const

const lineFor = ({ call, request }: Recorded, loaded: Loaded): Effect.Effect<Line, LlmError> =>
  attempt(() => {
    if (call === undefined) {
      throw LlmError.make({
        _tag: "Configuration",
        message: "the file does not say which pipeline it was: only the program that ran it can replay it, with Replay.replay of "
          + "@plugline/replay"
      })
    }
    if (call.by === asked.by) return plugline.build(request.provider).withOperation(request.operation).pipeline()
    const found = loaded.pipelineFor(wayOf(call, request.operation))
    return call.keyed === true ? guarded(found) : found
  })

/** Says how a replay went, and fails where it went another way. */
export const report = (outcome: Outcome, machine: boolean, screen: Screen): Effect.Effect<void, Failed> =>
  Effect.suspend(() => {
    const { differences, equal, pipelineChanged } = outcome
    const paint = painter(screen)
    if (machine) screen.write(json({ equal, pipelineChanged, differences }))
    else {
      if (equal) screen.write(`${paint("green", "Equal: it went the same way, step by step.")}\n`)
      if (pipelineChanged) screen.write(`${paint("yellow", "The configuration has another pipeline there by now.")}\n`)
      screen.write(differences.slice(0, most).flatMap((each) => lines(each, screen)).map((line) => `${line}\n`).join(""))
    }
    const { length } = differences
    const left = length > most && !machine ? ` (${most} of them are shown; --json shows all)` : ""
    return equal ? Effect.void : Effect.fail(new Failed(`it went another way in ${length} place${length === 1 ? "" : "s"}${left}`))
  })

const lines = ({ after, before, path }: Difference, screen: Screen): ReadonlyArray<string> => {
  const paint = painter(screen)
  const room = Math.max(40, screen.columns - 12)
  const shown = (value: unknown): string => oneLine(JSON.stringify(value) ?? "(nothing)", room)
  return [printable(path), `  ${paint("red", `recorded  ${shown(before)}`)}`, `  ${paint("green", `replayed  ${shown(after)}`)}`]
}
