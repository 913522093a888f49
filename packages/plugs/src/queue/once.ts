/**
 * Keeps a job that is delivered again from asking, and paying, its provider again where the answer had come already.
 *
 * @module
 */
import { type Answer, type Handler, Plug, Reply, Request, type Result } from "@plugline/core"
import { Effect } from "effect"
import { orElse } from "../store/patience.ts"
import { delivery, questionOf } from "./job.ts"
import { Jobs } from "./Jobs.ts"

/**
 * A plug for the pipeline that works on jobs: it stands right in front of the provider. Each answer is written down
 * with the job before any other plug sees it; a job that was delivered before and asks the same again is answered with
 * it. A request that belongs to no job passes untouched. Where the store does not answer, the provider is asked.
 */
export const once = (): Plug<Jobs> =>
  Plug.of({
    name: "once",
    make: Effect.map(Jobs, ({ settings, store }): Handler => (request, next) => {
      const told = Request.get(request, delivery)
      if (told === undefined || told.queue !== settings.name) return next(request)
      const question = questionOf(request)
      const patient = { store: "queue", way: "open", limit: settings.patience } as const
      const ask = Effect.flatMap(next(request), (answer) => {
        const now = Reply.atEnd(answer, { _tag: "Finisher", plug: "once", content: true, always: false, done: keep })
        return Effect.isEffect(now) ? now : Effect.succeed(now)
      })
      const keep = (final: Request): Answer =>
        final.state !== "completed" ? final : Effect.as(
          orElse(store.remember(told.queue, told.id, question, JSON.stringify(final.result)), { ...patient, instead: () => Effect.void }),
          final
        )
      if (!told.again) return ask
      return Effect.flatMap(
        orElse(store.answer(told.queue, told.id, question), { ...patient, instead: () => Effect.undefined }),
        (kept) =>
          kept === undefined ? ask : Effect.succeed(
            Request.putMetadata(Request.halt(request, JSON.parse(kept) as Result), "once", { answer: "stored" })
          )
      )
    })
  })
