/**
 * Streams in each wire format, read by the provider's decoder, and their JSON by `JSON.parse` alone.
 *
 * @module
 */
import { type Operation, Request } from "@plugline/core"
import type { Provider } from "@plugline/providers"
import { chunks, question } from "../exchange.ts"
import { formats } from "../formats.ts"
import type { Contenders } from "../worker.ts"

const joined = (events: ReadonlyArray<Uint8Array>): Uint8Array => Buffer.concat(events)

const decoder = async (name: string): Promise<(count: number) => void> => {
  const { api, events, provider } = formats[name]!
  const entry: { readonly [name: string]: Provider } = await import(`@plugline/providers/${provider}`)
  const wire = entry[provider]!.wires.stream!
  const operation: Operation = "stream"
  const request = Request.make({
    id: "req_bench", operation, provider, messages: question.user, options: { model: question.model }, config: api === undefined ? {} : { api }
  })
  const bytes = joined(events)
  return (count) => {
    for (let run = 0; run < count; run++) {
      const reader = wire.parts!(request)
      let seen = 0
      for (const part of reader.push(bytes)) if (part.type === "text-delta") seen++
      for (const part of reader.end()) if (part.type === "text-delta" || part.type === "error") seen++
      if (seen !== chunks) throw new Error(`${seen} pieces of text were read of ${name}, not ${chunks}`)
    }
  }
}

const parse = (name: string) => {
  const { json } = formats[name]!
  return (count: number): void => {
    for (let run = 0; run < count; run++) {
      let seen = 0
      for (const text of json) if (typeof JSON.parse(text) === "object") seen++
      if (seen !== json.length) throw new Error("something was lost")
    }
  }
}

export const contenders: Contenders<string> = { decoder, parse }
