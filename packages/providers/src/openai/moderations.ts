/**
 * Asks what is objectionable in some inputs and reads what is said of each. A message is one input: several texts are judged
 * each for itself, the texts and images of one message together.
 *
 * @module
 */
import { type JsonValue, LlmError, type Message, type Moderation, type ModerationsResult, type Request } from "@plugline/core"
import type { Prepared, Wire, WireResponse } from "../Wire.ts"
import { apart, asked, input, malformed, option, ownOptions, read, type Sent } from "./asked.ts"
import { content } from "./askedContent.ts"
import { textOrRaw } from "./completion.ts"
import { userContent } from "./messages.ts"
import { type Draft, draft, type Writers } from "./options.ts"
import { type Quirks, url } from "./quirks.ts"
import { usage } from "./usage.ts"
import { mergeOwn, noMessages, post, write } from "../wire/draft.ts"
import { body, excerpt, type Fields, list, object, put, says, text } from "../wire/read.ts"
import { failed, reason } from "../wire/reason.ts"

/** The wire of `moderations`. Where an answer lacks what OpenAI's clients look at first, it is not theirs as it stands. */
export const moderations = (quirks: Quirks): Wire => ({
  ...(quirks.moderation?.flagged !== false && { speaks: "openai" }),
  prepare: (request) => prepare(request, quirks),
  parse,
  reason,
  decode: ({ body }, provider) => {
    const to = read(body, { model: option("model", "string"), input: apart }, quirks, provider)
    return asked("moderations", inputs(to), to)
  }
})

/** The inputs as the client wrote them: a text, a list of texts, or one list of content parts. */
const inputs = (to: Sent) => {
  const given = to.body.input
  if (typeof given === "string") return [input(given, "input", to)]
  const items = list(given)
  if (items !== undefined && items.length > 0) {
    if (items.every((item) => typeof item === "string")) {
      return items.map((item, index) => input(item, `input[${index}]`, to, { list: true }))
    }
    if (items.every((item) => object(item) !== undefined)) {
      return [{ role: "user" as const, content: content(given, "input", to), ...ownOptions(to.provider, { blocks: true }) }]
    }
  }
  throw malformed("input", "a text, a list of texts or a list of content parts", given)
}

const prepare = (request: Request, quirks: Quirks): Prepared => {
  if (request.messages.length === 0) throw noMessages(request)
  const to = draft(request, quirks)
  const model = request.options.model ?? quirks.moderation?.model
  if (model !== undefined) to.body.model = model
  to.body.input = written(to)
  write(to, writers, "moderations")
  mergeOwn(to)
  return { request: post(url(request, quirks, "moderations"), to.body), warnings: to.warnings }
}

const writers: Writers = { model: () => {}, metadata: () => {} }

/** What is to be judged. Inputs that were a list stay one, as do the parts of one input. */
const written = (to: Draft): JsonValue => {
  const { messages, provider } = to.request
  const [first] = messages
  const isOne = messages.length === 1
  if (areTexts(messages) && !(isOne && first!.options?.[provider]?.blocks === true)) {
    const texts = messages.map((message) => textOrRaw(message, provider))
    return isOne && first!.options?.[provider]?.list !== true ? texts[0]! : texts
  }
  if (!isOne || first!.role !== "user") throw unfit("several texts, or the texts and images of one message of the user", provider)
  if (to.quirks.moderation?.images === false) throw unfit("text alone", provider)
  const blocks = userContent(first!, to)
  return typeof blocks === "string" ? [{ type: "text", text: blocks }] : blocks
}

const unfit = (what: string, provider: string): LlmError =>
  LlmError.make({ _tag: "Unsupported", message: `${provider} moderates ${what}` }, { provider })

const parse = (response: WireResponse, request: Request): ModerationsResult => {
  const { provider } = request
  const answer = object(body(response.body, provider))
  const results = list(answer?.results)
  if (answer?.error !== undefined && answer.error !== null) throw failed(answer, provider)
  if (answer === undefined || results === undefined) {
    throw LlmError.make({ _tag: "NotAnLlm", message: `the answer says of no input what it is: ${excerpt(response.body)}` }, { provider })
  }
  const moderations = results.map((value) => moderation(value, provider))
  const sent = count(request)
  if (moderations.length === 0 || sent !== undefined && sent !== moderations.length) {
    throw broken(`${sent ?? 1} inputs were sent, ${moderations.length} were judged`, provider)
  }
  const own = ownOf(answer, known)
  const id = text(answer.id)
  const model = text(answer.model)
  return {
    type: "moderations",
    ...(id !== undefined && { id }),
    ...(model !== undefined && { model }),
    moderations,
    ...(says(answer.usage) && { usage: usage(answer.usage) }),
    ...(own !== undefined && { metadata: { [provider]: own } })
  }
}

const moderation = (value: JsonValue, provider: string): Moderation => {
  const entry = object(value)
  const categories = flags(entry?.categories)
  if (entry === undefined || categories === undefined) throw broken("of an input it is not said which categories it falls into", provider)
  const { flagged = Object.values(categories).includes(true) } = entry
  if (typeof flagged !== "boolean") throw broken("flagged is neither true nor false", provider)
  const appliedTo = Object.entries(object(entry.category_applied_input_types) ?? {}).flatMap(([name, kinds]) => {
    const all = list(kinds)
    return all === undefined ? [] : [[name, all.filter((kind) => typeof kind === "string")] as const]
  })
  const own = ownOf(entry, knownOfOne)
  return {
    flagged,
    categories,
    scores: scores(entry.category_scores),
    ...(appliedTo.length > 0 && { appliedTo: Object.fromEntries(appliedTo) }),
    ...(own !== undefined && { metadata: { [provider]: own } })
  }
}

/** What is said of each category; `undefined` where that is not how it is said. */
const flags = (value: JsonValue | undefined): Moderation["categories"] | undefined => {
  const fields = object(value)
  if (fields === undefined) return undefined
  const entries = Object.entries(fields)
    .filter((entry): entry is [string, boolean | null] => entry[1] === null || typeof entry[1] === "boolean")
  return entries.length === Object.keys(fields).length ? Object.fromEntries(entries) : undefined
}

const scores = (value: JsonValue | undefined): Moderation["scores"] =>
  Object.fromEntries(Object.entries(object(value) ?? {}).flatMap(([name, score]) =>
    score === null || typeof score === "number" ? [[name, score]] : []))

/** How many inputs there are; `undefined` where the caller's own fields may have replaced them, or one has many parts. */
const count = ({ messages, options, provider }: Request): number | undefined => {
  if (options.providerOptions?.[provider]?.input !== undefined) return undefined
  return areTexts(messages) && messages[0]?.options?.[provider]?.blocks !== true ? messages.length : undefined
}

const areTexts = (messages: ReadonlyArray<Message>): boolean =>
  messages.every(({ content }) => typeof content === "string" || content.every(({ type }) => type === "text"))

const ownOf = (fields: Fields, known: ReadonlySet<string>): { readonly [name: string]: JsonValue } | undefined => {
  const own: { [name: string]: JsonValue } = {}
  for (const name in fields) if (!known.has(name) && says(fields[name])) put(own, name, fields[name])
  return Object.keys(own).length === 0 ? undefined : own
}

const known = new Set(["id", "model", "results", "usage", "error"])
const knownOfOne = new Set(["flagged", "categories", "category_scores", "category_applied_input_types"])

const broken = (message: string, provider: string): LlmError =>
  LlmError.make({ _tag: "MalformedResponse", message }, { provider })
