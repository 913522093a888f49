/**
 * `trace open`: the inspector's page with one recorded request on it. A file is opened in a gateway of its own, which listens on
 * this machine alone and keeps everything in memory; with an address, in the gateway there.
 *
 * @module
 */
import type { Recorded } from "@plugline/inspector"
import { Effect } from "effect"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Json } from "plugline"
import type { Env } from "../../config/read.ts"
import { start } from "../../Gateway.ts"
import { Failed } from "../Failed.ts"
import { painter, type Screen } from "../Screen.ts"
import { told } from "../told.ts"
import { ask, type Source } from "./Source.ts"

/** What `trace open` goes by. */
export interface Input {
  /** The gateway that the page is opened in. Default: one of its own. */
  readonly into: Source | undefined
  /** The port of its own gateway; 0: any that is free. */
  readonly port: number
  readonly env: Env
}

/** Nothing is kept, and nothing that was kept is opened. */
const settings = `stores: { kind: memory }
inspector: { path: ":memory:" }
telemetry: { logs: { level: none } }
`

/** Opens a recorded request and says where it is to be seen; a gateway of its own goes on until the Effect is interrupted. */
export const open = (recorded: Recorded, { env, into, port }: Input, screen: Screen): Effect.Effect<void, Failed> =>
  into !== undefined
    ? Effect.flatMap(handedOver(recorded, into), (id) => Effect.sync(() => say(into.url, id, screen)))
    : Effect.scoped(Effect.gen(function*() {
      const config = yield* configuration
      const gateway = yield* told(start({ config, host: "127.0.0.1", port, env, reload: false }))
      const source = { url: gateway.server.address, key: undefined }
      say(source.url, yield* handedOver(recorded, source), screen)
      screen.write(painter(screen)("dim", "It is there until you press Ctrl-C.\n"))
      return yield* Effect.never
    }))

/** The id under which the gateway keeps it. */
const handedOver = (recorded: Recorded, into: Source): Effect.Effect<string, Failed> =>
  Effect.flatMap(ask(into, "POST", "/import", JSON.stringify(recorded)), (answer) =>
    Json.isRecord(answer) && typeof answer.id === "string"
      ? Effect.succeed(answer.id)
      : Effect.fail(new Failed(`the gateway at ${into.url} did not say under which id it keeps it`)))

const say = (url: string, id: string, screen: Screen): void =>
  screen.write(`${painter(screen)("cyan", pageOf(url, id))}\n`)

/** The page of a request. */
export const pageOf = (url: string, id: string): string =>
  `${url.replace(/\/+$/, "")}/inspector/#/traces/${encodeURIComponent(id)}/walk`

/** A configuration file that is there as long as the scope is. */
const configuration = Effect.map(
  Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        const folder = await mkdtemp(join(tmpdir(), "plugline-open-"))
        await writeFile(join(folder, "gateway.yaml"), settings, { mode: 0o600 })
        return folder
      },
      catch: (thrown) =>
        new Failed(`no folder can be made in ${tmpdir()}: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
    }),
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }).catch(() => {}))
  ),
  (folder) => join(folder, "gateway.yaml")
)
