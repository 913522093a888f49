/**
 * The entry of the command line.
 *
 * @module
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer, Option } from "effect"
import { Argument, Command, Flag, Prompt } from "effect/cli"
import { layer, LlmError, Mask, plugline } from "plugline"
import { ask, terminal } from "./ask.ts"

const command = Command.make("ask", {
    question: Argument.String("question").pipe(
      Argument.withDescription("What to ask; read from the terminal or from standard input when it is left out"),
      Argument.variadic()
    ),
    provider: Flag.String("provider").pipe(
      Flag.withAlias("p"),
      Flag.withDescription(`Whom to ask: ${plugline.providers.map(({ name }) => name).join(", ")}`),
      Flag.withDefault("local")
    ),
    model: Flag.String("model").pipe(
      Flag.withAlias("m"),
      Flag.withDescription("Which model, by the provider's name for it"),
      Flag.optional
    ),
    system: Flag.String("system").pipe(
      Flag.withDescription("Rules for the conversation"),
      Flag.optional
    )
  }, Effect.fn(function*({ model, provider, question, system }) {
    const words = question.join(" ").trim()
    const asked = words !== ""
      ? words
      : terminal.interactive
      ? yield* Prompt.run(Prompt.String({ message: "Your question" }))
      : (yield* terminal.piped).trim()
    if (asked === "") return yield* Effect.fail(LlmError.make({ _tag: "InvalidRequest", message: "there is no question; try: npm start -- \"What can you do?\"" }))
    yield* ask({ question: asked, provider, model: Option.getOrUndefined(model), system: Option.getOrUndefined(system) }, terminal)
  })).pipe(
    Command.withDescription("Ask a model one question and see its pipeline, its answer and the trace of both"),
    Command.withExamples([
      { command: "npm start -- \"What can you do?\"", description: "Ask the built-in responder, no key needed" },
      { command: "npm start -- --provider openai --model gpt-5-mini \"Why is the sky blue?\"", description: "Ask OpenAI, with OPENAI_API_KEY set" }
    ])
  )


const program = Command.run(command, { version: "0.1.0" }).pipe(
  Effect.catch((error) =>
    LlmError.isLlmError(error)
      ? Effect.sync(() => {
        process.stderr.write(`\n${Mask.text(error.message)}\n`)
        process.exitCode = 1
      })
      : Effect.fail(error)
  )
)

NodeRuntime.runMain(Effect.provide(program, Layer.merge(NodeServices.layer, layer)))
