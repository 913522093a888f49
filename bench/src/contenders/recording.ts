/**
 * The line that calls through the gateway mostly run, as it is, on the tape but not recorded, recorded with every step and all that
 * comes from outside, and written down as JSON too.
 *
 * @module
 */
import { type Compiled, Pipeline, Request } from "@plugline/core"
import { CircuitBreaker, memory, Metrics, Providers, RateLimit, Retry, Taped, TrackCost } from "@plugline/plugs"
import { Replay } from "@plugline/replay"
import { Effect, Layer, Logger, ManagedRuntime } from "effect"
import { usual } from "../cases.ts"
import type { Contender, Contenders } from "../worker.ts"
import { respond } from "./shipped.ts"

/** How it is answered. */
export interface Asked {
  readonly streamed: boolean
}

const line = [
  RateLimit.plug({ limits: [{ per: "global", requestsPerMinute: 100_000_000, tokensPerMinute: 10_000_000_000 }] }),
  Metrics.plug(),
  TrackCost.plug(),
  Retry.plug({ deadline: "10 minutes" }),
  TrackCost.plug(),
  CircuitBreaker.plug(),
  respond
]

/** How many plugs it has, the one that answers included. */
export const plugs = line.length

const services = Layer.mergeAll(memory, Providers.none, Logger.layer([Logger.make(() => {})]))

const tape = Replay.taped({ edge: "respond", stores: Taped.stores })

type Run = (compiled: Compiled, request: Request) => Effect.Effect<Request | undefined>

const recorded = (end: (recording: Replay.Recording) => void): Run => (compiled, request) =>
  Effect.flatMap(Replay.begin(request), (taping) =>
    Effect.map(taping.during(() => Pipeline.runCompiled(compiled, request, { observer: taping.observer })), (final) => {
      end(taping.recording(final))
      return final
    }))

const contender = async ({ streamed }: Asked, taped: boolean, run: Run): Promise<Contender> => {
  const requests = usual.map((request) => streamed ? Request.withOperation(request, "stream") : request)
  const runtime = ManagedRuntime.make(services)
  const compiling = Pipeline.compile(line)
  const compiled = await runtime.runPromise(taped ? tape(compiling) : compiling)
  let at = 0
  const check = (final: Request | undefined): void => {
    if (final?.state !== "completed") throw new Error(`the line lost its work: ${final?.errors[0]?.message ?? final?.state}`)
  }
  return (count) => {
    let done = 0
    return runtime.runPromise(Effect.whileLoop({
      while: () => done < count,
      body: () => Effect.map(run(compiled, requests[at = (at + 1) % requests.length]!), check),
      step: () => {
        done++
      }
    }))
  }
}

const plain: Run = (compiled, request) => Pipeline.runCompiled(compiled, request)

const kept = (recording: Replay.Recording): void => {
  if (recording.trace.steps.length < plugs) throw new Error(`only ${recording.trace.steps.length} steps were recorded`)
}

const written = (recording: Replay.Recording): void => {
  if (JSON.stringify(Replay.encode(recording)).length < 2_000) throw new Error("little was written down")
}

export const contenders: Contenders<Asked> = {
  plain: (asked) => contender(asked, false, plain),
  idle: (asked) => contender(asked, true, plain),
  recorded: (asked) => contender(asked, true, recorded(kept)),
  written: (asked) => contender(asked, true, recorded(written))
}
