/**
 * What sets one OpenAI-compatible service apart from another, as plain data: a new service is the lines in which it
 * differs.
 *
 * @module
 */
import type { JsonObject, JsonValue, OptionName, Request } from "@plugline/core"
import { address } from "../wire/draft.ts"

/**
 * The differences of a service. Each is optional; the default is what most compatible services do.
 *
 * @example
 * ```ts
 * import { compatible } from "@plugline/providers/compatible"
 *
 * const deepseek = compatible({
 *   name: "deepseek",
 *   baseUrl: "https://api.deepseek.com/v1",
 *   keys: ["DEEPSEEK_API_KEY"],
 *   quirks: { jsonSchema: false, reasoningBack: "reasoning_content" }
 * })
 * deepseek.name // => "deepseek"
 * ```
 */
export interface Quirks {
  /** Where the service is when `config.baseUrl` does not say. Default: `https://api.openai.com/v1`. */
  readonly baseUrl?: string
  /** Addresses below the base URL, each beginning with `/`. */
  readonly paths?: {
    /** Default: `/chat/completions`. */
    readonly chat?: string
    /** Default: `/completions`. */
    readonly completion?: string
    /** Default: `/embeddings`. */
    readonly embeddings?: string
    /** Default: `/moderations`. */
    readonly moderations?: string
    /** Default: `/models`. */
    readonly models?: string
    /** Asked by `validate`; it must need the credential. Default: that of `models`. */
    readonly validate?: string
  }
  /** The whole address, where a path below the base URL is not all there is to it. Default: base URL and path. */
  readonly url?: (at: Place) => string
  /** Whether the address may name the model, as `/deployments/{model}/`. Default: false. */
  readonly modelInUrl?: boolean
  /** Default: `max_completion_tokens` for the provider `openai`, `max_tokens` for any other. */
  readonly maxTokensField?: MaxTokensField | ((request: Request) => MaxTokensField)
  /** Whether a stream is asked for its usage with `stream_options`. Default: true. */
  readonly streamUsage?: boolean
  /** Options that the service does not take. Default: `topK`. */
  readonly unsupported?: ReadonlyArray<OptionName>
  /** Role of the rules of a conversation. Default: `system`. */
  readonly systemRole?: "system" | "developer" | "user"
  /** The service's word for "call at least one tool". Default: `required`. */
  readonly toolChoiceRequired?: string
  /**
   * Provider tools that are fields of the body rather than entries of `tools`. Default: `web_search` as
   * `web_search_options`.
   */
  readonly toolFields?: { readonly [name: string]: string }
  /**
   * Whether an answer can be held to a JSON Schema; if not, any JSON object is asked for, with a warning. Default:
   * true.
   */
  readonly jsonSchema?: boolean
  /**
   * How thinking is asked for: `reasoning_effort`, an object `reasoning` of effort and budget, or the service's own
   * fields. Default: `effort`.
   */
  readonly reasoning?: "effort" | "object" | Thinking
  /**
   * How the service takes back what its model thought: as a text of this name, as `thinking` blocks of the content,
   * or as `reasoning` blocks with a `summary`. Default: it does not. `reasoning_details` go back wherever the service
   * sent them.
   */
  readonly reasoningBack?: "reasoning_content" | "reasoning" | "thinking" | "summary"
  /**
   * Whether labels are sent: always, never, or where the answer is stored. Default: `stored` for `openai`, else
   * `never`.
   */
  readonly metadata?: "always" | "stored" | "never"
  /** Whether a tool's answer may hold images; if not, they follow in a message of the person. Default: false. */
  readonly toolFiles?: boolean
  /** How documents are given: as a `file`, or as a `document_url`, which may be a data URL. Default: `file`. */
  readonly documents?: "file" | "document_url"
  /** Whether documents may be given by their URL. Default: where they are a `document_url`. */
  readonly fileUrls?: boolean
  /** Whether films are taken, as `video_url`. Default: false. */
  readonly videos?: boolean
  /** The service's word for the seed. Default: `seed`. */
  readonly seedField?: string
  /**
   * How log probabilities of a chat are asked for: with a flag and a count, or with the count alone. Default:
   * `flag`.
   */
  readonly logprobs?: "flag" | "count"
  /** The service's word for the length of vectors. Default: `dimensions`. */
  readonly dimensionsField?: string
  /** The query parameter that says where a list of models goes on. Default: `after`. */
  readonly pageField?: string
  /** The form of vectors asked for; `none` asks for no particular form. Default: `float`. */
  readonly encodingFormat?: string
  /**
   * The numbers in vectors that come as base64, little endian. Default: what the caller asked for; else `float32`, or
   * `float64` where they can be nothing else.
   */
  readonly vectors?: "float32" | "float64" | "int8" | "uint8"
  /** How the service moderates, where it does. */
  readonly moderation?: {
    /** The model that is asked where none is named. Default: the service has one of its own choice. */
    readonly model?: string
    /** Whether images are taken. Default: true. */
    readonly images?: boolean
    /** Whether the answer says `flagged` of each input; if not, what has any category is. Default: true. */
    readonly flagged?: boolean
  }
}

type MaxTokensField = "max_tokens" | "max_completion_tokens"

/** Where a request goes, before it is one address. */
export interface Place {
  /** The base URL. */
  readonly base: string
  /** The path below it. */
  readonly path: string
  readonly what: keyof NonNullable<Quirks["paths"]>
  readonly request: Request
}

/** The fields in which a service is asked to think. */
export interface Thinking {
  /** Takes the effort as a word. Default: the service knows no effort. */
  readonly effort?: string
  /**
   * Takes the budget of tokens: a field, or one of an object that also says `with`. Default: the service knows no
   * budget.
   */
  readonly budget?: string | { readonly in: string; readonly field: string; readonly with?: JsonObject }
  /**
   * Switches thinking `off` for the effort `none`, and `on` for any other effort or budget, where that has to be
   * said.
   */
  readonly switch?: { readonly field: string; readonly on?: JsonValue; readonly off: JsonValue }
}

const openAiUrl = "https://api.openai.com/v1"

const defaultPaths = {
  chat: "/chat/completions",
  completion: "/completions",
  embeddings: "/embeddings",
  moderations: "/moderations",
  models: "/models"
}

/** The address of an operation. A query in the base URL stays behind the path. */
export const url = (request: Request, quirks: Quirks, what: keyof NonNullable<Quirks["paths"]>): string => {
  const base = request.config.baseUrl ?? quirks.baseUrl ?? openAiUrl
  const like = what === "validate" ? "models" : what
  const path = quirks.paths?.[what] ?? quirks.paths?.[like] ?? defaultPaths[like]
  return quirks.url === undefined ? address(base, path) : quirks.url({ base, path, what, request })
}

/** Whether a service is sent labels; `stored` says whether it keeps this answer. */
export const metadataIsSent = (quirks: Quirks, provider: string, stored: boolean): boolean => {
  const when = quirks.metadata ?? (provider === "openai" ? "stored" : "never")
  return when === "always" || (when === "stored" && stored)
}
