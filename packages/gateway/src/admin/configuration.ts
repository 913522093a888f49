/**
 * `/admin/config`, `/admin/config/reload` and `/admin/cache/clear`: what is in force, secrets masked; loaded anew; and
 * cached answers forgotten.
 *
 * @module
 */
import { Cache, VectorStore } from "@plugline/plugs"
import { Effect } from "effect"
import { LlmError, Mask } from "plugline"
import { nothing } from "../auth/input.ts"
import { effective } from "../config/print.ts"
import { type Admin, acts, audited, ofAll, tells } from "./act.ts"

/** The routes of the configuration and of what is cached. All are about the whole gateway. */
export const configurationRoutes = (admin: Admin) => [
  tells(admin, "/admin/config", "config:read", ({ live, principal }) =>
    Effect.as(ofAll(principal), {
      generation: live.generation,
      ...(live.loaded.path !== undefined && { path: live.loaded.path }),
      warnings: live.loaded.warnings.map(Mask.text),
      config: effective(live.loaded)
    })),
  acts(admin, "POST", "/admin/config/reload", { permission: "config:write", action: "config.reload" }, (ask) =>
    Effect.gen(function*() {
      yield* nothing(ask.input)
      const reload = Effect.mapError(admin.configuration.reload, broken)
      const { generation, loaded } = yield* audited(ask, "config.reload", reload, {
        before: { generation: ask.live.generation }
      })
      return { generation, warnings: loaded.warnings.map(Mask.text) }
    })),
  acts(admin, "POST", "/admin/cache/clear", { permission: "operate", action: "cache.clear" }, (ask) =>
    Effect.gen(function*() {
      yield* nothing(ask.input)
      yield* audited(ask, "cache.clear", Effect.andThen(Cache.clear, forgetLikeness), { why: whose })
      return { cleared: true }
    }))
]

const whose = "answers are kept under digests that do not say whose they are, so those of one tenant cannot be forgotten alone; "
  + "they are forgotten when their ttl is over, or by somebody without a tenant, together with all others"

const forgetLikeness = Effect.flatMap(VectorStore.VectorStore, (store) => {
  const cleared = store.clear()
  return Effect.isEffect(cleared) ? cleared : Effect.void
})

/** The file is wrong, not the request, nor the gateway: what was in force stays so. */
const broken = ({ reason }: LlmError): LlmError =>
  LlmError.make({
    _tag: "InvalidRequest", status: 422, message: `the configuration stays as it was: ${Mask.text(reason.message)}`
  })
