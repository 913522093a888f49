/**
 * Answers by rules, without a language model, a network or a key: the default on a fresh machine, the partner of examples and
 * the last step of a fallback. It says what it is, and the same question gets the same answer.
 *
 * It greets, works out sums, reckons with dates, counts, shortens and shapes text, calls the tools it is offered where the
 * message asks for them, fills in JSON Schemas, and makes vectors of hashed groups of letters.
 * `config.tokenDelay` slows a stream down, in ms per token; default 0.
 *
 * @module
 */
import { LlmError, type Model, type Operation, type Pipeline, Plug, Request, type Result } from "@plugline/core"
import { validate } from "../call/validate.ts"
import type { Provider } from "../Provider.ts"
import { embeddingModel, embeddings } from "./embed.ts"
import { model, respond as answer } from "./respond.ts"
import { parts, source } from "./stream.ts"

export { embed } from "./embed.ts"
export { respond } from "./respond.ts"
export { satisfy } from "./schema.ts"
export { tokens } from "./tokens.ts"

const name = "local"
const title = "rule-based responder (no language model)"

const models: ReadonlyArray<Model> = [
  { id: model, name: title, ownedBy: "plugline" },
  { id: embeddingModel, name: "vectors of hashed letter groups (no language model)", ownedBy: "plugline" }
]

/** What it can say in all honesty; what is objectionable in a text no short list of rules knows. */
type Can = Exclude<Operation, "moderations">

const answers: { readonly [Each in Can]: (request: Request) => Result } = {
  chat: answer,
  stream: answer,
  completion: answer,
  embeddings,
  list_models: () => ({ type: "list_models", models }),
  validate: () => ({ type: "validate", usable: true })
}

const respond = (operation: Can): Plug =>
  Plug.make("respond", (request) => {
    if (request.state !== "pending") return request
    try {
      const result = answers[operation](request)
      return operation === "stream" && (result.type === "chat" || result.type === "completion")
        ? Request.stream(Request.execute(request), source(parts(result), delayOf(request)))
        : Request.complete(request, result)
    } catch (thrown) {
      return Request.fail(request, LlmError.fromUnknown(thrown, { provider: name }))
    }
  }, { options: { provider: name, operation } })

const delayOf = ({ config: { tokenDelay = 0 } }: Request): number => {
  if (typeof tokenDelay === "number" && tokenDelay >= 0 && tokenDelay <= 60_000) return tokenDelay
  throw LlmError.make({
    _tag: "Configuration",
    option: "tokenDelay",
    expected: "a number of ms from 0 to 60,000",
    message: "config.tokenDelay must be a number of ms from 0 to 60,000"
  })
}

const line = (operation: Can): Pipeline => [validate({ name, title, wires: answers }, operation), respond(operation)]

/** The provider `local`. Its pipelines need no services. */
export const local: Provider<never, Can> = {
  name,
  title,
  baseUrl: "",
  keys: [],
  needsKey: false,
  authorize: () => ({}),
  wires: {},
  pipelines: {
    chat: line("chat"),
    stream: line("stream"),
    completion: line("completion"),
    embeddings: line("embeddings"),
    list_models: line("list_models"),
    validate: line("validate")
  }
}
