/**
 * `/inspector/api/import`: a recorded request from a file, to be looked at and run again. It is kept in memory, for whoever opened it.
 *
 * @module
 */
import type { Imported, Recorded } from "@plugline/inspector"
import { Replay } from "@plugline/replay"
import { Effect, Schema } from "effect"
import { Json, type JsonValue, LlmError } from "plugline"
import { decode, invalid } from "../../auth/input.ts"
import { openai } from "../../dialects/openai/index.ts"
import type { Route } from "../../server/Server.ts"
import { parse } from "../../server/json.ts"
import { off, shield, type Site } from "./shared.ts"

const Text = Schema.String.check(Schema.isMaxLength(2_000))
const may = Schema.optionalKey
const Count = Schema.Finite

const Summary = Schema.Struct({
  id: Text, seq: Count, at: Count, took: Count, route: Text, dialect: Text, operation: Text, streamed: Schema.Boolean, status: Schema.Int,
  provider: may(Text), asked: may(Text), model: may(Text), pipeline: Text, hash: Text, cache: may(Text), attempts: may(Count),
  inputTokens: may(Count), outputTokens: may(Count), cost: may(Text), saved: may(Text), firstToken: may(Count),
  error: may(Schema.Struct({ reason: Text, message: Text, plug: may(Text) })), tenant: may(Text), user: may(Text), key: may(Text),
  parent: may(Text), upstream: may(Schema.Literals(["recorded"])), recorded: Schema.Boolean, unrecorded: may(Schema.Literals(["size", "load", "fault"])), bytes: may(Count)
})

interface Node {
  readonly name: string
  readonly level: number
  readonly options: Schema.Json
  readonly children: { readonly [label: string]: ReadonlyArray<Node> }
}

const PlugNode: Schema.Codec<Node> = Schema.Struct({
  name: Text,
  level: Schema.Finite,
  options: Schema.Json,
  children: Schema.Record(Schema.String, Schema.Array(Schema.suspend((): Schema.Codec<Node> => PlugNode)))
})

const Body = Schema.Struct({
  version: Schema.Literal(1),
  summary: Summary,
  pipeline: Schema.Array(PlugNode),
  request: Schema.Record(Schema.String, Schema.Json),
  trace: Schema.Record(Schema.String, Schema.Json),
  world: Schema.Record(Schema.String, Schema.Json),
  call: may(Schema.Record(Schema.String, Schema.Json)),
  fork: may(Schema.Record(Schema.String, Schema.Json))
})

/** Most values of a file: each part of a long stream is several. */
const most = 1_000_000

/** The route of requests from files. */
export const importRoutes = ({ admin, inspector }: Site): ReadonlyArray<Route> => [{
  method: "POST",
  path: "/inspector/api/import",
  permission: "inspect",
  dialect: openai,
  body: "bytes",
  handle: ({ bytes, exchange, principal }) => {
    shield(exchange)
    if (inspector === undefined) return exchange.fail(off())
    const read = Effect.gen(function*() {
      const recorded = (yield* decode(Body, parse(bytes, most))) as unknown as Recorded
      yield* Effect.try({ try: () => Replay.decode(recorded), catch: (thrown) => LlmError.fromUnknown(thrown) })
      return recorded
    })
    admin.configuration.current().run(Effect.suspend(() => read), {
      onExit: (exit) => {
        if (exit._tag === "Failure") return exchange.fail(broken(exit.cause.reasons))
        const summary = inspector.imports.add(principal, exit.value, bytes)
        const answer: Imported = { id: summary.id, summary }
        exchange.json(answer as unknown as JsonValue)
      }
    })
  }
}]

/** What was wrong with a file; whatever it was, it was the file. */
const broken = (reasons: ReadonlyArray<unknown>): LlmError => {
  for (const reason of reasons) {
    const error = Json.isRecord(reason) ? reason.error ?? reason.defect : undefined
    if (LlmError.isLlmError(error) && error.reason._tag === "InvalidRequest") return error
  }
  return invalid("this is no recorded request: it was changed, or another version of the gateway wrote it")
}
