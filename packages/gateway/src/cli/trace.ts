/**
 * `trace`: asks like `ask`, and writes the trace into a file, which can be looked at later or sent to somebody.
 *
 * @module
 */
import { Effect } from "effect"
import { writeFile } from "node:fs/promises"
import { LlmError, Mask, type Plugline, plugline, type Services, type Trace } from "plugline"
import { ask, type Question } from "./ask.ts"
import type { Failed } from "./Failed.ts"
import { json, painter, type Screen } from "./Screen.ts"
import { told } from "./told.ts"

/** Asks and writes the trace, credentials masked; also where the request failed. */
export const trace = (
  question: Question,
  out: string,
  screen: Screen,
  face: Plugline = plugline
): Effect.Effect<void, Failed, Services> =>
  told(ask(question, screen, face, (recorded) =>
    Effect.map(written(recorded, out), () => screen.write(`\n${painter(screen)("dim", `the trace is in ${out}`)}\n`))))

/** What was asked and answered is in it: nobody else needs to read it. */
const written = (recorded: Trace, out: string): Effect.Effect<void, LlmError> =>
  Effect.tryPromise({
    try: () => writeFile(out, json(Mask.json(recorded.toJSON())), { mode: 0o600 }),
    catch: (thrown) =>
      LlmError.make({
        _tag: "Configuration",
        option: "out",
        message: `${out} cannot be written: ${thrown instanceof Error ? thrown.message : String(thrown)}`
      })
  })
