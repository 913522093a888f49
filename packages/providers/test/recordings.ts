/**
 * Reads the recorded exchanges with real services that lie beside the checkout, in place. Where they are missing the
 * list is empty, and whoever asks says what is skipped.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"

/** Where the recordings lie: next to the checkout. */
export const folder = new URL("../../../../shared/wire/exchanges/", import.meta.url)

/** One exchange with a service, and the facts that were read off it independently of any adapter. */
export interface Recording {
  readonly id: string
  readonly provider: string
  readonly api: string
  readonly operation: string
  readonly stream: boolean
  readonly features: ReadonlyArray<string>
  readonly request: { readonly method: string; readonly url: string; readonly body: unknown }
  readonly response: {
    readonly status: number
    readonly headers: { readonly [name: string]: string }
    readonly body?: unknown
    readonly body_text?: string
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
  }>
  readonly legacy_function_call?: { readonly name: string; readonly arguments: unknown }
  readonly server_tool_calls?: ReadonlyArray<string>
  readonly citation_count?: number
  readonly citation_urls?: ReadonlyArray<string>
  readonly choice_count?: number
  readonly text_delta_count?: number
  readonly tool_argument_fragments?: number
  readonly saw_done?: boolean
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
    readonly http_status?: number
  }
  readonly embedding_count?: number
  readonly embedding_dims?: number
  readonly embedding_head?: ReadonlyArray<number>
  readonly model_ids_count?: number
  readonly model_ids_head?: ReadonlyArray<string>
  readonly model_ids_tail?: ReadonlyArray<string>
}

/** The recordings of some wire formats, in the order of their ids. */
export const recordings = (apis: ReadonlyArray<string>): ReadonlyArray<Recording> => {
  if (!existsSync(folder)) return []
  return readdirSync(folder).filter((name) => name.endsWith(".json")).sort()
    .map((name): Recording => JSON.parse(readFileSync(new URL(name, folder), "utf8")))
    .filter((recording) => apis.includes(recording.api))
}

/** The body of an answer as it came over the wire. */
export const bodyOf = ({ response }: Recording): string =>
  response.body_text ?? (response.body === undefined ? "" : JSON.stringify(response.body))
