/**
 * Asks the lines of batches: each goes through the very pipeline that a call of its owner goes through, with what he may do now.
 *
 * @module
 */
import { Queue } from "@plugline/plugs"
import { Verbatim } from "@plugline/providers"
import { Clock, Effect, Exit } from "effect"
import { type JsonObject, LlmError, Pipeline, Plug, Request, type Result } from "plugline"
import { allows } from "../auth/Principal.ts"
import { failureOf, type Ready, ready } from "../server/call.ts"
import type { Current } from "../server/Current.ts"
import { type Answered, endpoints, failed, kept } from "./lines.ts"
import type { Batch, Line, Register } from "./Register.ts"

/** What a worker works with. */
export interface Work {
  readonly register: Register
  readonly jobs: Queue.Jobs["Service"]
  /** What is in force, asked anew for each line. */
  readonly current: () => Current
}

/** The job of a line: it says which, and no more. `pass`: which time it is offered. */
export const jobOf = (batch: string, line: number, pass: number): { readonly id: string; readonly request: Request } => {
  const id = `${batch}:${line}:${pass}`
  return { id, request: Request.make({ id, provider: "batches", messages: id, metadata: { batch, line } }) }
}

/** How often a line is tried that met a limit or a service with too much to do; and one that failed otherwise. */
const patient = 50
const tries = 3

/** The plug that does the jobs of a queue. */
export const plug = (work: Work): Plug =>
  Plug.of({
    name: "batches",
    make: Effect.succeed((job: Request) => {
      const { batch, line } = job.metadata as { readonly batch: string; readonly line: number }
      const done = Request.halt(job, nothing)
      return Effect.gen(function*() {
        const found = yield* work.register.find(batch)
        const task = yield* work.register.line(batch, line)
        // Called off, or answered when this job was delivered before.
        if (found === undefined || task === undefined || found.status !== "in_progress" || task.response !== null) return done
        const told = Request.get(job, Queue.delivery)
        const answered = yield* ask(work, found, task, told)
        if (LlmError.isLlmError(answered)) return Request.fail(job, answered)
        yield* work.register.answer(batch, line, kept(answered), answered.status !== 200)
        return done
      }).pipe(
        // The answer is with the job: it is delivered again, and not asked again.
        Effect.catchTag("StoreError", (error) => Effect.succeed(Request.fail(job, unreachable(error))))
      )
    })
  })

const nothing: Result = {
  type: "chat", content: [], finishReason: "stop", usage: { inputTokens: {}, outputTokens: {} }
}

/** The answer to a line; an error where it is to be tried again. */
const ask = (
  { current: inForce, jobs }: Work,
  { facts, id: batch }: Batch,
  { line, request: text }: Line,
  told: Queue.Delivery | undefined
): Effect.Effect<Answered | LlmError> =>
  Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const current = inForce()
    const kind = endpoints[facts.endpoint]!
    const id = `${batch}_${line}`
    const attempt = told?.attempt ?? 1
    const made = prepared(current, facts, id, JSON.parse(text) as JsonObject, now)
    if (LlmError.isLlmError(made)) return failed(made, id, kind)
    const request = told === undefined ? made.request : Request.assign(made.request, Queue.delivery, told)
    const run = Effect.provideService(Pipeline.run(remembering(made.pipeline), request), Queue.Jobs, jobs)
    const exit = yield* Effect.callback<Exit.Exit<Request, LlmError>>((resume) => {
      const stop = current.run(run, { onExit: (exit) => resume(Effect.succeed(exit)) })
      return Effect.sync(stop)
    })
    const final = Exit.isSuccess(exit) ? exit.value : undefined
    const error = Exit.isFailure(exit) ? failureOf(exit.cause) : Pipeline.outcome(exit.value)
    if (error !== undefined || final?.result === undefined) {
      const reason = error ?? LlmError.make({ _tag: "Halted", message: "the pipeline ended without an answer" })
      const waits = reason.reason._tag === "RateLimit" || reason.reason._tag === "Overloaded"
      return reason.retryable && attempt < (waits ? patient : tries) ? reason : failed(reason, id, kind)
    }
    const body = Verbatim.body(final.result, kind.dialect.name) ?? JSON.stringify(kind.dialect.encode(final.result, made.call))
    return { status: 200, id, body }
  })

/** A line as the call that will run, or why it cannot be. */
const prepared = (current: Current, { endpoint, pass }: Batch["facts"], id: string, body: JsonObject, now: number): Ready | LlmError => {
  const kind = endpoints[endpoint]!
  const principal = current.auth.honour(pass, now)
  if (LlmError.isLlmError(principal)) return principal
  const forbidden = allows(principal, { permission: "batches", route: "/v1/batches" })
    ?? allows(principal, { permission: kind.permission, route: endpoint })
  if (forbidden !== undefined) return forbidden
  if (body.stream === true) {
    return LlmError.make({ _tag: "InvalidRequest", status: 400, parameter: "stream", message: "the lines of a batch are not streamed" })
  }
  try {
    return ready({
      id,
      parameter: undefined,
      path: endpoint,
      route: endpoint,
      call: (asked, operation, model, provider) => ({
        id, operation, model, now, asked, ...(provider !== undefined && { provider })
      })
    }, current, kind, body, principal)
  } catch (thrown) {
    return LlmError.fromUnknown(thrown)
  }
}

type Pipe = Ready["pipeline"]

const lines = new WeakMap<Pipe, Pipe>()

/** A line that writes down what its provider answered before anything else is done: a line that is delivered again is not paid again. */
const remembering = (line: Pipe): Pipe => {
  let found = lines.get(line)
  if (found === undefined) lines.set(line, found = line.toSpliced(-1, 0, Queue.once() as never))
  return found
}

const unreachable = (cause: unknown): LlmError =>
  LlmError.make({ _tag: "Overloaded", status: 503, retryAfter: 1_000, message: "the store of batches does not answer" }, { cause })
