/**
 * What sets one service with a Responses API apart from another, as plain data.
 *
 * @module
 */
import type { OptionName, Request } from "@plugline/core"
import * as Base from "../wire/draft.ts"
import type { Fields } from "../wire/read.ts"

/** The differences of a service. Each is optional; the default is what OpenAI does. */
export interface Quirks {
  /** Where it is, where neither the definition nor the call says so. Default: `https://api.openai.com/v1`. */
  readonly baseUrl?: string
  /** Below the base URL. Default: `/responses`. */
  readonly path?: string
  /** The service's fields for options that OpenAI does not take here: `{ topK: "top_k" }`. Default: none. */
  readonly fields?: { readonly [Name in OptionName]?: string }
  /** Options that the service does not take, though the API has a word for them. Default: none. */
  readonly unsupported?: ReadonlyArray<OptionName>
  /** Role of the rules of a conversation. Default: `system`. */
  readonly systemRole?: "system" | "developer"
  /**
   * Who keeps a conversation where the call does not say: the `caller`, by `store: false`, or the `service`, as it is
   * used to. Default: `caller`.
   */
  readonly keeps?: "caller" | "service"
  /**
   * The models that give their reasoning encrypted, so that it can go back to a service that keeps nothing: it is asked
   * for with `store: false`. Default: OpenAI's reasoning models.
   */
  readonly encrypts?: RegExp
  /** Whether `reasoning` takes a budget of tokens, as `max_tokens`. Default: false. */
  readonly reasoningBudget?: boolean
  /**
   * Whether a tool's answer may hold images and files; if not, they follow in a message of the person. Default: true.
   */
  readonly toolFiles?: boolean
  /** Whether a `custom_tool_call` in an answer is one that the service ran itself. Default: false. */
  readonly runsCustomTools?: boolean
}

/** The services that are known to differ; any other is taken to do as OpenAI does. */
export const dialects = {
  // A deployment's name does not tell whether its model encrypts.
  azure: { keeps: "service" },
  xai: { keeps: "service", encrypts: /^grok-/, toolFiles: false, runsCustomTools: true },
  deepseek: { keeps: "service", encrypts: /^$/, toolFiles: false },
  openrouter: {
    keeps: "service",
    encrypts: /^(openai\/(o\d|gpt-[5-9](?!-chat))|x-ai\/)/,
    reasoningBudget: true,
    fields: { topK: "top_k", frequencyPenalty: "frequency_penalty", presencePenalty: "presence_penalty" }
  },
  lmstudio: {
    keeps: "service",
    encrypts: /^$/,
    toolFiles: false,
    fields: { frequencyPenalty: "frequency_penalty", presencePenalty: "presence_penalty" }
  },
  "bedrock-mantle": { keeps: "service", encrypts: /^openai\.(o\d|gpt-[5-9](?!-chat))/, toolFiles: false }
} as const satisfies { readonly [provider: string]: Quirks }

/** OpenAI's models that think before they answer. */
const encrypts = /^(ft:)?(o\d|gpt-([5-9]|\d\d)(?!-chat)|codex|computer-use)/

/** Whether a model gives its reasoning encrypted. */
export const isEncrypting = (model: string | undefined, quirks: Quirks): boolean =>
  model !== undefined && (quirks.encrypts ?? encrypts).test(model)

/**
 * Whether the service is told to keep nothing. A call that builds on what the service keeps, or is only answered later,
 * leaves that to the service; so does `store: null`.
 */
export const isUnstored = (own: Fields | undefined, quirks: Quirks): boolean =>
  own?.store === undefined ? quirks.keeps !== "service" && !isKept(own) : own.store === false

const isKept = (own: Fields | undefined): boolean =>
  own?.previous_response_id != null || own?.conversation != null || own?.background === true

/** The address of the API. A query in the base URL stays behind the path. */
export const url = (request: Request, quirks: Quirks): string =>
  Base.address(request.config.baseUrl ?? quirks.baseUrl ?? "https://api.openai.com/v1", quirks.path ?? "/responses")

/** A body while it is written, for a service with quirks. */
export interface Draft extends Base.Draft {
  readonly quirks: Quirks
  /** Whether the service keeps nothing of this call, and resolves no id of an earlier one. */
  readonly isUnstored: boolean
}

/** What `include` calls the log probabilities of the text. */
export const ofLogprobs = "message.output_text.logprobs"
