/**
 * A target that can be asked, and whose every request is counted where the router looks.
 *
 * @module
 */
import type { Catalog, Model } from "@plugline/catalog"
import { type Handler, LlmError, Reply, Request } from "@plugline/core"
import { type Clock, Effect } from "effect"
import { effect } from "../cost/now.ts"
import { movesOn } from "../fallback/movesOn.ts"
import { nameOf, readdress } from "../fallback/target.ts"
import type { Candidate } from "../fallback/walk.ts"
import { ms } from "../retry/span.ts"
import { outcomeOf } from "./choose.ts"
import type { RouteOptions, RouteTarget } from "./decision.ts"
import type { Abilities } from "./fit.ts"
import type { RouteState } from "./RouteState.ts"

/** A target, ready to be asked. */
export interface Ready extends Candidate {
  readonly name: string
  readonly provider: string
  readonly model: string | undefined
  readonly weight: number
  readonly known: Model | undefined
  readonly own: Abilities
}

/** Gets a target ready: `handle` is the way to it. */
export const ready = (
  target: RouteTarget,
  handle: Handler,
  state: RouteState["Service"],
  catalog: Catalog,
  options: RouteOptions
): Ready => {
  const name = nameOf(target)
  const { capabilities, context, model, provider, weight = 1 } = target
  const limit = ms(options.timeout, undefined)
  const settle = (clock: Clock.Clock, request: Request): void => {
    const error = Request.failure(request)
    // A request that ends without an answer and without an error was left by its reader.
    const outcome = error === undefined && request.state !== "completed" ? "none" : outcomeOf(error)
    state.end(name, outcome, clock.currentTimeMillisUnsafe(), error?.retryAfter)
  }
  return {
    name,
    provider,
    model,
    weight,
    known: model === undefined ? undefined : catalog.get(provider, model),
    own: { ...(capabilities !== undefined && { capabilities }), ...(context !== undefined && { context }) },
    accepts: options.when ?? movesOn,
    address: (request) => readdress(request, target),
    ask: (asked, next) =>
      Effect.clockWith((clock) => {
        const begun = clock.currentTimeMillisUnsafe()
        state.begin(name, begun)
        const answer = Effect.suspend(() => effect<Request, never>(handle(asked, next) as Request | Effect.Effect<Request>))
        const limited = limit === undefined ? answer : Effect.timeoutOrElse(answer, {
          duration: limit,
          orElse: () => Effect.succeed(Request.fail(asked, LlmError.make({
            _tag: "Timeout",
            phase: "first-token",
            limit,
            message: `${name} gave no answer within ${limit} ms`
          })))
        })
        return Effect.flatMap(
          Effect.onInterrupt(limited, () => Effect.sync(() => state.end(name, "none", clock.currentTimeMillisUnsafe()))),
          (answer) => {
            if (answer.state === "streaming" || answer.state === "completed") state.answered(name, clock.currentTimeMillisUnsafe() - begun)
            return effect(Reply.atEnd(answer, {
              _tag: "Finisher",
              plug: "route",
              content: false,
              always: true,
              done: (final) => {
                settle(clock, final)
                return final
              }
            }))
          }
        )
      })
  }
}
