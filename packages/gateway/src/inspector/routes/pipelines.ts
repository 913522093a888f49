/**
 * `/inspector/api/pipelines`: each configured pipeline with what it needs and what was found when it was loaded, and the plugs that
 * could stand in one.
 *
 * @module
 */
import type { PipelineView } from "@plugline/inspector"
import { Effect } from "effect"
import type { JsonValue } from "plugline"
import { waysOf } from "../../admin/pipelines.ts"
import type { Route } from "../../server/Server.ts"
import { checksOf, needsOf } from "../checks.ts"
import { lineOf } from "../lines.ts"
import { shippedPlugs } from "../shipped.ts"
import { type Site, tell } from "./shared.ts"

/** The route of pipelines. Whoever belongs to a tenant sees what its own requests go through. */
export const pipelineRoutes = (site: Site): ReadonlyArray<Route> => [
  tell(site, "/inspector/api/pipelines", "inspect", ({ live: { context, loaded }, principal: { identity: { tenant } } }) =>
    Effect.sync(() => {
      const pipelines = waysOf(site.admin, loaded, tenant, tenant !== undefined).map(({ line, name, routes }): PipelineView => ({
        name,
        routes,
        ...lineOf(line),
        needs: needsOf(line, context),
        checks: checksOf(name, line, loaded)
      }))
      return { pipelines, plugs: shippedPlugs() } as unknown as JsonValue
    }))
]
