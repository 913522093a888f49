/**
 * Watches requests without touching them: what an observer does can neither change nor fail nor hold up a request.
 *
 * It sees each request once when it comes, each part of the reply as it passes, and the end once, whatever the end is:
 * an answer, an error, a refusal, a reader that left, an interruption. Whatever an observer throws is counted, logged,
 * and otherwise ignored.
 *
 * @example
 * ```ts
 * import { Pipeline, Request } from "@plugline/core"
 * import { Passthrough } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const seen: Array<string> = []
 * const watch = Passthrough.plug("watch", {
 *   onRequest: (request) => request.messages.length,
 *   onEnd: (_request, messages, ending) => seen.push(`${messages} asked, ${ending}`)
 * })
 * const request = Request.make({ provider: "mock", messages: "Hi" })
 * Effect.runSync(Pipeline.run([watch, ...Mock.make(["Hello"]).pipeline], request)).state // => "completed"
 * seen // => ["1 asked, completed"]
 * ```
 *
 * @module
 */
import { type Handler, type JsonValue, LlmError, type Part, Plug, Reply, type Request, Result } from "@plugline/core"
import { Cause, Effect, Exit, Metric } from "effect"
import { andThen, effect, type Now } from "./cost/now.ts"
import { patience as usual } from "./store/patience.ts"

/**
 * How a request ended: with an answer; in an error or a refusal; its reader left before the end; its run was
 * interrupted before there was a reply; or the line came to its end without anyone having answered.
 */
export type Ending = "completed" | "failed" | "left" | "interrupted" | "unanswered"

/** What is watched. Each function may answer with a value, an Effect or a Promise. */
export interface Observer<A = unknown> {
  /** When the request comes. What it answers is handed to the other two. */
  readonly onRequest?: (request: Request) => A | Effect.Effect<A, unknown> | Promise<A>
  /** For each part of the reply, as it passes. */
  readonly onPart?: (part: Part, begun: A | undefined) => unknown
  /** When it has ended, once. `begun` is `undefined` where `onRequest` failed or is not there. */
  readonly onEnd?: (request: Request, begun: A | undefined, ending: Ending) => unknown
  /** Whether `onEnd` reads the content of the answer: of a stream none need be kept otherwise. Default: true. */
  readonly content?: boolean
  /** Whether `onPart` is also given the parts that a whole reply is made of. Default: true. */
  readonly whole?: boolean
  /** How long an Effect or a Promise may take, in ms, before the request goes on without it. Default: 1,000. */
  readonly patience?: number
}

/** What observers could not do, by plug and by hook. */
export const failures = Metric.counter("plugline.passthrough.failures", {
  description: "Observers that threw, failed or took too long",
  incremental: true
})

/** A plug that watches. `shown.options`: what inspection shows. */
export const plug = <A>(name: string, observer: Observer<A>, shown: { readonly options?: JsonValue } = {}): Plug =>
  Plug.of({ name, level: 3, ...shown, make: Effect.succeed(handler(name, observer)) })

/** The same as a handler, for plugs that need services to be made. Give such a plug the level 3. */
export const handler = <A>(name: string, observer: Observer<A>): Handler => (request, next) => {
  const visit = new Visit(name, observer)
  const begun = visit.begin(request)
  const asked = Effect.isEffect(begun) ? Effect.andThen(begun, next(request)) : next(request)
  // Between the answer and its being seen there is no place where an interruption could come and the end be missed.
  return Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      Effect.onInterrupt(restore(asked), () => effect(visit.end(request, "interrupted"))),
      (answer) => effect(visit.follow(answer))
    ))
}

/** How a request that is not interrupted ended. */
const endingOf = ({ state }: Request): Ending => {
  switch (state) {
    case "completed":
      return "completed"
    case "error":
      return "failed"
    case "streaming":
      return "left"
    default:
      return "unanswered"
  }
}

/** One request on its way past an observer. */
class Visit<A> {
  readonly #name: string
  readonly #observer: Observer<A>
  #begun: A | undefined
  #ended = false
  #complained = false

  constructor(name: string, observer: Observer<A>) {
    this.#name = name
    this.#observer = observer
  }

  begin(request: Request): Now<void> {
    const { onRequest } = this.#observer
    if (onRequest === undefined) return
    return this.#call("onRequest", () => onRequest(request), (begun) => {
      this.#begun = begun as A
    })
  }

  /** Watches what came back: a reply that is still arriving, part by part; anything else at once. */
  follow(answer: Request): Now<Request> {
    const { content = true, onPart, whole = true } = this.#observer
    if (answer.state === "streaming") {
      const passing = onPart === undefined
        ? answer
        : Reply.through(answer, {
          _tag: "Transform",
          plug: this.#name,
          open: () => (part) => andThen(this.#part(part), () => part)
        })
      return andThen(passing, (passing) =>
        Reply.atEnd(passing, {
          _tag: "Finisher",
          plug: this.#name,
          content,
          always: true,
          done: (final) => andThen(this.end(final, endingOf(final)), () => final)
        }))
    }
    const { result, state } = answer
    const shown = whole && onPart !== undefined && state === "completed" && Result.isChat(result)
    const parts = shown ? Result.parts(result) : []
    return andThen(this.#parts(parts, 0), () => andThen(this.end(answer, endingOf(answer)), () => answer))
  }

  end(request: Request, ending: Ending): Now<void> {
    const { onEnd } = this.#observer
    if (this.#ended || onEnd === undefined) return
    this.#ended = true
    return this.#call("onEnd", () => onEnd(request, this.#begun, ending))
  }

  #parts(parts: ReadonlyArray<Part>, from: number): Now<void> {
    for (let at = from; at < parts.length; at++) {
      const seen = this.#part(parts[at]!)
      if (Effect.isEffect(seen)) return Effect.andThen(seen, Effect.suspend(() => effect(this.#parts(parts, at + 1))))
    }
  }

  #part(part: Part): Now<void> {
    return this.#call("onPart", () => this.#observer.onPart!(part, this.#begun))
  }

  /** Whatever comes of it stays here. */
  #call(hook: keyof Observer, f: () => unknown, keep: (value: unknown) => void = ignore): Now<void> {
    let answer: unknown
    try {
      answer = f()
    } catch (thrown) {
      return this.#complain(hook, Cause.die(thrown))
    }
    if (answer instanceof Promise) {
      const promised: Promise<unknown> = answer
      answer = Effect.promise(() => promised)
    }
    if (!Effect.isEffect(answer)) return keep(answer)
    if (Exit.isExit(answer) && Exit.isSuccess(answer)) return keep(answer.value)
    const { patience = usual } = this.#observer
    const effect = answer as Effect.Effect<unknown, unknown>
    return Effect.matchCauseEffect(patience === Infinity ? effect : Effect.timeout(effect, patience), {
      onSuccess: (value) => Effect.sync(() => keep(value)),
      onFailure: (cause) => this.#complain(hook, cause)
    })
  }

  /** Counted each time; logged once per request, or an observer of parts would fill the log. */
  #complain(hook: keyof Observer, cause: Cause.Cause<unknown>): Effect.Effect<void> {
    const counted = Metric.update(Metric.withAttributes(failures, { plug: this.#name, hook }), 1)
    if (this.#complained) return counted
    this.#complained = true
    const { reason } = LlmError.fromUnknown(Cause.squash(cause))
    const said = Effect.logWarning(`${this.#name}: ${hook} failed: ${reason.message}`)
    return Effect.ignoreCause(Effect.andThen(counted, said))
  }
}

const ignore = (): void => {}
