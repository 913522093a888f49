/**
 * What sets one OpenAI-compatible service apart from another, as plain data: a new service is the lines in which it
 * differs.
 *
 * @module
 */
import type { OptionName, Request } from "@plugline/core"

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
    /** Default: `/models`. */
    readonly models?: string
    /** Asked by `validate`; it must need the credential. Default: that of `models`. */
    readonly validate?: string
  }
  /** Whether a request without a model makes sense, because the address names it. Default: false. */
  readonly modelInUrl?: boolean
  /** Default: `max_completion_tokens` for the provider `openai`, `max_tokens` for any other. */
  readonly maxTokensField?: "max_tokens" | "max_completion_tokens"
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
   * How thinking is asked for: `reasoning_effort`, or an object `reasoning` of effort and budget. Default: `effort`.
   */
  readonly reasoning?: "effort" | "object"
  /**
   * How the service takes back what its model thought: as a text of this name, or as `thinking` blocks of the content.
   * Default: it does not. `reasoning_details` go back wherever the service sent them.
   */
  readonly reasoningBack?: "reasoning_content" | "reasoning" | "thinking"
  /**
   * Whether labels are sent: always, never, or where the answer is stored. Default: `stored` for `openai`, else
   * `never`.
   */
  readonly metadata?: "always" | "stored" | "never"
  /** Whether a tool's answer may hold images; if not, they follow in a message of the person. Default: false. */
  readonly toolFiles?: boolean
  /** Whether documents may be given by their URL. Default: false. */
  readonly fileUrls?: boolean
  /** Whether films are taken, as `video_url`. Default: false. */
  readonly videos?: boolean
  /** The form of vectors asked for; `none` asks for no particular form. Default: `float`. */
  readonly encodingFormat?: string
  /**
   * The numbers in vectors that come as base64, little endian. Default: `int8` where that form was asked for, else
   * `float32`.
   */
  readonly vectors?: "float32" | "float64" | "int8"
}

const openAiUrl = "https://api.openai.com/v1"

const defaultPaths = {
  chat: "/chat/completions",
  completion: "/completions",
  embeddings: "/embeddings",
  models: "/models"
}

/** The address of an operation. A query in the base URL stays behind the path. */
export const url = (request: Request, quirks: Quirks, what: keyof NonNullable<Quirks["paths"]>): string => {
  const base = request.config.baseUrl ?? quirks.baseUrl ?? openAiUrl
  const like = what === "validate" ? "models" : what
  const path = quirks.paths?.[what] ?? quirks.paths?.[like] ?? defaultPaths[like]
  const query = base.indexOf("?")
  const stem = query < 0 ? base : base.slice(0, query)
  return `${stem.endsWith("/") ? stem.slice(0, -1) : stem}${path}${query < 0 ? "" : base.slice(query)}`
}
