/**
 * One request on its way up a cascade.
 *
 * @module
 */
import type { Catalog } from "@plugline/catalog"
import { type ChatResult, type Handler, LlmError, type Next, Reply, Request, Result } from "@plugline/core"
import { type Clock, Effect } from "effect"
import { worstOf } from "../budget/worst.ts"
import type { Report, Try } from "../Cascade.ts"
import * as Amount from "../cost/amount.ts"
import { of as chargeOf } from "../cost/charge.ts"
import { effect } from "../cost/now.ts"
import type { When } from "../fallback/movesOn.ts"
import { nameOf, readdress, type Target } from "../fallback/target.ts"
import * as Tokens from "../Tokens.ts"
import type { Ask, Estimator } from "./estimators.ts"

/** What all steps may take together: amounts of money, tokens, ms. */
export interface Limits {
  readonly usd: Amount.Amount | undefined
  readonly tokens: number | undefined
  readonly time: number | undefined
}

/** What a cascade is made of. */
export interface Setup {
  readonly steps: ReadonlyArray<{ readonly target: Target; readonly handle: Handler; readonly threshold: number }>
  readonly limits: Limits
  readonly catalog: Catalog
  readonly estimate: Estimator
  readonly when: When
  readonly wayTo: (target: Target) => Effect.Effect<Handler, LlmError>
}

interface Judged {
  readonly score: number
  readonly unjudged?: LlmError
}

interface Ended {
  readonly request: Request
  readonly said: Report
  /** For an answer that is still arriving: what is to be said once it has ended. */
  readonly end?: (final: Request) => Report
}

export class Course {
  readonly #setup: Setup
  readonly #request: Request
  readonly #next: Next
  readonly #clock: Clock.Clock
  readonly #begun: number
  readonly #tries: Array<Try> = []
  readonly #errors: Array<LlmError> = []
  #best: { readonly request: Request; readonly name: string; readonly score: number } | undefined
  /** What was spent so far; `undefined` once something of unknown price was. */
  #spent: Amount.Amount | undefined = 0n
  #tokens = 0

  constructor(setup: Setup, request: Request, next: Next, clock: Clock.Clock) {
    this.#setup = setup
    this.#request = request
    this.#next = next
    this.#clock = clock
    this.#begun = clock.currentTimeMillisUnsafe()
  }

  /** The step at this place and, where its answer is not good enough, those after it. */
  step(at: number): Effect.Effect<Ended> {
    const { target } = this.#setup.steps[at]!
    const asked = readdress(this.#request, target)
    const refused = this.#refusal(asked)
    if (refused !== undefined) return Effect.succeed(this.#stop("budget", Request.fail(asked, refused)))
    const begun = this.#clock.currentTimeMillisUnsafe()
    const last = at === this.#setup.steps.length - 1
    return Effect.flatMap(this.#ask(at, asked, last), (answer) => this.#answered(at, answer, this.#clock.currentTimeMillisUnsafe() - begun))
  }

  #ask(at: number, asked: Request, last: boolean): Effect.Effect<Request> {
    const { handle, target } = this.#setup.steps[at]!
    const answer = Effect.suspend(() => effect<Request, never>(handle(asked, this.#next) as Request | Effect.Effect<Request>))
    return this.#limited(last ? answer : Effect.flatMap(answer, Reply.drain), () => Request.fail(asked, this.#late(nameOf(target))))
  }

  #answered(at: number, answer: Request, took: number): Effect.Effect<Ended> {
    const { target, threshold } = this.#setup.steps[at]!
    const last = at === this.#setup.steps.length - 1
    const name = nameOf(target)
    const { model } = answer.options
    const error = Request.failure(answer) ?? (answer.state === "completed" || answer.state === "streaming" ? undefined : silent)
    const asked: Try = { name, provider: answer.provider, ...(model !== undefined && { model }), ms: took }
    if (answer.state === "streaming") {
      const end = (final: Request): Report => ({
        answeredBy: name,
        tries: [...this.#tries, { ...asked, ...this.#outcome(final, Request.failure(final)) }],
        why: "last"
      })
      return Effect.succeed({ request: answer, said: { answeredBy: name, tries: [...this.#tries, asked], why: "last" }, end })
    }
    const tried: Try = { ...asked, ...this.#outcome(answer, error) }
    if (error !== undefined) return this.#failed(at, tried, error, answer)
    const { result } = answer
    if (last || !Result.isChat(result)) {
      this.#tries.push(tried)
      return Effect.succeed(this.#take(last ? "last" : "good", answer, name))
    }
    return Effect.flatMap(this.#score(answer, result), ({ score, unjudged }) => {
      this.#tries.push({ ...tried, score, ...(unjudged !== undefined && { unjudged: unjudged.toJSON() }) })
      if (score >= threshold) return Effect.succeed(this.#take("good", answer, name))
      if (this.#best === undefined || score > this.#best.score) this.#best = { request: answer, name, score }
      return this.step(at + 1)
    })
  }

  /** What is written down of a call that has ended. */
  #outcome(answer: Request, error: LlmError | undefined): Partial<Try> {
    const { result } = answer
    return {
      ...(error !== undefined && { error: error.toJSON() }),
      ...(result !== undefined && "usage" in result && { usage: result.usage }),
      ...this.#spend(answer)
    }
  }

  #failed(at: number, tried: Try, error: LlmError, answer: Request): Effect.Effect<Ended> {
    this.#tries.push(tried)
    const own = answer.errors.slice(this.#request.errors.length)
    for (const each of own.length === 0 ? [error] : own) {
      this.#errors.push(LlmError.from(each, { provider: answer.provider, attempt: this.#tries.length, plug: "cascade" }))
    }
    const goes = at + 1 < this.#setup.steps.length && this.#left() > 0 && this.#setup.when(error, answer)
    return goes ? this.step(at + 1) : Effect.succeed(this.#stop("error", answer))
  }

  /** Nobody else is asked: the best answer so far, or the failure where there is none. */
  #stop(why: "budget" | "error", failed: Request): Ended {
    if (this.#best !== undefined) return this.#take(why, this.#best.request, this.#best.name)
    const news = why === "budget" ? failed.errors.slice(this.#request.errors.length) : []
    const errors = [...this.#request.errors, ...this.#errors, ...news]
    return {
      request: Request.patch(failed, { state: "error", halted: true, reply: undefined, errors }),
      said: { tries: this.#tries, why: "failed" }
    }
  }

  #take(why: Report["why"], request: Request, name: string): Ended {
    return { request, said: { answeredBy: name, tries: this.#tries, why } }
  }

  // --- judging --------------------------------------------------------------------------------------------------------

  #score(answer: Request, result: ChatResult): Effect.Effect<Judged> {
    const failed = (thrown: unknown): Judged => ({ score: 0, unjudged: LlmError.fromUnknown(thrown, { plug: "cascade" }) })
    const scored = Effect.suspend(() => effect<number, unknown>(this.#setup.estimate(this.#request, result, this.#judge)))
    const safe = Effect.catchDefect(
      Effect.match(scored, {
        onSuccess: (score) => ({ score: Number.isFinite(score) ? Math.min(1, Math.max(0, score)) : 0 }),
        onFailure: failed
      }),
      (thrown) => Effect.succeed(failed(thrown))
    )
    return this.#limited<Judged>(safe, () => failed(this.#late(`the judgement of ${answer.provider}`)))
  }

  readonly #judge: Ask = (target, request) =>
    Effect.suspend(() => {
      const asked = readdress(request, target)
      const refused = this.#refusal(asked)
      if (refused !== undefined) return Effect.succeed(Request.fail(asked, refused))
      return Effect.matchEffect(this.#setup.wayTo(target), {
        onSuccess: (handle) =>
          Effect.tap(
            Effect.flatMap(effect<Request, never>(handle(asked, this.#next) as Request | Effect.Effect<Request>), Reply.drain),
            (judged) => Effect.sync(() => this.#spend(judged))
          ),
        onFailure: (error) => Effect.succeed(Request.fail(asked, error))
      })
    })

  // --- the budget -----------------------------------------------------------------------------------------------------

  /** Why the budget does not allow a call, if it does not. */
  #refusal(asked: Request): LlmError | undefined {
    const { tokens, usd } = this.#setup.limits
    if (this.#left() <= 0) return this.#late("the steps so far")
    if (tokens === undefined && usd === undefined) return undefined
    const prompt = Tokens.estimate(asked).tokens
    if (tokens !== undefined && this.#tokens + prompt + (asked.options.maxTokens ?? 0) > tokens) {
      return over(`${tokens} tokens, of which ${this.#tokens} are used`)
    }
    if (usd === undefined) return undefined
    if (this.#spent === undefined) return over(`$${Amount.text(usd)}, and what was spent so far is not known`)
    const worst = worstOf(asked, prompt, this.#setup.catalog)
    if ("reason" in worst) return over(`$${Amount.text(usd)}, and what the next call can cost is not known: ${worst.reason}`)
    return this.#spent + worst.amount > usd ? over(`$${Amount.text(usd)}, of which $${Amount.text(this.#spent)} are spent`) : undefined
  }

  /** Counts what a call took. */
  #spend(answer: Request): { readonly cost?: string } {
    const { result } = answer
    const usage = result !== undefined && "usage" in result ? result.usage : undefined
    const sent = usage?.inputTokens.total ?? (result === undefined ? 0 : Tokens.estimate(answer).tokens)
    this.#tokens += sent + (usage?.outputTokens.total ?? Tokens.estimateText(Result.text(result)).tokens)
    const charge = chargeOf(answer, this.#setup.catalog)
    if (charge._tag === "Unknown") {
      this.#spent = undefined
      return {}
    }
    const amount = charge._tag === "Free" ? 0n : Amount.of(charge.total, "up")
    if (this.#spent !== undefined) this.#spent += amount
    return { cost: Amount.text(amount) }
  }

  #limited<A>(answer: Effect.Effect<A>, otherwise: () => A): Effect.Effect<A> {
    const left = this.#left()
    if (left === Infinity) return answer
    return Effect.timeoutOrElse(answer, { duration: Math.max(0, left), orElse: () => Effect.sync(otherwise) })
  }

  #left(): number {
    const { time } = this.#setup.limits
    return time === undefined ? Infinity : this.#begun + time - this.#clock.currentTimeMillisUnsafe()
  }

  #late(who: string): LlmError {
    const { time = 0 } = this.#setup.limits
    const message = `${who} gave no answer within the ${time} ms for the whole cascade`
    return LlmError.make({ _tag: "Timeout", phase: "total", limit: time, message })
  }
}

const silent = LlmError.make({ _tag: "Halted", message: "this step answered nothing: is the provider's part of its pipeline missing?" })

const over = (what: string): LlmError =>
  LlmError.make({ _tag: "Quota", message: `the budget of this cascade is ${what}` })
