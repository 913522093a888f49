/**
 * Lets providers reuse the beginning of a prompt they have read before, which costs a tenth and answers sooner: marks
 * what is stable (tools, rules, the conversation so far), and says how much of each prompt came from the provider's
 * cache.
 *
 * What is asked does not change: only marks are added, and they are gone again from the request that comes back. Put it
 * behind whatever changes the prompt, the provider or the model.
 *
 * @example
 * ```ts
 * import { Message, Pipeline, Plug, Request } from "@plugline/core"
 * import { PromptCache } from "@plugline/plugs"
 * import { Mock } from "@plugline/testing"
 * import { Effect } from "effect"
 *
 * const usage = { inputTokens: { total: 2_000, cacheRead: 1_900 }, outputTokens: { total: 5 } }
 * const mock = Mock.make([Mock.text("Hello", { usage })])
 * const rules = Message.system("Be kind. ".repeat(1_000))
 * const messages = [rules, Message.user("Hi")]
 * const request = Request.make({ provider: "anthropic", messages, options: { model: "claude-sonnet-4-5" } })
 * const final = Effect.runSync(Pipeline.run([PromptCache.plug(), ...mock.pipeline], request))
 * mock.calls[0]?.request.messages[0]?.options // => { anthropic: { cache_control: { type: "ephemeral" } } }
 * PromptCache.of(final) // => { status: "hit", marks: 1, read: 1900, total: 2000, share: 0.95 }
 * ```
 *
 * @module
 */
import { type Handler, Key, Plug, Reply, Request } from "@plugline/core"
import { Effect, Schema } from "effect"
import { fingerprint } from "./fingerprint.ts"
import * as Identity from "./identity.ts"
import { isMarked, mark, type Marking, most, places } from "./promptCache/marks.ts"
import { serviceOf } from "./promptCache/services.ts"

export { isMarked, mark, type Marking, most, type Places, places } from "./promptCache/marks.ts"
export { type Service, serviceOf, type Way } from "./promptCache/services.ts"

/** What the provider's cache did for a prompt. Counts that are absent are unknown. */
export interface Report {
  /**
   * `hit`: some of it was read from the cache; `written`: none was, but it was put there; `missed`: neither; `unknown`.
   */
  readonly status: "hit" | "written" | "missed" | "unknown"
  /** How many prefixes were marked. A key counts as one. */
  readonly marks: number
  /** Tokens read from the cache. */
  readonly read?: number
  /** Tokens put into the cache. */
  readonly written?: number
  /** Tokens of the whole prompt. */
  readonly total?: number
  /** The share of the prompt that was read from the cache, 0 to 1, to three digits. */
  readonly share?: number
}

/** Where {@link Report} is written. */
export const report: Key<Report> = Key.make<Report>("promptCache.report")

/** What the provider's cache did for a prompt, where a `PromptCache` saw the answer. */
export const of = (request: Request): Report | undefined => Request.get(request, report)

/** Options of {@link plug}. */
export const Options = Schema.Struct({
  /**
   * How long prefixes are kept since their last use: `5m`, or `1h`, which costs more to write; a model without it keeps
   * its own. Default: `5m`.
   */
  ttl: Schema.optionalKey(Schema.Literals(["5m", "1h"])),
  /** The shortest prefix that is marked, in tokens. Default: what the model caches from on, mostly 1,024. */
  minTokens: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
  /**
   * Whether tools are put in the order of their names, for programs that list them in changing orders. Default: false.
   */
  sortTools: Schema.optionalKey(Schema.Boolean),
  /**
   * How further providers are told, by their name: `cache_control`, `cachePoint`, `key` or `none`. Default: those that
   * are known.
   */
  ways: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.Literals(["cache_control", "cachePoint", "key", "none"]))
  )
})

type Settings = typeof Options.Type

const order = {
  after: {
    "tokens.trim": "what it leaves out is in the prefix that was marked",
    cascade: "the marks would be for the provider before",
    fallback: "the marks would be for the provider before",
    route: "the marks would be for the provider before"
  }
}

/** See the module. */
export const plug: (options?: typeof Options.Encoded) => Plug = Plug.configurable("promptCache", Options, (settings) =>
  Plug.of({ name: "promptCache", level: 1, make: Effect.succeed(handler(settings)) }), { level: 1, order })

const handler = (settings: Settings): Handler => (request, next) => {
  const marked = prepare(request, settings)
  const done = (final: Request): Request => tell(restore(final, request, marked.request), marked.marks)
  return Effect.flatMap(next(marked.request), (answer) => {
    const restored = restore(answer, request, marked.request)
    const seen = Reply.atEnd(restored, { _tag: "Finisher", plug: "promptCache", content: false, always: false, done })
    return Effect.isEffect(seen) ? seen : Effect.succeed(seen)
  })
}

/** A request with its stable prefixes marked, and how many are. */
export interface Prepared {
  readonly request: Request
  readonly marks: number
}

/** The request as the provider is to get it. */
export const prepare = (given: Request, settings: Settings = {}): Prepared => {
  if (given.operation !== "chat" && given.operation !== "stream") return { request: given, marks: 0 }
  const request = settings.sortTools === true ? sorted(given) : given
  const service = serviceOf(request.provider, request.options.model ?? "", settings.ways)
  if (service.way === "none" || isMarked(request)) return { request, marks: 0 }
  const marking: Marking = { service, ttl: settings.ttl ?? "5m", minTokens: settings.minTokens ?? service.minTokens }
  const at = places(request, marking)
  const marks = at.messages.length + (at.tool === undefined ? 0 : 1)
  if (marks === 0 || marks > most) return { request, marks: 0 }
  if (service.way === "key") return { request: withKey(request), marks: 1 }
  const { messages, tools } = mark(request, at, marking)
  const withTools = tools === request.options.tools ? request : Request.mergeOptions(request, { tools })
  return { request: messages === request.messages ? withTools : Request.mapMessages(withTools, () => messages), marks }
}

/**
 * Prompts with the same beginning, asked for the same tenant, meet under one key. A prompt that is no JSON cannot be
 * sent, but that is not for this plug to say.
 */
const withKey = (request: Request): Request => {
  const { options, provider } = request
  const rules = request.messages.slice(0, Math.max(0, request.messages.findIndex(({ role }) => role !== "system")))
  const key = fingerprint({ rules, tools: options.tools, tenant: Identity.of(request).tenant }).slice(0, 32)
  const own = { ...options.providerOptions?.[provider], prompt_cache_key: key }
  return Request.mergeOptions(request, { providerOptions: { ...options.providerOptions, [provider]: own } })
}

const sorted = (request: Request): Request => {
  const { tools } = request.options
  if (tools === undefined) return request
  const nameOf = (tool: NonNullable<typeof tools>[number]): string => tool.type === "provider" ? tool.id : tool.name
  const inOrder = tools.toSorted((a, b) => nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0)
  const isInOrder = inOrder.every((tool, index) => tool === tools[index])
  return isInOrder ? request : Request.mergeOptions(request, { tools: inOrder })
}

/**
 * Marks are for the provider alone: who keeps the conversation keeps it as it was. What another plug changed behind
 * this one stays.
 */
const restore = (final: Request, given: Request, marked: Request): Request => {
  let out = final
  if (marked.messages !== given.messages && out.messages === marked.messages) {
    out = Request.mapMessages(out, () => given.messages)
  }
  if (marked.options !== given.options && out.options === marked.options) {
    const { providerOptions, tools } = given.options
    out = Request.mergeOptions(out, { providerOptions, tools })
  }
  return out
}

const tell = (final: Request, marks: number): Request => {
  const { result } = final
  if (result === undefined || !("usage" in result)) return final
  const { cacheRead: read, cacheWrite: written, total } = result.usage.inputTokens
  const share = read === undefined || !(total !== undefined && total > 0) ? undefined : Math.min(1, read / total)
  const said: Report = {
    status: (read ?? 0) > 0 ? "hit" : (written ?? 0) > 0 ? "written" : read === 0 ? "missed" : "unknown",
    marks,
    ...(read !== undefined && { read }),
    ...(written !== undefined && { written }),
    ...(total !== undefined && { total }),
    ...(share !== undefined && { share: Math.round(share * 1_000) / 1_000 })
  }
  return Request.putMetadata(Request.assign(final, report, said), "promptCache", { ...said })
}
