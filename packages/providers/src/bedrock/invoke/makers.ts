/**
 * Who made a model, and so in which words it is invoked.
 *
 * @module
 */
import type { ChatResult, JsonObject, JsonValue, Parts, Request, Warning } from "@plugline/core"
import { wires as anthropicWires } from "../../anthropic/index.ts"
import type { Asked } from "../decode.ts"
import { type Family, familyOf, nameOf } from "../model.ts"
import { chatLike } from "./chatLike.ts"
import { nova } from "./nova.ts"
import { claude2, command, commandR, jurassic, llama, mistral, type TextModel, titan } from "./textModels.ts"
import { textMaker } from "./text.ts"

/** A body as it is sent. */
export type Body = { readonly [name: string]: JsonValue }

/** The words of one maker. */
export interface Maker {
  readonly write: (request: Request) => { readonly body: Body; readonly warnings: ReadonlyArray<Warning> }
  /** Reads a whole answer. Throws an `LlmError` where it is none. */
  readonly read: (source: string, request: Request) => ChatResult
  /** Reads a streamed one. Absent: there is none. */
  readonly reader?: (request: Request) => Reader
  readonly decode: (body: JsonObject, provider: string) => Asked
}

/** Reads a streamed answer from its events. Its parts end in exactly one finish or error. */
export interface Reader {
  readonly push: (event: JsonValue) => Parts
  readonly end: () => Parts
  readonly ended: boolean
}

/** The maker of a model; `undefined` where it is none whose words are known. */
export const makerOf = (model: string, family: Family | undefined): Maker | undefined => {
  const text = textModelOf(model, family)
  if (text !== undefined) return textMaker(text)
  const name = nameOf(model)
  switch (familyOf(model) ?? family) {
    case "anthropic":
      return anthropic
    case "amazon":
      return name.includes("nova") ? nova : undefined
    case "mistral":
    case "ai21":
    case "openai":
    case "qwen":
    case "moonshot":
    case "moonshotai":
    case "minimax":
    case "google":
    case "nvidia":
    case "zai":
    case "writer":
      return chatLike
    case "deepseek":
      return name.includes(".r1") ? undefined : chatLike
    default:
      return undefined
  }
}

/** A model that goes on with a text; `undefined` where it takes messages, or is not known. */
export const textModelOf = (model: string, family: Family | undefined): TextModel | undefined => {
  const name = nameOf(model)
  switch (familyOf(model) ?? family) {
    case "anthropic":
      return /claude-(v\d|instant|2)/.test(name) ? claude2 : undefined
    case "amazon":
      return name.includes("titan-t") ? titan : undefined
    case "meta":
      return llama(name)
    case "mistral":
      return /mistral-7b|mixtral-8x7b|mistral-small-2402/.test(name) ? mistral : undefined
    case "cohere":
      return name.includes("command-r") ? commandR : name.includes("command") ? command : undefined
    case "ai21":
      return /j2-/.test(name) ? jurassic : undefined
    default:
      return undefined
  }
}

const messages = anthropicWires({ bodyVersion: "bedrock-2023-05-31" })

/** Claude, in Anthropic's own words; beta features stand in the body. */
const anthropic: Maker = {
  write: (request) => {
    const { betas, body, warnings } = messages.body(request)
    const own = Array.isArray(body.anthropic_beta) ? body.anthropic_beta as ReadonlyArray<JsonValue> : []
    const more = betas.filter((beta) => !own.includes(beta))
    return { body: more.length === 0 ? body : { ...body, anthropic_beta: [...own, ...more] }, warnings }
  },
  read: messages.read,
  reader: messages.reader,
  decode: messages.asked
}
