/**
 * Gets pipelines ready that are only known when a request is there, each once.
 *
 * @module
 */
import { type Compiled, type Handler, LlmError, type Operation, Pipeline, Request } from "@plugline/core"
import { type Context, Effect } from "effect"

/**
 * A handler that sends a request through the pipeline for its operation. A pipeline is compiled when it is first
 * needed, with the services of `context`; one that cannot be compiled is an error of the request. `label` names it in
 * traces.
 */
export const wayTo = <R>(
  pipeline: (operation: Operation) => Pipeline<R>,
  context: Context.Context<R>,
  label: string
): Handler => {
  const ready = new Map<Operation, Compiled>()
  return (request) => {
    const { operation } = request
    const known = ready.get(operation)
    if (known !== undefined) return known.handle(request)
    const compiled = Effect.suspend(() => {
      try {
        return Pipeline.compile(pipeline(operation), label)
      } catch (thrown) {
        return Effect.fail(LlmError.fromUnknown(thrown, { provider: request.provider }))
      }
    })
    return Effect.matchEffect(Effect.provideContext(compiled, context), {
      onSuccess: (compiled) => {
        ready.set(operation, compiled)
        const answer = compiled.handle(request)
        return Effect.isEffect(answer) ? answer : Effect.succeed(answer)
      },
      onFailure: (error) => Effect.succeed(Request.fail(request, error))
    })
  }
}
