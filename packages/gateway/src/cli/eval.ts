/**
 * `eval`: asks one or several models the same questions, and says whose answers are as they were expected, what they
 * cost and how long they took.
 *
 * @module
 */
import { Providers, TrackCost } from "@plugline/plugs"
import { Clock, Effect } from "effect"
import { readFile } from "node:fs/promises"
import { Mask, Pipeline, type Registry, Request, Result, type Services } from "plugline"
import { usual } from "../config/pipelines.ts"
import { type Case, casesOf, fault } from "./evalCases.ts"
import { Failed } from "./Failed.ts"
import { duration, money } from "./progress.ts"
import { json, painter, type Screen, table } from "./Screen.ts"
import { attempt, told } from "./told.ts"

/** What `eval` goes by. */
export interface Input {
  readonly file: string
  /** Who is asked, in place of those that the file names: `provider`, or `provider/model`. */
  readonly targets: ReadonlyArray<string>
  /** Most questions that are asked at a time. */
  readonly concurrency: number
  readonly json: boolean
}

/** How one case ended with one target. */
export interface Outcome {
  readonly case: string
  readonly target: string
  readonly passed: boolean
  /** Why it did not pass. */
  readonly reason?: string
  readonly answer: string
  /** In ms. */
  readonly latency: number
  /** USD, as decimal text; absent where it is unknown. */
  readonly cost?: string
}

/** Runs the cases. Fails where one of them did not pass. */
export const evaluate = (input: Input, registry: Registry, screen: Screen): Effect.Effect<void, Failed, Services> =>
  Effect.gen(function*() {
    const { concurrency, file } = input
    const text = yield* Effect.tryPromise({
      try: () => readFile(file, "utf8"),
      catch: (thrown) =>
        new Failed(`${file} cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
    })
    const { cases, system, targets: own = [] } = yield* told(attempt(() => casesOf(text, file)))
    const targets = [...new Set(input.targets.length > 0 ? input.targets : own.length > 0 ? own : ["local"])]
    for (const target of targets) yield* told(attempt(() => registry.get(partsOf(target).provider)))
    const pairs = cases.flatMap((each, index) =>
      targets.map((target) => ({
        target,
        name: each.name ?? `${index + 1}`,
        each: system === undefined ? each : { system, ...each }
      })))
    const outcomes = yield* Effect.forEach(pairs, ({ each, name, target }) => run(each, name, target), { concurrency })
    screen.write(input.json ? json(outcomes) : written(outcomes, targets, screen))
    const failed = outcomes.filter(({ passed }) => !passed).length
    if (failed > 0) return yield* Effect.fail(new Failed(`${failed} of ${outcomes.length} failed`))
  })

const line = [...usual, Providers.ask]

const run = (
  { expect, question, system }: typeof Case.Type,
  name: string,
  target: string
): Effect.Effect<Outcome, Failed, Services> =>
  Effect.gen(function*() {
    const { model, provider } = partsOf(target)
    const request = Request.make({
      provider,
      messages: [
        ...(system === undefined ? [] : [{ role: "system" as const, content: system }]),
        { role: "user" as const, content: question }
      ],
      options: model === undefined ? {} : { model }
    })
    const begun = yield* Clock.currentTimeMillis
    const final = yield* told(Pipeline.run(line, request))
    const latency = (yield* Clock.currentTimeMillis) - begun
    const error = Pipeline.outcome(final)
    const answer = Result.text(final.result)
    const unfit = error === undefined ? fault(answer, expect) : undefined
    const reason = error !== undefined
      ? Mask.text(error.message)
      : unfit === undefined
      ? undefined
      : `the answer ${unfit}`
    const cost = TrackCost.of(final)?.total
    return {
      case: name,
      target,
      passed: reason === undefined,
      ...(reason !== undefined && { reason }),
      answer,
      latency,
      ...(cost !== undefined && { cost })
    }
  })

const partsOf = (target: string): { readonly provider: string; readonly model: string | undefined } => {
  const slash = target.indexOf("/")
  return slash < 0
    ? { provider: target, model: undefined }
    : { provider: target.slice(0, slash), model: target.slice(slash + 1) }
}

// --- showing
// ----------------------------------------------------------------------------------------------------------------

const written = (outcomes: ReadonlyArray<Outcome>, targets: ReadonlyArray<string>, screen: Screen): string => {
  const names = [...new Set(outcomes.map((outcome) => outcome.case))]
  const of = (target: string) => outcomes.filter((outcome) => outcome.target === target)
  const rows = [
    ...names.map((name) => [
      name,
      ...targets.map((target) => {
        const found = of(target).find((outcome) => outcome.case === name)!
        return `${found.passed ? "passed" : "FAILED"} ${duration(found.latency)}`
      })
    ]),
    ["PASSED", ...targets.map((target) => `${of(target).filter(({ passed }) => passed).length} of ${names.length}`)],
    ["COST", ...targets.map((target) => total(of(target)))],
    ["MEDIAN", ...targets.map((target) => duration(median(of(target).map(({ latency }) => latency))))]
  ]
  const paint = painter(screen)
  const failures = outcomes.filter(({ passed }) => !passed).map(({ answer, case: name, reason, target }) => {
    const short = answer.length > 200 ? `${answer.slice(0, 200)}…` : answer
    return `${paint("red", `${name}, ${target}`)}: ${reason}\n${answer === "" ? "" : `  ${JSON.stringify(short)}\n`}`
  })
  return [
    table([{ title: "CASE" }, ...targets.map((title) => ({ title }))], rows, screen),
    ...(failures.length > 0 ? ["\n", ...failures] : [])
  ].join("")
}

const total = (outcomes: ReadonlyArray<Outcome>): string => {
  const unknown = outcomes.filter(({ cost }) => cost === undefined).length
  const known = outcomes.reduce((sum, { cost = "0" }) => sum + Number(cost), 0)
  return unknown === outcomes.length ? "unknown" : `${money(String(known))}${unknown > 0 ? ` + ${unknown} unknown` : ""}`
}

const median = (numbers: ReadonlyArray<number>): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0
