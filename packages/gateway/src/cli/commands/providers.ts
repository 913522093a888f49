/**
 * The command `providers`.
 *
 * @module
 */
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { terminal } from "../Screen.ts"
import { json } from "./flags.ts"

/** Lists the built-in providers. */
export const providersCommand = Command.make("providers", {
  name: Argument.String("name").pipe(
    Argument.withDescription("Only the provider of this name"),
    Argument.optional,
    Argument.map(Option.getOrUndefined)
  ),
  ready: Flag.Boolean("ready").pipe(
    Flag.withDescription("Only those that can be asked with what the environment holds"),
    Flag.withDefault(false)
  ),
  json
}, (options) =>
  Effect.flatMap(
    Effect.promise(() => import("../providers.ts")),
    ({ list }) => list({ ...options, env: process.env }, terminal)
  )).pipe(
    Command.withDescription(
      "List the providers that are built in: which variable holds the key of each, whether it is set, "
        + "and what it can do"
    ),
    Command.withShortDescription("List the built-in providers, and whose keys are set"),
    Command.withExamples([
      { command: "plugline providers", description: "All of them" },
      { command: "plugline providers --ready --json", description: "Those that can be asked from here, for a program" }
    ])
  )
