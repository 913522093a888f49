/**
 * Asks for the continuation of a text, whole or, with `config.stream`, streamed, and reads the answer.
 *
 * @module
 */
import { type JsonValue, LlmError, Message, type MessagePart, type Request, Result } from "@plugline/core"
import type { Prepared, Wire } from "../Wire.ts"
import { apart, asked, deployment, input, maxTokens, option, read, type Readers, streamed } from "./asked.ts"
import { stream } from "./chat.ts"
import { decoder, parts } from "./decoder.ts"
import { type Draft, draft, model, type Writers } from "./options.ts"
import { as, mergeOwn, noMessages, post, write } from "../wire/draft.ts"
import { type Quirks, url } from "./quirks.ts"
import { list } from "../wire/read.ts"
import { reason } from "../wire/reason.ts"

/** The wire of `completion`. */
export const completion = (quirks: Quirks): Wire => ({
  speaks: "openai",
  prepare: (request) => prepare(request, quirks),
  parse: (response, request) => Result.fold(parts(response.body, request), "completion"),
  parts: (request) => decoder(request),
  reason,
  decode: ({ body, url }, provider) => {
    const to = read(body, readers, quirks, provider)
    deployment(url, to)
    if (streamed(to)) to.own.stream = true
    const { prompt } = to.body
    const items = list(prompt)
    if (items === undefined || items.every((item) => typeof item === "number")) {
      return asked("completion", [input(prompt ?? null, "prompt", to)], to)
    }
    return asked("completion", items.map((item, index) => input(item, `prompt[${index}]`, to, { list: true })), to)
  }
})

const prepare = (request: Request, quirks: Quirks): Prepared => {
  if (request.messages.length === 0) throw noMessages(request)
  textOnly(request)
  const to = draft(request, quirks)
  model(to)
  to.body.prompt = prompt(request)
  write(to, writers, "completion")
  mergeOwn(to)
  stream(to, request.config.stream === true || to.body.stream === true)
  return { request: post(url(request, quirks, "completion"), to.body), warnings: to.warnings }
}

/** The text to go on with. Prompts that were a list stay one, and each of them is answered. */
const prompt = (request: Request): JsonValue => {
  const { messages, provider } = request
  const given = messages.map((message) => textOrRaw(message, provider))
  if (messages.some(({ options }) => options?.[provider]?.list === true)) return given
  const [only] = given
  return given.length === 1 && only !== undefined ? only : Message.text(messages)
}

/** A message as its text, or as what it holds raw in place of one: tokens, for example. */
export const textOrRaw = (message: Message, provider: string): JsonValue => {
  const { content } = message
  const only = typeof content === "string" || content.length > 1 ? undefined : content[0]
  return only?.type === "raw" && only.provider === provider ? only.value : Message.text(message)
}

/** Refuses messages that hold more than the text, or the tokens, that will be sent of them. */
export const textOnly = (request: Request): void => {
  for (const message of request.messages) {
    if (typeof message.content === "string") continue
    const parts: ReadonlyArray<MessagePart> = message.content
    const other = parts.find((part) =>
      part.type !== "text" && !(part.type === "raw" && part.provider === request.provider && parts.length === 1)
    )
    if (other !== undefined) {
      throw LlmError.make({
        _tag: "Unsupported",
        message: `${request.operation} takes text alone, and a message holds a part of type ${other.type}`
      }, { provider: request.provider })
    }
  }
}

/** A number even for "yes": here 0 asks for the chosen tokens alone. */
const logprobs = (value: boolean | number, { body }: Draft): void => {
  if (value !== false) body.logprobs = value === true ? 0 : value
}

const readers: Readers = {
  prompt: apart,
  stream: apart,
  stream_options: apart,
  model: option("model", "string"),
  temperature: option("temperature", "number"),
  max_tokens: maxTokens,
  max_completion_tokens: maxTokens,
  top_p: option("topP", "number"),
  top_k: option("topK", "number"),
  frequency_penalty: option("frequencyPenalty", "number"),
  presence_penalty: option("presencePenalty", "number"),
  stop: option("stop", "object"),
  seed: option("seed", "number"),
  n: option("n", "number"),
  logprobs: option("logprobs", "number"),
  logit_bias: option("logitBias", "object"),
  user: option("user", "string")
}

const writers: Writers = {
  model: () => {},
  temperature: as("temperature"),
  maxTokens: as("max_tokens"),
  topP: as("top_p"),
  topK: as("top_k"),
  frequencyPenalty: as("frequency_penalty"),
  presencePenalty: as("presence_penalty"),
  stop: as("stop"),
  seed: as("seed"),
  n: as("n"),
  logprobs,
  logitBias: as("logit_bias"),
  user: as("user")
}
