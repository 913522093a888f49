/** What the tests of the command line have in common. */
import { Effect, Exit, Cause } from "effect"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Failed } from "../../src/cli/Failed.ts"
import type { Screen } from "../../src/cli/Screen.ts"

/** A screen that remembers what was written. */
export const screen = (fields: Partial<Screen> = {}): Screen & { readonly text: () => string } => {
  let text = ""
  return {
    write: (more) => {
      text += more
    },
    columns: 120,
    color: false,
    interactive: false,
    piped: Effect.succeed(""),
    text: () => text,
    ...fields
  }
}

/** How a command ended: with nothing, or with what it tells. */
export const ended = async (effect: Effect.Effect<void, Failed>): Promise<string | undefined> => {
  const exit = await Effect.runPromiseExit(effect)
  if (Exit.isSuccess(exit)) return undefined
  const error = Cause.squash(exit.cause)
  if (!(error instanceof Failed)) throw error
  return error.message
}

/** A folder for one test. */
export const folder = (): string => mkdtempSync(join(tmpdir(), "plugline-cli-"))
