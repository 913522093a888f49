/**
 * Refuses a request that this provider cannot answer, before anything is prepared.
 *
 * @module
 */
import { LlmError, type Operation, Plug, Request } from "@plugline/core"

/** What it must know of the provider. */
interface Known {
  readonly name: string
  readonly title: string
  readonly wires: { readonly [Each in Operation]?: unknown }
}

const talks: ReadonlyArray<Operation> = ["chat", "stream", "completion", "embeddings", "moderations"]

/** The first plug of a provider: the right provider, an operation it has, something to answer. */
export const validate = (provider: Known, operation: Operation): Plug =>
  Plug.make("validate", (request) => {
    if (request.state !== "pending") return request
    const problem = refusal(provider, operation, request)
    return problem === undefined ? request : Request.fail(request, problem)
  }, { options: { provider: provider.name, operation } })

const refusal = ({ name, title, wires }: Known, operation: Operation, request: Request): LlmError | undefined => {
  if (request.provider !== name) {
    return LlmError.make({
      _tag: "InvalidRequest",
      parameter: "provider",
      message: `this pipeline asks ${JSON.stringify(name)}, the request is for ${JSON.stringify(request.provider)}; use Request.withProvider`
    }, { provider: name })
  }
  if (request.operation !== operation) {
    return wires[request.operation] === undefined
      ? LlmError.make({ _tag: "Unsupported", message: `${title} has no operation ${JSON.stringify(request.operation)}` })
      : LlmError.make({
        _tag: "InvalidRequest",
        parameter: "operation",
        message: `this is the pipeline for ${JSON.stringify(operation)}, the request asks for ${JSON.stringify(request.operation)}`
      })
  }
  if (talks.includes(operation) && request.messages.length === 0) {
    return LlmError.make({ _tag: "InvalidRequest", parameter: "messages", message: "there is no message to answer" })
  }
  return undefined
}
