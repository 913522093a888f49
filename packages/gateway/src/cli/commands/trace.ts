/**
 * The command `trace`.
 *
 * @module
 */
import { Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { terminal } from "../Screen.ts"
import { model, provider, system } from "./flags.ts"
import { asked } from "./question.ts"

/** Asks one question and writes the trace down. */
export const traceCommand = Command.make("trace", {
  question: Argument.String("question").pipe(
    Argument.withDescription("What to ask; read from the terminal or from standard input when it is left out"),
    Argument.variadic()
  ),
  out: Flag.String("out").pipe(
    Flag.withAlias("o"),
    Flag.withDescription(
      "The file that the trace is written into, as JSON. Question and answer are in it; credentials are masked"
    )
  ),
  provider,
  model,
  system
}, Effect.fn(function*({ model, out, provider, question, system }) {
  const words = yield* asked(question, "plugline trace --out trace.json \"What can you do?\"")
  const { trace } = yield* Effect.promise(() => import("../trace.ts"))
  const { layer } = yield* Effect.promise(() => import("plugline"))
  yield* Effect.provide(trace({ question: words, provider, model, system }, out, terminal), layer)
})).pipe(
  Command.withDescription("Ask a model one question and write what each plug was handed and handed on into a file"),
  Command.withExamples([
    {
      command: "plugline trace --out trace.json \"What is 6 times 7?\"",
      description: "Of the built-in responder, no key needed"
    },
    {
      command: "plugline trace -o trace.json --provider openai --model gpt-5-mini \"Why is the sky blue?\"",
      description: "Of a call to OpenAI"
    }
  ])
)
