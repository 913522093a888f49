/**
 * Reads the answer: a whole one at once, a streamed one part by part as it is asked for.
 *
 * A stream is handed on with its first real part. Until then a failure is a failure of the request, so that a retry or a
 * fallback around it can still act; from then on it is an error part.
 *
 * @module
 */
import { type Bytes, LlmError, type Operation, Part, Plug, Request, Result } from "@plugline/core"
import { Effect } from "effect"
import type { Definition } from "./definition.ts"
import * as Verbatim from "../Verbatim.ts"
import { speaksOf, type Wire } from "../Wire.ts"
import { conclude } from "./conclude.ts"
import { warned, warningsOf } from "./prepare.ts"
import { begin, source } from "./source.ts"

/** The fifth plug of a provider: `response` becomes the answer. */
export const parse = (provider: Definition, operation: Operation, wire: Wire): Plug =>
  Plug.make("parse", (request) => {
    const { response } = request
    if (request.state !== "executing" || response === undefined) return request
    const { body, headers, status } = response
    if (typeof body !== "string") return streamed(wire, request, body)
    try {
      const result = warned(wire.parse({ status, headers, body }, request), warningsOf(request))
      if (isKept(wire, request)) Verbatim.note(result, body, Verbatim.wished(request))
      return Request.complete(request, result)
    } catch (thrown) {
      return conclude(arrived(wire, request, body), LlmError.fromUnknown(thrown, { provider: provider.name }))
    }
  }, { options: { provider: provider.name, operation } })

/** What of an answer had been said before its error, read as a stream of one piece, stands beside the error. */
const arrived = (wire: Wire, request: Request, body: string): Request => {
  if (wire.parts === undefined || !talks.has(request.operation)) return request
  try {
    const decoder = wire.parts(request)
    const parts = [...decoder.push(Buffer.from(body)), ...decoder.end()]
    const result = Result.fold(parts.filter(({ type }) => type !== "error"), request.operation === "completion" ? "completion" : "chat")
    return result.content.length === 0 ? request : Request.complete(request, warned(result, warningsOf(request)))
  } catch {
    // There is nothing more to be had from it than the error that is reported.
    return request
  }
}

const talks: ReadonlySet<Operation> = new Set(["chat", "stream", "completion"])

const streamed = (wire: Wire, request: Request, bytes: Bytes): Effect.Effect<Request> => {
  const failed = (thrown: unknown) => Part.error(LlmError.fromUnknown(thrown, { plug: "parse", provider: request.provider }))
  const decoder = wire.parts?.(request) ?? noDecoder
  const keeper = isKept(wire, request) ? new Verbatim.Keeper(Verbatim.wished(request) === "ollama") : undefined
  const parts = source(bytes, decoder, failed, keeper)
  const warnings = warningsOf(request).map((warning): Part => ({ type: "warning", warning }))
  return Effect.onInterrupt(
    Effect.flatMap(begin(parts, warnings), (begun) =>
      "source" in begun
        ? Effect.succeed(Request.stream(request, begun.source))
        : Effect.as(bytes.close, Request.fail(request, Part.errorOf(begun.error)))),
    () => bytes.close
  )
}

/** Whether somebody wishes to have the very words of the service, which speaks the format they were wished for in. */
const isKept = (wire: Wire, request: Request): boolean => {
  const wished = Verbatim.wished(request)
  return wished !== undefined && wished === speaksOf(wire, request.config.api)
}

const noDecoder = {
  push: () => {
    throw LlmError.make({ _tag: "Unsupported", message: "this operation has no streamed form" })
  },
  end: () => []
}
