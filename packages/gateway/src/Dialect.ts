/**
 * A client's wire format at the gateway's edge, as pure functions: how its requests are read, and how answers, events and
 * errors are written. No function here opens a connection, reads a clock or knows a route.
 *
 * @module
 */
import type { JsonObject, JsonValue, LlmError, Operation, Parts, Result } from "plugline"
import type { Wire } from "@plugline/providers"

/** What is known of a call when its answer is written. */
export interface Call {
  /** The gateway's id of the request; stands in the answer where the service gave none. */
  readonly id: string
  readonly operation: Operation
  /** The model, as the client named it; stands in the answer where the service named none. */
  readonly model: string
  /** When the request came, in ms since 1970. */
  readonly now: number
  /** The body as the client sent it. */
  readonly asked: JsonObject
  /**
   * Who answers, where its wire speaks this dialect: what it said in words of its own is then written as it said it. Default: the
   * dialect's `provider`, and of its own words only those that every client of the dialect knows.
   */
  readonly provider?: string
}

/** Writes a streamed answer, event by event. */
export interface Encoder {
  /** The events for some parts, framed and ready to be sent; empty where there is nothing to say yet. */
  readonly push: (parts: Parts) => string
  /**
   * Takes note of parts that reached the client otherwise, so that a later {@link push} goes on from there. `bytes`: the
   * service's own events in which they came, for formats whose end is said before our last part is read.
   */
  readonly skip: (parts: Parts, bytes?: ReadonlyArray<Uint8Array>) => void
}

/** A client's wire format. */
export interface Dialect {
  /** What it is called: in configuration, in metrics, and as the `speaks` of a wire that talks the same. */
  readonly name: string
  /**
   * Whose words it is: fields that have no word of ours stand under this name in `providerOptions` and `metadata`, and the
   * wires that read requests by operation.
   */
  readonly provider: string
  readonly wires: { readonly [Each in Operation]?: Wire }
  /** The content type of a streamed answer. */
  readonly streamType: string
  /** A finished answer as its body. */
  readonly encode: (result: Result, call: Call) => JsonValue
  /** The events of a streamed answer. Of an error part it writes the dialect's error event, and nothing after it. */
  readonly encoder: (call: Call) => Encoder
  /**
   * A service's own last events, whole, without what this client did not ask for. Default: as they are. Only for events in the
   * dialect's own format.
   */
  readonly trim?: (events: string, call: Call) => string
  /** An error as a body; `status` is what it is answered with. */
  readonly encodeError: (error: LlmError, status: number, call: Pick<Call, "id">) => JsonObject
  /** Whether clients who ask a model to think are shown its thoughts unless they say otherwise. Default: no. */
  readonly showsThoughts?: true
  /** Sent on an idle stream, so that nobody between takes it for dead; absent where the format has none. */
  readonly keepAlive?: string
}
