/**
 * One line about a request that is over, from what the log and the headers of its answer say.
 *
 * @module
 */
import { TrackCost } from "@plugline/plugs"
import { type LlmError, Mask } from "plugline"
import type { Exchange } from "../server/Exchange.ts"
import { lineOf } from "./lines.ts"
import type { Noted } from "./Recorder.ts"
import type { Entry } from "./store/TraceStore.ts"

type Summary = Entry["summary"]

/** A client's request in a line. `operation`: what its route is for, where it did not come so far as to run. */
export const summaryOf = (exchange: Exchange, took: number, operation: string): Summary => {
  const { came, dialect, error, hasLeft, id, noted, principal, route, status } = exchange
  const { key, tenant, user } = principal?.identity ?? {}
  return {
    id,
    at: came,
    took,
    route,
    dialect: dialect.name,
    status: hasLeft ? 499 : status,
    ...(noted === undefined ? { operation, streamed: false, pipeline: "", hash: "" } : ranOf(exchange, noted)),
    ...(error !== undefined && { error: errorOf(error) }),
    ...(tenant !== undefined && { tenant }),
    ...(user !== undefined && { user }),
    ...(key !== undefined && { key }),
    recorded: noted?.tape !== undefined
  }
}

const ranOf = (exchange: Exchange, { current, final, ready, streamed }: Noted): Pick<Summary, "operation" | "streamed" | "pipeline" | "hash"> => {
  const { call, request, route, target } = ready
  const principal = exchange.principal!
  const first = streamed?.first
  return {
    ...factsOf(exchange.note ?? { provider: target.provider, model: target.model, operation: request.operation }),
    ...(final !== undefined && savedOf(final)),
    operation: request.operation,
    streamed: ready.streams,
    ...(call.model !== "" && { asked: Mask.text(call.model).slice(0, 200) }),
    ...(first !== undefined && { firstToken: first - exchange.came }),
    pipeline: current.nameOf(current.wayOf(target, request.operation, principal, route)),
    hash: lineOf(ready.pipeline).hash
  }
}

type Facts = Partial<Pick<Summary, "provider" | "model" | "cache" | "attempts" | "inputTokens" | "outputTokens" | "cost" | "saved">>

/** What a note for the log says; what it does not know is left out. */
export const factsOf = (note: NonNullable<Exchange["note"]>): Facts => {
  const { attempts, cache, costUsd, inputTokens, model, outputTokens, provider } = note
  return {
    ...(typeof provider === "string" && { provider }),
    ...(typeof model === "string" && { model: Mask.text(model).slice(0, 200) }),
    ...(typeof cache === "string" && { cache }),
    ...(typeof attempts === "number" && { attempts }),
    ...(typeof inputTokens === "number" && { inputTokens }),
    ...(typeof outputTokens === "number" && { outputTokens }),
    ...(typeof costUsd === "string" && { cost: costUsd })
  }
}

/** What the cache saved. */
export const savedOf = (final: NonNullable<Noted["final"]>): Facts => {
  const saved = TrackCost.of(final)?.saved
  return saved === undefined ? {} : { saved }
}

/** An error in a line, credentials masked. */
export const errorOf = ({ message, plug, reason }: LlmError): NonNullable<Summary["error"]> => ({
  reason: reason._tag,
  message: Mask.text(message).slice(0, 500),
  ...(plug !== undefined && { plug })
})
