/**
 * Answers by a rule where no model did.
 *
 * @module
 */
import { LlmError, Request, Result } from "@plugline/core"
import { Effect } from "effect"
import type { When } from "./movesOn.ts"
import type { Candidate } from "./walk.ts"

/** What a rule answers with: a text, a result, or either later. */
export type RuleAnswer = string | Result | Effect.Effect<string | Result, unknown>

/** An answer without a model. It counts as degraded. */
export interface AnswerStep {
  readonly answer: string | ((request: Request, error: LlmError | undefined) => RuleAnswer)
  /** Default: `rule`. */
  readonly name?: string
  readonly when?: When
}

/** Answers without a model. What goes wrong in a rule makes it fail, not the whole. */
export const rule = ({ answer, name = "rule" }: AnswerStep, accepts: When): Candidate & { readonly degraded: true } => ({
  name,
  degraded: true,
  accepts,
  address: (request) => request,
  ask: (request, _next, error) => {
    const failed = (thrown: unknown) => Request.fail(request, LlmError.fromUnknown(thrown, { plug: "fallback" }))
    try {
      const said: RuleAnswer = typeof answer === "string" ? answer : answer(request, error)
      if (!Effect.isEffect(said)) return complete(request, said)
      return Effect.catchDefect(
        Effect.match(said, { onSuccess: (said) => complete(request, said), onFailure: failed }),
        (thrown) => Effect.succeed(failed(thrown))
      )
    } catch (thrown) {
      return failed(thrown)
    }
  }
})

const talks = new Set(["chat", "stream", "completion"])

/** What a rule answered, as the answer of this request. No model was asked: it took no tokens. */
const complete = (request: Request, answer: string | Result): Request => {
  const wanted = talks.has(request.operation) ? (request.operation === "completion" ? "completion" : "chat") : request.operation
  const type = typeof answer === "string" ? "chat" : answer.type
  if (typeof answer === "string" ? !talks.has(request.operation) : type !== wanted) {
    return Request.fail(request, LlmError.make({
      _tag: "Configuration",
      option: "answer",
      message: `the rule answered with the type ${type}, the request asks for ${request.operation}`
    }))
  }
  const warnings = [{ type: "other", message: "no model answered; this is the answer of a rule" }] as const
  if (typeof answer !== "string") {
    const told = Result.isChat(answer) ? { ...answer, warnings: [...answer.warnings ?? [], ...warnings] } : answer
    return Request.complete(request, told)
  }
  return Request.complete(request, {
    type: request.operation === "completion" ? "completion" : "chat",
    content: [{ type: "text", text: answer }],
    finishReason: "stop",
    usage: { inputTokens: { total: 0 }, outputTokens: { total: 0 } },
    warnings
  })
}
