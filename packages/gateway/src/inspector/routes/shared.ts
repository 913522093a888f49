/**
 * What the inspector's routes have in common: who asks and what for, headers that keep answers to whom they are for, and a plain
 * word where the inspector is turned off.
 *
 * @module
 */
import type { Recorded } from "@plugline/inspector"
import type { StoreError } from "@plugline/plugs"
import { Effect, Schema, SchemaGetter } from "effect"
import { LlmError } from "plugline"
import { acts, type Admin, type Ask, tells, type Work } from "../../admin/act.ts"
import type { Permission } from "../../auth/permissions.ts"
import type { Current } from "../../server/Current.ts"
import type { Exchange } from "../../server/Exchange.ts"
import type { Route } from "../../server/Server.ts"
import type { Inspector } from "../Inspector.ts"
import { unpack } from "../store/packing.ts"

/** What the routes tell of and act on. */
export interface Site {
  readonly admin: Admin
  /** Absent where it is turned off. */
  readonly inspector: Inspector | undefined
  /** What is in force. */
  readonly current: () => Current
}

type Done = ReturnType<Work>

/** A route that tells something. */
export const tell = (site: Site, path: string, permission: Permission, work: (ask: Ask, inspector: Inspector) => Done): Route =>
  kept(tells(site.admin, path, permission, (ask) => withInspector(site, (inspector) => work(ask, inspector))))

/** A route that runs something. Who may not use it is written down, too. */
export const act = (
  site: Site,
  path: string,
  what: { readonly permission: Permission; readonly action: string },
  work: (ask: Ask, inspector: Inspector) => Done
): Route => kept(acts(site.admin, "POST", path, what, (ask) => withInspector(site, (inspector) => work(ask, inspector))))

const withInspector = (site: Site, work: (inspector: Inspector) => Done): Done =>
  // Whoever asks right after a call finds it.
  site.inspector === undefined ? Effect.fail(off()) : Effect.andThen(site.inspector.writer.caughtUp, work(site.inspector))

/** The same with headers that keep its answers to whom they are for. */
export const kept = (route: Route): Route => ({
  ...route,
  handle: (asked) => {
    shield(asked.exchange)
    route.handle(asked)
  }
})

/** No other page, and no cache, gets hold of the answer. */
export const shield = ({ headers }: Exchange): void => {
  headers["cache-control"] = "no-store"
  headers["x-content-type-options"] = "nosniff"
  headers["cross-origin-resource-policy"] = "same-origin"
  headers["content-security-policy"] = "default-src 'none'; frame-ancestors 'none'"
}

/** Why nothing is to be seen here. */
export const off = (): LlmError =>
  LlmError.make({
    _tag: "NotFound",
    status: 404,
    code: "inspector_off",
    message: "the inspector is turned off: set inspector.enabled to true in the configuration and start the gateway again"
  })

/** No such request, or none that whoever asks may see. */
export const unknown = (id: string): LlmError =>
  LlmError.make({
    _tag: "NotFound",
    status: 404,
    code: "unknown_trace",
    message: `there is no request ${JSON.stringify(id.slice(0, 100))} here: it was another gateway's, or it is too old and was let go of`
  })

/** A request with all that is kept of it, for whoever asks. */
export const recordedOf = (
  { id, principal }: Pick<Ask, "id" | "principal">,
  { imports, store }: Inspector
): Effect.Effect<Recorded, LlmError | StoreError> =>
  Effect.gen(function*() {
    const imported = imports.find(principal, id)
    if (imported !== undefined) return imported
    const found = yield* store.find(id, principal.identity.tenant)
    if (found === undefined) return yield* Effect.fail(unknown(id))
    const { record, summary } = found
    if (record === undefined) return yield* Effect.fail(unrecorded(id, summary.unrecorded))
    return { ...(yield* unpack(record)) as Omit<Recorded, "summary">, summary } satisfies Recorded
  })

const unrecorded = (id: string, why: Recorded["summary"]["unrecorded"]): LlmError =>
  LlmError.make({
    _tag: "NotFound",
    status: 404,
    code: "not_recorded",
    message: `of ${id} only what it took and cost is kept: ${reasons[why ?? "sample"]}`
  })

const reasons = {
  size: "its steps are larger than inspector.maxRecord",
  load: "there were too many requests at once to keep its steps",
  fault: "its steps could not be written down, or it never ran",
  sample: "it was not among those whose steps are kept, see inspector.sample"
} as const

/** A whole number as text. */
export const Digits = Schema.String.check(Schema.isPattern(/^\d{1,15}$/, { expected: "a whole number" })).pipe(
  Schema.decodeTo(Schema.Finite, {
    decode: SchemaGetter.transform((given: string) => Number(given)),
    encode: SchemaGetter.transform((given: number) => String(given))
  })
)
