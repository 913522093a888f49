/**
 * Writes one line for every call: who asked, which model answered, what it cost, how long it took, how it ended. Never
 * what was said, unless you ask for it.
 *
 * Exactly one line per request, in every ending: an answer, an error, a refusal, a cut stream, a reader that left, an
 * interruption. The caller never waits for the disk and never fails for it.
 *
 * @example
 * ```ts
 * import { Pipeline, Request } from "@plugline/core"
 * import { Receipt } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const request = Request.make({ id: "call-1", provider: "mock", messages: "Hi", options: { model: "small" } })
 * const program = Effect.gen(function*() {
 *   yield* Pipeline.run([Receipt.plug(), ...Mock.make(["Hello"]).pipeline], request)
 *   return (yield* Receipt.recent).map((line) => JSON.parse(line))
 * })
 * const [receipt] = Effect.runSync(Effect.provide(program, Receipt.memory()))
 * receipt.id // => "call-1"
 * receipt.asked // => "small"
 * receipt.state // => "completed"
 * receipt.content // => undefined
 * ```
 *
 * @module
 */
import { Pipeline, Plug } from "@plugline/core"
import { Clock, Effect, Schema } from "effect"
import * as Canonical from "./canonical.ts"
import { Prices } from "./cost/charge.ts"
import * as Facts from "./observe/facts.ts"
import { of } from "./observe/receipt.ts"
import { ReceiptSink } from "./observe/ReceiptSink.ts"
import * as Passthrough from "./Passthrough.ts"

export { hash, type Verdict, verify } from "./observe/ledger.ts"
export { type Receipt, requestHash, responseHash } from "./observe/receipt.ts"
export { file, type FileOptions } from "./observe/receiptFile.ts"
export { custom, type LedgerOptions, lost, memory, ReceiptSink, recent } from "./observe/ReceiptSink.ts"

/** Options of {@link plug}. */
export const Options = Schema.Struct({
  /** Which pipeline this is: a name, or {@link pipelineHash}. Default: not said. */
  pipeline: Schema.optionalKey(Schema.String),
  /** Whether what was said is written too, with secrets masked. Default: false. */
  content: Schema.optionalKey(Schema.Boolean),
  /**
   * Whether hashes of request and answer are written. For them the content of a stream is kept until its end. Default:
   * true.
   */
  hashes: Schema.optionalKey(Schema.Boolean)
})

type Build = (options?: typeof Options.Encoded) => Plug<ReceiptSink>

/** See the module. */
export const plug: Build = Plug.configurable("receipt", Options, (options) => {
  const { content = false, hashes = true } = options
  const wanted = { ...options, content, hashes }
  return Plug.of({
    name: "receipt",
    make: Effect.gen(function*() {
      const sink = yield* ReceiptSink
      const catalog = yield* Prices
      const clock = yield* Clock.Clock
      return Passthrough.handler<Facts.Begun>("receipt", {
        content: content || hashes,
        onRequest: (request) => Facts.begin(request, clock),
        whole: false,
        onPart: (part, begun) => Facts.part(part, begun, clock),
        onEnd: (final, begun = Facts.begin(final, clock), ending) =>
          sink.write(of(final, begun, Facts.of(final, begun, ending, clock, catalog), wanted))
      })
    })
  })
}, {
  level: 3,
  order: {
    before: {
      cache: "a hit would leave no receipt",
      semanticCache: "a hit would leave no receipt",
      retry: "each attempt would leave one"
    }
  }
})

/** SHA-256 of what a pipeline is made of: names, options and order of its plugs. Equal pipelines have equal hashes. */
export const pipelineHash = <R>(pipeline: Pipeline<R>): string => Canonical.fingerprint(Pipeline.inspect(pipeline))
