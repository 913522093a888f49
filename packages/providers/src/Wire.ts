/**
 * What a provider is made of: for each operation four pure functions between our words and the provider's wire. They read
 * no clock, open no connection and know no plug, so each can be tested with a recording and used alone.
 *
 * @module
 */
import type { Parts, ProviderRequest, Request, Result, Warning } from "@plugline/core"
import type { LlmError } from "@plugline/core"

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

/** One operation of a provider. */
export interface Wire {
  /** The request in the provider's words. Throws an `LlmError` where an option cannot be honoured and changes the meaning. */
  readonly prepare: (request: Request) => Prepared
  /** Reads a successful answer. Throws an `LlmError` where it is none. */
  readonly parse: (response: WireResponse, request: Request) => Result
  /** Reads a successful streamed answer. */
  readonly parts?: (request: Request) => Decoder
  /** Why an answer with an error status failed. */
  readonly reason: (response: WireResponse, request: Request) => LlmError
}
