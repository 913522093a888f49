/**
 * Asks one after the other until one answers, within one deadline, and writes down how it went. What `Fallback` and
 * `Route` have in common.
 *
 * @module
 */
import { LlmError, type LlmErrorJson, type Next, Request } from "@plugline/core"
import { type Clock, Effect } from "effect"
import { effect, type Now } from "../cost/now.ts"

/** One that was asked. Plain JSON. */
export interface Tried {
  readonly name: string
  readonly provider: string
  readonly model?: string
  /**
   * How long it took, in ms: until it failed, until the whole answer, or until the first part of a stream was there.
   */
  readonly ms: number
  /** Why it did not answer; absent where it did. */
  readonly error?: LlmErrorJson
  /** Options it was not given. */
  readonly dropped?: ReadonlyArray<string>
}

/** One that may be asked. */
export interface Candidate {
  /** Default: provider and model of the request it was asked. */
  readonly name?: string | undefined
  /** Whether it is asked after what went wrong before. The first is asked without. */
  readonly accepts: (error: LlmError, failed: Request) => boolean
  /** The request as it is for this one. */
  readonly address: (request: Request) => Request
  readonly ask: (request: Request, next: Next, error: LlmError | undefined) => Now<Request>
  /** How long it may take, in ms. Default: as long as the deadline allows. */
  readonly timeout?: number | undefined
}

/** How a walk ended: the request, and who was asked. */
export interface Walked<out C extends Candidate = Candidate> {
  readonly request: Request
  readonly tried: ReadonlyArray<Tried>
  /** Who answered. */
  readonly by: C | undefined
}

/** Asks the candidates in order. `deadline`: for all of them together, in ms; `most`: how many are asked at most. */
export const walk = <C extends Candidate>(
  candidates: ReadonlyArray<C>,
  request: Request,
  next: Next,
  limits: { readonly deadline: number | undefined; readonly most?: number }
): Effect.Effect<Walked<C>> => Effect.clockWith((clock) => new Walk(candidates, request, next, limits, clock).step(0))

class Walk<C extends Candidate> {
  readonly #candidates: ReadonlyArray<C>
  readonly #request: Request
  readonly #next: Next
  readonly #deadline: number | undefined
  readonly #most: number
  readonly #clock: Clock.Clock
  readonly #begun: number
  readonly #tried: Array<Tried> = []
  readonly #errors: Array<LlmError> = []

  constructor(
    candidates: ReadonlyArray<C>,
    request: Request,
    next: Next,
    { deadline, most }: { readonly deadline: number | undefined; readonly most?: number },
    clock: Clock.Clock
  ) {
    this.#candidates = candidates
    this.#request = request
    this.#next = next
    this.#deadline = deadline
    this.#most = most ?? Infinity
    this.#clock = clock
    this.#begun = clock.currentTimeMillisUnsafe()
  }

  /** Asks the candidate at this place and, where it fails, who comes after. */
  step(at: number, last?: LlmError): Effect.Effect<Walked<C>> {
    const candidate = this.#candidates[at]!
    const begun = this.#clock.currentTimeMillisUnsafe()
    const asked = candidate.address(this.#request)
    return Effect.flatMap(this.#limited(candidate, asked, last), (answer) => {
      const error = Request.failure(answer)
      if (error === undefined && (answer.state === "pending" || answer.state === "executing")) return this.#silent(at, answer, last)
      const dropped = differences(this.#request, asked)
      const { model } = answer.options
      this.#tried.push({
        name: nameFor(candidate, answer),
        provider: answer.provider,
        ...(model !== undefined && { model }),
        ms: this.#clock.currentTimeMillisUnsafe() - begun,
        ...(error !== undefined && { error: error.toJSON() }),
        ...(dropped.length > 0 && { dropped })
      })
      if (error === undefined) return Effect.succeed({ request: answer, tried: this.#tried, by: candidate })
      for (const each of answer.errors.slice(this.#request.errors.length)) {
        this.#errors.push(LlmError.from(each, { provider: answer.provider, attempt: this.#tried.length }))
      }
      return this.#after(at, error, answer)
    })
  }

  /** Who is asked after a failure, if anybody. */
  #after(at: number, error: LlmError, answer: Request): Effect.Effect<Walked<C>> {
    if (this.#tried.length >= this.#most) return this.#failed(answer)
    const following = this.#candidates.findIndex((candidate, index) => index > at && candidate.accepts(error, answer))
    if (following < 0) return this.#failed(answer)
    if (this.#left() <= 0) {
      this.#errors.push(this.#late("nobody else was asked"))
      return this.#failed(answer)
    }
    return this.step(following, error)
  }

  /** Nothing was there that could answer: where the rest of the line is empty, the next is the first. */
  #silent(at: number, answer: Request, last: LlmError | undefined): Effect.Effect<Walked<C>> {
    if (at + 1 < this.#candidates.length) return this.step(at + 1, last)
    return last === undefined ? Effect.succeed({ request: answer, tried: this.#tried, by: undefined }) : this.#failed(answer)
  }

  #limited(candidate: Candidate, asked: Request, last: LlmError | undefined): Effect.Effect<Request> {
    const answer = Effect.suspend(() => effect(candidate.ask(asked, this.#next, last)))
    const left = this.#left()
    const limit = Math.min(candidate.timeout ?? Infinity, left)
    if (limit === Infinity) return answer
    return Effect.timeoutOrElse(answer, {
      duration: limit,
      orElse: () => Effect.succeed(Request.fail(asked, limit === left
        ? this.#late("no answer was there")
        : timeout(`${nameFor(candidate, asked)} gave no answer within ${limit} ms`, limit)))
    })
  }

  #left(): number {
    return this.#deadline === undefined ? Infinity : this.#begun + this.#deadline - this.#clock.currentTimeMillisUnsafe()
  }

  #late(what: string): LlmError {
    return timeout(`${what} within the deadline of ${this.#deadline} ms for all attempts together`, this.#deadline)
  }

  #failed(answer: Request): Effect.Effect<Walked<C>> {
    const errors = [...this.#request.errors, ...this.#errors]
    const request = Request.patch(answer, { state: "error", halted: true, reply: undefined, errors })
    return Effect.succeed({ request, tried: this.#tried, by: undefined })
  }
}

const nameFor = ({ name }: Candidate, { options: { model }, provider }: Request): string =>
  name ?? (model === undefined ? provider : `${provider}/${model}`)

const timeout = (message: string, limit: number | undefined): LlmError =>
  LlmError.make({ _tag: "Timeout", phase: "total", message, ...(limit !== undefined && { limit }) })

/** Which options of the request as it came another does not have any more. */
const differences = (before: Request, { options }: Request): ReadonlyArray<string> => {
  if (before.options === options) return none
  return Object.keys(before.options).filter((name) => name !== "model" && !Object.hasOwn(options, name))
}

const none: ReadonlyArray<string> = []
