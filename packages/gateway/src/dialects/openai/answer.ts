/**
 * Writes a finished answer as a chat completion, or as the completion of a text.
 *
 * @module
 */
import type { ChatResult, Content, FinishReason, JsonObject, JsonValue } from "plugline"
import type { Call } from "../../Dialect.ts"
import { argumentsOf, ownOf, timeOf } from "../shared/answer.ts"
import { object, put, putAll, text, type Written } from "../shared/json.ts"
import {
  annotation, customTools, detailsOf, executedCall, executedIndex, executedResult, extrasOf, image, isCustom, isSigned,
  joinLogprobs, logprobsOf, placeOf, sound, thinking, toolCall
} from "./pieces.ts"
import { finishWord, isLegacy, ofAnswer, ofMessage, speaker, usageOf } from "./words.ts"

/** A finished answer with all its choices. */
export const answer = (result: ChatResult, call: Call): JsonObject => {
  const provider = speaker(call)
  const own = ownOf(result.metadata, provider)
  const isCompletion = result.type === "completion"
  const write = isCompletion ? completionChoice : chatChoice
  const usage = usageOf(result.usage, true)
  const written: Written = {
    id: text(result.id) ?? call.id,
    object: isCompletion ? "text_completion" : "chat.completion",
    created: Math.floor(timeOf(result.timestamp, call.now) / 1000),
    model: text(result.model) ?? call.model,
    choices: [
      write({
        index: 0,
        content: result.content,
        finishReason: result.finishReason,
        rawFinishReason: result.rawFinishReason,
        extra: object(own?.choice)
      }, call),
      ...(result.choices ?? []).map((choice) =>
        write({ ...choice, rawFinishReason: choice.rawFinishReason, extra: ownOf(choice.metadata, provider) }, call))
    ],
    ...(usage !== undefined && { usage })
  }
  return putAll(written, own, ofAnswer)
}

/** One of the answers to a prompt. */
interface Choice {
  readonly index: number
  readonly content: ReadonlyArray<Content>
  readonly finishReason: FinishReason
  readonly rawFinishReason: string | undefined
  readonly extra: JsonObject | undefined
}

const chatChoice = (choice: Choice, call: Call): JsonObject => {
  const { extra, finishReason, index, rawFinishReason } = choice
  const { logprobs, message } = messageOf(choice.content, call)
  const more = extrasOf(extra)
  return putAll({
    index,
    message: putAll(message, more.message),
    logprobs: joinLogprobs(logprobs, logprobsOf(extra)) ?? null,
    finish_reason: finishWord(finishReason, rawFinishReason, call)
  }, more.choice)
}

const completionChoice = (choice: Choice, call: Call): JsonObject => {
  const { content, extra, finishReason, index, rawFinishReason } = choice
  const provider = speaker(call)
  let said = ""
  let logprobs: JsonObject | undefined
  for (const part of content) {
    if (part.type !== "text") continue
    said += part.text
    logprobs = joinLogprobs(logprobs, logprobsOf(ownOf(part.metadata, provider)))
  }
  return putAll({
    index,
    text: said,
    logprobs: joinLogprobs(logprobs, logprobsOf(extra)) ?? null,
    finish_reason: finishWord(finishReason, rawFinishReason, call)
  }, extrasOf(extra).choice)
}

/** The message that says all of some content, and how probable its text was. */
const messageOf = (
  content: ReadonlyArray<Content>,
  call: Call
): { readonly message: Written; readonly logprobs: JsonObject | undefined } => {
  const provider = speaker(call)
  const custom = customTools(call)
  const blocks: Array<JsonValue> = []
  const calls: Array<Written> = []
  const images: Array<JsonValue> = []
  const annotations: Array<JsonValue> = []
  const details: Array<JsonValue> = []
  const executed = new Map<number, Written>()
  let said: string | undefined
  let refusal: string | undefined
  let reasoning = ""
  let isList = false
  let audio: JsonObject | undefined
  let logprobs: JsonObject | undefined
  const echo: Written = {}
  let legacy: JsonObject | undefined

  for (const part of content) {
    const own = ownOf(part.metadata, provider)
    if (own?.message !== undefined) putAll(echo, object(own.message), ofMessage)
    switch (part.type) {
      case "text":
        if (own?.refusal === true) refusal = (refusal ?? "") + part.text
        else {
          said = (said ?? "") + part.text
          blocks.push({ type: "text", text: part.text })
        }
        logprobs = joinLogprobs(logprobs, logprobsOf(own))
        break
      case "reasoning":
        if (isSigned(own)) {
          isList = true
          blocks.push(thinking(part.text, own))
        } else reasoning += part.text
        details.push(...detailsOf(own) ?? [])
        break
      case "tool-call":
        if (part.providerExecuted === true) {
          const index = executedIndex(part)
          if (index !== undefined) executed.set(index, executedCall(part, index))
        } else if (isLegacy(call)) legacy ??= { name: part.name, arguments: argumentsOf(part) }
        else calls.push(toolCall(part, own, isCustom(part, own, custom)))
        break
      case "tool-result": {
        const index = executedIndex(part)
        if (index === undefined) break
        executed.set(index, putAll(executed.get(index) ?? {}, executedResult(part, index, provider)))
        break
      }
      case "file": {
        const written = image(part)
        if (written !== undefined) images.push(written)
        else audio ??= sound(part, call, provider)
        break
      }
      case "source": {
        const mark = annotation(part, provider)
        if (mark !== undefined) annotations.push(mark)
        break
      }
      case "raw":
        switch (placeOf(part, provider)) {
          case "images":
            images.push(part.value)
            break
          case "annotations":
            annotations.push(part.value)
            break
          case "content":
            isList = true
            blocks.push(part.value)
        }
    }
  }

  const isEmpty = calls.length === 0 && legacy === undefined && refusal === undefined && audio === undefined
  const message: Written = {
    role: "assistant",
    content: isList ? blocks : said ?? (isEmpty ? "" : null),
    refusal: refusal ?? null
  }
  if (reasoning !== "") message.reasoning_content = reasoning
  if (details.length > 0) message.reasoning_details = details
  if (calls.length > 0) message.tool_calls = calls
  if (legacy !== undefined) message.function_call = legacy
  if (executed.size > 0) message.executed_tools = [...executed.values()]
  if (images.length > 0) message.images = images
  if (audio !== undefined) message.audio = audio
  if (annotations.length > 0) message.annotations = annotations
  for (const name of Object.keys(echo)) put(message, name, echo[name]!)
  return { message, logprobs }
}
