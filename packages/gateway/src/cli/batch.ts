/**
 * `batch`: asks every line of a file, so many at a time, and writes the results into another as they come. A batch that
 * was broken off goes on where it stood.
 *
 * @module
 */
import { Batch, Providers } from "@plugline/plugs"
import { Verbatim } from "@plugline/providers"
import { Clock, Effect, Stream } from "effect"
import { type FileHandle, open, readFile, rename, writeFile } from "node:fs/promises"
import { LlmError, type Registry, type Services } from "plugline"
import { builtIn as roles } from "../auth/permissions.ts"
import type { Principal } from "../auth/Principal.ts"
import { type Answered, endpoints, failed as failedLine } from "../batches/lines.ts"
import { usual } from "../config/pipelines.ts"
import { type Ready, ready } from "../server/call.ts"
import {
  answeredBefore, answeredLine, type Asked, isAsked, linesOf, nameOf, type Unread, unreadLine, type Whom
} from "./batchLines.ts"
import { Failed } from "./Failed.ts"
import { bar, duration, type Meter, money } from "./progress.ts"
import { json, type Screen } from "./Screen.ts"
import { attempt, told } from "./told.ts"

/** What `batch` goes by. */
export interface Input extends Whom {
  readonly file: string
  readonly out: string
  /** Most lines that are asked at a time. */
  readonly concurrency: number
  /** Whether results that `out` holds already are kept, and their lines not asked again. */
  readonly resume: boolean
  readonly json: boolean
}

/** Asks all lines. Fails where one of them was not answered. */
export const batch = (
  input: Input,
  registry: Registry,
  screen: Screen,
  meter: Meter
): Effect.Effect<void, Failed, Services> =>
  Effect.gen(function*() {
    const { concurrency, file, out, provider } = input
    yield* told(attempt(() => registry.get(provider)))
    const lines = linesOf(yield* attemptFile(file, () => readFile(file, "utf8")), input)
    const before = yield* previous(input)
    const asked = lines.filter(isAsked)
    const kept = asked.flatMap((line) => before.get(nameOf(line)) ?? [])
    const unread = lines.filter((line): line is Unread => !isAsked(line))
    yield* attemptFile(out, () => replace(out, [...kept, ...unread.map(unreadLine)].join("")))

    const now = yield* Clock.currentTimeMillis
    const left = asked.filter((line) => !before.has(nameOf(line)))
    const prepared = left.map((line) => [line, prepare(line, input, registry, now)] as const)
    const broken = prepared.flatMap(([line, made]) => LlmError.isLlmError(made) ? [{ line, error: made }] : [])
    const askable = prepared.flatMap(([line, made]) => LlmError.isLlmError(made) ? [] : [{ line, made }])
    let progress: Batch.Progress | undefined
    yield* Effect.scoped(Effect.gen(function*() {
      const handle = yield* Effect.acquireRelease(
        attemptFile(out, () => open(out, "a")),
        (handle) => Effect.promise(() => handle.close())
      )
      const append = (line: Asked, answered: Answered) =>
        attemptFile(out, () => write(handle, answeredLine(line, answered)))
      for (const { error, line } of broken) yield* append(line, failedLine(error, line.id, endpoints[line.url]!))
      const items = askable.map(({ line, made }) => ({ id: line.id, request: made.request }))
      const outcomes = Batch.stream([...usual, Providers.ask], items, {
        concurrency,
        order: "completed",
        onProgress: (at) => {
          progress = at
          show(at, meter)
        }
      })
      yield* Stream.runForEach(Stream.mapError(outcomes, (error) => new Failed(error.message)), (outcome) => {
        const { line, made } = askable[outcome.index]!
        return append(line, answerTo(outcome, line, made))
      })
    })).pipe(Effect.onInterrupt(() =>
      Effect.sync(() => meter.write(`\nstopped; what was answered is in ${out}, and --resume goes on from there\n`))
    ))
    if (meter.terminal) meter.write("\r\u001b[K")
    yield* summarize(input, screen, {
      lines: lines.length,
      resumed: kept.length,
      failed: unread.length + broken.length + (progress?.failed ?? 0),
      progress
    })
  })

/** What an earlier run left. Nothing is written over without being told to. */
const previous = ({ out, resume }: Input): Effect.Effect<ReadonlyMap<string, string>, Failed> =>
  Effect.gen(function*() {
    const text = yield* attemptFile(out, () =>
      readFile(out, "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return undefined
        throw error
      }))
    if (text === undefined) return new Map<string, string>()
    if (resume) return answeredBefore(text)
    return yield* Effect.fail(
      new Failed(`${out} is there already: write --resume to go on with it, or name another file`)
    )
  })

const anybody: Principal = {
  id: "batch", name: "batch", kind: "open", identity: {}, role: roles[0]!, permissions: roles[0]!.permissions
}

const prepare = (
  { body, id, url }: Asked,
  { model, provider }: Whom,
  registry: Registry,
  now: number
): Ready | LlmError => {
  try {
    return ready(
      {
        id,
        parameter: undefined,
        path: url,
        route: url,
        call: (asked, operation, called, speaks) => ({
          id, operation, model: called, now, asked, ...(speaks !== undefined && { provider: speaks })
        })
      },
      {
        registry,
        apiOf: () => undefined,
        resolve: (name) => ({ provider, model: model ?? name }),
        pipeline: () => usual
      },
      endpoints[url]!,
      body,
      anybody
    )
  } catch (thrown) {
    return LlmError.fromUnknown(thrown)
  }
}

const answerTo = (outcome: Batch.Outcome, { id, url }: Asked, { call }: Ready): Answered => {
  const kind = endpoints[url]!
  if (outcome._tag === "Failed") return failedLine(outcome.error, id, kind)
  if (outcome._tag === "Skipped") {
    return failedLine(LlmError.make({ _tag: "Halted", message: "the batch had stopped" }), id, kind)
  }
  const { result } = outcome
  const body = Verbatim.body(result, kind.dialect.name) ?? JSON.stringify(kind.dialect.encode(result, call))
  return { status: 200, id, body }
}

const show = (progress: Batch.Progress, meter: Meter): void => {
  if (meter.terminal) meter.write(`\r${bar(progress, meter.columns)}\u001b[K`)
}

interface Sum {
  readonly lines: number
  readonly resumed: number
  readonly failed: number
  readonly progress: Batch.Progress | undefined
}

const summarize = (
  input: Input,
  screen: Screen,
  { failed, lines, progress, resumed }: Sum
): Effect.Effect<void, Failed> => {
  const { cost = "0", elapsed = 0, tokens, unknownCosts = 0 } = progress ?? {}
  const answered = lines - failed
  if (input.json) {
    screen.write(json({ lines, answered, resumed, failed, tokens, cost, unknownCosts, elapsed, out: input.out }))
  } else {
    const before = resumed === 0 ? "" : `, ${resumed} of them before`
    const unknown = unknownCosts === 0 ? "" : ` and what ${unknownCosts} answers cost that have no price`
    screen.write([
      `${answered} of ${lines} answered${before}, in ${duration(elapsed)}, for ${money(cost)}${unknown}\n`,
      `results: ${input.out}\n`
    ].join(""))
  }
  return failed === 0
    ? Effect.void
    : Effect.fail(new Failed(`${failed} of ${lines} failed; ${input.out} says why, and --resume asks those again`))
}

const attemptFile = <A>(path: string, f: () => Promise<A>): Effect.Effect<A, Failed> =>
  Effect.tryPromise({
    try: f,
    catch: (thrown) => new Failed(`${path} cannot be used: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  })

const write = (file: FileHandle, text: string): Promise<void> => file.appendFile(text)

/** All of it or nothing: a crash in between loses no result that was paid for. */
const replace = async (path: string, text: string): Promise<void> => {
  const whole = `${path}.part`
  await writeFile(whole, text)
  await rename(whole, path)
}
