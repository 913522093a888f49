/**
 * The bytes of a response as text, and as the events they carry: server-sent events, or JSON line by line.
 *
 * @module
 */
import type { JsonValue } from "@plugline/core"
import type { WirePull } from "../api.ts"

/** One event of a streamed response. */
export interface WireEvent {
  /** When its last byte came, in ms since the response began. */
  readonly at: number
  readonly event?: string
  readonly data: string
  readonly json?: JsonValue
}

/** What pulls of bytes hold. `text` is absent where they are no text. */
export interface Wire {
  readonly bytes: number
  readonly text?: string
  readonly events?: ReadonlyArray<WireEvent>
}

/** Reads the bytes of a response. `type`: its content type. */
export const eventsOf = (pulls: ReadonlyArray<WirePull>, type: string): Wire => {
  const decoder = new TextDecoder()
  const isText = !/octet-stream|vnd\.amazon\.eventstream|^(image|audio|video)\//.test(type)
  let bytes = 0
  let at = 0
  let text = ""
  // Where in the text each pull ended, and when.
  const reached: Array<{ readonly end: number; readonly at: number }> = []
  for (const { got, took } of pulls) {
    at += took
    for (const chunk of Array.isArray(got) ? got : []) {
      if (typeof chunk !== "string") continue
      const piece = fromBase64(chunk)
      bytes += piece.length
      if (isText) text += decoder.decode(piece, { stream: true })
    }
    reached.push({ end: text.length, at })
  }
  if (!isText) return { bytes }
  const time = timeOf(reached)
  if (type.includes("event-stream")) return { bytes, text, events: sent(text, time) }
  if (/ndjson|json-?l(ines)?|stream\+json/.test(type)) return { bytes, text, events: lines(text, time) }
  return { bytes, text }
}

const fromBase64 = (text: string): Uint8Array => {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    return new Uint8Array()
  }
}

/** When the character before a place in the text had come. Asked for places from front to back. */
const timeOf = (reached: ReadonlyArray<{ readonly end: number; readonly at: number }>) => {
  let index = 0
  return (place: number): number => {
    while (index < reached.length - 1 && reached[index]!.end < place) index++
    return reached[index]?.at ?? 0
  }
}

const sent = (text: string, time: (place: number) => number): ReadonlyArray<WireEvent> => {
  const out: Array<WireEvent> = []
  let name: string | undefined
  let data: Array<string> = []
  let place = 0
  const close = (): void => {
    if (data.length > 0) out.push(eventOf(time(place), data.join("\n"), name))
    name = undefined
    data = []
  }
  for (const line of text.split(/(?<=\r\n|\n|\r(?!\n))/)) {
    place += line.length
    const bare = line.replace(/[\r\n]+$/, "")
    if (bare === "") close()
    else if (bare.startsWith("data:")) data.push(bare.slice(5).replace(/^ /, ""))
    else if (bare.startsWith("event:")) name = bare.slice(6).trim()
  }
  close()
  return out
}

const lines = (text: string, time: (place: number) => number): ReadonlyArray<WireEvent> => {
  const out: Array<WireEvent> = []
  let place = 0
  for (const line of text.split(/(?<=\n)/)) {
    place += line.length
    if (line.trim() !== "") out.push(eventOf(time(place), line.trim(), undefined))
  }
  return out
}

const eventOf = (at: number, data: string, event: string | undefined): WireEvent => {
  let json: JsonValue | undefined
  try {
    json = JSON.parse(data)
  } catch {
    // `[DONE]`, or a text.
  }
  return { at, ...(event !== undefined && { event }), data, ...(json !== undefined && { json }) }
}
