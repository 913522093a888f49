/**
 * Keeps what a service said beside what was read from it, so that a gateway whose client speaks the service's own format can
 * hand on the very bytes wherever no plug changed anything.
 *
 * @module
 */
import { Key, type Part, type Parts, Request, type Result } from "@plugline/core"

/** Some events of a streamed answer: what they were read as, and the bytes they came in, whole events only. */
export interface Events {
  readonly parts: Parts
  readonly bytes: ReadonlyArray<Uint8Array>
  /** Which of the answer's they are, from 0: where one is missing, something was left out. */
  readonly at: number
}

const kept = Key.make<string>("providers.verbatim")

/** The request, with the wish that what the service says be kept where it speaks this format. */
export const keep = (request: Request, speaks: string): Request => Request.putPrivate(request, kept, speaks)

/** The format in which somebody wishes to have it. */
export const wished = (request: Request): string | undefined => Request.getPrivate(request, kept)

const bodies = new WeakMap<Result, { readonly body: string; readonly speaks: string | undefined }>()
const events = new WeakMap<Part, Events>()

/**
 * The body a whole answer was read from; `undefined` once a plug has changed the answer, or where it came from elsewhere. `speaks`:
 * only where it is in this format, since one answer may serve two clients. Default: in whatever format it came.
 */
export const body = (result: Result, speaks?: string): string | undefined => {
  const kept = bodies.get(result)
  return kept === undefined || speaks !== undefined && kept.speaks !== speaks ? undefined : kept.body
}

/** The events whose first part this is. They stand for their parts where all of these follow, in order and unchanged. */
export const eventsOf = (part: Part): Events | undefined => events.get(part)

/** @internal */
export const note = (result: Result, body: string, speaks?: string): void => void bodies.set(result, { body, speaks })

/** Gathers bytes until the events in them are whole, and notes them at the parts they were read as. */
export class Keeper {
  readonly #lines: boolean
  #whole: Array<Uint8Array> = []
  #rest: Array<Uint8Array> = []
  #size = 0
  #at = 0
  /** The two bytes before those that come next. */
  #before: Uint8Array = nothing

  /** `lines`: whether each line is an event; else a blank line ends one. */
  constructor(lines: boolean) {
    this.#lines = lines
  }

  /** Bytes have come. */
  add(bytes: Uint8Array): void {
    this.#size += bytes.length
    // A service that talks and says nothing is not kept for ever; what follows can then no longer be handed on as it came.
    if (this.#size > most) {
      this.#at = Number.NaN
      this.#whole = []
      this.#rest = []
      return
    }
    const end = this.#lines ? bytes.lastIndexOf(10) + 1 : blank(bytes, this.#before)
    this.#before = bytes.length > 1 ? bytes.subarray(-2) : Buffer.concat([this.#before.subarray(-1), bytes])
    if (end > 0) {
      this.#whole.push(...this.#rest, bytes.subarray(0, end))
      this.#rest = []
    }
    if (end < bytes.length) this.#rest.push(bytes.subarray(end))
  }

  /** All bytes so far have been read as these parts. */
  note(parts: Parts): void {
    if (parts.length === 0 || this.#whole.length === 0) return
    events.set(parts[0]!, { parts, bytes: this.#whole, at: this.#at++ })
    this.#whole = []
    this.#size = 0
    for (const { length } of this.#rest) this.#size += length
  }
}

const nothing = new Uint8Array()

/** Most bytes that wait for their parts: 16 MiB. */
const most = 16 * 1024 * 1024

/**
 * Where the last blank line ends; 0 where there is none. Lines end with LF, CR or both, as for whoever reads the events. `before`:
 * what came before, as far as a blank line may reach.
 */
const blank = (bytes: Uint8Array, before: Uint8Array): number => {
  const byte = (at: number): number | undefined => at < 0 ? before.at(at) : bytes[at]
  for (let at = bytes.length - 1; at >= 0; at--) {
    if (!endsLine(bytes[at])) continue
    const last = byte(at - 1)
    if (bytes[at] === 10 && last === 13 ? endsLine(byte(at - 2)) : endsLine(last)) return at + 1
  }
  return 0
}

const endsLine = (byte: number | undefined): boolean => byte === 10 || byte === 13
