/**
 * The command `eval`.
 *
 * @module
 */
import { Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { terminal } from "../Screen.ts"
import { concurrency, json } from "./flags.ts"

/** Compares answers with what was expected. */
export const evalCommand = Command.make("eval", {
  file: Argument.String("file").pipe(
    Argument.withDescription(
      "The cases, YAML or JSON: `cases` with `question` and `expect` (equals, contains, lacks, matches, schema)"
    )
  ),
  targets: Flag.String("target").pipe(
    Flag.withAlias("t"),
    Flag.withDescription(
      "Whom to ask: provider, or provider/model; several side by side. Default: `targets` of the file, else local"
    ),
    Flag.atLeast(0)
  ),
  concurrency: concurrency(4),
  json
}, Effect.fn(function*(options) {
  const { evaluate } = yield* Effect.promise(() => import("../eval.ts"))
  const { builtIn, layer, Registry } = yield* Effect.promise(() => import("plugline"))
  yield* Effect.provide(evaluate(options, Registry.make(builtIn), terminal), layer)
})).pipe(
  Command.withDescription(
    "Ask one or several models the questions of a file, and say which answers are as expected; "
      + "with exit code 1 where one is not"
  ),
  Command.withShortDescription("Check models' answers against what is expected of them"),
  Command.withExamples([
    { command: "plugline eval cases.yaml", description: "Ask those that the file names" },
    {
      command: "plugline eval cases.yaml -t openai/gpt-5-mini -t anthropic/claude-sonnet-4-5",
      description: "Compare two models side by side"
    }
  ])
)
