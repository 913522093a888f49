/**
 * Stands in for a provider and answers what a test wrote down: texts, results, streams with chosen cuts and delays, and
 * every way of failing. It keeps a log of what it was asked and of which of its streams were closed.
 *
 * @module
 */
import { LlmError, Plug, Request, Result } from "@plugline/core"
import type { Operation, Part, Parts, Pipeline, Reason, Source, Usage } from "@plugline/core"
import { type Duration, Effect } from "effect"
import { recut } from "./Cut.ts"

/** How an answer is given. */
export interface Manner {
  /** Time before the answer begins, in ms or as in `"2 seconds"`. Default: none. */
  readonly delay?: Duration.Input
  /** Time before each further piece of a stream. Default: none. */
  readonly between?: Duration.Input
  /** How many parts come at a time; of several numbers the last goes on. Default: 1. */
  readonly chunks?: number | ReadonlyArray<number>
  /** How many characters each delta holds; of several numbers the last goes on. Default: deltas as they are. */
  readonly cut?: number | ReadonlyArray<number>
  /** Whether the answer comes as a stream. Default: when the request asks for one. */
  readonly as?: "whole" | "stream"
}

/** An answer to one request, made by the functions of this module. */
export interface Reply extends Manner {
  readonly _tag: "Parts" | "Result" | "Fail" | "Throw" | "Never"
  readonly parts?: Parts
  /** What happens behind the parts, where they do not end the answer themselves. */
  readonly afterwards?: "cut" | "stall"
  readonly result?: Result
  readonly error?: LlmError
  readonly thrown?: unknown
}

/** What may stand in a script: a text, a result, or an answer made by the functions of this module. */
export type Answer = string | Result | Reply

/** What is answered, one answer per request; or a function that answers each. `call` counts from 1. */
export type Script = ReadonlyArray<Answer> | ((request: Request, call: number) => Answer)

/** One request the mock was asked. */
export interface Call {
  readonly request: Request
  /** How many parts were handed on. Of a whole answer: none. */
  readonly parts: number
  /** How often its stream was closed. */
  readonly closed: number
  /** Whether it was interrupted while it waited. */
  readonly interrupted: boolean
}

/** A provider that plays a script. */
export interface Mock {
  /** The plug that answers. A request that was answered already passes through it. */
  readonly plug: Plug
  /** The plug as a pipeline: for every operation, whole and streamed. */
  readonly pipeline: Pipeline
  /** What it was asked so far. */
  readonly calls: ReadonlyArray<Call>
  /** How many answers are left; `Infinity` for a function. */
  readonly left: () => number
  /** Back to the beginning of the script, with an empty log. */
  readonly reset: () => void
}

/**
 * A provider that plays a script. An answer too many is the error `Configuration`. `name`: what its plug is called.
 * Default: `mock`.
 *
 * @example
 * ```ts
 * import { Pipeline, Request, Result } from "@plugline/core"
 * import { Mock } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const mock = Mock.make(["Hello", Mock.fail({ _tag: "RateLimit", message: "slow down" })])
 * const ask = () => Effect.runSync(Pipeline.run(mock.pipeline, Request.make({ provider: "mock", messages: "Hi" })))
 * Result.text(ask().result) // => "Hello"
 * ask().errors[0]?.message // => 'mock, plug "mock": slow down (RateLimit)'
 * mock.calls.length // => 2
 * mock.left() // => 0
 * ```
 */
export const make = (script: Script, options: { readonly name?: string } = {}): Mock => {
  const name = options.name ?? "mock"
  const calls: Array<Writable<Call>> = []
  const answer = (request: Request): Request | Effect.Effect<Request, unknown> => {
    if (request.state === "completed" || request.state === "streaming") return request
    const call: Writable<Call> = { request, parts: 0, closed: 0, interrupted: false }
    calls.push(call)
    const number = calls.length
    const given = typeof script === "function" ? script(request, number) : script[number - 1]
    if (given === undefined) {
      return Request.fail(request, exhausted(name, number, typeof script === "function" ? undefined : script.length))
    }
    return play(toReply(given), request, call, name)
  }
  const plug = Plug.make(name, answer)
  return {
    plug,
    pipeline: [plug],
    calls,
    left: () => typeof script === "function" ? Infinity : Math.max(0, script.length - calls.length),
    reset: () => {
      calls.length = 0
    }
  }
}

/** A scripted provider in the form in which providers are registered. */
export interface MockProvider extends Mock {
  readonly name: string
  readonly title: string
  /** Empty: it is no place. */
  readonly baseUrl: string
  /** None: it needs no key. */
  readonly keys: readonly []
  readonly needsKey: false
  readonly authorize: (key: string) => { readonly [header: string]: string }
  /** None: it answers without a wire. */
  readonly wires: { readonly [Each in Operation]?: never }
  /** The same for every operation: the one plug that answers. */
  readonly pipelines: { readonly [Each in Operation]: Pipeline }
}

/**
 * The same as a provider, to be registered under its name and asked like any other: chat, stream, completion, embeddings,
 * moderations, list_models and validate, which all read on in one script. `name`: default `mock`.
 *
 * @example
 * ```ts
 * import { Mock } from "@plugline/testing"
 * import { make } from "plugline"
 *
 * const vectors = Mock.result({ type: "embeddings", embeddings: [[0.1, 0.2]], usage: { inputTokens: {}, outputTokens: {} } })
 * const mock = Mock.provider(["Hello", vectors])
 * const { chat, close, embed } = make({ providers: [mock] })
 * const answer = await chat("mock", "Hi")
 * answer.text // => "Hello"
 * const { embeddings } = await embed("mock", "Hi")
 * embeddings // => [[0.1, 0.2]]
 * mock.calls.map(({ request }) => request.operation) // => ["chat", "embeddings"]
 * await close()
 * ```
 */
export const provider = (script: Script, options: { readonly name?: string } = {}): MockProvider => {
  const { name = "mock" } = options
  const mock = make(script, { name })
  const { pipeline } = mock
  return {
    ...mock,
    name,
    title: name,
    baseUrl: "",
    keys: [],
    needsKey: false,
    authorize: () => ({}),
    wires: {},
    pipelines: {
      chat: pipeline,
      stream: pipeline,
      embeddings: pipeline,
      completion: pipeline,
      moderations: pipeline,
      list_models: pipeline,
      validate: pipeline
    }
  }
}

// --- answers
// ----------------------------------------------------------------------------------------------------------

/** What {@link text} takes besides the manner. */
export interface TextOptions extends Manner {
  readonly model?: string
  /** Default: unknown. */
  readonly usage?: Usage
}

/** A text. Its stream has one delta, unless `cut` says otherwise. */
export const text = (text: string, options: TextOptions = {}): Reply => {
  const { model, usage, ...manner } = options
  return { _tag: "Result", result: textResult(text, model, usage), ...manner }
}

/** A result of any operation. */
export const result = (result: Result, manner: Manner = {}): Reply => ({ _tag: "Result", result, ...manner })

/** These parts. Asked for a whole answer it gives what they fold into. They must end in a finish or error part. */
export const parts = (parts: Parts, manner: Manner = {}): Reply => ({ _tag: "Parts", parts, ...manner })

/** An error; with `after`, in the middle of a stream, behind these parts. */
export const fail = (error: LlmError | Reason, options: Manner & { readonly after?: Parts } = {}): Reply => {
  const { after, ...manner } = options
  const known = LlmError.isLlmError(error) ? error : LlmError.make(error)
  return after === undefined
    ? { _tag: "Fail", error: known, ...manner }
    : { _tag: "Parts", parts: [...after, { type: "error", error: known.toJSON() }], ...manner }
}

/** A stream that ends behind these parts without saying so. Asked for a whole answer: the error `CutStream`. */
export const cut = (parts: Parts, manner: Manner = {}): Reply =>
  ({ _tag: "Parts", parts, afterwards: "cut", ...manner })

/** A stream that gives these parts and then nothing more, without an end. */
export const stall = (parts: Parts, manner: Manner = {}): Reply =>
  ({ _tag: "Parts", parts, afterwards: "stall", ...manner })

/** A plug that throws. */
export const throws = (thrown: unknown, manner: Manner = {}): Reply => ({ _tag: "Throw", thrown, ...manner })

/** No answer at all, however long one waits. */
export const never = (manner: Manner = {}): Reply => ({ _tag: "Never", ...manner })

// --- how they are given
// -----------------------------------------------------------------------------------------------

type Writable<A> = { -readonly [Field in keyof A]: A[Field] }

const toReply = (answer: Answer): Reply =>
  typeof answer === "string" ? text(answer) : "_tag" in answer ? answer : result(answer)

const textResult = (text: string, model: string | undefined, usage: Usage | undefined): Result => ({
  type: "chat",
  ...(model !== undefined && { model }),
  content: [{ type: "text", text }],
  finishReason: "stop",
  usage: usage ?? { inputTokens: {}, outputTokens: {} }
})

const play = (
  reply: Reply,
  given: Request,
  call: Writable<Call>,
  name: string
): Request | Effect.Effect<Request, unknown> => {
  const misfit = unfit(reply, given, name)
  if (misfit !== undefined) return Request.fail(given, misfit)
  const request = given.state === "pending" ? Request.execute(given) : given
  const answer = (): Request | Effect.Effect<Request, unknown> => {
    switch (reply._tag) {
      case "Throw":
        throw reply.thrown
      case "Never":
        return waiting(Effect.never, call)
      case "Fail":
        return Request.fail(request, reply.error!)
      default: {
        const streamed = (reply.as ?? (request.operation === "stream" ? "stream" : "whole")) === "stream"
        const type = request.operation === "completion" ? "completion" : "chat"
        if (reply._tag === "Result" && !(streamed && Result.isChat(reply.result))) {
          return Request.complete(request, Result.isChat(reply.result) ? { ...reply.result, type } : reply.result!)
        }
        const uncut = reply.parts ?? Result.parts(reply.result as Result & { type: "chat" | "completion" })
        const parts = reply.cut === undefined ? uncut : recut(uncut, numbers(reply.cut))
        return streamed
          ? Request.stream(request, sourceOf(parts, reply, call))
          : whole(request, parts, type, reply, call)
      }
    }
  }
  return reply.delay === undefined
    ? answer()
    : Effect.andThen(waiting(Effect.sleep(reply.delay), call), Effect.suspend(() => {
      const now = answer()
      return Effect.isEffect(now) ? now : Effect.succeed(now)
    }))
}

const whole = (
  request: Request,
  parts: Parts,
  type: "chat" | "completion",
  reply: Reply,
  call: Writable<Call>
): Request | Effect.Effect<Request> => {
  if (reply.afterwards === "stall") return waiting(Effect.never, call)
  const answered = Request.complete(request, Result.fold(parts, type))
  const end = parts.at(-1)
  if (reply.afterwards === "cut") {
    return Request.fail(answered,
      LlmError.make({ _tag: "CutStream", message: "the reply ended before its end was announced" }))
  }
  return end?.type === "error" ? Request.fail(answered, LlmError.fromJson(end.error)) : answered
}

const sourceOf = (parts: Parts, reply: Reply, call: Writable<Call>): Source => {
  const sizes = numbers(reply.chunks ?? 1)
  let at = 0
  let pulls = 0
  const next: Effect.Effect<Parts | undefined> = Effect.suspend(() => {
    if (at >= parts.length) {
      const stalls = reply.afterwards === "stall" && call.closed === 0
      return stalls ? waiting(Effect.never, call) : Effect.succeed(undefined)
    }
    const size = Math.max(1, sizes[Math.min(pulls++, sizes.length - 1)] ?? 1)
    const some = parts.slice(at, at + size)
    at += some.length
    call.parts += some.length
    return Effect.succeed(some)
  })
  return {
    pull: Effect.suspend(() =>
      pulls > 0 && reply.between !== undefined && at < parts.length
        ? Effect.andThen(waiting(Effect.sleep(reply.between), call), next)
        : next),
    close: Effect.sync(() => {
      call.closed++
      at = parts.length
    })
  }
}

const waiting = <A>(effect: Effect.Effect<A>, call: Writable<Call>): Effect.Effect<A> =>
  Effect.onInterrupt(effect, () => Effect.sync(() => {
    call.interrupted = true
  }))

const numbers = (given: number | ReadonlyArray<number>): ReadonlyArray<number> =>
  typeof given === "number" ? [given] : given

const contentOperations: ReadonlyArray<Request["operation"]> = ["chat", "stream", "completion"]

const unfit = (reply: Reply, request: Request, name: string): LlmError | undefined => {
  const hasContent = reply._tag === "Parts" || (reply._tag === "Result" && Result.isChat(reply.result))
  const wantsContent = contentOperations.includes(request.operation)
  if (reply._tag !== "Parts" && reply._tag !== "Result" || hasContent === wantsContent) return undefined
  return LlmError.make({
    _tag: "Configuration",
    option: "script",
    message: `the script of ${JSON.stringify(name)} answers with `
      + `${hasContent ? "a text or parts" : reply.result?.type}, but the request asks for ${request.operation}; `
      + "give it that operation's result with Mock.result"
  })
}

const exhausted = (name: string, call: number, length: number | undefined): LlmError =>
  LlmError.make({
    _tag: "Configuration",
    option: "script",
    message: length === undefined
      ? `the script of ${JSON.stringify(name)} gave no answer to call ${call}`
      : `the script of ${JSON.stringify(name)} has ${length} answer${length === 1 ? "" : "s"}, and this is call ${call}`
  })

/** A part with nothing known about usage that ends an answer well. */
export const finish: Part = { type: "finish", reason: "stop", usage: { inputTokens: {}, outputTokens: {} } }
