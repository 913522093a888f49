/**
 * What a streamed answer takes of the processor: once with all of it there at once, which leaves the work on each
 * event, and once with its events arriving one by one, as a model writes them.
 *
 * @module
 */
import { events } from "../exchange.ts"
import { type Measured, sideBySide } from "../measure.ts"
import { withUpstream } from "../service.ts"
import { ratio, type Row } from "../table.ts"

/** How many paced streams are open at a time. */
const atOnce = 40

/** The rows about streamed answers. */
export const rows = (): Promise<ReadonlyArray<Row>> =>
  withUpstream(async ({ origin }) => {
    const entries = (how: string, name: string) => ({
      floor: { module: "floor", name, argument: { origin, how } },
      plugline: { module: "plugline", name, argument: { origin, how } },
      openai: { module: "openai-sdk", name, argument: { origin, how } },
      ai: { module: "ai-sdk", name, argument: { origin, how } }
    })
    const burst = await sideBySide(entries("burst", "stream"), { rounds: 12, generations: 2, turn: 50, warmUp: 1_500 })
    const paced = await sideBySide(entries("paced", "streams"), { rounds: 5, count: atOnce, warmUp: 1_200 })
    return [
      ...beside(`A stream of ${events.length} events that come at once`, burst, "µs", 1),
      ...beside("The same, each event", burst, "µs", events.length),
      ...beside("An event that comes alone", paced, "µs", events.length)
    ]
  })

type Who = "floor" | "plugline" | "openai" | "ai"

const beside = (what: string, measured: Measured<Who>, unit: string, share: number): ReadonlyArray<Row> => {
  const each = (who: Who) => measured[who].map((cpu) => cpu / share)
  const ours = each("plugline")
  return [
    ratio(what, { ours, theirs: each("floor"), name: "undici `dispatch`", unit }),
    ratio("", { ours, theirs: each("openai"), name: "`openai` SDK", unit }),
    ratio("", { ours, theirs: each("ai"), name: "AI SDK `streamText`", unit })
  ]
}
