/**
 * Says how many tokens a request will send, before it is paid for; refuses what is too long, or leaves out the oldest
 * turns.
 *
 * Text for OpenAI's models is counted exactly, by their own tokenizers; for all others it is estimated by family, and
 * the count says how far off it may be. A provider's own count comes first, where {@link ProviderCount} gives one.
 *
 * @example
 * ```ts
 * import { Request } from "@plugline/core"
 * import { Tokens } from "@plugline/plugs"
 * import { Effect } from "effect"
 *
 * const request = Request.make({ provider: "openai", messages: "Hello, world!", options: { model: "gpt-4o" } })
 * const counted = await Effect.runPromise(Tokens.count(request))
 * counted // => { tokens: 11, error: 0, method: "exact" }
 * Tokens.estimate(request).method // => "estimated"
 * ```
 *
 * @module
 */
import type { Catalog } from "@plugline/catalog"
import { type Handler, Key, LlmError, type Message, Plug, Request } from "@plugline/core"
import { Context, Effect, Metric, Schema } from "effect"
import { modelOf, Prices } from "./cost/charge.ts"
import { aroundWeight, atMost, type Count, countOf, messageWeight, type Meter, type Weight } from "./tokens/count.ts"
import { encodingOf, load, ready } from "./tokens/encoding.ts"
import { familyOf, guess } from "./tokens/family.ts"
import { surplus, turnsOf } from "./tokens/trim.ts"

export { atMost, type Count } from "./tokens/count.ts"
export { encodingOf, type EncodingName } from "./tokens/encoding.ts"
export { type Family, familyOf, type Size } from "./tokens/family.ts"
export { imageSize } from "./tokens/media.ts"
export { type Turn, type Turns, turnsOf } from "./tokens/trim.ts"

/**
 * Asks a provider for its own count, where it offers that: answer the tokens of the prompt, or `undefined` for a
 * request it cannot count. Default: nobody is asked.
 */
export const ProviderCount = Context.Reference<(request: Request) => Effect.Effect<number | undefined, unknown>>(
  "@plugline/plugs/ProviderCount",
  { defaultValue: () => nobody }
)

const nobody = (): Effect.Effect<undefined> => Effect.undefined

/** How many tokens a request will send, as exactly as can be known. A provider that cannot count now is passed over. */
export const count = (request: Request): Effect.Effect<Count> =>
  Effect.flatMap(ProviderCount, (ask) => {
    const asked = ask === nobody ? Effect.undefined : Effect.catchCause(ask(request), () => Effect.undefined)
    return Effect.flatMap(asked, (tokens) =>
      tokens === undefined
        ? Effect.map(exactMeter(request), (meter) => countOf(weights(request, meter), meter))
        : Effect.succeed<Count>({ tokens, error: 0, method: "provider" }))
  })

/** How many tokens a request will send, from its characters alone: pure, and at once. */
export const estimate = (request: Request): Count => {
  const meter = guessMeter(modelName(request))
  return countOf(weights(request, meter), meter)
}

/** How many tokens a text is for a model, from its characters alone. */
export const estimateText = (text: string, model = ""): Count => {
  const family = familyOf(model)
  return { tokens: guess(text, family), error: family.error, method: "estimated" }
}

/** How many tokens a text is for a model: exactly for OpenAI's, estimated for others. */
export const countText = (text: string, model: string): Effect.Effect<Count> => {
  const encoding = encodingOf(model)
  return encoding === undefined
    ? Effect.succeed(estimateText(text, model))
    : Effect.map(load(encoding), (counter): Count => ({ tokens: counter(text), error: 0, method: "exact" }))
}

const shared = {
  /**
   * Most tokens of the prompt. Default: what the catalog says the model takes, less what it may write; unknown models
   * have no limit.
   */
  max: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0))),
  /** Count an estimate as the most it can mean, so that nothing too long ever passes. Default: false. */
  sure: Schema.optionalKey(Schema.Boolean)
}

/** Options of {@link limit}. */
export const LimitOptions = Schema.Struct(shared)

/** Options of {@link trim}. */
export const TrimOptions = Schema.Struct({
  ...shared,
  /** How many of the latest turns always stay. Default: 1. */
  keep: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0)))
})

/** What {@link limit} and {@link trim} counted. */
export const counted: Key<Count> = Key.make<Count>("tokens.counted")

/** What {@link trim} left out. Absent where nothing was. */
export interface Trimmed {
  /** How many messages and turns were left out. */
  readonly messages: number
  readonly turns: number
  /** How many tokens the request had before, and has now. */
  readonly before: number
  readonly after: number
  /** What was left out. */
  readonly dropped: ReadonlyArray<Message>
}

/** Where {@link Trimmed} is written. */
export const trimmed: Key<Trimmed> = Key.make<Trimmed>("tokens.trimmed")

/** Counts prompts that were too long, by what was done. */
export const tooLong = Metric.counter("plugline.tokens.too_long", {
  description: "Prompts that were too long",
  incremental: true
})

/** Refuses a prompt that is too long with `ContextLength`, before the provider is asked and paid. */
export const limit: (options?: typeof LimitOptions.Encoded) => Plug = Plug.configurable(
  "tokens.limit",
  LimitOptions,
  (options) => Plug.of({
    name: "tokens.limit",
    make: Effect.map(Prices, (catalog): Handler => (request, next) => {
      const max = options.max ?? room(request, catalog)
      if (!sends(request) || max === undefined) return next(request)
      return Effect.flatMap(count(request), (found) => {
        const noted = Request.assign(request, counted, found)
        return weighed(found, options.sure) <= max ? next(noted) : refuse(noted, found, max, "tokens.limit")
      })
    })
  })
)

/**
 * Leaves out the oldest turns of a conversation that is too long. The system messages it begins with stay, the latest
 * turns stay, and a tool call is never parted from its result. Where even what must stay is too long, refuses with
 * `ContextLength`.
 */
export const trim: (options?: typeof TrimOptions.Encoded) => Plug = Plug.configurable(
  "tokens.trim",
  TrimOptions,
  (options) => Plug.of({
    name: "tokens.trim",
    make: Effect.map(Prices, (catalog): Handler => (request, next) => {
      const max = options.max ?? room(request, catalog)
      if (!sends(request) || max === undefined) return next(request)
      return Effect.flatMap(exactMeter(request), (meter) => {
        const answer = shorten(request, meter, max, options.keep ?? 1, options.sure)
        return answer.halted ? refused("tokens.trim", answer) : next(answer)
      })
    })
  })
)

const shorten = (request: Request, meter: Meter, max: number, keep: number, sure: boolean | undefined): Request => {
  const { messages } = request
  const all = weights(request, meter)
  const before = countOf(all, meter)
  if (weighed(before, sure) <= max) return Request.assign(request, counted, before)
  // What a weight counts for: at its most, where that is asked for.
  const factor = sure === true && !meter.exact ? 1 + meter.family.error : 1
  const sizes = messages.map((_, index) => sizeOf(all[index]!, meter, sure) * factor)
  const turns = turnsOf(messages)
  let fixed = sizeOf(all.at(-1)!, meter, sure) * factor
  for (let index = 0; index < turns.leading; index++) fixed += sizes[index]!
  const gone = surplus(turns, sizes, { fixed, keep, max })
  if (gone === undefined) return tooLongFor(request, before, max, "the latest turns alone are too long")
  const end = turns.turns[gone]?.from ?? messages.length
  const dropped = messages.slice(turns.leading, end)
  const kept = [...messages.slice(0, turns.leading), ...messages.slice(end)]
  const after = countOf([...all.slice(0, turns.leading), ...all.slice(end)], meter)
  const lengths = { before: before.tokens, after: after.tokens }
  return Request.mapMessages(request, () => kept).pipe(
    Request.assign(counted, after),
    Request.assign(trimmed, { messages: dropped.length, turns: gone, ...lengths, dropped }),
    Request.putMetadata("tokens", { trimmed: dropped.length, ...lengths })
  )
}

const sizeOf = ({ guessed, tokens }: Weight, meter: Meter, sure: boolean | undefined): number =>
  sure === true && meter.exact ? tokens + guessed * 0.5 : tokens

const weighed = (found: Count, sure: boolean | undefined): number => sure === true ? atMost(found) : found.tokens

const refuse = (request: Request, found: Count, max: number, plug: string): Effect.Effect<Request> =>
  refused(
    plug,
    tooLongFor(request, found, max, "shorten the conversation, or leave out its oldest turns with Tokens.trim")
  )

const refused = (plug: string, request: Request): Effect.Effect<Request> =>
  Effect.as(Metric.update(Metric.withAttributes(tooLong, { plug }), 1), request)

const tooLongFor = (request: Request, { error, method, tokens }: Count, max: number, advice: string): Request =>
  Request.fail(request, LlmError.make({
    _tag: "ContextLength",
    message: `the prompt has ${method === "estimated" ? "about " : ""}${tokens} tokens${
      error === 0 ? "" : ` (give or take ${Math.ceil(error * 100)} %)`
    }, and at most ${max} are allowed: ${advice}`
  }, { provider: request.provider }))

/** What the catalog says a model takes: its longest prompt, or its context less what it may write. */
const room = (request: Request, catalog: Catalog): number | undefined => {
  const model = modelOf(request, catalog)
  if (model === undefined) return undefined
  const { maxTokens } = request.options
  const shared = model.context === undefined ? undefined : model.context - Math.min(maxTokens ?? 0, model.context)
  return model.maxInput === undefined ? shared : Math.min(model.maxInput, shared ?? model.maxInput)
}

const sends = ({ operation }: Request): boolean => operation !== "list_models" && operation !== "validate"

const modelName = ({ options, provider }: Request): string => options.model ?? provider

/** The weight of each message, and at the end of what is around them. */
const weights = (request: Request, meter: Meter): ReadonlyArray<Weight> => {
  const all: Array<Weight> = []
  for (const message of request.messages) all.push(messageWeight(message, meter))
  all.push(aroundWeight(request.options, meter))
  return all
}

const exactMeter = (request: Request): Effect.Effect<Meter> => {
  const model = modelName(request)
  const encoding = encodingOf(model)
  if (encoding === undefined) return Effect.succeed(guessMeter(model))
  const counter = ready(encoding)
  return counter === undefined
    ? Effect.map(load(encoding), (text) => meterOf(model, encoding, text, true))
    : Effect.succeed(meterOf(model, encoding, counter, true))
}

const guessMeter = (model: string): Meter => {
  const family = familyOf(model)
  return meterOf(model, `guess ${family.perThousand}`, (text) => guess(text, family), false)
}

/** What was counted by one tokenizer for one family; pictures count by the model, so by the model too. */
const counts = new Map<string, WeakMap<Message, Weight>>()

const meterOf = (model: string, by: string, text: (text: string) => number, exact: boolean): Meter => {
  const name = `${by} ${model}`
  let known = counts.get(name)
  if (known === undefined) {
    // A name that a caller makes up must not fill the memory.
    if (counts.size >= 256) counts.clear()
    counts.set(name, known = new WeakMap())
  }
  return { model, family: familyOf(model), text, exact, known }
}
