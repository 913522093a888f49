/**
 * A streamed answer's bytes, read three ways: by the provider's decoder, by a split and `JSON.parse`, and by
 * `JSON.parse` alone on texts that are there already.
 *
 * @module
 */
import { Request } from "@plugline/core"
import { openai } from "@plugline/providers/openai"
import { chunks, events, question } from "../exchange.ts"
import type { Contenders } from "../worker.ts"

const encoder = new TextEncoder()

const request = Request.make({
  id: "req_bench",
  operation: "stream",
  provider: "openai",
  messages: question.user,
  options: { model: question.model }
})

/** The stream as it may arrive: in one piece, or an event at a time. */
const cut: { readonly [how: string]: ReadonlyArray<Uint8Array> } = {
  burst: [encoder.encode(events.join(""))],
  single: events.map((event) => encoder.encode(event))
}

const datas = events.slice(0, -1).map((event) => event.slice("data: ".length, -2))

const decode = (bytes: ReadonlyArray<Uint8Array>): number => {
  const decoder = openai.wires.stream!.parts!(request)
  let seen = 0
  const read = (parts: ReturnType<typeof decoder.push>): void => {
    for (const part of parts) if (part.type === "text-delta") seen++
  }
  for (const piece of bytes) read(decoder.push(piece))
  read(decoder.end())
  return seen
}

const split = (bytes: ReadonlyArray<Uint8Array>): number => {
  const decoder = new TextDecoder()
  let rest = ""
  let seen = 0
  for (const piece of bytes) {
    const found = (rest + decoder.decode(piece, { stream: true })).split("\n\n")
    rest = found.pop()!
    for (const event of found) {
      const data = event.slice("data: ".length)
      if (data !== "[DONE]" && JSON.parse(data).choices[0]?.delta.content) seen++
    }
  }
  return seen
}

const parse = (): number => {
  let seen = 0
  for (const data of datas) if (JSON.parse(data).choices[0]?.delta.content) seen++
  return seen
}

const repeat = (read: () => number) => (count: number): void => {
  for (let run = 0; run < count; run++) {
    const seen = read()
    if (seen !== chunks) throw new Error(`${seen} pieces of text were read, not ${chunks}`)
  }
}

export const contenders: Contenders<"burst" | "single"> = {
  decoder: (how) => repeat(() => decode(cut[how]!)),
  split: (how) => repeat(() => split(cut[how]!)),
  parse: () => repeat(parse)
}
