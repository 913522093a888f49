/**
 * The command `batch`.
 *
 * @module
 */
import { Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { terminal } from "../Screen.ts"
import { concurrency, json, model, provider } from "./flags.ts"

/** Asks many requests. */
export const batchCommand = Command.make("batch", {
  file: Argument.String("file").pipe(
    Argument.withDescription(
      "The requests, one JSON object a line: OpenAI's batch lines, or {\"messages\": […]} by itself"
    )
  ),
  out: Flag.String("out").pipe(
    Flag.withAlias("o"),
    Flag.withDescription("Where results are written, one a line, as they come")
  ),
  provider,
  model: model.pipe(Flag.withDescription("Which model, whatever the lines say")),
  concurrency: concurrency(8),
  resume: Flag.Boolean("resume").pipe(
    Flag.withDescription("Go on with results that are there: what was answered is not asked again, what failed is"),
    Flag.withDefault(false)
  ),
  json
}, Effect.fn(function*(options) {
  const { batch } = yield* Effect.promise(() => import("../batch.ts"))
  const { meter } = yield* Effect.promise(() => import("../progress.ts"))
  const { builtIn, layer, Registry } = yield* Effect.promise(() => import("plugline"))
  yield* Effect.provide(batch(options, Registry.make(builtIn), terminal, meter), layer)
})).pipe(
  Command.withDescription(
    "Ask every request of a file, some at a time, and write the results into another; with exit code 1 where one failed"
  ),
  Command.withShortDescription("Ask every request of a file, and go on where that was broken off"),
  Command.withExamples([
    {
      command: "plugline batch requests.jsonl --out results.jsonl",
      description: "Try a file out on the built-in responder"
    },
    {
      command: "plugline batch requests.jsonl -o results.jsonl --provider openai --model gpt-5-mini --concurrency 20",
      description: "Ask OpenAI, 20 at a time"
    },
    {
      command: "plugline batch requests.jsonl -o results.jsonl --provider openai --resume",
      description: "Go on after Ctrl-C, or ask again what failed"
    }
  ])
)
