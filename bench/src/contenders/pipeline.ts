/**
 * The exchange through the pipeline of the provider `openai`, with no face around it.
 *
 * @module
 */
import { Pipeline, Request, Result } from "@plugline/core"
import { Credentials, Transport } from "@plugline/providers"
import { openai } from "@plugline/providers/openai"
import { Effect, Layer, ManagedRuntime, Redacted, Stream } from "effect"
import { chunks, question, text } from "../exchange.ts"
import { inTurn, together, type Upstream } from "../repeat.ts"
import type { Contenders } from "../worker.ts"

const runtime = ManagedRuntime.make(Layer.mergeAll(Transport.layer, Credentials.none))

const apiKey = Redacted.make("sk-bench")

const requestOf = ({ how, origin }: Upstream, operation: "chat" | "stream"): Request =>
  Request.make({
    id: "req_bench",
    operation,
    provider: "openai",
    messages: [{ role: "system", content: question.system }, { role: "user", content: question.user }],
    options: { model: question.model },
    config: { baseUrl: `${origin}/${how}/v1`, apiKey }
  })

const call = (upstream: Upstream): Promise<string> =>
  runtime.runPromise(Effect.map(
    Pipeline.execute(openai.pipelines.chat, requestOf(upstream, "chat")),
    (final) => Result.text(final.result)
  ))

const stream = (upstream: Upstream, each: () => void = () => {}): Promise<number> => {
  let seen = 0
  const parts = Pipeline.stream(openai.pipelines.stream, requestOf(upstream, "stream"))
  return runtime.runPromise(Effect.map(
    Stream.runForEachArray(parts, (parts) =>
      Effect.sync(() => {
        for (const part of parts) {
          if (part.type !== "text-delta") continue
          seen++
          each()
        }
      })),
    () => seen
  ))
}

export const contenders: Contenders<Upstream> = {
  call: (upstream) => inTurn(() => call(upstream), text),
  calls: (upstream) => together(() => call(upstream), text),
  stream: (upstream) => inTurn(() => stream(upstream), chunks),
  streams: (upstream) => together(() => stream(upstream), chunks)
}

/** What the memory of a request in flight is made of: begins it, and answers when it stands. */
export const hold = {
  call: (upstream: Upstream): void => void call(upstream),
  stream: (upstream: Upstream): Promise<void> => new Promise((resolve) => void stream(upstream, resolve))
}
