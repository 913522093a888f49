/**
 * Writes the options of a chat in Converse's words. What Converse has no word for, but a model has, goes into
 * `additionalModelRequestFields` in the words of the model's maker.
 *
 * @module
 */
import { type JsonObject, type JsonValue, LlmError, type Reasoning, type ResponseFormat } from "@plugline/core"
import { changed, type Draft as Base, type Writers, warn } from "../wire/draft.ts"
import { object } from "../wire/read.ts"
import type { Family } from "./model.ts"
import { reasoningFields } from "./reasoning.ts"
import { parallelToolCalls, toolChoice, tools } from "./tools.ts"

/** A body while it is written, for a model. */
export interface Draft extends Base {
  readonly model: string
  readonly family: Family | undefined
}

/** Puts a field into an object of the body. */
export const into = (field: string, name: string, value: JsonValue, { body }: Base): void => {
  body[field] = { ...object(body[field]), [name]: value } as JsonObject
}

const inference = (name: string) => (value: JsonValue, to: Draft): void => into("inferenceConfig", name, value, to)

/** Texts that end the answer. */
export const stopList = (stop: string | ReadonlyArray<string>): ReadonlyArray<string> =>
  typeof stop === "string" ? [stop] : stop

const topKs: { readonly [family: string]: (value: number) => JsonObject } = {
  anthropic: (value) => ({ top_k: value }),
  amazon: (value) => ({ inferenceConfig: { topK: value } }),
  mistral: (value) => ({ top_k: value }),
  cohere: (value) => ({ k: value })
}

const topK = (value: number, to: Draft): void => {
  const write = to.family !== undefined && Object.hasOwn(topKs, to.family) ? topKs[to.family] : undefined
  if (write === undefined) warn(to, "topK", `${to.request.provider} does not know how ${to.model} takes topK`)
  else additional(write(value), to)
}

const reasoning = (asked: Reasoning, to: Draft): void => {
  const fields = reasoningFields(asked, to)
  if (fields !== undefined) additional(fields, to)
}

/** Puts fields beside those that are for the model alone. */
const additional = (fields: JsonObject, to: Base): void => {
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) into("additionalModelRequestFields", name, value, to)
  }
}

/** Converse holds an answer to a schema, and to nothing less. */
const responseFormat = (format: ResponseFormat, to: Draft): void => {
  if (format.type === "text") return
  const { provider } = to.request
  if (format.schema === undefined) {
    throw LlmError.make({
      _tag: "Unsupported",
      message: `${provider} gives JSON by a schema only: add responseFormat.schema`
    }, { provider })
  }
  if (format.strict === false) {
    changed(to, "responseFormat", `${provider} holds every answer strictly to its schema`)
  }
  to.body.outputConfig = {
    textFormat: {
      type: "json_schema",
      structure: {
        jsonSchema: {
          schema: JSON.stringify(format.schema),
          ...(format.name !== undefined && { name: format.name }),
          ...(format.description !== undefined && { description: format.description })
        }
      }
    }
  }
}

/** Labels that Bedrock takes into its log of calls. It refuses a call for one of other characters. */
const metadata = (labels: { readonly [label: string]: string }, to: Draft): void => {
  const entries = Object.entries(labels)
  const fitting = entries.filter(([label, value]) => label !== "" && fits(label) && fits(value)).slice(0, 16)
  if (fitting.length > 0) to.body.requestMetadata = Object.fromEntries(fitting)
  if (fitting.length < entries.length) {
    changed(to, "metadata", `${to.request.provider} takes 16 labels of 256 plain characters: others were not sent`)
  }
}

const fits = (value: string): boolean => /^[A-Za-z0-9\s:_@$#=/+,.-]{0,256}$/.test(value)

/** How Converse takes options. */
export const writers: Writers<Draft> = {
  model: () => {},
  temperature: inference("temperature"),
  maxTokens: inference("maxTokens"),
  topP: inference("topP"),
  topK,
  stop: (stop, to) => inference("stopSequences")(stopList(stop), to),
  tools,
  toolChoice,
  parallelToolCalls,
  responseFormat,
  reasoning,
  serviceTier: (type, { body }) => {
    body.serviceTier = { type }
  },
  metadata
}
