/**
 * Models that are invoked in the words of OpenAI's chat completions: those of Mistral, AI21, OpenAI and others.
 *
 * Two of them differ in little: Mistral's models say `stop_reason` for `finish_reason`, and put a `message` where a
 * stream has a `delta`.
 *
 * @module
 */
import type { ChatResult, JsonObject, JsonValue, Request } from "@plugline/core"
import { wires } from "../../openai/index.ts"
import { type Fields, list, object } from "../../wire/read.ts"
import type { Body, Maker } from "./makers.ts"

const { chat } = wires({ streamUsage: false, maxTokensField: "max_tokens" })

/** The words of OpenAI. */
export const chatLike: Maker = {
  write: (request) => {
    const { request: { body = {} }, warnings } = chat.prepare(request)
    const { model: _, stream: __, ...rest } = body
    return { body: rest as Body, warnings }
  },
  read: (source, request) => {
    const answer: unknown = JSON.parse(source)
    const body = JSON.stringify(usual(answer as Fields, false))
    return chat.parse({ status: 200, headers: {}, body }, request) as ChatResult
  },
  reader: (request: Request) => {
    const decoder = chat.parts!(request)
    let ended = false
    const note = <A extends ReadonlyArray<{ readonly type: string }>>(parts: A): A => {
      const last = parts.at(-1)?.type
      if (last === "finish" || last === "error") ended = true
      return parts
    }
    return {
      push: (event) => note(decoder.push(Buffer.from(`data: ${JSON.stringify(usual(object(event) ?? {}, true))}\n\n`))),
      end: () => note(decoder.end()),
      get ended() {
        return ended
      }
    }
  },
  decode: (body, provider) => chat.decode!({ url: "", body }, provider)
}

/** An answer, or an event of one, in OpenAI's usual form. */
const usual = (answer: Fields, streamed: boolean): JsonObject => {
  const choices = list(answer.choices)
  if (choices === undefined) return answer as JsonObject
  return {
    ...answer,
    choices: choices.map((value): JsonValue => {
      const choice = object(value)
      if (choice === undefined) return value
      const { message, stop_reason: stopped, ...rest } = choice
      return {
        ...rest,
        ...(stopped !== undefined && rest.finish_reason === undefined && { finish_reason: stopped }),
        ...(message !== undefined && { [streamed && rest.delta === undefined ? "delta" : "message"]: message })
      } as JsonObject
    })
  } as JsonObject
}
