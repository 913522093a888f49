/**
 * `/admin/pipelines`: every pipeline as a tree of its plugs, with the limits that hold, and which route goes through
 * which.
 *
 * @module
 */
import { Effect, Schema } from "effect"
import { type JsonObject, LlmError, Mask, type Operation, Pipeline, type Plug } from "plugline"
import type { Loaded } from "../config/load.ts"
import { type Line, nameOf } from "../config/pipelines.ts"
import { type Admin, masked, queryOf, tells } from "./act.ts"
import { Text } from "./fields.ts"

const Query = Schema.Struct({ tenant: Schema.optionalKey(Text) })

/** The routes of pipelines. Whoever belongs to a tenant sees what its own requests go through. */
export const pipelineRoutes = (admin: Admin) => [
  tells(admin, "/admin/pipelines", "config:read", (ask) =>
    Effect.flatMap(queryOf(ask, Query), ({ tenant: asked }) => {
      const { live: { loaded }, principal } = ask
      const own = principal.identity.tenant
      const known = asked === undefined || asked === own
        || (own === undefined && Object.hasOwn(loaded.config.tenants, asked))
      if (!known) return Effect.fail(missing)
      return Effect.succeed(pipelines(admin, loaded, own ?? asked, own !== undefined))
    }))
]

const missing = LlmError.make({ _tag: "NotFound", status: 404, message: "there is no such tenant" })

/** A pipeline with what goes through it. */
export interface Way {
  readonly name: string
  readonly line: Line
  /** `POST /v1/chat/completions (chat)`. */
  readonly routes: Array<string>
}

/** The pipelines of a tenant or of nobody in particular; those that no route goes through are there unless `bound`. */
export const waysOf = (
  admin: Pick<Admin, "routes">,
  loaded: Loaded,
  tenant: string | undefined,
  bound: boolean
): ReadonlyArray<Way> => {
  const ways = new Map<Line, Way>()
  const way = (call: Parameters<Loaded["pipelineFor"]>[0]): Way => {
    const line = loaded.pipelineFor(call)
    let found = ways.get(line)
    if (found === undefined) ways.set(line, found = { name: nameOf(loaded.config, call), line, routes: [] })
    return found
  }
  for (const { method, operation, path } of admin.routes) {
    if (operation === undefined) continue
    for (const each of operationsOf(operation)) {
      way({ operation: each, route: path, tenant }).routes.push(`${method} ${path} (${each})`)
    }
  }
  if (!bound) for (const pipeline of loaded.lines.keys()) way({ operation: "chat", pipeline, tenant: undefined })
  return [...ways.values()]
}

const pipelines = (admin: Admin, loaded: Loaded, tenant: string | undefined, bound: boolean): JsonObject => {
  const aliases = Object.entries(loaded.config.models).flatMap(([alias, target]) =>
    typeof target === "object" && target.pipeline !== undefined ? [[alias, target.pipeline] as const] : [])
  return {
    tenant: tenant ?? null,
    pipelines: waysOf(admin, loaded, tenant, bound).map(({ line, name, routes }) => ({
      name,
      routes,
      text: Mask.text(Pipeline.render(line as ReadonlyArray<Plug>)),
      tree: masked(Pipeline.inspect(line as ReadonlyArray<Plug>))
    })),
    ...(!bound && { models: Object.fromEntries(aliases) })
  }
}

const operationsOf = (operation: Operation): ReadonlyArray<Operation> =>
  operation === "chat" ? ["chat", "stream"] : [operation]
