/**
 * Asks for a chat through InvokeModel, whole or streamed, in the words of the model's maker, and reads the answer.
 *
 * Bedrock adds its own to every answer, under names that begin with `amazon-bedrock-`: what a guardrail did, and counts
 * of tokens, which are the usage where the model tells none.
 *
 * @module
 */
import { type JsonObject, LlmError, type Part, Request, Result } from "@plugline/core"
import type { Decoder, Prepared, Wire } from "../Wire.ts"
import { Outlet } from "../wire/outlet.ts"
import { noMessages, post } from "../wire/draft.ts"
import { object, text } from "../wire/read.ts"
import { reason } from "../wire/reason.ts"
import { eventStream } from "./converse.ts"
import { decoding, documentOf } from "./decoder.ts"
import { chunkOf, exception } from "./events.ts"
import { Additions } from "./invoke/additions.ts"
import { type Maker, makerOf } from "./invoke/makers.ts"
import { asked, read, url } from "./model.ts"
import { fieldsAt } from "./path.ts"
import { headerUsage } from "./usage.ts"

/** The wire of `chat` and `stream` through InvokeModel: the operation of the request decides which. */
export const invoke: Wire = {
  prepare: (request) => prepare(request),
  parse: (response, request) => {
    const own = new Additions(request.provider)
    const document = own.take(documentOf(response.body, request.provider))
    const source = own.isEmpty ? response.body : JSON.stringify(document)
    return own.result(maker(request).read(source, request), headerUsage(response.headers))
  },
  parts: (request) => decoder(request),
  reason,
  decode: ({ body, url }, provider) => {
    const at = read(url)
    const sent = fieldsAt(body, "body", provider) as JsonObject
    const model = at?.model ?? ""
    const found = makerOf(model, undefined)
    if (found === undefined) throw unknown(model, provider)
    const asked = found.decode(sent, provider)
    return {
      ...asked,
      operation: at?.action === "invoke-with-response-stream" ? "stream" : "chat",
      options: { ...asked.options, ...(model !== "" && { model }) }
    }
  }
}

const prepare = (request: Request): Prepared => {
  if (request.messages.length === 0) throw noMessages(request)
  const { model } = asked(request)
  const found = maker(request)
  const streamed = request.operation === "stream"
  if (streamed && found.reader === undefined) {
    throw LlmError.make({
      _tag: "Unsupported",
      message: `${model} streams no answers through InvokeModel; leave config.api out, so that Converse is used`
    }, { provider: request.provider })
  }
  const { headers, request: inner } = transported(request)
  const { body, warnings } = found.write(inner)
  const sent = post(url(request, model, streamed ? "invoke-with-response-stream" : "invoke"), body)
  return {
    request: { ...sent, headers: { ...sent.headers, ...(streamed && { accept: eventStream }), ...headers } },
    warnings
  }
}

/** Who made the model that is asked. */
const maker = (request: Request): Maker => {
  const { family, model } = asked(request)
  const found = makerOf(model, family)
  if (found === undefined) throw unknown(model, request.provider)
  return found
}

const unknown = (model: string, provider: string): LlmError =>
  LlmError.make({
    _tag: "Unsupported",
    message: `${provider} does not know in which words ${model || "a model without a name"} is invoked; `
      + "leave config.api out, so that Converse is used"
  }, { provider })

// --- what InvokeModel says in headers --------------------------------------------------------------------------------

/** Headers, and a request without what stands in them. */
export interface Transported {
  readonly headers: { readonly [name: string]: string }
  readonly request: Request
}

/** What Converse takes in its body, and InvokeModel in headers. */
export const transported = (request: Request): Transported => {
  const { options, provider } = request
  const own = options.providerOptions?.[provider] ?? undefined
  const headers: Record<string, string> = {}
  const put = (name: string, value: unknown): void => {
    if (typeof value === "string" && value !== "") headers[`x-amzn-bedrock-${name}`] = value
  }
  const guardrail = object(own?.guardrailConfig)
  put("guardrailidentifier", guardrail?.guardrailIdentifier)
  put("guardrailversion", guardrail?.guardrailVersion)
  put("trace", text(guardrail?.trace)?.toUpperCase())
  put("performanceconfig-latency", object(own?.performanceConfig)?.latency)
  put("service-tier", options.serviceTier ?? object(own?.serviceTier)?.type)
  const fields = Object.fromEntries(Object.entries(own ?? {}).filter(([name]) => !notInBody.has(name)))
  const inner = Request.mergeOptions(request, {
    model: asked(request).model,
    serviceTier: undefined,
    providerOptions: own === undefined ? options.providerOptions : { ...options.providerOptions, [provider]: fields }
  })
  return { headers, request: inner }
}

const notInBody = new Set(["guardrailConfig", "modelId", "model", "performanceConfig", "serviceTier"])

// --- streams ---------------------------------------------------------------------------------------------------------

const decoder = (request: Request): Decoder => {
  const { provider } = request
  const { reader: open } = maker(request)
  if (open === undefined) throw unknown(asked(request).model, provider)
  const outlet = new Outlet(provider)
  const own = new Additions(provider)
  const reader = open(request)
  let begun = false
  const add = (parts: ReadonlyArray<Part>): void => {
    for (const part of parts) outlet.parts.push(part.type === "finish" ? own.finish(part) : part)
  }
  return decoding(outlet, provider, undefined, {
    message: (headers, payload) => {
      const failure = exception(headers, payload, provider)
      if (failure !== undefined) throw failure
      const chunk = chunkOf(headers, payload, provider)
      if (chunk === undefined) return false
      begun = true
      add(reader.push(own.take(chunk)))
      return reader.ended
    },
    document: (source) => {
      const document = own.take(documentOf(source, provider))
      const { read } = maker(request)
      for (const part of Result.parts(read(JSON.stringify(document), request))) add([part])
    },
    finish: () => {
      if (!reader.ended) add(reader.end())
    },
    isFinished: () => true,
    hasBegun: () => begun
  })
}

