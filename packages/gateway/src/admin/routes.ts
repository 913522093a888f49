/**
 * Every admin route, in one table: each names the permission it takes, and answers in JSON.
 *
 * @module
 */
import type { Route } from "../server/Server.ts"
import type { Admin } from "./act.ts"
import { auditRoutes } from "./audit.ts"
import { configurationRoutes } from "./configuration.ts"
import { keyRoutes } from "./keys.ts"
import { pipelineRoutes } from "./pipelines.ts"
import { statusRoutes } from "./status.ts"
import { usageRoutes } from "./usage.ts"

export type { Admin } from "./act.ts"

/** The routes of admins. */
export const adminRoutes = (admin: Admin): ReadonlyArray<Route> => [
  ...statusRoutes(admin),
  ...configurationRoutes(admin),
  ...pipelineRoutes(admin),
  ...keyRoutes(admin),
  ...usageRoutes(admin),
  ...auditRoutes(admin)
]
