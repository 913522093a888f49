/**
 * `/inspector/api/session`: who looks, what he may do, and what is kept.
 *
 * @module
 */
import type { Session } from "@plugline/inspector"
import { Effect } from "effect"
import type { JsonValue } from "plugline"
import type { Config } from "../../config/Config.ts"
import type { Route } from "../../server/Server.ts"
import { version } from "../../version.ts"
import { type Site, tell } from "./shared.ts"

/** The route of whoever looks. */
export const sessionRoutes = (site: Site): ReadonlyArray<Route> => [
  tell(site, "/inspector/api/session", "inspect", ({ live, principal }, { path, recorder, settings, writer }) => {
    const { identity: { tenant }, name, permissions, role } = principal
    const { sample } = site.current()
    const { lost, trouble } = writer.told()
    const missing = lost + recorder.strangers()
    const session: Session = {
      name,
      role: role.name,
      ...(tenant !== undefined && { tenant }),
      permissions,
      open: live.auth.isOpen,
      version,
      recording: {
        on: sample > 0,
        sample,
        keeps: keeps(settings, path),
        // What all tenants together lost is for those who see all.
        ...(tenant === undefined && missing > 0 && { lost: missing }),
        ...(tenant === undefined && trouble !== undefined && { trouble })
      }
    }
    return Effect.succeed(session as unknown as JsonValue)
  })
]

/** What is kept, in words. */
const keeps = ({ maxAge, maxBytes, maxEntries }: Config["inspector"], path: string): string =>
  `the latest ${maxEntries} requests, for ${spanOf(maxAge)}, up to ${Math.round(maxBytes / 1024 ** 2 * 10) / 10} MB, `
    + (path === ":memory:" ? "until the gateway stops" : "in a file")

const spanOf = (ms: number): string => {
  const units = [["day", 86_400_000], ["hour", 3_600_000], ["minute", 60_000], ["second", 1_000]] as const
  const [unit, size] = units.find(([, size]) => ms >= size && ms % size === 0) ?? ["ms", 1]
  const count = ms / size
  return unit === "ms" ? `${count} ms` : `${count} ${unit}${count === 1 ? "" : "s"}`
}
