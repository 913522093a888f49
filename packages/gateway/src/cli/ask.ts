/**
 * `ask`: one question to one model, with everything that happens to it on show: the pipeline before, the answer as it is
 * written, the trace after.
 *
 * @module
 */
import { Effect } from "effect"
import { text as readAll } from "node:stream/consumers"
import { styleText } from "node:util"
import { type Answers, LlmError, Pipeline, plugline, type Plugline, Result, type Services, Trace } from "plugline"

/** Where `ask` reads and writes. */
export interface Screen {
  readonly write: (text: string) => void
  readonly columns: number
  readonly color: boolean
  /** Whether a person can be asked for the question. */
  readonly interactive: boolean
  /** What was piped in. */
  readonly piped: Effect.Effect<string>
}

/** The terminal of this process. */
export const terminal: Screen = {
  write: (text) => void process.stdout.write(text),
  // Some terminals say 0.
  columns: process.stdout.columns || 120,
  color: process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
  interactive: process.stdin.isTTY === true,
  piped: Effect.promise(() => readAll(process.stdin))
}

/** What to ask whom. */
export interface Question {
  readonly question: string
  readonly provider: string
  readonly model: string | undefined
  readonly system: string | undefined
}

/** Asks, and shows pipeline, answer and trace. Fails with the request's error after having shown the trace. */
export const ask = (question: Question, screen: Screen, face: Plugline = plugline): Effect.Effect<void, LlmError, Services> =>
  Effect.gen(function*() {
    const paint = (style: Parameters<typeof styleText>[0], text: string) =>
      screen.color ? styleText(style, text, { validateStream: false }) : text
    const heading = (text: string) => screen.write(`\n${paint("bold", text)}\n`)

    const builder = yield* attempt(() => {
      const built = face.build(question.provider, [
        ...(question.system === undefined ? [] : [{ role: "system" as const, content: question.system }]),
        { role: "user" as const, content: question.question }
      ]).withOperation("stream")
      return question.model === undefined ? built : built.withModel(question.model)
    })
    const provider = face.providers.find(({ name }) => name === question.provider)
    const pipeline = yield* attempt(() => builder.pipeline())

    heading(`Pipeline of ${question.provider}${provider === undefined ? "" : `: ${provider.title}`}`)
    screen.write(indent(Pipeline.render(pipeline)))

    heading("Answer")
    const recorder = yield* Trace.record
    const request = yield* builder.request("ask")
    let written = ""
    const final = yield* Effect.scoped(Effect.gen(function*() {
      const live = yield* Pipeline.open(pipeline, request, { observer: recorder.observer })
      while (true) {
        const parts = yield* live.pull
        if (parts === undefined) return live.final() ?? live.request
        for (const part of parts) {
          if (part.choice !== undefined) continue
          const text = part.type === "text-delta"
            ? printable(part.delta)
            : part.type === "reasoning-delta"
            ? paint("dim", printable(part.delta))
            : part.type === "tool-call"
            ? paint("cyan", `[${part.name} ${printable(JSON.stringify(part.params))}]`)
            : ""
          written += text
          screen.write(text)
        }
      }
    }))
    if (written !== "" && !written.endsWith("\n")) screen.write("\n")

    heading("Trace")
    screen.write(indent(Trace.render(recorder.trace(final), { width: screen.columns - 2 })))
    if (Result.isChat(final.result)) screen.write(paint("dim", `\n${indent(summary(final.result))}`))

    const failed = Pipeline.outcome(final)
    if (failed !== undefined) return yield* Effect.fail(failed)
  })

const attempt = <A>(f: () => A): Effect.Effect<A, LlmError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(f())
    } catch (thrown) {
      return Effect.fail(LlmError.fromUnknown(thrown))
    }
  })

const indent = (text: string): string => text.split("\n").map((line) => `  ${line}\n`).join("")

/** A model's text cannot move the cursor, change the window's title or ring. */
const printable = (text: string): string => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "")

const summary = ({ finishReason, model, usage }: Answers["chat"]["result"]): string =>
  [
    model,
    `finished: ${finishReason}`,
    `${usage.inputTokens.total ?? "?"} tokens in, ${usage.outputTokens.total ?? "?"} out`
  ].filter((word) => word !== undefined).join(" · ")
