/**
 * Our gateway as it is measured: with keys, limits, cost and metrics.
 *
 * `node plugline.ts FILE`: the configuration; the port is told to the parent.
 *
 * @module
 */
import { start } from "@plugline/gateway"
import { Effect } from "effect"

const [config] = process.argv.slice(2)
process.on("disconnect", () => process.exit())
await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const { server } = yield* start({ config, port: 0, env: process.env, reload: false })
  process.send?.(server.port)
  return yield* Effect.never
})))
