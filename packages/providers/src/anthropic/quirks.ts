/**
 * What sets one service that speaks Anthropic's wire apart from another, as plain data.
 *
 * @module
 */

/** The differences of a service. Each is optional; the default is Anthropic's own API. */
export interface Quirks {
  /** Where the service is when `config.baseUrl` does not say. Default: `https://api.anthropic.com/v1`. */
  readonly baseUrl?: string
  /**
   * The version of the API as a field of the body, `anthropic_version`. The body then holds neither `model`, which such
   * services take from the address, nor `stream`. Default: the version is a header.
   */
  readonly bodyVersion?: string
  /** Whether a body with `bodyVersion` says `stream` all the same. Default: false. */
  readonly streamField?: boolean
  /**
   * Most tokens of an answer where the caller does not say: the API wants a number. Default: by the model's generation.
   */
  readonly maxTokens?: (model: string | undefined) => number
}

/** Anthropic's own API. */
export const defaultBaseUrl = "https://api.anthropic.com/v1"

/** The version of the API that this wire speaks. */
export const version = "2023-06-01"
