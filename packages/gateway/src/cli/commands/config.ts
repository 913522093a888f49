/**
 * The commands `config check`, `config print` and `config schema`.
 *
 * @module
 */
import { Config, Effect, Option } from "effect"
import { Argument, Command } from "effect/cli"
import { terminal } from "../Screen.ts"
import { json } from "./flags.ts"

const file = Argument.String("file").pipe(
  Argument.withDescription("The configuration, YAML or JSON. Default: $PLUGLINE_CONFIG, else the environment alone"),
  Argument.withFallbackConfig(Config.String("PLUGLINE_CONFIG")),
  Argument.optional,
  Argument.map(Option.getOrUndefined)
)

const logic = Effect.promise(() => import("../config.ts"))

const check = Command.make("check", { file, json }, ({ file, json }) =>
  Effect.flatMap(logic, ({ check }) => check({ file, env: process.env, json }, terminal))).pipe(
    Command.withDescription(
      "Say whether a gateway would start with a configuration; if not, what is wrong with it line by line, "
        + "with exit code 1"
    ),
    Command.withShortDescription("Say whether a configuration is good, and what is wrong with it"),
    Command.withExamples([
      { command: "plugline config check gateway.yaml", description: "Look a file over before it is deployed" }
    ])
  )

const print = Command.make("print", { file, json }, ({ file, json }) =>
  Effect.flatMap(logic, ({ print }) => print({ file, env: process.env, json }, terminal))).pipe(
    Command.withDescription("Print the configuration in force: defaults filled in, secrets masked"),
    Command.withExamples([
      { command: "plugline config print gateway.yaml", description: "See what a file comes to" },
      { command: "plugline config print", description: "See what holds without a file" }
    ])
  )

const schema = Command.make("schema", {}, () => Effect.map(logic, ({ schema }) => schema(terminal))).pipe(
  Command.withDescription("Print the JSON Schema of the configuration, for editors"),
  Command.withExamples([
    {
      command: "plugline config schema > gateway.schema.json",
      description: "Write it to a file that an editor can be pointed at"
    }
  ])
)

/** Looks configurations over. */
export const configCommand = Command.make("config").pipe(
  Command.withDescription("Check and print configurations of the gateway"),
  Command.withSubcommands([check, print, schema])
)
