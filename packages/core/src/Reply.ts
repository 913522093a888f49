/**
 * Carries a reply from the provider's source through what the plugs do to it, part by part, and ends it properly: the
 * plugs see its end in reverse order, the provider's stream is closed, and the request gets its last state.
 *
 * A reply that is whole already goes through the same code, so a plug means the same for both.
 *
 * For plugs that have the rest of the line in hand and must still see the reply pass or end: {@link through} and {@link atEnd}
 * put that around what `next` answered.
 *
 * @module
 */
import { Effect, Exit } from "effect"
import * as Guard from "./Guard.ts"
import * as LlmError from "./LlmError.ts"
import * as Part from "./Part.ts"
import {
  addStage, complete, fail, failure, type Finisher, type PartHandler, type Parts, patch, type Pull, type Request, runOf, type Source, type Transform
} from "./Request.ts"
import * as Result from "./Result.ts"

/**
 * Puts what a plug does around a reply: around one that is still arriving for later, around a whole one at once. Anything
 * else is handed back as it came.
 */
export const through = (request: Request, transform: Transform): Guard.Now<Request> => {
  if (request.state === "streaming") return addStage(request, transform)
  if (request.state !== "completed" || !Result.isChat(request.result)) return request
  const { result } = request
  const flow = new Flow(patch(request, { state: "streaming", reply: { plug: undefined, source: nothing, stages: [transform] } }), true)
  return Guard.andThen(flow.feed(Result.parts(result)), () => {
    const { error } = flow
    if (error === undefined) return patch(request, { result: flow.result(result.type) })
    // What was refused is not to be seen; what it cost is.
    return fail(patch(request, { result: { ...flow.result(result.type), usage: result.usage } }), error)
  })
}

/** Lets a plug see the end of a reply: of one that is still arriving when it has arrived, of any other now. */
export const atEnd = (request: Request, finisher: Finisher): Guard.Now<Request> =>
  request.state === "streaming" && request.reply !== undefined
    ? addStage(request, finisher)
    : Guard.settle(finisher.plug, request, attempt(() => finisher.done(request)))

/** Puts something around the waiting for the parts of a reply that is still arriving; any other request is handed back. */
export const pulling = (request: Request, stage: Pull): Request => request.state === "streaming" ? addStage(request, stage) : request

/** Reads a reply that is still arriving to its end; any other request is handed back. */
export const drain = (request: Request): Effect.Effect<Request> => {
  if (request.state !== "streaming" || request.reply === undefined) return Effect.succeed(request)
  const flow = new Flow(request, true)
  return Effect.onInterrupt(
    Effect.gen(function*() {
      while ((yield* flow.pull) !== undefined) { /* the flow gathers the parts */ }
      return flow.final!
    }),
    () => flow.leave
  )
}

/** Leaves a reply that will not be read, if it has not been read or left before. */
export const abandon = (request: Request): Effect.Effect<void> =>
  Effect.suspend(() => {
    const latest = request.reply === undefined ? undefined : runOf(request)?.open?.get(request.reply.source)
    return latest === undefined ? request.reply?.source.close ?? Effect.void : new Flow(latest, false).leave
  })

/** A source of parts that are there already. */
export const sourceOf = (parts: Iterable<Part.Part>): Source => {
  let left: Parts | undefined = [...parts]
  return {
    pull: Effect.sync(() => {
      const now = left
      left = undefined
      return now
    }),
    close: Effect.sync(() => {
      left = undefined
    })
  }
}

const nothing: Source = { pull: Effect.succeed(undefined), close: Effect.void }

const attempt = (f: () => unknown): unknown => {
  try {
    return f()
  } catch (thrown) {
    return Exit.die(thrown)
  }
}

interface Opened {
  readonly plug: string
  readonly handle: PartHandler
}

/**
 * One reply on its way out. Between two transforms lies a boundary; finishers stand at the boundary where their plug stands
 * in the line, so each sees the answer as it was there.
 */
export class Flow {
  /** The request after the reply has ended, or after the reader has left. */
  final: Request | undefined
  readonly #request: Request
  readonly #transforms: Array<Opened> = []
  readonly #finishers: Array<Array<Finisher>> = [[]]
  readonly #folds: Array<Result.Fold | undefined> = []
  readonly #ended: Array<Part.FinishPart | Part.ErrorPart | undefined> = []
  readonly #pull: Source["pull"]
  #left = false

  /** `keep`: whether the whole answer is wanted at the end, also when no plug reads it. */
  constructor(request: Request, keep: boolean) {
    this.#request = request
    let pull = request.reply?.source.pull ?? Effect.succeed(undefined)
    for (const stage of request.reply?.stages ?? []) {
      if (stage._tag === "Finisher") this.#finishers.at(-1)!.push(stage)
      else if (stage._tag === "Pull") pull = wrapped(stage, pull, request)
      else {
        this.#transforms.push({ plug: stage.plug, handle: open(stage, request) })
        this.#finishers.push([])
      }
    }
    const last = this.#finishers.length - 1
    this.#finishers.forEach((finishers, boundary) => {
      const content = finishers.some((finisher) => finisher.content) || (boundary === last && keep)
      this.#folds.push(finishers.length > 0 || boundary === last ? new Result.Fold({ content }) : undefined)
      this.#ended.push(undefined)
    })
    this.#pull = pull
  }

  /** The next parts for the reader; `undefined` once the last part was handed on. */
  readonly pull: Effect.Effect<Parts | undefined> = Effect.suspend(() => {
    if (this.final !== undefined || this.#left) return Effect.succeed(undefined)
    return Effect.flatMap(this.#pull, (parts) =>
      Guard.effect(Guard.andThen(this.feed(parts ?? [cut(this.#request)]), (out) => this.#deliver(out))))
  })

  /** The reader goes away, or never came: the provider's stream is closed, and every plug that must know is told. */
  readonly leave: Effect.Effect<void> = Effect.uninterruptible(Effect.suspend(() => {
    if (this.final !== undefined || this.#left) return Effect.void
    this.#left = true
    return Effect.andThen(this.#close, Effect.suspend(() => Effect.asVoid(Guard.effect(this.#finish()))))
  }))

  /** The error this reply ended in, as it left the outermost plug. */
  get error(): LlmError.LlmError | undefined {
    const end = this.#ended.at(-1)
    return end?.type === "error" ? Part.errorOf(end) : undefined
  }

  /** The answer gathered so far, as it left the outermost plug. */
  result(type: Result.ChatResult["type"]): Result.ChatResult {
    return this.#folds.at(-1)!.result(type)
  }

  /**
   * Sends parts through every transform, one after the other, each to the end of the line before the next: so the outcome
   * does not depend on how many of them came at a time.
   */
  feed(parts: Parts): Guard.Now<Parts> {
    const out: Array<Part.Part> = []
    return Guard.andThen(this.#send(parts, 0, 0, out), () => out)
  }

  #send(parts: Parts, from: number, boundary: number, out: Array<Part.Part>): Guard.Now<void> {
    for (let at = from; at < parts.length; at++) {
      const sent = this.#sendOne(parts[at]!, boundary, out)
      if (Effect.isEffect(sent)) return Effect.flatMap(sent, () => Guard.effect(this.#send(parts, at + 1, boundary, out)))
    }
  }

  #sendOne(given: Part.Part, boundary: number, out: Array<Part.Part>): Guard.Now<void> {
    // Nothing follows the end, neither here nor, once it has left the outermost plug, anywhere.
    if (this.#ended[boundary] !== undefined || this.#ended[this.#transforms.length] !== undefined) return
    const part = this.#cross(boundary, given)
    if (boundary === this.#transforms.length) {
      out.push(part)
      return
    }
    const transform = this.#transforms[boundary]!
    const answer = this.#handle(transform, part)
    return Effect.isEffect(answer)
      ? Effect.flatMap(answer, (answer) => Guard.effect(this.#onward(transform, part, answer, boundary, out)))
      : this.#onward(transform, part, answer, boundary, out)
  }

  /** What a plug made of a part goes on to the next. */
  #onward(transform: Opened, part: Part.Part, answer: Part.Part | Parts, boundary: number, out: Array<Part.Part>): Guard.Now<void> {
    if (answer === part) return this.#sendOne(part, boundary + 1, out)
    const parts = this.#closing(part, isList(answer) ? answer : [answer])
    if (!(parts.length === 1 && parts[0] === part)) runOf(this.#request)?.observer?.parts(transform.plug, parts)
    return this.#send(parts, 0, boundary + 1, out)
  }

  /** What a plug makes of a part; whatever goes wrong there is an error part. */
  #handle(transform: Opened, part: Part.Part): Guard.Now<Part.Part | Parts> {
    let answer: unknown
    try {
      answer = transform.handle(part)
    } catch (thrown) {
      return this.#errorPart(transform.plug, thrown)
    }
    if (!Effect.isEffect(answer)) return this.#checked(transform, answer)
    return Effect.matchCauseEffect(answer as Effect.Effect<unknown, unknown>, {
      onSuccess: (answer) => Effect.succeed(this.#checked(transform, answer)),
      onFailure: (cause) =>
        Effect.map(
          Guard.effect(Guard.failed(transform.plug, patch(this.#request, { errors: [] }), cause)),
          (request) => Part.error(request.errors[0]!)
        )
    })
  }

  #checked(transform: Opened, answer: unknown): Part.Part | Parts {
    if (isPart(answer) || (Array.isArray(answer) && answer.every(isPart))) return answer
    return this.#errorPart(transform.plug, new TypeError("must answer a part with a part or a list of parts, or an Effect of that"))
  }

  #errorPart(plug: string, thrown: unknown): Part.ErrorPart {
    return Part.error(LlmError.fromUnknown(thrown, { plug, provider: this.#request.provider }))
  }

  /** A plug may not swallow the end of a reply: where the end went in and none came out, it is put back. */
  #closing(part: Part.Part, out: Parts): Parts {
    return Part.isTerminal(part) && !out.some(Part.isTerminal) ? [...out, part] : out
  }

  /** A part crosses a boundary: it is gathered for who stands there. */
  #cross(boundary: number, part: Part.Part): Part.Part {
    const crossed = Part.isTerminal(part) ? this.#ended[boundary] = this.#stamp(boundary, part) : part
    this.#folds[boundary]?.add(crossed)
    return crossed
  }

  /** An error that names no plug comes from the one it just left. */
  #stamp(boundary: number, end: Part.FinishPart | Part.ErrorPart): Part.FinishPart | Part.ErrorPart {
    if (end.type === "finish" || (end.error.plug !== undefined && end.error.provider !== undefined)) return end
    const plug = boundary === 0 ? this.#request.reply?.plug : this.#transforms[boundary - 1]!.plug
    return Part.error(LlmError.from(Part.errorOf(end), { plug: plug ?? "provider", provider: this.#request.provider }))
  }

  /** Hands parts to the reader. The end waits until every plug has seen it: one that objects turns it into an error. */
  #deliver(out: Parts): Guard.Now<Parts> {
    runOf(this.#request)?.observer?.parts(undefined, out)
    if (this.#ended.at(-1) === undefined) return out
    return Effect.map(Effect.andThen(this.#close, Effect.suspend(() => Guard.effect(this.#finish()))), (final) => {
      const error = failure(final)
      return error === undefined || out.at(-1)?.type === "error" ? out : [...out.slice(0, -1), Part.error(error)]
    })
  }

  readonly #close = Effect.suspend(() => {
    const { reply } = this.#request
    if (reply === undefined) return Effect.void
    runOf(this.#request)?.open?.delete(reply.source)
    return reply.source.close
  })

  /** Every plug sees the end, the innermost first. */
  #finish(): Guard.Now<Request> {
    return Guard.andThen(this.#boundaries(this.#request, 0), (final) => {
      this.final = final
      return final
    })
  }

  #boundaries(request: Request, from: number): Guard.Now<Request> {
    let at = request
    for (let boundary = from; boundary < this.#finishers.length; boundary++) {
      at = this.#settle(at, boundary, this.#ended[boundary], this.#ended[boundary - 1])
      const seen = this.#see(at, boundary, 0)
      if (Effect.isEffect(seen)) return Effect.flatMap(seen, (request) => Guard.effect(this.#boundaries(request, boundary + 1)))
      at = seen
    }
    return at
  }

  /** The plugs at one boundary, one after the other. */
  #see(request: Request, boundary: number, from: number): Guard.Now<Request> {
    const finishers = this.#finishers[boundary]!
    const observer = runOf(this.#request)?.observer
    let at = request
    for (let index = from; index < finishers.length; index++) {
      const finisher = finishers[index]!
      if (!finisher.always && (this.#ended[boundary] === undefined || at.state === "error")) continue
      const before = at
      const seen = Guard.settle(finisher.plug, before, attempt(() => finisher.done(before)))
      if (Effect.isEffect(seen)) {
        return Effect.flatMap(seen, (after) => {
          observer?.finish(finisher.plug, before, after)
          return Guard.effect(this.#see(after, boundary, index + 1))
        })
      }
      observer?.finish(finisher.plug, before, seen)
      at = seen
    }
    return at
  }

  /** The request at a boundary: with the answer as it was there, or the error that crossed it. */
  #settle(request: Request, boundary: number, end: Part.Part | undefined, inner: Part.Part | undefined): Request {
    const fold = this.#folds[boundary]
    const type = request.operation === "completion" ? "completion" : "chat"
    if (end === undefined || fold === undefined && end.type !== "error") return request
    if (end.type === "error") {
      const partial = patch(request, { result: fold?.result(type) ?? request.result })
      const known = request.state === "error" && inner?.type === "error" && inner.error === end.error
      return known ? partial : fail(partial, Part.errorOf(end))
    }
    if (request.state === "streaming") return complete(request, fold!.result(type))
    return request.state === "completed" ? patch(request, { result: fold!.result(type) }) : request
  }
}

const isPart = (value: unknown): value is Part.Part =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"

const isList = (answer: Part.Part | Parts): answer is Parts => Array.isArray(answer)

const open = (transform: Transform, request: Request): PartHandler => {
  try {
    return transform.open(request)
  } catch (thrown) {
    const error = Part.error(LlmError.fromUnknown(thrown, { plug: transform.plug, provider: request.provider }))
    return () => [error]
  }
}

/** The pull that a plug made of another; whatever goes wrong in making it or in it is an error part. */
const wrapped = ({ plug, wrap }: Pull, pull: Source["pull"], request: Request): Source["pull"] => {
  const failed = (thrown: unknown): Parts => [Part.error(LlmError.fromUnknown(thrown, { plug, provider: request.provider }))]
  try {
    return Effect.catchDefect(wrap(pull), (defect) => Effect.succeed(failed(defect)))
  } catch (thrown) {
    return Effect.succeed(failed(thrown))
  }
}

const cut = (request: Request): Part.ErrorPart =>
  Part.error(LlmError.make(
    { _tag: "CutStream", message: "the reply ended before its end was announced" },
    { plug: request.reply?.plug, provider: request.provider }
  ))
