/**
 * What a family of wire formats says about its recordings: who reads them, and what follows from the facts that were read
 * off them.
 *
 * @module
 */
import type { ChatResult, Request, Usage } from "@plugline/core"
import type { Wire } from "../../src/Wire.ts"
import type { Facts, Recording } from "./read.ts"

/** A family of wire formats. */
export interface Family {
  /** The formats it reads, as the recordings call them. */
  readonly apis: ReadonlyArray<string>
  /** The wire that reads a recording: that of the shipped provider, for the recording's operation. */
  readonly wire: (recording: Recording) => Wire
  /** The request whose answer this is. Default: of the operation, with the messages of the body where they are texts. */
  readonly request?: (recording: Recording) => Request
  /** The usage that follows from the provider's own numbers, `raw` left out. */
  readonly usage: (sent: { readonly [name: string]: number }, recording: Recording) => Omit<Usage, "raw">
  /** The provider's word for why it stopped. Default: `finish_reason_raw`. */
  readonly finish?: (recording: Recording) => string | null | undefined
  /** The error code that an error must carry. Default: `code`, else `type`. */
  readonly code?: (recording: Recording) => string | undefined
  /** The facts in our words, where ours are others. Default: those of the recording. */
  readonly facts?: (recording: Recording) => Facts
  /** What else must hold of an answer. */
  readonly also?: (result: ChatResult, recording: Recording) => void
  /** Numbers of a vector, where the facts count otherwise. */
  readonly dims?: (recording: Recording) => number
  /** A whole answer as a stream would bring it in one go. Default: this is not tried. */
  readonly asStream?: (recording: Recording) => Uint8Array | undefined
  /** Where each event of a stream begins. Default: after each line break. */
  readonly events?: (bytes: Uint8Array) => ReadonlyArray<number>
  /** The default form of a request's body: what may differ between a body and the same body read and written again. */
  readonly normal?: (body: unknown, recording: Recording) => unknown
  /** Why the body of a recorded request cannot be written again as it was. Listed in the report. */
  readonly unwritten?: { readonly [id: string]: string }
  /** Facts of a recording that cannot hold, with the reason. Listed in the report. */
  readonly exceptions?: { readonly [id: string]: { readonly facts: ReadonlyArray<string>; readonly because: string } }
}
