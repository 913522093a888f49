/**
 * `/inspector/api/play/{pipeline}`: a chat in OpenAI's words through a pipeline by its name. It is a call like any other: with its
 * permissions, limits and costs.
 *
 * @module
 */
import { LlmError, Suggest } from "plugline"
import { standard } from "../../config/pipelines.ts"
import { openai } from "../../dialects/openai/index.ts"
import { type Asking, type Kind, ready, run } from "../../server/call.ts"
import { keyed } from "../../server/idempotency.ts"
import type { Route } from "../../server/Server.ts"
import { notHis } from "../fork.ts"
import { off, shield, type Site } from "./shared.ts"

const kind: Kind = { dialect: openai, operation: "chat", permission: "chat" }

/** The route whose pipelines would be taken otherwise. */
const asked = "/v1/chat/completions"

/** Where it is, and what it asks for. */
export const playing = { path: "/inspector/api/play/{pipeline}", operation: "chat" } as const

/** The route of the playground. */
export const playRoutes = ({ admin, inspector }: Site): ReadonlyArray<Route> => [{
  ...playing,
  method: "POST",
  permission: "chat",
  dialect: openai,
  body: "json",
  handle: ({ body, current, exchange, principal, watch }) => {
    shield(exchange)
    if (inspector === undefined) return exchange.fail(off())
    const { loaded } = admin.configuration.current()
    const name = exchange.parameter ?? standard
    const refused = unknown(name, [standard, ...loaded.lines.keys()]) ?? notHis(loaded, principal, name, asked)
    if (refused !== undefined) return exchange.fail(refused)
    const asking: Asking = { id: exchange.id, parameter: undefined, path: asked, route: asked, call: (...of) => exchange.call(...of) }
    const through: typeof current = {
      ...current,
      resolve: (model, operation, principal) => {
        const target = current.resolve(model, operation, principal)
        return LlmError.isLlmError(target) ? target : { ...target, pipeline: name }
      }
    }
    run(exchange, current, kind, keyed(exchange, ready(asking, through, kind, body, principal)), watch)
  }
}]

const unknown = (name: string, names: ReadonlyArray<string>): LlmError | undefined =>
  names.includes(name) ? undefined : LlmError.make({
    _tag: "NotFound", status: 404, code: "unknown_pipeline", message: Suggest.refusal("pipeline", name, [...new Set(names)])
  })
