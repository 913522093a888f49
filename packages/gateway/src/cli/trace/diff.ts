/**
 * `trace diff`: two recorded requests side by side, plug by plug; only what differs.
 *
 * @module
 */
import { compare, type ComparedStep, type Recorded } from "@plugline/inspector"
import { Effect } from "effect"
import type { Diff } from "plugline"
import { Failed } from "../Failed.ts"
import { json, painter, type Screen } from "../Screen.ts"
import { changes, oneLine, type Paper } from "./lines.ts"

/** Writes where two requests went different ways, and fails where they did: a script can tell by the exit code. */
export const diff = (a: Recorded, b: Recorded, machine: boolean, screen: Screen): Effect.Effect<void, Failed> =>
  Effect.suspend(() => {
    const found = compare(a, b)
    const different = found.steps.filter(({ state }) => state !== "same")
    if (machine) {
      const { steps: _steps, ...whole } = found
      screen.write(json({ ...whole, steps: different.map(({ a: _a, b: _b, ...step }) => step) }))
    } else if (found.same) {
      screen.write(`${painter(screen)("green", "The two went the same way, plug by plug.")}\n`)
    } else {
      screen.write([
        ...section("What was asked", found.request, screen),
        ...section("The pipeline", found.pipeline, screen),
        ...different.flatMap((step) => stepLines(step, screen)),
        ...section("What came of it", found.final, screen),
        ""
      ].join("\n"))
    }
    const count = different.length
    const where = count === 0 ? "" : ` at ${count} of ${found.steps.length} plugs`
    return found.same
      ? Effect.void
      : Effect.fail(new Failed(`they differ${where}: the first is ${nameOf(a)}, the second ${nameOf(b)}`))
  })

const nameOf = ({ summary: { id } }: Recorded): string => id === "" ? "without an id" : id

const section = (title: string, diff: Diff.Diff, screen: Paper): ReadonlyArray<string> => {
  const lines = changes(diff, screen, Math.max(40, screen.columns - 4))
  return lines.length === 0 ? [] : [painter(screen)("bold", title), ...lines.map((line) => `  ${line}`), ""]
}

/** What went another way at one plug. What merely came to it another way was said where that began. */
const stepLines = ({ attempt, did, name, outcomes, path, state }: ComparedStep, screen: Paper): ReadonlyArray<string> => {
  const paint = painter(screen)
  const title = `${paint("bold", oneLine(name, 60))}${attempt > 1 ? ` (${attempt})` : ""} ${paint("dim", path)}`
  if (state === "only-a") return [`${title} ${paint("red", "only in the first")}`, ""]
  if (state === "only-b") return [`${title} ${paint("green", "only in the second")}`, ""]
  const lines = changes(did, screen, Math.max(40, screen.columns - 4))
  return lines.length === 0 && outcomes === undefined ? [] : [
    `${title}${outcomes === undefined ? "" : ` ${paint("yellow", `${outcomes[0]} → ${outcomes[1]}`)}`}`,
    ...lines.map((line) => `  ${line}`),
    ""
  ]
}
