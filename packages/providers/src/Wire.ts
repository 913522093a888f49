/**
 * What a provider is made of: for each operation some pure functions between our words and the provider's wire. They read
 * no clock, open no connection and know no plug, so each can be tested with a recording and used alone.
 *
 * @module
 */
import {
  LlmError, type Message, type Operation, type Options, type Parts, type ProviderRequest, type Request, type Result, Suggest,
  type Warning
} from "@plugline/core"

/** A request in the provider's words, and what of it the provider cannot honour. */
export interface Prepared {
  readonly request: ProviderRequest
  readonly warnings: ReadonlyArray<Warning>
}

/** The provider's answer, whole. */
export interface WireResponse {
  readonly status: number
  /** Names in lower case. */
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}

/** Reads a provider's stream, however it is cut. Its parts end in exactly one finish or error part. */
export interface Decoder {
  readonly push: (bytes: Uint8Array) => Parts
  /** The stream has ended: what is still missing, an error part where the answer was not finished. */
  readonly end: () => Parts
}

/** What was asked, in our words: `Request.make({ provider, ...asked })` is the request. */
export interface Asked {
  readonly operation: Operation
  readonly messages: ReadonlyArray<Message>
  readonly options: Options
}

/** One operation of a provider. */
export interface Wire {
  /**
   * Whose format it is, `openai` for example: requests and answers that a client writes in the same one need no translation.
   * Default: nobody else's.
   */
  readonly speaks?: string
  /** The ways it can do the operation, by what `config.api` calls them, where there are several. */
  readonly apis?: Apis
  /** The request in the provider's words. Throws an `LlmError` where an option cannot be honoured and changes the meaning. */
  readonly prepare: (request: Request) => Prepared
  /** Reads a successful answer. Throws an `LlmError` where it is none. */
  readonly parse: (response: WireResponse, request: Request) => Result
  /** Reads a successful streamed answer. */
  readonly parts?: (request: Request) => Decoder
  /** Why an answer with an error status failed. */
  readonly reason: (response: WireResponse, request: Request) => LlmError
  /**
   * The way back of {@link prepare}: a request as a client of this wire sends it, in our words. Fields that have no word
   * here stand in `providerOptions`, or in the `options` of their message or part, under `provider`, so that `prepare`
   * writes them as they were. Throws an `LlmError` `InvalidRequest`, naming the field, where a known one is malformed.
   */
  readonly decode?: (sent: Pick<ProviderRequest, "url" | "body">, provider: string) => Asked
}

/** The format a wire speaks with this `config.api`. */
export const speaksOf = (wire: Wire, api: unknown): string | undefined =>
  wire.apis !== undefined && typeof api === "string" && Object.hasOwn(wire.apis, api) ? wire.apis[api]!.speaks : wire.speaks

/** Some wires that do the same operation in different ways of one provider, by the name of the way. */
export type Apis<Api extends string = string> = { readonly [Name in Api]: Wire }

/**
 * A wire that speaks the way `config.api` names, `usual` where it names none: OpenAI's chat completions or responses, for
 * example.
 */
export const choose = <const Api extends string>(usual: NoInfer<Api>, apis: Apis<Api>): Wire => {
  const names = Object.keys(apis)
  const of = (request: Request): Wire => {
    const { api } = request.config
    if (api === undefined) return apis[usual]
    if (typeof api === "string" && Object.hasOwn(apis, api)) return apis[api as Api]
    throw LlmError.make({
      _tag: "Configuration",
      option: "api",
      expected: names.join(", "),
      message: Suggest.refusal("api", String(api).slice(0, 80), names)
    }, { provider: request.provider })
  }
  const parts = (request: Request): Decoder => {
    const wire = of(request)
    if (wire.parts !== undefined) return wire.parts(request)
    throw LlmError.make({ _tag: "Unsupported", message: "this operation has no streamed form" }, { provider: request.provider })
  }
  const { decode, speaks } = apis[usual]
  return {
    apis,
    ...(speaks !== undefined && { speaks }),
    prepare: (request) => of(request).prepare(request),
    parse: (response, request) => of(request).parse(response, request),
    reason: (response, request) => of(request).reason(response, request),
    ...(Object.values<Wire>(apis).some((wire) => wire.parts !== undefined) && { parts }),
    ...(decode !== undefined && { decode })
  }
}
