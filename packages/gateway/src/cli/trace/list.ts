/**
 * `trace ls`: the latest requests of a gateway, newest first.
 *
 * @module
 */
import type { Summary, Traces, TracesQuery } from "@plugline/inspector"
import { Effect } from "effect"
import { Json } from "plugline"
import { Failed } from "../Failed.ts"
import { money } from "../progress.ts"
import { json, painter, type Screen, table } from "../Screen.ts"
import { dateTime, duration } from "./lines.ts"
import { ask, type Source } from "./Source.ts"

/** What `trace ls` goes by. */
export interface Input {
  readonly query: TracesQuery
  readonly json: boolean
}

/** Writes the list. */
export const list = ({ json: machine, query }: Input, source: Source, screen: Screen): Effect.Effect<void, Failed> =>
  Effect.gen(function*() {
    const words = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) if (value !== undefined) words.set(name, String(value))
    const answer = yield* ask(source, "GET", `/traces?${words}`)
    if (!Json.isRecord(answer) || !Array.isArray(answer.traces) || !answer.traces.every(isSummary)) {
      return yield* Effect.fail(new Failed(`what answers at ${source.url} is no gateway of this version of Plugline`))
    }
    const found = answer as unknown as Traces
    screen.write(machine ? json(found) : written(found, screen))
  })

const isSummary = (value: unknown): boolean =>
  Json.isRecord(value) && typeof value.id === "string"
  && ["at", "status", "took"].every((name) => typeof value[name] === "number")

const columns = [
  ...["TIME"].map((title) => ({ title })),
  ...["STATUS", "TOOK", "FIRST", "TOKENS", "COST", "TRIES"].map((title) => ({ title, right: true })),
  ...["CACHE", "MODEL", "PIPELINE", "ID"].map((title) => ({ title }))
]

const written = ({ more, total, traces }: Traces, screen: Screen): string => {
  const paint = painter(screen)
  if (traces.length === 0) {
    return `${paint("dim", total === 0 ? "No requests yet." : `None of ${total} requests is like that.`)}\n`
  }
  const out = table(columns, traces.map(rowOf), { ...screen, columns: Math.max(screen.columns, 400) })
  const [head = "", ...rows] = out.split("\n")
  const coloured = rows.map((row, index) => {
    const status = traces[index]?.status ?? 200
    return status >= 400 ? paint("red", row) : row
  })
  const sum = [
    `${traces.length} of ${total}${more ? ", more with --limit" : ""}`,
    "; see one with `plugline trace show ID`, the latest with `plugline trace show last`.",
    traces.some(({ recorded }) => !recorded) ? " Those with * are kept without their steps." : ""
  ].join("")
  return `${[head, ...coloured].join("\n")}${paint("dim", sum)}\n`
}

const rowOf = (summary: Summary): ReadonlyArray<string> => {
  const { at, attempts, cache, cost, firstToken, inputTokens, outputTokens, pipeline, provider, status, took } = summary
  const called = summary.model ?? summary.asked
  return [
    dateTime(at).slice(11),
    String(status),
    duration(took),
    firstToken === undefined ? "-" : duration(firstToken),
    inputTokens === undefined && outputTokens === undefined ? "-" : `${inputTokens ?? "?"}+${outputTokens ?? "?"}`,
    cost === undefined ? "-" : money(cost),
    attempts === undefined ? "-" : String(attempts),
    cache ?? "-",
    [provider, called].filter((word) => word !== undefined).join("/").slice(0, 60) || "-",
    pipeline,
    `${summary.id}${summary.recorded ? "" : "*"}`
  ]
}
