/**
 * `providers`: the services that are built in, and which of them can be asked from here.
 *
 * @module
 */
import type { KeySource, Provider } from "@plugline/providers"
import { builtIn, Suggest } from "plugline"
import { Effect } from "effect"
import { fromEnvironment } from "../config/providers.ts"
import type { Env } from "../config/read.ts"
import { Failed } from "./Failed.ts"
import { json, painter, type Screen, table } from "./Screen.ts"

/** What is said of a provider. Values of variables are not. */
export interface Facts {
  readonly name: string
  readonly title: string
  /** Where its key may be: variables, together where there are several in one. */
  readonly keys: ReadonlyArray<{ readonly variables: ReadonlyArray<string>; readonly set: boolean }>
  readonly needsKey: boolean
  /** Whether it can be asked with what the environment holds, as far as can be seen from here. */
  readonly ready: boolean
  readonly operations: ReadonlyArray<string>
}

/** What `providers` goes by. */
export interface Input {
  readonly env: Env
  /** Only those that can be asked. */
  readonly ready: boolean
  /** Only the one of this name. */
  readonly name: string | undefined
  readonly json: boolean
}

/** Writes which providers there are. */
export const list = ({ env, json: machine, name, ready }: Input, screen: Screen): Effect.Effect<void, Failed> =>
  Effect.suspend(() => {
    if (name !== undefined && !builtIn.some((provider) => provider.name === name)) {
      return Effect.fail(new Failed(Suggest.refusal("provider", name, builtIn.map((provider) => provider.name))))
    }
    const found = facts(builtIn, env).filter((each) =>
      (name === undefined || each.name === name) && (!ready || each.ready))
    return Effect.sync(() => screen.write(machine ? json(found) : written(found, screen)))
  })

/** What is known of providers, with what an environment holds. */
export const facts = (providers: ReadonlyArray<Provider>, env: Env): ReadonlyArray<Facts> => {
  const offered = new Set(fromEnvironment(env))
  return providers.map(({ keys, name, needsKey, pipelines, title }) => ({
    name,
    title,
    keys: keys.map((source) => sourceOf(source, env)),
    needsKey,
    ready: offered.has(name),
    operations: Object.keys(pipelines)
  }))
}

const sourceOf = (source: KeySource, env: Env): Facts["keys"][number] => {
  const variables = typeof source === "string"
    ? [source]
    : "file" in source
    ? [source.file]
    : Object.entries(source.fields).filter(([field]) => source.optional?.includes(field) !== true)
      .map(([, name]) => name)
  return { variables, set: variables.every((variable) => env[variable] !== undefined && env[variable].trim() !== "") }
}

const written = (found: ReadonlyArray<Facts>, screen: Screen): string => {
  const rows = found.map(({ keys, name, needsKey, operations, ready }) => {
    const shown = keys.find(({ set }) => set) ?? keys[0]
    const key = shown === undefined ? "none" : shown.variables.join(" + ")
    const state = shown?.set === true ? "set" : needsKey ? "not set" : ready ? "not needed" : "optional"
    return [name, key, state, operations.join(" ")]
  })
  const columns = [{ title: "PROVIDER" }, { title: "KEY IN" }, { title: "KEY" }, { title: "OPERATIONS" }]
  const ready = found.filter((each) => each.ready).map(({ name }) => name)
  const sum = ready.length === 0
    ? "None of these can be asked with what the environment holds."
    : `Can be asked with what the environment holds: ${ready.join(", ")}.`
  return `${table(columns, rows, screen)}\n${painter(screen)("dim", sum)}\n`
}
