/**
 * What a plug costs that does next to nothing: ten in a line, beside a bare loop over the same functions and beside the
 * AI SDK's middleware.
 *
 * @module
 */
import { sideBySide } from "../measure.ts"
import { paired } from "../statistics.ts"
import { ratio, type Row } from "../table.ts"

const plugs = 10
const unit = "ns a plug"

/** The rows about plugs. */
export const rows = async (): Promise<ReadonlyArray<Row>> => {
  const line = (name: string) => ({ module: "line", name })
  const layers = (name: string, argument: number) => ({ module: "middleware", name, argument })
  const measured = await sideBySide({
    bare: line("bare"),
    synchronous: line("synchronous"),
    passing: line("passing"),
    succeeding: line("succeeding"),
    around: line("around"),
    after: line("after"),
    oneEffect: line("oneEffect"),
    recorded: line("recorded"),
    whole: line("whole"),
    noLayers: layers("passing", 0),
    passingLayers: layers("passing", plugs),
    writingLayers: layers("writing", plugs)
  }, { rounds: 8, generations: 3, turn: 25, warmUp: 300 })

  const each = (name: keyof typeof measured) => measured[name].map((cpu) => cpu * 1000 / plugs)
  const layer = (name: "passingLayers" | "writingLayers") =>
    paired(each(name), each("noLayers"), (ten, none) => ten - none)
  const passing = { theirs: layer("passingLayers"), name: "AI SDK middleware that passes on", unit }
  const writing = { theirs: layer("writingLayers"), name: "AI SDK middleware that writes a key", unit }
  const bare = { theirs: each("bare"), name: "a bare loop", unit }
  return [
    ratio("Ten plugs that each write a key", { ...bare, ours: each("synchronous"), limit: 1.3 }),
    ratio("", { ...writing, ours: each("synchronous"), limit: 0.1 }),
    ratio("Ten plugs that pass on", { ...passing, ours: each("passing"), limit: 0.1 }),
    ratio("Ten that answer with `Effect.succeed`", {
      ours: each("succeeding"), theirs: each("synchronous"), name: "answering at once", unit, limit: 2
    }),
    ratio("Five of ten `around`", { ...bare, ours: each("around") }),
    ratio("Ten `after`", { ...bare, ours: each("after") }),
    ratio("One of ten a real Effect", { ...bare, ours: each("oneEffect") }),
    ratio("Ten plugs, recorded as a trace", { ...bare, ours: each("recorded") }),
    ratio("Ten plugs through `Pipeline.run`, with its fiber", { ...bare, ours: each("whole") })
  ]
}
