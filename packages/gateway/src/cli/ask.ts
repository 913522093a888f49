/**
 * `ask`: one question to one model, with everything that happens to it on show: the pipeline before, the answer as it is
 * written, the trace after.
 *
 * @module
 */
import { Replay } from "@plugline/replay"
import { Effect } from "effect"
import { type Answers, type LlmError, Pipeline, plugline, type Plugline, Result, type Services, Trace } from "plugline"
import { tape } from "../inspector/Recorder.ts"
import { indent, painter, printable, type Screen } from "./Screen.ts"
import { attempt } from "./told.ts"

/** What to ask whom. */
export interface Question {
  readonly question: string
  readonly provider: string
  readonly model: string | undefined
  readonly system: string | undefined
}

/** Everything that happened, and what it happened in. */
export interface Seen {
  readonly recording: Replay.Recording
  readonly pipeline: Pipeline<Services>
}

/**
 * Asks, and shows pipeline, answer and trace. Fails with the request's error after having shown the
 * trace. `keep` is told of everything that happened, however the request ended.
 */
export const ask = (
  question: Question,
  screen: Screen,
  face: Plugline = plugline,
  keep: (seen: Seen) => Effect.Effect<void, LlmError> = () => Effect.void
): Effect.Effect<void, LlmError, Services> =>
  Effect.gen(function*() {
    const paint = painter(screen)
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
    const request = yield* builder.request("ask")
    const compiled = yield* Replay.taped(tape)(Pipeline.compile(pipeline))
    const { during, observer, recording: recorded } = yield* Replay.begin(request)
    let written = ""
    const final = yield* during(() => Effect.scoped(Effect.gen(function*() {
      const live = yield* Pipeline.openCompiled(compiled, request, { observer })
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
    })))
    if (written !== "" && !written.endsWith("\n")) screen.write("\n")

    heading("Trace")
    const recording = recorded(final)
    screen.write(indent(Trace.render(recording.trace, { width: screen.columns - 2 })))
    if (Result.isChat(final.result)) screen.write(paint("dim", `\n${indent(summary(final.result))}`))

    yield* keep({ recording, pipeline })
    const failed = Pipeline.outcome(final)
    if (failed !== undefined) return yield* Effect.fail(failed)
  })

const summary = ({ finishReason, model, usage }: Answers["chat"]["result"]): string =>
  [
    model,
    `finished: ${finishReason}`,
    `${usage.inputTokens.total ?? "?"} tokens in, ${usage.outputTokens.total ?? "?"} out`
  ].filter((word) => word !== undefined).join(" · ")
