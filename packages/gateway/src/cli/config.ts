/**
 * `config`: looks a configuration over without starting anything, prints what it comes to, and prints its form.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { type LlmError, Mask, Transport } from "plugline"
import * as Auth from "../auth/Auth.ts"
import type { AuthConfig } from "../auth/AuthConfig.ts"
import { memory } from "../auth/KeyStore.ts"
import { refuseToStart } from "../auth/startup.ts"
import { load, type Loaded } from "../config/load.ts"
import { effective, print as printed } from "../config/print.ts"
import type { Env } from "../config/read.ts"
import { jsonSchema } from "../config/schema.ts"
import { Failed } from "./Failed.ts"
import { json, painter, type Screen } from "./Screen.ts"
import { told } from "./told.ts"

/** What `config` goes by. */
export interface Input {
  /** The file; `undefined` for the environment alone. */
  readonly file: string | undefined
  readonly env: Env
  /** Whether JSON is written, for programs. */
  readonly json: boolean
}

/** Says whether a gateway would start with a configuration, and if not, all that is wrong with it. */
export const check = ({ env, file, json: machine }: Input, screen: Screen): Effect.Effect<void, Failed> =>
  Effect.matchEffect(Effect.flatMap(load(file, env), (loaded) => keysChecked(loaded, env)), {
    onSuccess: ({ warnings }) =>
      Effect.sync(() => {
        const plain = warnings.map(Mask.text)
        if (machine) return screen.write(json({ good: true, warnings: plain }))
        const paint = painter(screen)
        screen.write(`${nameOf(file)} ${paint("green", "is good")}\n`)
        for (const warning of plain) screen.write(`${paint("yellow", "warning")}: ${warning}\n`)
      }),
    onFailure: (error) =>
      Effect.suspend(() => {
        const errors = Mask.text(error.reason.message).split("\n")
        if (machine) screen.write(json({ good: false, errors }))
        const count = errors.length === 1 ? [] : ["", `${errors.length} errors`]
        return Effect.fail(new Failed([...errors, ...count].join("\n"), { cause: error }))
      })
  })

/** Writes the configuration in force, secrets masked. */
export const print = ({ env, file, json: machine }: Input, screen: Screen): Effect.Effect<void, Failed> =>
  Effect.map(told(load(file, env)), (loaded) => screen.write(machine ? json(effective(loaded)) : printed(loaded)))

/** Writes the form of the file as JSON Schema. */
export const schema = (screen: Screen): void => screen.write(json(jsonSchema()))

const nameOf = (file: string | undefined): string => file ?? "the configuration of the environment"

const nobody: AuthConfig = { keys: [], roles: {} }

/** What is found out only when a gateway starts: whether it may, and whether its keys are any good. */
const keysChecked = (loaded: Loaded, env: Env): Effect.Effect<Loaded, LlmError> => {
  const auth = loaded.config.auth ?? nobody
  const { host } = loaded.config.server
  const refused = refuseToStart(host, auth)
  return refused === undefined
    ? Effect.as(Effect.provide(Auth.make(auth, { host, env }), unasked), loaded)
    : Effect.fail(refused)
}

/** No keys but those of the configuration, and nobody who is asked for any. */
const unasked = Layer.merge(memory, Transport.memory(() => Effect.succeed({ status: 503 }) as never))
