/**
 * A line of one shipped plug in front of an answer that is there at once, in memory; and the same line without the
 * plug.
 *
 * Both run in a fiber that is there already, as it is in a program, so that a plug that answers with an Effect is not
 * charged with starting one.
 *
 * @module
 */
import { type Part, type Parts, Pipeline, type PlugLike, Plug, Request, type Result } from "@plugline/core"
import { memory, Providers, type Stores } from "@plugline/plugs"
import { Effect, Layer, Logger, ManagedRuntime } from "effect"
import { answer, type Case, type CaseName, cases, usual } from "../cases.ts"
import { pieces } from "../exchange.ts"
import type { Contender, Contenders } from "../worker.ts"

/** Which case, and how it is answered. */
export interface Asked {
  readonly name: CaseName
  readonly streamed?: boolean
}

type Services = Stores | Providers.Providers

/** How many parts a streamed answer has; each comes by itself. */
export const partCount = 50

const parts: ReadonlyArray<Parts> = [
  { type: "text-start", id: "0" },
  ...pieces.slice(0, partCount - 3).map((delta): Part => ({ type: "text-delta", id: "0", delta })),
  { type: "text-end", id: "0" },
  { type: "finish", reason: "stop", usage: answer.usage }
].map((part) => [part as Part])

const vectors = (inputs: number): Result => ({
  type: "embeddings",
  embeddings: Array.from({ length: inputs }, () => [0.1, 0.2, 0.3]),
  usage: { inputTokens: { total: 8 * inputs }, outputTokens: {} }
})

const begun = (request: Request): Request => {
  let next = 0
  return Request.stream(request, {
    pull: Effect.sync(() => parts[next++]),
    close: Effect.void
  })
}

/** Answers at once, whole or in parts. */
export const respond = Plug.make("respond", (request) =>
  request.state !== "pending" && request.state !== "executing" ? request
    : request.operation === "stream" ? begun(request)
    : Request.complete(request, request.operation === "embeddings" ? vectors(request.messages.length) : answer))

const services = Layer.mergeAll(
  memory,
  Providers.of({ openai: [respond], anthropic: [respond] }),
  // Lines are made and handed over; how they are written is not the plug's cost.
  Logger.layer([Logger.make(() => {})])
)

const contender = async (asked: Asked, withPlug: boolean): Promise<Contender> => {
  const { did, plug, requests = usual, together = 1 }: Case = cases[asked.name]
  const given = requests.map((request) => asked.streamed === true ? Request.withOperation(request, "stream") : request)
  const line: ReadonlyArray<PlugLike<Services>> = withPlug ? [plug(), respond] : [respond]
  const runtime = ManagedRuntime.make(services)
  const compiled = await runtime.runPromise(Pipeline.compile(line))
  let at = 0
  const once = (): Effect.Effect<Request> => Pipeline.runCompiled(compiled, given[at = (at + 1) % given.length]!)
  const check = (final: Request): void => {
    if (final.state !== "completed" || (withPlug && did?.(final) === false)) {
      throw new Error(`the line of ${asked.name} lost its work: ${final.errors[0]?.message ?? final.state}`)
    }
  }
  const batch = Array.from({ length: together }, () => Effect.suspend(once))
  const body = together === 1
    ? () => Effect.map(once(), check)
    : () => Effect.map(Effect.all(batch, { concurrency: "unbounded" }), (finals) => finals.forEach(check))
  return (count) => {
    let done = 0
    return runtime.runPromise(Effect.whileLoop({
      while: () => done < count,
      body,
      step: () => {
        done += together
      }
    }))
  }
}

export const contenders: Contenders<Asked> = {
  without: (asked) => contender(asked, false),
  with: (asked) => contender(asked, true)
}
