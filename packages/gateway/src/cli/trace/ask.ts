/**
 * `trace ask`: asks like `ask`, and writes everything that happened into a file, which can be looked at later, replayed, or sent
 * to somebody.
 *
 * @module
 */
import { type Recorded, recordedOf } from "@plugline/inspector"
import { Effect } from "effect"
import { Mask, type Plugline, plugline, type Services } from "plugline"
import { ask, type Question, type Seen } from "../ask.ts"
import type { Failed } from "../Failed.ts"
import { json, painter, type Screen } from "../Screen.ts"
import { told } from "../told.ts"
import { written } from "./export.ts"
import { asked } from "./replay.ts"

/** Asks and writes the file, credentials masked; also where the request failed. */
export const trace = (
  question: Question,
  out: string,
  screen: Screen,
  face: Plugline = plugline
): Effect.Effect<void, Failed, Services> => {
  let file: string | undefined
  const answered = told(ask(question, screen, face, (seen) => Effect.sync(() => {
    file = json(fileOf(seen, question))
  })))
  const kept = Effect.suspend(() => file === undefined ? Effect.void : Effect.map(written(file, out), () =>
    screen.write(`\n${painter(screen)("dim", `the trace is in ${out}; see it with \`plugline trace show ${out}\``)}\n`)))
  return Effect.matchEffect(answered, {
    onSuccess: () => kept,
    onFailure: (failed) => Effect.andThen(kept, Effect.fail(failed))
  })
}

const fileOf = ({ pipeline, recording }: Seen, { provider }: Question): Recorded => {
  const world = recording.world as unknown as Recorded["world"]
  const whole = recordedOf(recording.trace, { pipeline, world, name: provider, route: "ask" })
  const recorded = scrubbed({ ...whole, call: { ...asked } })
  // Bytes are no text: what is read into them by chance must not be taken out.
  const exchanges = recorded.world.exchanges.map((exchange, index) => {
    const { bytes } = world.exchanges[index]!
    return bytes === undefined ? exchange : { ...exchange, bytes }
  })
  return { ...recorded, world: { ...recorded.world, exchanges } }
}

/** The same without credentials, also where somebody wrote one into a question. */
const scrubbed = (recorded: Recorded): Recorded => {
  const masked = (_name: string, value: unknown): unknown => typeof value === "string" ? Mask.text(value) : value
  return JSON.parse(JSON.stringify(recorded), masked) as Recorded
}
