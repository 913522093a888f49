/**
 * The commands `keys hash` and `keys new`.
 *
 * @module
 */
import { Effect, Redacted } from "effect"
import { Argument, Command, Flag, Prompt } from "effect/cli"
import { Failed } from "../Failed.ts"
import { terminal } from "../Screen.ts"
import { json } from "./flags.ts"

const logic = Effect.promise(() => import("../keys.ts"))

const hash = Command.make("hash", {
  nothing: Argument.String("nothing").pipe(
    Argument.withDescription(
      "Nothing: a key on the command line would be seen in the shell's history and by other users"
    ),
    Argument.variadic()
  )
}, Effect.fn(function*({ nothing }) {
  if (nothing.length > 0) {
    return yield* Effect.fail(new Failed(
      "a key on the command line is seen in the shell's history and by other users: type it when asked, or pipe it in. "
        + "If this was a real one, make another"
    ))
  }
  const key = terminal.interactive
    ? Redacted.value(yield* Prompt.run(Prompt.Password({ message: "The key" })))
    : yield* terminal.piped
  const { hash } = yield* logic
  yield* hash(key, terminal)
})).pipe(
  Command.withDescription(
    "Print the SHA-256 digest of a key, for auth.keys[].hash. The key is asked for, or read from standard input"
  ),
  Command.withShortDescription("Print the digest of a key that there is already"),
  Command.withExamples([
    { command: "plugline keys hash", description: "Type the key, which is not shown" },
    { command: "plugline keys hash < key.txt", description: "Read it from a file" }
  ])
)

const create = Command.make("new", {
  name: Flag.String("name").pipe(
    Flag.withAlias("n"),
    Flag.withDescription("What the key is called in logs, limits and budgets"),
    Flag.withDefault("my-app")
  ),
  role: Flag.String("role").pipe(
    Flag.withAlias("r"),
    Flag.withDescription("What it may do: admin, operator, developer, viewer, or a role of auth.roles"),
    Flag.withDefault("developer")
  ),
  json
}, (options) => Effect.flatMap(logic, ({ create }) => create(options, terminal))).pipe(
  Command.withDescription("Make a random key, and print it with its digest and the lines for the configuration"),
  Command.withExamples([
    { command: "plugline keys new --name website", description: "A key for an application" },
    { command: "plugline keys new --name me --role admin", description: "A key that may do everything" }
  ])
)

/** Makes keys and digests. */
export const keysCommand = Command.make("keys").pipe(
  Command.withDescription("Make API keys of the gateway, and the digests by which it knows them"),
  Command.withSubcommands([hash, create])
)
