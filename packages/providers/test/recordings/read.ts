/**
 * Reads the recorded exchanges with real services that lie beside the checkout, in place. Where they are missing the
 * list is empty, and whoever asks says what is skipped.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"

/** Where the recordings lie: next to the checkout. */
export const folder = new URL("../../../../../shared/wire/exchanges/", import.meta.url)

/** One exchange with a service, and the facts that were read off it independently of any adapter. */
export interface Recording {
  readonly id: string
  readonly provider: string
  readonly api: string
  readonly operation: string
  readonly stream: boolean
  readonly features: ReadonlyArray<string>
  readonly request: {
    readonly method: string
    readonly url: string
    readonly headers?: { readonly [name: string]: string }
    readonly body?: unknown
  }
  readonly response: {
    readonly status: number
    readonly headers: { readonly [name: string]: string }
    readonly body?: unknown
    readonly body_text?: string
    readonly body_base64?: string
  }
  readonly expect: Facts
}

/** Facts about an answer. */
export interface Facts {
  readonly model?: string
  readonly text?: string
  readonly reasoning_text?: string
  readonly finish_reason_raw?: string | null
  readonly tool_calls?: ReadonlyArray<{
    readonly id?: string
    readonly name: string
    readonly arguments?: unknown
    readonly arguments_raw?: string
    readonly custom_input?: string
  }>
  readonly legacy_function_call?: { readonly name: string; readonly arguments: unknown }
  readonly server_tool_calls?: ReadonlyArray<string>
  readonly citation_count?: number
  readonly citation_urls?: ReadonlyArray<string>
  readonly choice_count?: number
  readonly text_delta_count?: number
  readonly tool_argument_fragments?: number
  readonly saw_done?: boolean
  readonly reasoning_encrypted?: unknown
  readonly reasoning_signature?: unknown
  readonly reasoning_parts?: unknown
  readonly redacted_thinking?: unknown
  readonly other_blocks?: unknown
  readonly text_parts?: unknown
  readonly tool_plan?: string
  readonly incomplete_reason?: string
  readonly stop_sequence?: string
  readonly block_reason?: string
  readonly finish_message?: string
  readonly guardrail_action?: string
  readonly more_pages?: boolean
  readonly embedding_type?: string
  readonly pings?: number
  readonly event_count?: number
  readonly event_types?: unknown
  readonly usage?: { readonly [name: string]: number }
  readonly usage_raw?: unknown
  readonly error?: {
    readonly status?: number
    readonly type?: string
    readonly code?: string | number
    readonly message?: string
    readonly param?: string
    readonly detail?: unknown
    readonly mid_stream?: boolean
    readonly retry_after?: string
    readonly retry_after_ms?: string
    readonly retry_delay?: string
    readonly status_text?: string
    readonly http_status?: number
  }
  readonly embedding_count?: number
  readonly embedding_dims?: number
  readonly embedding_head?: ReadonlyArray<number>
  readonly model_ids_count?: number
  readonly model_ids_head?: ReadonlyArray<string>
  readonly model_ids_tail?: ReadonlyArray<string>
}

/** Every recording, in the order of their ids. */
export const recordings = (): ReadonlyArray<Recording> => {
  if (!existsSync(folder)) return []
  return readdirSync(folder).filter((name) => name.endsWith(".json")).sort()
    .map((name): Recording => JSON.parse(readFileSync(new URL(name, folder), "utf8")))
}

/** The body of an answer as it came over the wire. */
export const bodyOf = ({ response }: Recording): string =>
  response.body_text ?? (response.body === undefined ? "" : JSON.stringify(response.body))

/** The same as bytes, also where it is no text. */
export const bytesOf = (recording: Recording): Uint8Array =>
  recording.response.body_base64 === undefined
    ? Buffer.from(bodyOf(recording))
    : Buffer.from(recording.response.body_base64, "base64")
