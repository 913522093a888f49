/**
 * The question of a command, from wherever it comes.
 *
 * @module
 */
import { Effect } from "effect"
import { Prompt } from "effect/cli"
import { Failed } from "../Failed.ts"
import { terminal } from "../Screen.ts"

/** What is asked: words of the command line, else what a person types or what is piped in. */
export const asked = Effect.fnUntraced(function*(words: ReadonlyArray<string>, example: string) {
  const given = words.join(" ").trim()
  const question = given !== ""
    ? given
    : terminal.interactive
    ? yield* Prompt.run(Prompt.String({ message: "Your question" }))
    : (yield* terminal.piped).trim()
  return question === "" ? yield* Effect.fail(new Failed(`there is no question; try: ${example}`)) : question
})
