/**
 * Server-sent events, read from a response as they come.
 *
 * @module
 */

/** One event: its name, `message` where it has none, and its data. */
export interface ServerEvent {
  readonly event: string
  readonly data: string
  readonly id?: string
}

/** Takes text in pieces, however it is cut, and gives the events that are whole. One longer than `most` is an error. */
export const parser = (most = 8_000_000): ((piece: string) => ReadonlyArray<ServerEvent>) => {
  let rest = ""
  let event = ""
  let data: Array<string> = []
  let id: string | undefined
  let size = 0
  const line = (text: string, out: Array<ServerEvent>): void => {
    if (text === "") {
      if (data.length > 0)
        out.push({ event: event === "" ? "message" : event, data: data.join("\n"), ...(id !== undefined && { id }) })
      event = ""
      data = []
      size = 0
      return
    }
    if (text.startsWith(":")) return
    const colon = text.indexOf(":")
    const field = colon < 0 ? text : text.slice(0, colon)
    const value = colon < 0 ? "" : text.slice(text[colon + 1] === " " ? colon + 2 : colon + 1)
    size += value.length
    if (size > most) throw new Error("an event is too long")
    if (field === "event") event = value
    else if (field === "data") data.push(value)
    else if (field === "id") id = value
  }
  return (piece) => {
    rest += piece
    if (rest.length > most) throw new Error("an event is too long")
    const out: Array<ServerEvent> = []
    let from = 0
    for (let at = 0; at < rest.length; at++) {
      const character = rest[at]
      if (character !== "\n" && character !== "\r") continue
      // A `\r` at the end may be the first half of `\r\n`.
      if (character === "\r" && at === rest.length - 1) break
      line(rest.slice(from, at), out)
      if (character === "\r" && rest[at + 1] === "\n") at++
      from = at + 1
    }
    rest = rest.slice(from)
    return out
  }
}

/** The events of a response. Ends when the response does. */
export async function* events(response: Response): AsyncGenerator<ServerEvent> {
  if (response.body === null) return
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  const parse = parser()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield* parse(decoder.decode(value, { stream: true }))
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}
