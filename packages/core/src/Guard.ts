/**
 * Keeps whatever a plug does inside the run: throws, failures and values that are no request become entries that name the
 * plug. For the runner; not exported from the package.
 *
 * @module
 */
import { Cause, Effect, Effectable, Exit } from "effect"
import * as LlmError from "./LlmError.ts"
import { isRequest, join, patch, type Request, runOf } from "./Request.ts"

/** A value now or later. */
export type Now<A> = A | Effect.Effect<A>

/** Goes on with a value at once where it is there already, so that no fiber is needed for it. (A module with an export named `then` is a thenable, and `import()` of it goes wrong.) */
export const andThen = <A, B>(value: Now<A>, f: (a: A) => Now<B>): Now<B> => {
  if (value instanceof Rest) return andThen(value.run() as Now<A>, f)
  if (!Effect.isEffect(value)) return f(value)
  if (Exit.isExit(value) && Exit.isSuccess(value)) return f(value.value as A)
  return Effect.flatMap(value, (a) => effect(f(a)))
}

/**
 * The rest of a line as an Effect: run as often as it is evaluated, and not before. Where a handler hands it on as it is, the
 * runner runs it at once, without a fiber.
 */
export class Rest extends Effectable.Class<Request> {
  readonly run: () => Now<Request>

  constructor(run: () => Now<Request>) {
    super()
    this.run = run
  }

  override asEffect(): Effect.Effect<Request> {
    return effect(this.run())
  }
}

/** The value as an Effect. */
export const effect = <A>(value: Now<A>): Effect.Effect<A> =>
  (Effect.isEffect(value) ? value : Effect.succeed(value)) as Effect.Effect<A>

/** What a plug answered, as a request: `before` with an entry where it is none. */
export const settle = (plug: string, before: Request, answer: unknown): Now<Request> => {
  if (isRequest(answer)) {
    const after = runOf(answer) === runOf(before) ? answer : join(answer, runOf(before))
    return after.errors === before.errors ? after : checked(plug, before, after)
  }
  if (answer instanceof Rest) return settle(plug, before, answer.run())
  if (!Effect.isEffect(answer)) return crash(plug, before, notARequest(answer))
  if (Exit.isExit(answer)) {
    return Exit.isSuccess(answer)
      ? settle(plug, before, nested(answer.value))
      : failed(plug, before, answer.cause)
  }
  return Effect.matchCauseEffect(answer as Effect.Effect<unknown, unknown>, {
    onSuccess: (value) => effect(settle(plug, before, nested(value))),
    onFailure: (cause) => effect(failed(plug, before, cause))
  })
}

/** The request as it stood before the plug, ended with what went wrong. */
export const crash = (plug: string, before: Request, thrown: unknown): Request => {
  const error = LlmError.fromUnknown(thrown, { plug, provider: before.provider })
  return patch(before, { state: "error", halted: true, reply: undefined, errors: [...before.errors, error] })
}

/** A cause as an entry. Interruption is none: it goes on to whoever interrupted. */
export const failed = (plug: string, before: Request, cause: Cause.Cause<unknown>): Now<Request> =>
  Cause.hasInterruptsOnly(cause) ? Effect.failCause(cause as Cause.Cause<never>) : crash(plug, before, Cause.squash(cause))

/** Errors only grow, and each names its plug. */
const checked = (plug: string, before: Request, after: Request): Request => {
  const known = before.errors
  const kept = known.every((error, index) => {
    const same = after.errors[index]
    // A stamped copy of an entry is the same entry.
    return same === error || same?.reason === error.reason
  })
  const errors = kept ? after.errors : [...known, ...after.errors.filter((error) => !known.includes(error))]
  if (errors.every((error) => error.plug !== undefined) && kept) return after
  return patch(after, {
    errors: errors.map((error) => error.plug === undefined ? LlmError.from(error, { plug, provider: before.provider }) : error)
  })
}

const notARequest = (answer: unknown): LlmError.LlmError =>
  LlmError.make({
    _tag: "Plug",
    message: `must answer with a Request, or an Effect of one, not ${
      answer === undefined ? "undefined (is a return missing?)" : answer === null ? "null" : shape(answer)
    }`
  })

const shape = (answer: unknown): string =>
  answer instanceof Promise
    ? "a Promise (wrap it with Effect.promise)"
    : typeof answer === "object"
    ? `an object of class ${answer?.constructor?.name ?? "Object"}`
    : `a ${typeof answer}`

/** An Effect inside an Effect's success is no request either; this keeps {@link settle} from running it. */
const nested = (value: unknown): unknown => Effect.isEffect(value) ? { effect: value } : value
