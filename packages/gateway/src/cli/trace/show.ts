/**
 * `trace show`: a recorded request as text: every plug in order, what it changed on the way down, on the way back and at the end
 * of the stream, the services that were asked, and the answer.
 *
 * @module
 */
import { explain, exchanges, type Recorded, steps, timeline, walk, type WalkStep } from "@plugline/inspector"
import { Effect } from "effect"
import { Mask, Result } from "plugline"
import { Failed } from "../Failed.ts"
import { json, painter, printable, type Screen, type Style } from "../Screen.ts"
import { changesInFull, dateTime, duration, oneLine } from "./lines.ts"
import { treeOf } from "./tree.ts"

/** What is shown of it. */
export interface Shown {
  /** Only this step, in full; counted from 1. */
  readonly step: number | undefined
  /** In sentences. */
  readonly explain: boolean
  /** For machines. */
  readonly json: boolean
}

/** Writes a recorded request. */
export const show = (recorded: Recorded, shown: Shown, screen: Screen): Effect.Effect<void, Failed> =>
  Effect.suspend(() => {
    const all = steps(walk(recorded))
    if (shown.step !== undefined) {
      const step = all[shown.step - 1]
      if (step === undefined) {
        return Effect.fail(new Failed(`it has ${all.length} steps, counted from 1: there is no step ${shown.step}`))
      }
      screen.write(shown.json ? json(machineStep(step, true)) : written(inFull(step, all.length, screen)))
    } else if (shown.json) screen.write(json(machine(recorded, all)))
    else if (shown.explain) screen.write(written([...heading(recorded, screen), ...sentences(recorded, screen)]))
    else {
      screen.write(written([
        ...heading(recorded, screen), ...treeOf(recorded, screen), ...wire(recorded, screen), ...answer(recorded, screen)
      ]))
    }
    return Effect.void
  })

const written = (lines: ReadonlyArray<string>): string => lines.map((line) => `${line}\n`).join("")

// --- for people -------------------------------------------------------------------------------------------------------

const tones: { readonly [tone: string]: Style } = { good: "green", warning: "yellow", bad: "red", plain: "reset" }

const heading = (recorded: Recorded, screen: Screen): ReadonlyArray<string> => {
  const paint = painter(screen)
  const { at, cache, id, inputTokens, outputTokens, pipeline, route, status } = recorded.summary
  const { headline, tone } = explain(recorded)
  const isCounted = inputTokens !== undefined || outputTokens !== undefined
  const facts = [
    dateTime(at),
    route,
    `status ${status}`,
    ...pipeline === "" ? [] : [`pipeline ${pipeline}`],
    ...cache === undefined ? [] : [`cache ${cache}`],
    ...isCounted ? [`${inputTokens ?? "?"} tokens in, ${outputTokens ?? "?"} out`] : []
  ]
  const name = paint("bold", id === "" ? "(no id)" : oneLine(id, 80))
  return [`${name}  ${paint(tones[tone]!, oneLine(headline, 300))}`, paint("dim", oneLine(facts.join(" · "), 300)), ""]
}

const wire = (recorded: Recorded, screen: Screen): ReadonlyArray<string> => {
  const paint = painter(screen)
  const lines = exchanges(recorded).flatMap(({ error, outcome, request, response, took }) => {
    if (request === undefined) return []
    const status = response === undefined ? error?.reason._tag ?? outcome : String(response.status)
    const style = outcome === "answered" ? "green" : outcome === "failed" ? "red" : "yellow"
    return [`${paint(style, status.padEnd(7))} ${duration(took).padStart(8)}  ${request.method} ${oneLine(request.url, 200)}`]
  })
  return lines.length === 0 ? [] : ["", paint("bold", "Services that were asked"), ...lines]
}

/** Most characters of the answer that are shown. */
const most = 600

const answer = (recorded: Recorded, screen: Screen): ReadonlyArray<string> => {
  const paint = painter(screen)
  const result = walk(recorded).final?.result
  const { from, parts, to } = timeline(recorded)
  const came = parts.length === 0 ? "" : paint("dim", ` ${parts.length} parts, from ${duration(from)} to ${duration(to)}`)
  const said = Result.text(result)
  const calls = Result.toolCalls(result).map(({ name, params }) =>
    `[${oneLine(name, 60)} ${oneLine(JSON.stringify(params) ?? "", 200)}]`)
  const shown = said === "" ? calls : [`${printable(said.slice(0, most))}${said.length > most ? "…" : ""}`, ...calls]
  return shown.length === 0 && came === "" ? [] : ["", `${paint("bold", "Answer")}${came}`, ...shown]
}

const sentences = (recorded: Recorded, screen: Screen): ReadonlyArray<string> => {
  const paint = painter(screen)
  const { picture: { nodes }, sentences } = explain(recorded)
  const width = Math.max(...sentences.map(({ about }) => about.length))
  const chain = nodes.map(({ detail, label, tone }) =>
    paint(tones[tone]!, oneLine(detail === undefined ? label : `${label} (${detail})`, 100)))
  return [
    chain.join(paint("dim", " → ")),
    "",
    ...sentences.map(({ about, text }) => `${paint("dim", about.padEnd(width))}  ${oneLine(text, 1_000)}`)
  ]
}

const ways = { down: "on the way down", back: "on the way back", end: "at the end of the stream" } as const

const inFull = ({ after, at, diff, direction, index, visit }: WalkStep, count: number, screen: Screen): ReadonlyArray<string> => {
  const paint = painter(screen)
  const lines = changesInFull(diff, screen)
  const { attempt, name, options, outcome, path } = visit
  const where = [
    `step ${index + 1} of ${count}, ${ways[direction]}, after ${duration(at)}`,
    `at ${path}${attempt > 1 ? `, attempt ${attempt}` : ""}`,
    outcome
  ]
  const set = options === null ? "" : ` ${oneLine(JSON.stringify(Mask.json(options)), 200)}`
  return [
    `${paint("bold", oneLine(name, 100))}${paint("dim", set)}`,
    paint("dim", oneLine(where.join("; "), 300)),
    "",
    ...lines.length === 0 ? ["It changed nothing."] : lines,
    "",
    paint("bold", "The request then"),
    printable(JSON.stringify(after, null, 2))
  ]
}

// --- for machines -----------------------------------------------------------------------------------------------------

const machine = (recorded: Recorded, all: ReadonlyArray<WalkStep>) => ({
  summary: recorded.summary,
  explanation: explain(recorded),
  steps: all.map((step) => machineStep(step, false))
})

const machineStep = ({ after, at, before, diff, direction, index, visit }: WalkStep, whole: boolean) => ({
  step: index + 1,
  direction,
  plug: visit.name,
  path: visit.path,
  attempt: visit.attempt,
  outcome: visit.outcome,
  at,
  ...(direction === "down" && { own: visit.own, total: visit.total }),
  ...(visit.error !== undefined && { error: visit.error }),
  ...diff,
  ...(whole && { before, after })
})
