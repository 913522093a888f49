/**
 * Every route there is, in one table.
 *
 * @module
 */
import { Metrics, Tokens } from "@plugline/plugs"
import { type JsonValue, LlmError, type ModelsResult } from "plugline"
import { allows, forbidden } from "../auth/Principal.ts"
import { anthropic, encodeCount as anthropicCount, encodeModel as anthropicModel } from "../dialects/anthropic/index.ts"
import { encodeCount as googleCount, encodeModel as googleModel, google, googleList } from "../dialects/google/index.ts"
import { ollama, ollamaOld } from "../dialects/ollama/index.ts"
import { encodeModel as openaiModel, openai } from "../dialects/openai/index.ts"
import { responses } from "../dialects/responses/index.ts"
import { object } from "../dialects/shared/json.ts"
import type { Dialect } from "../Dialect.ts"
import { type Asking, type Kind, ready, run } from "./call.ts"
import { keyed } from "./idempotency.ts"
import { ollamaRoutes } from "./ollama.ts"
import { speaker } from "./speaker.ts"
import type { Asked, Route } from "./Server.ts"

/** A route that asks a model. */
const calls = (path: string, dialect: Dialect, operation: Kind["operation"], form = (_query: string): Dialect => dialect): Route => ({
  method: "POST",
  path,
  permission: operation,
  dialect,
  body: "json",
  operation,
  handle: ({ body, current, exchange, principal, watch }) => {
    const kind: Kind = { dialect: form(exchange.query), operation, permission: operation }
    run(exchange, current, kind, keyed(exchange, ready(exchange, current, kind, body, principal)), watch)
  }
})

/** Google's routes below a version: its clients ask the first one or the second. */
const googles = (version: string): ReadonlyArray<Route> => [
  calls(`${version}/models/{model+}:generateContent`, google, "chat"),
  calls(`${version}/models/{model+}:streamGenerateContent`, google, "chat", googleForm),
  calls(`${version}/models/{model+}:embedContent`, google, "embeddings"),
  calls(`${version}/models/{model+}:batchEmbedContents`, google, "embeddings"),
  counts(`${version}/models/{model+}:countTokens`, google, googleCount, `${version}/models/{model+}:generateContent`)
]

/** Google streams events to those who say so, and one list to all others. */
const googleForm = (query: string): Dialect => new URLSearchParams(query).get("alt") === "sse" ? google : googleList

/** A route that says how many tokens a request would send, which is read as one to `asks`. */
const counts = (path: string, dialect: Dialect, encode: (tokens: number) => JsonValue, asks = path): Route => ({
  method: "POST",
  path,
  permission: "chat",
  dialect,
  body: "json",
  handle: ({ body, current, exchange, principal }) => {
    const { id, parameter } = exchange
    const asking: Asking = { id, parameter, path: asks, route: asks, call: (...of) => exchange.call(...of) }
    const whole = object(body.generateContentRequest) ?? body
    const { request } = ready(asking, current, { dialect, operation: "chat", permission: "chat" }, whole, principal)
    exchange.onLeave = current.run(Tokens.count(request), {
      onExit: (exit) => {
        if (exit._tag === "Success") exchange.json(encode(exit.value.tokens))
        else exchange.fail(LlmError.make({ _tag: "Server", status: 500, message: "the tokens could not be counted" }))
      }
    })
  }
})

/** The list of models, in the words of whoever asks. */
const models = (path: string, dialect: Dialect): Route => ({
  method: "GET",
  path,
  permission: "models",
  dialect,
  handle: (ask) => {
    const to = dialectOf(ask, dialect)
    ask.exchange.json(to.encode(offered(ask), ask.exchange.call({}, "list_models", "")))
  }
})

const model = (path: string, dialect: Dialect): Route => ({
  method: "GET",
  path,
  permission: "models",
  dialect,
  handle: (ask) => {
    const { exchange } = ask
    const to = dialectOf(ask, dialect)
    const found = offered(ask).models.find(({ id }) => id === exchange.parameter)
    if (found !== undefined) return exchange.json(encoders[to.name]!(found))
    exchange.fail(LlmError.make({
      _tag: "NotFound", status: 404, message: `there is no model ${JSON.stringify(exchange.parameter)} here; GET /v1/models has them all`
    }))
  }
})

/** Clients of Anthropic and Google ask for the same paths as OpenAI's, and say who they are. */
const dialectOf = ({ exchange }: Asked, dialect: Dialect): Dialect => {
  if (dialect.name !== "openai") return dialect
  return exchange.dialect = speaker(exchange)
}

const encoders: { readonly [dialect: string]: (model: ModelsResult["models"][number]) => JsonValue } = {
  openai: openaiModel,
  anthropic: anthropicModel,
  google: googleModel
}

/** The models the caller may ask for. */
const offered = ({ current, principal }: Asked): ModelsResult => ({
  type: "list_models",
  models: current.models.filter(({ id }) => {
    const target = current.resolve(id, "chat", principal)
    return LlmError.isLlmError(target) || allows(principal, {
      permission: "models",
      provider: target.provider,
      ...(target.model !== undefined && { model: target.model }),
      alias: id
    }) === undefined
  })
})

/** How it is, for whoever watches over it: nothing that a stranger may not know. */
const health: Route = {
  method: "GET",
  path: "/health",
  permission: "public",
  dialect: openai,
  handle: ({ exchange }) => exchange.json({ status: "ok" })
}

const ready_: Route = {
  method: "GET",
  path: "/ready",
  permission: "public",
  dialect: openai,
  handle: ({ exchange }) => exchange.json({ status: "ready" })
}

const metrics: Route = {
  method: "GET",
  path: "/metrics",
  permission: "metrics",
  dialect: openai,
  handle: ({ current, exchange, principal }) => {
    // They are of all tenants together.
    if (principal.identity.tenant !== undefined) {
      return exchange.fail(forbidden("it belongs to a tenant, and this is about the whole gateway"))
    }
    current.run(Metrics.prometheus(), {
      onExit: (exit) => {
        if (exit._tag === "Success") exchange.send(200, exit.value, "text/plain; version=0.0.4; charset=utf-8")
        else exchange.fail(LlmError.make({ _tag: "Server", status: 500, message: "the metrics could not be read" }))
      }
    })
  }
}

/** The routes of clients. */
export const routes: ReadonlyArray<Route> = [
  calls("/v1/chat/completions", openai, "chat"),
  calls("/v1/completions", openai, "completion"),
  calls("/v1/embeddings", openai, "embeddings"),
  calls("/v1/moderations", openai, "moderations"),
  calls("/v1/responses", responses, "chat"),
  calls("/v1/messages", anthropic, "chat"),
  counts("/v1/messages/count_tokens", anthropic, anthropicCount),
  ...googles("/v1beta"),
  models("/v1beta/models", google),
  model("/v1beta/models/{model+}", google),
  calls("/api/chat", ollama, "chat"),
  calls("/api/generate", ollama, "completion"),
  calls("/api/embed", ollama, "embeddings"),
  calls("/api/embeddings", ollamaOld, "embeddings"),
  models("/api/tags", ollama),
  ...ollamaRoutes(offered),
  ...googles("/v1"),
  models("/v1/models", openai),
  model("/v1/models/{model+}", openai),
  health,
  ready_,
  metrics
]
