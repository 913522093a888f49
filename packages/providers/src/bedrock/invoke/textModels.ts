/**
 * The models that go on with a text, as data: where the text stands, how options are spelt, and where an answer holds
 * what.
 *
 * | models | text | answer |
 * |---|---|---|
 * | `anthropic.claude-v2`, `claude-instant` | `prompt` | `completion` |
 * | `amazon.titan-text-…` | `inputText` | `results`; in a stream `outputText` |
 * | `meta.llama…` | `prompt` | `generation` |
 * | `mistral.mistral-7b`, `mixtral-8x7b`, `mistral-small-2402` | `prompt` | `outputs` |
 * | `cohere.command-text`, `command-light` | `prompt` | `generations`; in a stream `text` |
 * | `cohere.command-r…` | `message`, `chat_history` | `text` |
 * | `ai21.j2-…` | `prompt` | `completions` |
 *
 * @module
 */
import type { JsonObject, JsonValue } from "@plugline/core"
import { as, type Draft, type Writers } from "../../wire/draft.ts"
import { type Fields, list, object } from "../../wire/read.ts"
import { into, stopList } from "../options.ts"
import {
  claudeForm, type Form, llama2Form, llama3Form, llama4Form, mistralForm, plainForm, type Prompted, titanForm
} from "./prompts.ts"

/** What an answer, or an event of one, says. */
export interface Said {
  readonly text?: string | undefined
  /** Why the model stopped, where it says so. */
  readonly stop?: JsonValue | undefined
  /** Counts of tokens, by the names the model has for them. */
  readonly counts?: Fields
  /** Whatever else is said. */
  readonly rest: Fields
}

/** One kind of model. */
export interface TextModel {
  /** Where the text stands. */
  readonly field: string
  /** The text of a conversation. */
  readonly prompt: Form
  /** Writes a conversation otherwise than as one text. */
  readonly converse?: (to: Draft, prompt: Prompted) => void
  /** How options are written. */
  readonly writers: Writers
  /** Reads an answer, or an event of one; `undefined` where it is nothing known. */
  readonly read: (event: Fields) => Said | undefined
  /** The names of counts. */
  readonly counts?: { readonly input: ReadonlyArray<string>; readonly output: ReadonlyArray<string> }
  /** Whether it streams. Default: yes. */
  readonly streams?: boolean
}

const ignored = { model: () => {}, metadata: () => {} }
const stops = (field: string) => (stop: string | ReadonlyArray<string>, { body }: Draft): void => {
  body[field] = stopList(stop)
}
const told = (value: JsonValue | undefined): string | undefined => typeof value === "string" ? value : undefined

/** Claude 2 and Claude Instant. The service wants a limit. */
export const claude2: TextModel = {
  field: "prompt",
  prompt: claudeForm,
  writers: {
    ...ignored,
    temperature: as("temperature"),
    maxTokens: as("max_tokens_to_sample"),
    topP: as("top_p"),
    topK: as("top_k"),
    stop: stops("stop_sequences")
  },
  read: (event) => {
    const { completion, stop_reason, type: _, ...rest } = event
    return typeof completion === "string" ? { text: completion, stop: stop_reason, rest } : undefined
  }
}

const generation = (name: string) => (value: JsonValue, to: Draft): void =>
  into("textGenerationConfig", name, value, to)

/** Titan Text. */
export const titan: TextModel = {
  field: "inputText",
  prompt: titanForm,
  writers: {
    ...ignored,
    temperature: generation("temperature"),
    maxTokens: generation("maxTokenCount"),
    topP: generation("topP"),
    stop: (stop, to) => generation("stopSequences")(stopList(stop), to)
  },
  counts: { input: ["inputTextTokenCount"], output: ["tokenCount", "totalOutputTextTokenCount"] },
  read: (answer) => {
    const { index: _, inputTextTokenCount, results, totalOutputTextTokenCount, ...event } = answer
    const said = results === undefined ? event : { ...event, ...object(list(results)?.[0]) }
    const { completionReason, outputText, tokenCount, ...rest } = said as Fields
    if (typeof outputText !== "string") return undefined
    return {
      text: outputText,
      stop: completionReason,
      counts: { inputTextTokenCount, tokenCount, totalOutputTextTokenCount },
      rest
    }
  }
}

/** Llama, whose generations are written to in different ways. */
export const llama = (name: string): TextModel => ({
  field: "prompt",
  prompt: name.includes("llama2") ? llama2Form : /llama-?4/.test(name) ? llama4Form : llama3Form,
  writers: { ...ignored, temperature: as("temperature"), maxTokens: as("max_gen_len"), topP: as("top_p") },
  counts: { input: ["prompt_token_count"], output: ["generation_token_count"] },
  read: ({ generation, generation_token_count, prompt_token_count, stop_reason, ...rest }) =>
    typeof generation === "string"
      ? { text: generation, stop: stop_reason, counts: { prompt_token_count, generation_token_count }, rest }
      : undefined
})

/** The first models of Mistral. */
export const mistral: TextModel = {
  field: "prompt",
  prompt: mistralForm,
  writers: {
    ...ignored,
    temperature: as("temperature"),
    maxTokens: as("max_tokens"),
    topP: as("top_p"),
    topK: as("top_k"),
    stop: stops("stop")
  },
  read: ({ outputs, ...event }) => {
    const { stop_reason, text, ...rest } = object(list(outputs)?.[0]) ?? {}
    return typeof text === "string" ? { text, stop: stop_reason, rest: { ...event, ...rest } } : undefined
  }
}

/** Cohere's Command. */
export const command: TextModel = {
  field: "prompt",
  prompt: plainForm,
  writers: {
    ...ignored,
    temperature: as("temperature"),
    maxTokens: as("max_tokens"),
    topP: as("p"),
    topK: as("k"),
    stop: stops("stop_sequences")
  },
  read: (answer) => {
    const { generations, index: _, is_finished, ...event } = answer
    const said: Fields = generations === undefined ? event : { ...event, ...object(list(generations)?.[0]) }
    const { finish_reason, text, ...rest } = said
    if (typeof text === "string") return { text, stop: finish_reason, rest }
    return is_finished === undefined ? undefined : { stop: finish_reason, rest }
  }
}

/** Cohere's Command R: the last message stands apart from those before it. */
export const commandR: TextModel = {
  field: "message",
  prompt: plainForm,
  converse: ({ body }, { system, turns }) => {
    const last = turns.at(-1)
    if (system !== "") body.preamble = system
    body.message = last?.text ?? ""
    const before = turns.slice(0, -1).map(({ role, text }): JsonObject =>
      ({ role: role === "user" ? "USER" : "CHATBOT", message: text }))
    if (before.length > 0) body.chat_history = before
  },
  writers: {
    ...ignored,
    temperature: as("temperature"),
    maxTokens: as("max_tokens"),
    topP: as("p"),
    topK: as("k"),
    frequencyPenalty: as("frequency_penalty"),
    presencePenalty: as("presence_penalty"),
    stop: stops("stop_sequences"),
    seed: as("seed")
  },
  read: (event) => {
    const { chat_history: _, event_type, finish_reason, is_finished, text, ...rest } = event
    if (event_type === "stream-end" || is_finished === true) return { stop: finish_reason, rest }
    if (typeof text === "string") return { text, stop: finish_reason, rest }
    return event_type === "stream-start" ? { rest } : undefined
  }
}

/** AI21's Jurassic-2. */
export const jurassic: TextModel = {
  field: "prompt",
  prompt: plainForm,
  streams: false,
  writers: {
    ...ignored,
    temperature: as("temperature"),
    maxTokens: as("maxTokens"),
    topP: as("topP"),
    stop: stops("stopSequences")
  },
  read: (answer) => {
    const { completions, prompt: _, ...event } = answer
    const { data, finishReason, ...rest } = object(list(completions)?.[0]) ?? {}
    const text = told(object(data)?.text)
    return text === undefined ? undefined : { text, stop: object(finishReason)?.reason, rest: { ...event, ...rest } }
  }
}
