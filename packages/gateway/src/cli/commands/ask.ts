/**
 * The command `ask`.
 *
 * @module
 */
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { terminal } from "../Screen.ts"
import { model, provider, system } from "./flags.ts"
import { asked } from "./question.ts"

/** Asks one question. */
export const askCommand = Command.make("ask", {
  question: Argument.String("question").pipe(
    Argument.withDescription("What to ask; read from the terminal or from standard input when it is left out"),
    Argument.variadic()
  ),
  provider,
  model,
  system
}, Effect.fn(function*({ model, provider, question, system }) {
  const words = yield* asked(question, "npm run ask -- \"What can you do?\"")
  const { ask } = yield* Effect.promise(() => import("../ask.ts"))
  const { told } = yield* Effect.promise(() => import("../told.ts"))
  const { layer } = yield* Effect.promise(() => import("plugline"))
  yield* Effect.provide(told(ask({ question: words, provider, model, system }, terminal)), layer)
})).pipe(
  Command.withDescription("Ask a model one question and see its pipeline, its answer and the trace of both"),
  Command.withExamples([
    { command: "plugline ask \"What can you do?\"", description: "Ask the built-in responder, no key needed" },
    {
      command: "plugline ask --provider openai --model gpt-5-mini \"Why is the sky blue?\"",
      description: "Ask OpenAI, with OPENAI_API_KEY set"
    }
  ])
)
