/**
 * What the tests of dialects share: calls, answers written and read again by the wires, and streams cut anywhere.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util"
import { type ChatResult, type JsonValue, LlmError, type Operation, type Part, type Parts, Request, Result } from "@plugline/core"
import type { Wire } from "@plugline/providers"
import fc from "fast-check"
import { expect } from "vitest"
import type { Call, Dialect } from "../../src/Dialect.ts"

/** A call as a client made it. */
export const call = (init: Partial<Call> = {}): Call => ({
  id: "gw-1",
  operation: "chat",
  model: "asked",
  now: 1_700_000_123_456,
  asked: {},
  ...init
})

/** The request that an answer answers. */
export const request = (provider: string, operation: Operation, texts: ReadonlyArray<string> = ["Hello"]): Request =>
  Request.make({
    provider, operation, messages: texts.map((content) => ({ role: "user" as const, content })), options: { model: "m" }
  })

/** What a wire reads from a body. */
export const parsed = (wire: Wire, body: JsonValue, request: Request): Result =>
  wire.parse({ status: 200, headers: {}, body: JSON.stringify(body) }, request)

/** The same of an answer made of content. */
export const chatOf = (wire: Wire, body: JsonValue, request: Request): ChatResult => {
  const result = parsed(wire, body, request)
  if (!Result.isChat(result)) throw new Error(`${result.type} is no chat`)
  return result
}

/** The parts that a wire reads from a stream, its bytes cut at some places. */
export const decoded = (wire: Wire, text: string, request: Request, cuts: ReadonlyArray<number> = []): ReadonlyArray<Part> => {
  const decoder = wire.parts!(request)
  const out: Array<Part> = []
  for (const piece of cutBytes(Buffer.from(text), cuts)) out.push(...decoder.push(piece))
  out.push(...decoder.end())
  return out
}

/** Everything an encoder writes of some parts, so many at a time; of several numbers the last goes on. */
export const written = (dialect: Dialect, parts: Parts, call: Call, sizes: ReadonlyArray<number> = [parts.length]): string => {
  const encoder = dialect.encoder(call)
  return batches(parts, sizes).map((some) => encoder.push(some)).join("")
}

/** Parts, so many at a time. */
export const batches = (parts: Parts, sizes: ReadonlyArray<number>): ReadonlyArray<Parts> => {
  const out: Array<Parts> = []
  for (let at = 0; at < parts.length;) {
    const size = Math.max(1, sizes[Math.min(out.length, sizes.length - 1)] ?? parts.length)
    out.push(parts.slice(at, at + size))
    at += size
  }
  return out
}

/** Where to cut bytes. */
export const cuts = fc.array(fc.nat(100_000), { maxLength: 12 })

const cutBytes = (bytes: Uint8Array, at: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const cuts = [0, ...at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index]!, end))
}

/** The data of server-sent events; throws where a line is neither field, comment nor blank. */
export const events = (text: string): ReadonlyArray<{ readonly name: string | undefined; readonly data: string }> => {
  if (text === "") return []
  if (!text.endsWith("\n\n")) throw new Error(`the last event is not closed: ${JSON.stringify(text.slice(-80))}`)
  return text.slice(0, -2).split("\n\n").map((event) => {
    const lines = event.split(/\r\n|[\n\r\u0085\u2028\u2029\v\f\x1c-\x1e]/)
    const data = lines.filter((line) => line.startsWith("data: "))
    const names = lines.filter((line) => line.startsWith("event: "))
    if (data.length !== 1 || names.length + data.length !== lines.length) throw new Error(`no event: ${JSON.stringify(event)}`)
    return { name: names[0]?.slice(7), data: data[0]!.slice(6) }
  })
}

/** JSON of any form. */
export type Loose = ReturnType<JSON["parse"]>

/** The same as objects, without the mark of the end. */
export const objects = (text: string): ReadonlyArray<Loose> =>
  events(text).filter(({ data }) => data !== "[DONE]").map(({ data }) => JSON.parse(data))

/** An error of each reason. */
export const failures = (Object.keys(LlmError.reasons) as ReadonlyArray<LlmError["reason"]["_tag"]>).map((_tag) =>
  LlmError.make({ _tag, message: `why ${_tag}` } as LlmError["reason"], { provider: "somewhere" }))

/** An answer without what a dialect cannot tell apart: what it holds by kind, in one order. */
export const gist = (result: ChatResult) => ({
  texts: joined(result, "text"),
  thoughts: joined(result, "reasoning"),
  calls: Result.toolCalls(result).map(({ id, name, ...call }) => ({ id, name, params: paramsOf(call) })),
  images: result.content.flatMap((part) => part.type === "file" && part.data !== "" && part.mediaType.startsWith("image/") ? [part.data] : []),
  reason: result.finishReason,
  input: result.usage.inputTokens.total ?? 0,
  output: result.usage.outputTokens.total ?? 0
})

/** Arguments that are called broken and are not, and blank ones, are read as what they say. */
const paramsOf = ({ invalid, params }: { readonly params: unknown; readonly invalid?: true }): unknown => {
  if (invalid !== true || typeof params !== "string") return params ?? {}
  try {
    return JSON.parse(params.trim() === "" ? "{}" : params) ?? {}
  } catch {
    return `broken: ${params}`
  }
}

const joined = (result: ChatResult, type: "text" | "reasoning"): string =>
  result.content.map((part) => part.type === type ? part.text : "").join("")

/** Whether two texts, or two thoughts, are written at once. */
export const isWoven = (parts: Parts): boolean => {
  const open = new Map<string, string>()
  return parts.some((part) => {
    const kind = /^(text|reasoning)-(start|end)$/.exec(part.type)
    if (kind === null) return false
    const key = `${kind[1]} ${(part as { choice?: number }).choice ?? 0}`
    if (kind[2] === "start") {
      if (open.has(key)) return true
      open.set(key, "")
    } else open.delete(key)
    return false
  })
}

/** Holds two answers to be the same. A field that is called `constructor` would confuse the usual comparison. */
export const same = (actual: unknown, expected: unknown): void => {
  if (isDeepStrictEqual(actual, expected)) return
  expect(JSON.stringify(actual, null, 1)).toBe(JSON.stringify(expected, null, 1))
  expect(actual).toStrictEqual(expected)
}
