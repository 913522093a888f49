/**
 * `pipelines`: what requests go through, plug by plug, and for whom each pipeline is.
 *
 * @module
 */
import { Effect } from "effect"
import { Mask, Pipeline, Request, Suggest } from "plugline"
import type { Config } from "../config/Config.ts"
import { load, type Loaded } from "../config/load.ts"
import { type Line, nameOf, standard } from "../config/pipelines.ts"
import type { Env } from "../config/read.ts"
import { Failed } from "./Failed.ts"
import { indent, json, painter, printable, type Screen } from "./Screen.ts"
import { told } from "./told.ts"

/** What `pipelines` goes by. */
export interface Input {
  readonly config: string | undefined
  readonly env: Env
  /** Only the pipeline of this name. */
  readonly name: string | undefined
  readonly json: boolean
}

/** A pipeline, and what goes through it. */
export interface Shown {
  readonly name: string
  /** Whether the configuration says what it is; else it is the one that is built in. */
  readonly configured: boolean
  /** Operations, paths, models and tenants. */
  readonly for: ReadonlyArray<string>
  readonly plugs: Line
}

/** Writes the pipelines as trees. */
export const list = ({ config, env, json: machine, name }: Input, screen: Screen): Effect.Effect<void, Failed> =>
  Effect.gen(function*() {
    const loaded = yield* told(load(config, env))
    const all = shown(loaded)
    const found = name === undefined ? all : all.filter((each) => each.name === name)
    if (found.length === 0 && name !== undefined) {
      return yield* Effect.fail(new Failed(Suggest.refusal("pipeline", name, all.map((each) => each.name))))
    }
    if (machine) {
      return screen.write(json(found.map((each) => ({ ...each, plugs: Mask.json(Pipeline.inspect(each.plugs)) }))))
    }
    const paint = painter(screen)
    screen.write(found.map((each) => {
      const whom = each.for.length === 0 ? "nothing goes through it" : each.for.join(", ")
      const built = each.configured ? "" : ", which is built in"
      const title = `${paint("bold", each.name)} ${paint("dim", `(${whom}${built})`)}`
      return `${title}\n${indent(Mask.text(printable(Pipeline.render(each.plugs))))}`
    }).join("\n"))
  })

/** The pipelines of a configuration, the default one first. */
export const shown = ({ config, lines, pipelineFor }: Loaded): ReadonlyArray<Shown> =>
  [...new Set([standard, ...lines.keys()])].map((name) => ({
    name,
    configured: lines.has(name),
    for: usersOf(config, name),
    plugs: pipelineFor({ operation: "chat", pipeline: name })
  }))

const usersOf = (config: Config, name: string): ReadonlyArray<string> => {
  const paths = Object.keys(config.routes).filter((route) => route.startsWith("/"))
  return [
    ...Request.operations.filter((operation) => nameOf(config, { operation }) === name),
    ...paths.filter((route) => nameOf(config, { operation: "chat", route }) === name),
    ...Object.entries(config.models).flatMap(([model, alias]) =>
      typeof alias !== "string" && alias.pipeline === name ? [`model ${model}`] : []),
    ...Object.entries(config.tenants).flatMap(([tenant, { pipeline, routes = {} }]) => [
      ...(pipeline === name ? [`tenant ${tenant}`] : []),
      ...Object.entries(routes).flatMap(([route, line]) => line === name ? [`${route} of tenant ${tenant}`] : [])
    ])
  ]
}
