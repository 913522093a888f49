/**
 * Runs a recorded request another way: on what is on the record, or, where services are to be asked, as a call by whoever runs it.
 *
 * @module
 */
import type { Fork, Recorded } from "@plugline/inspector"
import { Providers } from "@plugline/plugs"
import { Replay } from "@plugline/replay"
import { Effect, Schema } from "effect"
import { Json, type JsonValue, LlmError, type Plug, type Services } from "plugline"
import type { Ask } from "../admin/act.ts"
import { forbidden, type Principal } from "../auth/Principal.ts"
import { builtInPlugs, lineOf } from "../config/lines.ts"
import type { Loaded } from "../config/load.ts"
import { type Call, type Line as Written, nameOf } from "../config/pipelines.ts"
import { alone, askedBy, checkWhole, invalid, liveLine, refuseFields, refuseOptions } from "./live.ts"
import { apart, bounded, type Line, lineNow, patience } from "./replay.ts"
import { tape } from "./Recorder.ts"

const Place = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(1_024))
const few = <S extends Schema.Top>(item: S) => Schema.Array(item).check(Schema.isMaxLength(100))
const Name = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(100))

/** What a client sends. */
export const ForkBody = Schema.Struct({
  at: Schema.optionalKey(Schema.Struct({ path: Place, attempt: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 })) })),
  set: Schema.optionalKey(few(Schema.Struct({ path: Place, value: Schema.Json }))),
  unset: Schema.optionalKey(few(Place)),
  options: Schema.optionalKey(few(Schema.Struct({ path: Place, options: Schema.Record(Schema.String, Schema.Json) }))),
  line: Schema.optionalKey(few(Schema.Struct({ name: Name, options: Schema.optionalKey(Schema.Json) }))),
  upstream: Schema.optionalKey(Schema.Literals(["recorded", "live"]))
})

/** What is run another way. */
export interface Forking {
  readonly fork: Fork
  readonly recorded: Recorded
  readonly recording: Replay.Recording
  readonly ask: Ask
}

/** Runs it, and says through what. */
export const forked = (
  { ask, fork, recorded, recording }: Forking
): Effect.Effect<{ readonly line: Line; readonly run: Replay.Recording }, LlmError, Services> =>
  Effect.gen(function*() {
    const { live: { loaded }, principal } = ask
    const isLive = fork.upstream === "live"
    const make = remade(isLive)
    const written = fork.line === undefined ? undefined : yield* attempt(() => lineWritten(fork.line!, isLive))
    const change: Replay.Change & Replay.Tape = {
      ...tape,
      ...(fork.at !== undefined && { at: fork.at }),
      ...(fork.set !== undefined && { set: fork.set }),
      ...(fork.unset !== undefined && { unset: fork.unset }),
      ...(fork.options !== undefined && { options: fork.options, make }),
      upstream: fork.upstream ?? "recorded"
    }
    if (!isLive) {
      const line = written === undefined ? yield* lineNow(recorded, loaded, principal) : [...written, Providers.ask]
      return { line, run: yield* bounded(apart(loaded, Replay.fork(line, recording, change)), patience.recorded) }
    }
    const line = yield* attempt(() => {
      refuseFields(fork)
      const found = liveLine(fork, recorded, written, loaded, principal)
      checkWhole(found, fork, make, loaded)
      return found
    })
    const request = yield* attempt(() => askedBy(recording.request, principal))
    return { line, run: yield* bounded(alone(Replay.fork(line, { ...recording, request }, change)), patience.live) }
  })

const attempt = <A>(make: () => A): Effect.Effect<A, LlmError> =>
  Effect.try({ try: make, catch: (thrown) => LlmError.fromUnknown(thrown) })

// --- lines
// ----------------------------------------------------------------------------------------------------------------------

/** A line of shipped plugs. */
const lineWritten = (line: NonNullable<Fork["line"]>, isLive: boolean): Written => {
  const entries = line.map(({ name, options }, index) => {
    if (isLive) refuseOptions(name, options, `line.${index}`)
    return Json.isRecord(options) ? { ...options, plug: name } : name
  })
  return lineOf(entries, builtInPlugs, (path, message) => invalid(["line", ...path], message))
}

/** Makes a shipped plug again with other options. */
const remade = (isLive: boolean) => ({ name }: Plug<unknown>, options: JsonValue): Plug<unknown> => {
  if (isLive) refuseOptions(name, options, "options")
  const [plug] = lineOf([{ ...options as object, plug: name }], builtInPlugs, (path, message) => invalid(["options", ...path.slice(1)], message))
  return plug as Plug<unknown>
}

/** Why somebody may not have a pipeline of another name run for him, or `undefined` where he may. */
export const notHis = ({ config }: Loaded, principal: Principal, name: string, route: string): LlmError | undefined => {
  const { identity: { tenant } } = principal
  const own = (operation: Call["operation"]) => nameOf(config, { operation, route, tenant })
  return tenant === undefined || own("chat") === name || own("stream") === name
    ? undefined
    : forbidden(`the pipeline of its tenant is ${JSON.stringify(own("chat"))}`)
}
