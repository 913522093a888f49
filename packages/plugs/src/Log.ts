/**
 * Writes one line to the log for every call, through Effect's logger: who answered, how long it took, what it used, how
 * it ended.
 *
 * Nothing that was said is written unless you ask for it; credentials never are. The line is at a level that fits the
 * outcome, and carries the id of the request.
 *
 * @example
 * ```ts
 * import { Pipeline, Request } from "@plugline/core"
 * import { Log } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect, Logger } from "effect"
 *
 * const lines: Array<unknown> = []
 * const keep = Logger.layer([Logger.make(({ logLevel, message }) => lines.push(`${logLevel} ${message}`))])
 * const request = Request.make({ id: "call-1", provider: "mock", messages: "Hi" })
 * const answer = Pipeline.run([Log.plug(), ...Mock.make(["Hello"]).pipeline], request)
 * Effect.runSync(Effect.provide(answer, keep)).state // => "completed"
 * lines.length // => 1
 * ```
 *
 * @module
 */
import { type JsonObject, type LlmError, Message, Plug, type Request, Result } from "@plugline/core"
import { Clock, Effect, type LogLevel, Random, Schema } from "effect"
import { Prices } from "./cost/charge.ts"
import * as Identity from "./identity.ts"
import * as Facts from "./observe/facts.ts"
import * as Passthrough from "./Passthrough.ts"

const Level = Schema.Literals(["Trace", "Debug", "Info", "Warn", "Error", "Fatal", "None"])

/** Options of {@link plug}. */
export const Options = Schema.Struct({
  /** Whether a line is written when a request comes, too. Default: false. */
  start: Schema.optionalKey(Schema.Boolean),
  /** Whether question and answer are written, secrets masked, at most 2,000 characters of each. Default: false. */
  content: Schema.optionalKey(Schema.Boolean),
  /** The share of calls that are written, 0 to 1. Calls that failed always are. Default: 1. */
  sample: Schema.optionalKey(Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 }))),
  /**
   * At which level, by outcome; `None` writes nothing. Default: completed `Info`, refused `Warn` (it was the request's
   * own fault, or a plug's decision), failed `Error`, left `Info` (reader gone or run interrupted), start `Debug`.
   */
  levels: Schema.optionalKey(Schema.Struct({
    start: Schema.optionalKey(Level),
    completed: Schema.optionalKey(Level),
    refused: Schema.optionalKey(Level),
    failed: Schema.optionalKey(Level),
    left: Schema.optionalKey(Level)
  }))
})

/** How a call came out, for its level. */
export type Outcome = "completed" | "refused" | "failed" | "left"

/** See the module. */
export const plug: (options?: typeof Options.Encoded) => Plug = Plug.configurable("log", Options, (options) => {
  const { content = false, sample = 1, start = false } = options
  const levels = { ...usual, ...options.levels }
  return Plug.of({
    name: "log",
    make: Effect.gen(function*() {
      const catalog = yield* Prices
      const clock = yield* Clock.Clock
      const begin = (request: Request, chosen: boolean): Begun => Object.assign(Facts.begin(request, clock), { chosen })
      return Passthrough.handler<Begun>("log", {
        content,
        // A logger answers at once or not at all.
        patience: Infinity,
        onRequest: (request) => {
          if (sample === 1 && !start) return begin(request, true)
          const drawn = sample === 1 ? Effect.succeed(true) : Effect.map(Random.next, (drawn) => drawn < sample)
          return Effect.flatMap(drawn, (chosen) => {
            const begun = begin(request, chosen)
            if (!chosen || !start) return Effect.succeed(begun)
            const message = `${labelOf(request, cleaner(request))} begins`
            return Effect.as(write(levels.start, message, opening(begun, content)), begun)
          })
        },
        whole: false,
        onPart: (part, begun) => Facts.part(part, begun, clock),
        onEnd: (final, begun = begin(final, true), ending) => {
          const facts = Facts.of(final, begun, ending, clock, catalog)
          const outcome = outcomeOf(facts)
          if (!begun.chosen && outcome !== "failed" && outcome !== "refused") return
          const clean = cleaner(begun.request, final)
          return write(levels[outcome], sentence(final, facts, clean), closing(final, begun, facts, clean, content))
        }
      })
    })
  })
}, { level: 3 })

interface Begun extends Facts.Begun {
  /** Whether it is among those that are written. */
  readonly chosen: boolean
}

const usual: { readonly [When in Outcome | "start"]: LogLevel.LogLevel } = {
  start: "Debug",
  completed: "Info",
  refused: "Warn",
  failed: "Error",
  left: "Info"
}

/** How a call came out: refused is what would be refused again. */
export const outcomeOf = ({ ending, error }: Pick<Facts.Facts, "ending" | "error">): Outcome => {
  if (ending === "completed") return "completed"
  if (ending === "left" || ending === "interrupted") return "left"
  return error !== undefined && isRefusal(error) ? "refused" : "failed"
}

const isRefusal = ({ reason }: LlmError): boolean => {
  switch (reason._tag) {
    case "Halted":
    case "ContentPolicy":
    case "ContextLength":
    case "InvalidRequest":
    case "NotFound":
    case "Permission":
    case "Quota":
    case "RateLimit":
    case "Unsupported":
      return true
    default:
      return false
  }
}

const write = (level: LogLevel.LogLevel, message: string, fields: JsonObject): Effect.Effect<void> =>
  level === "None" || level === "All" ? Effect.void : Effect.annotateLogs(Effect.logWithLevel(level)(message), fields)

type Clean = (text: string) => string

/** A line break in a name would forge a line, and a credential may stand anywhere. */
const cleaner = (...requests: ReadonlyArray<Request>): Clean => (text) =>
  Facts.scrub(text, ...requests).replace(/[\u0000-\u001f\u007f\u2028\u2029]/g, " ")

const labelOf = ({ operation, options, provider }: Request, clean: Clean): string =>
  clean(`${operation} ${provider}${options.model === undefined ? "" : `/${options.model}`}`)

const sentence = (final: Request, { ending, error, latency, tokens }: Facts.Facts, clean: Clean): string => {
  const counted = tokens?.input !== undefined || tokens?.output !== undefined
  const used = counted ? `, ${tokens.input ?? "?"} + ${tokens.output ?? "?"} tokens` : ""
  const status = error?.status === undefined ? "" : ` ${error.status}`
  const why = error === undefined ? "" : ` (${error.reason._tag}${status})`
  return `${labelOf(final, clean)} ${ending}${why} after ${Math.round(latency)} ms${used}`
}

const who = (request: Request, clean: Clean): JsonObject => {
  const { key, team, tenant, user } = Identity.of(request)
  return {
    ...(tenant !== undefined && { tenant: clean(tenant) }),
    ...(team !== undefined && { team: clean(team) }),
    ...(user !== undefined && { user: clean(user) }),
    ...(key !== undefined && { key: clean(key) })
  }
}

const opening = ({ request }: Begun, content: boolean): JsonObject => {
  const clean = cleaner(request)
  return {
    requestId: clean(request.id),
    ...who(request, clean),
    operation: request.operation,
    provider: clean(request.provider),
    ...(request.options.model !== undefined && { asked: clean(request.options.model) }),
    ...(content && { question: question(request) })
  }
}

const closing = (final: Request, begun: Begun, facts: Facts.Facts, clean: Clean, content: boolean): JsonObject => {
  const { cost, error, finish, firstToken, model, notes, tokens } = facts
  return {
    requestId: clean(begun.request.id),
    ...who(final, clean),
    operation: final.operation,
    provider: clean(facts.provider),
    ...(facts.asked !== undefined && { asked: clean(facts.asked) }),
    ...(model !== undefined && { model: clean(model) }),
    state: facts.ending,
    ...(finish !== undefined && { finish }),
    latency: facts.latency,
    ...(firstToken !== undefined && { firstToken }),
    ...(tokens !== undefined && { tokens: { ...tokens } }),
    ...(cost?.total !== undefined && { cost: cost.total }),
    ...(notes !== undefined && { notes: JSON.parse(clean(JSON.stringify(notes))) as JsonObject }),
    ...(error !== undefined && { error: errorOf(error, clean) }),
    ...(content && { question: question(begun.request) }),
    ...(content && { answer: cut(Facts.scrub(Result.text(final.result), begun.request, final)) })
  }
}

const errorOf = (error: LlmError, clean: Clean): JsonObject => ({
  reason: error.reason._tag,
  ...(error.plug !== undefined && { plug: error.plug }),
  message: clean(error.message)
})

const question = (request: Request): string => cut(Facts.scrub(Message.text(request.messages), request))

const cut = (text: string): string => text.length > 2_000 ? `${text.slice(0, 2_000)}…` : text
