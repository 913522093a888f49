/**
 * The command `serve`.
 *
 * @module
 */
import { Config, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { terminal } from "../Screen.ts"
import { config } from "./flags.ts"

/** Starts the gateway. */
export const serveCommand = Command.make("serve", {
  port: Flag.Int("port").pipe(
    Flag.withAlias("p"),
    Flag.withDescription(
      "The port it listens on; 0 for any that is free. Default: that of the configuration, else 4141"
    ),
    Flag.withFallbackConfig(Config.Int("PORT")),
    Flag.optional
  ),
  host: Flag.String("host").pipe(
    Flag.withDescription("The address it listens on. Default: that of the configuration, else 127.0.0.1"),
    Flag.withFallbackConfig(Config.String("HOST")),
    Flag.optional
  ),
  config
}, Effect.fn(function*({ config, host, port }) {
  const { run } = yield* Effect.promise(() => import("../serve.ts"))
  const { told } = yield* Effect.promise(() => import("../told.ts"))
  yield* told(run({
    config,
    host: Option.getOrUndefined(host),
    port: Option.getOrUndefined(port),
    env: process.env
  }, { write: terminal.write, terminal: process.stdout.isTTY === true }))
})).pipe(
  Command.withDescription("Start the gateway, which OpenAI, Anthropic, Gemini and Ollama clients talk to as they are"),
  Command.withExamples([
    {
      command: "plugline serve",
      description: "Listen on 127.0.0.1:4141 and ask every service whose key is in the environment"
    },
    { command: "plugline serve --config gateway.yaml --port 8080", description: "Go by a file" }
  ])
)
