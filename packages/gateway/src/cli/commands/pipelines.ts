/**
 * The command `pipelines`.
 *
 * @module
 */
import { Effect, Option } from "effect"
import { Argument, Command } from "effect/cli"
import { terminal } from "../Screen.ts"
import { config, json } from "./flags.ts"

/** Shows pipelines. */
export const pipelinesCommand = Command.make("pipelines", {
  name: Argument.String("name").pipe(
    Argument.withDescription("Only the pipeline of this name"),
    Argument.optional,
    Argument.map(Option.getOrUndefined)
  ),
  config,
  json
}, (options) =>
  Effect.flatMap(
    Effect.promise(() => import("../pipelines.ts")),
    ({ list }) => list({ ...options, env: process.env }, terminal)
  )).pipe(
    Command.withDescription("Show what requests go through, plug by plug with options, and which requests those are"),
    Command.withExamples([
      { command: "plugline pipelines", description: "The pipeline that holds without a configuration" },
      { command: "plugline pipelines --config gateway.yaml steady", description: "One pipeline of a file" }
    ])
  )
