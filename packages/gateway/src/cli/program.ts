/**
 * The command line as a program: it reads the arguments and does what they say.
 *
 * @module
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Effect, Exit, Runtime } from "effect"
import { Command } from "effect/cli"
import { version } from "../version.ts"
import { commands } from "./commands.ts"
import { Failed } from "./Failed.ts"

// Whoever reads the output may have seen enough: `plugline models | head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0)
  throw error
})

const command = Command.make("plugline").pipe(
  Command.withDescription("Calls to language models, as a gateway or one at a time"),
  Command.withSubcommands([...commands]),
  Command.withExamples([
    { command: "plugline serve", description: "Start the gateway" },
    { command: "plugline ask \"What can you do?\"", description: "Ask a model one question" },
    { command: "plugline keys --help", description: "See what a command can do" }
  ])
)

const program = Command.run(command, { version }).pipe(
  Effect.catch((error) =>
    error instanceof Failed
      ? Effect.sync(() => {
        process.stderr.write(`\n${error.message}\n`)
        process.exitCode = 1
      })
      : Effect.fail(error)
  )
)

/** Who has to be told to stop ends well when he has stopped in order, and says so by the exit code 0; others end as interrupted. */
const teardown: Runtime.Teardown = (exit, onExit) =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) && process.exitCode === 0
    ? onExit(0)
    : Runtime.defaultTeardown(exit, onExit)

NodeRuntime.runMain(Effect.provide(program, NodeServices.layer), { teardown })
