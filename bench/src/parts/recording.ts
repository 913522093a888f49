/**
 * What it costs to record a call for the inspector, plug by plug, beside the same call unrecorded.
 *
 * @module
 */
import { plugs } from "../contenders/recording.ts"
import { sideBySide } from "../measure.ts"
import { difference, type Row } from "../table.ts"

const unit = "µs a plug"

/** The rows about recording. */
export const rows = async (): Promise<ReadonlyArray<Row>> => [...await measure(false), ...await measure(true)]

const measure = async (streamed: boolean): Promise<ReadonlyArray<Row>> => {
  const entry = (name: string) => ({ module: "recording", name, argument: { streamed } })
  const measured = await sideBySide(
    { plain: entry("plain"), idle: entry("idle"), recorded: entry("recorded"), written: entry("written") },
    { rounds: 10, generations: 2, turn: 25, warmUp: 400 }
  )
  const each = (name: keyof typeof measured) => measured[name].map((cpu) => cpu / plugs)
  const beside = { theirs: each("plain"), name: "unrecorded", unit }
  const how = streamed ? ", a stream of 50 parts" : ""
  return [
    difference(`A line of ${plugs} plugs, ready to be recorded, and not${how}`, { ...beside, ours: each("idle") }),
    difference(`Recorded: every step, and all that comes from outside${how}`, { ...beside, ours: each("recorded"), limit: 5 }),
    difference(`The same, written down as JSON, which nobody waits for${how}`, { ...beside, ours: each("written") })
  ]
}
