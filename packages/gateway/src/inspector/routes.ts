/**
 * Every route of the inspector, in one table: its page, which is for everybody, and what the page asks, which is for those who may.
 *
 * @module
 */
import type { Route } from "../server/Server.ts"
import { healthRoutes } from "./routes/health.ts"
import { importRoutes } from "./routes/imports.ts"
import { pageRoutes } from "./routes/page.ts"
import { pipelineRoutes } from "./routes/pipelines.ts"
import { playRoutes } from "./routes/play.ts"
import { replayRoutes } from "./routes/replay.ts"
import { sessionRoutes } from "./routes/session.ts"
import type { Site } from "./routes/shared.ts"
import { traceRoutes } from "./routes/traces.ts"

export { playing } from "./routes/play.ts"
export type { Site } from "./routes/shared.ts"

/** The routes of the inspector. */
export const inspectorRoutes = (site: Site): ReadonlyArray<Route> => [
  ...sessionRoutes(site),
  ...traceRoutes(site),
  ...replayRoutes(site),
  ...pipelineRoutes(site),
  ...healthRoutes(site),
  ...importRoutes(site),
  ...playRoutes(site),
  // Last: what is none of these is a file of the page, or nothing.
  ...pageRoutes(site.inspector !== undefined)
]
