/**
 * Reads a request as Ollama's clients send it into our words: chat, generate, and both interfaces for embeddings.
 *
 * Fields without a word here stand in `providerOptions`; what stands below `options` there is written beside ours.
 *
 * @module
 */
import { type FilePart, type JsonObject, type JsonValue, Message, type Options } from "@plugline/core"
import type { Asked, Wire } from "../Wire.ts"
import { type Fields, put, text } from "../wire/read.ts"
import { listAt, misfit, nameAt, objectAt, optionalText, textAt } from "../wire/checks.ts"
import { conversation, image } from "./decodeMessages.ts"
import { decodeTools } from "./decodeTools.ts"

type Sent = Parameters<NonNullable<Wire["decode"]>>[0]
type Own = { [name: string]: JsonValue }
type Written = { -readonly [Name in keyof Options]: Options[Name] }

/** What a request to Ollama asks. */
export const decode = (sent: Sent, provider: string): Asked => {
  const body = sent.body as Fields | undefined
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw misfit("body", "an object", provider)
  const path = sent.url.split(/[?#]/, 1)[0]!
  const model = nameAt(body.model, "model", provider)
  if (/\/embed(dings)?$/.test(path)) return embeddings(body, model, provider)
  if (path.endsWith("/generate") || (body.messages === undefined && body.prompt !== undefined)) {
    return completion(body, model, provider)
  }
  const own: Own = {}
  const options: Written = { model }
  // A chat without messages only loads the model.
  const messages = conversation(listAt(body.messages ?? [], "messages", provider), provider)
  common(body, options, own, provider)
  if (body.tools !== undefined && body.tools !== null) options.tools = decodeTools(body.tools, provider)
  keep(body, ofChat, own)
  return { operation: body.stream === false ? "chat" : "stream", messages, options: withOwn(options, own, provider) }
}

const completion = (body: Fields, model: string, provider: string): Asked => {
  const own: Own = {}
  const options: Written = { model }
  const system = optionalText(body.system, "system", provider)
  const images = body.images === undefined || body.images === null ? [] : listAt(body.images, "images", provider)
  const prompt = optionalText(body.prompt, "prompt", provider) ?? ""
  const files = images.map((value, index): FilePart => image(value, `images[${index}]`, provider))
  const messages: Array<Message> = []
  if (system === "" || body.system === null) own.system = body.system!
  else if (system !== undefined) messages.push({ role: "system", content: system })
  if (Array.isArray(body.images) && files.length === 0) own.images = []
  messages.push({ role: "user", content: [{ type: "text", text: prompt }, ...files] })
  common(body, options, own, provider)
  keep(body, ofGenerate, own)
  return { operation: "completion", messages, options: withOwn(options, own, provider) }
}

const embeddings = (body: Fields, model: string, provider: string): Asked => {
  const own: Own = {}
  const options: Written = { model }
  const input = body.input ?? body.prompt
  const field = body.input === undefined ? "prompt" : "input"
  const texts = typeof input === "string" ? [input] : listAt(input, field, provider)
  const messages = texts.map((value, index) => Message.user(textAt(value, `${field}[${index}]`, provider)))
  if (isWhole(body.dimensions, 1)) options.dimensions = body.dimensions
  else if (body.dimensions !== undefined) own.dimensions = body.dimensions
  keep(body, ofEmbed, own)
  return { operation: "embeddings", messages, options: withOwn(options, own, provider) }
}

const ofBoth = ["model", "stream", "options", "format", "think", "logprobs", "top_logprobs"]
const ofChat = new Set([...ofBoth, "messages", "tools"])
const ofGenerate = new Set([...ofBoth, "prompt", "system", "images"])
const ofEmbed = new Set(["model", "input", "prompt", "dimensions"])

const keep = (body: Fields, known: ReadonlySet<string>, own: Own): void => {
  for (const name in body) {
    const value = body[name]
    if (!known.has(name) && value !== undefined) put(own, name, value)
  }
}

const withOwn = (options: Options, own: Own, provider: string): Options =>
  Object.keys(own).length === 0 ? options : { ...options, providerOptions: { [provider]: own as JsonObject } }

// --- options ---------------------------------------------------------------------------------------------------------

/** What chat and generate have in common. */
const common = (body: Fields, options: Written, own: Own, provider: string): void => {
  below(body.options, options, own, provider)
  const { format, logprobs, think, top_logprobs: top } = body
  if (format === "json") options.responseFormat = { type: "json" }
  else if (typeof format === "object" && format !== null && !Array.isArray(format)) {
    options.responseFormat = { type: "json", schema: format as JsonObject }
  } else if (format === "" || format === null) own.format = format
  else if (format !== undefined) throw misfit("format", "\"json\" or a JSON Schema", provider)
  if (think === true) options.reasoning = {}
  else if (think === false) options.reasoning = { effort: "none" }
  else if (text(think) !== undefined && think !== "none") options.reasoning = { effort: think as string }
  else if (think === null || think === "" || think === "none") own.think = think
  else if (think !== undefined) throw misfit("think", "true, false or a level", provider)
  if (logprobs === true) {
    options.logprobs = isWhole(top, 1) ? top : true
    if (top !== undefined && !isWhole(top, 1)) own.top_logprobs = top
  } else {
    if (logprobs !== undefined) own.logprobs = logprobs
    if (top !== undefined) own.top_logprobs = top
  }
}

type Named = "temperature" | "maxTokens" | "topP" | "topK" | "frequencyPenalty" | "presencePenalty" | "seed"

interface Word {
  readonly name: Named
  readonly fits: (value: number) => boolean
}

const whole = (min: number) => (value: number): boolean => Number.isSafeInteger(value) && value >= min
const between = (min: number, max: number) => (value: number): boolean => value >= min && value <= max

const words: { readonly [field: string]: Word } = {
  temperature: { name: "temperature", fits: between(0, 100) },
  // -1 and -2 mean "without end" and "until the context is full".
  num_predict: { name: "maxTokens", fits: whole(1) },
  top_p: { name: "topP", fits: between(0, 1) },
  top_k: { name: "topK", fits: whole(1) },
  frequency_penalty: { name: "frequencyPenalty", fits: between(-100, 100) },
  presence_penalty: { name: "presencePenalty", fits: between(-100, 100) },
  seed: { name: "seed", fits: Number.isSafeInteger }
}

/** The options below `options`: those we have a word for, where the value fits it, and the rest. */
const below = (value: JsonValue | undefined, options: Written, own: Own, provider: string): void => {
  if (value === undefined) return
  if (value === null) {
    own.options = null
    return
  }
  const sent = objectAt(value, "options", provider)
  const rest: Own = {}
  let said = false
  for (const field in sent) {
    const given = sent[field]
    if (given === undefined) continue
    said = true
    const word = Object.hasOwn(words, field) ? words[field] : undefined
    if (field === "stop" && Array.isArray(given)) {
      options.stop = given.map((item, index) => textAt(item, `options.stop[${index}]`, provider))
    } else if (field === "stop" && typeof given === "string") options.stop = given
    else if (word !== undefined && typeof given === "number" && word.fits(given)) options[word.name] = given
    else if ((word !== undefined && typeof given !== "number" && given !== null)) {
      throw misfit(`options.${field}`, "a number", provider)
    } else put(rest, field, given)
  }
  if (!said || Object.keys(rest).length > 0) own.options = rest
}

const isWhole = (value: JsonValue | undefined, min: number): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= min
