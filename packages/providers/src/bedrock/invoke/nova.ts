/**
 * Amazon's Nova models: their own words are those of Converse, but for a few names.
 *
 * @module
 */
import { type JsonObject, type JsonValue, type Part, Result } from "@plugline/core"
import { merge } from "../../wire/draft.ts"
import { object } from "../../wire/read.ts"
import { Answer } from "../answer.ts"
import { converseDraft } from "../converse.ts"
import { decode } from "../decode.ts"
import { parts } from "../decoder.ts"
import type { Maker } from "./makers.ts"
import { reading } from "./reading.ts"

/** Nova. */
export const nova: Maker = {
  write: (request) => {
    const to = converseDraft(request)
    // What Converse hands on to the model is the model's own here.
    const { additionalModelRequestFields: own, requestMetadata: _, ...rest } = to.body
    const body: { [name: string]: JsonValue } = { schemaVersion: "messages-v1", ...rest }
    const { inferenceConfig, ...fields } = object(own) ?? {}
    merge(body, fields)
    if (inferenceConfig !== undefined) {
      body.inferenceConfig = { ...object(body.inferenceConfig), ...object(inferenceConfig) } as JsonObject
    }
    merge(body, request.options.providerOptions?.[request.provider] ?? {})
    return { body, warnings: to.warnings }
  },
  read: (source, request) => Result.fold(parts(source, request)),
  reader: ({ provider }) => {
    const out: Array<Part> = []
    const answer = new Answer(provider, out)
    return reading(provider, out, {
      add: (event) => {
        // `{ contentBlockDelta: { … } }`: the event's name is its only field.
        for (const name in event) answer.event(name, object(event[name]) ?? {})
      },
      isFinished: () => answer.hasStopped,
      isComplete: () => answer.isComplete,
      finish: () => answer.finish()
    })
  },
  decode: (body, provider) => {
    const { inferenceConfig, schemaVersion: _, ...rest } = body
    const { topK, ...config } = object(inferenceConfig) ?? {}
    const draws = typeof topK === "number" && Number.isSafeInteger(topK) && topK >= 1
    const asked = decode({
      url: "",
      body: {
        ...rest,
        ...(inferenceConfig !== undefined && { inferenceConfig: (draws ? config : inferenceConfig) as JsonObject })
      }
    }, provider)
    return draws ? { ...asked, options: { ...asked.options, topK } } : asked
  }
}
