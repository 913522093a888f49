/**
 * The command `models`.
 *
 * @module
 */
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { terminal } from "../Screen.ts"
import { config, json } from "./flags.ts"

/** Lists models. */
export const modelsCommand = Command.make("models", {
  holds: Argument.String("text").pipe(
    Argument.withDescription("Only models whose name holds this"),
    Argument.optional,
    Argument.map(Option.getOrUndefined)
  ),
  config,
  provider: Flag.String("provider").pipe(
    Flag.withAlias("p"),
    Flag.withDescription("Only models of this provider"),
    Flag.optional,
    Flag.map(Option.getOrUndefined)
  ),
  all: Flag.Boolean("all").pipe(
    Flag.withAlias("a"),
    Flag.withDescription("Every model of the catalog, also of providers that are not set up here"),
    Flag.withDefault(false)
  ),
  json
}, (options) =>
  Effect.flatMap(
    Effect.promise(() => import("../models.ts")),
    ({ list }) => list({ ...options, env: process.env }, terminal)
  )).pipe(
    Command.withDescription("List the models that the gateway offers, with what they hold and cost"),
    Command.withExamples([
      { command: "plugline models", description: "Those of the providers whose keys are set" },
      { command: "plugline models --all --provider anthropic", description: "What the catalog knows of one provider" },
      { command: "plugline models gpt-5 --all --json", description: "By a part of the name, for a program" }
    ])
  )
