/**
 * Every recorded answer in this format, of the Gemini API and of Vertex AI, read, written and read again.
 *
 * @module
 */
import { LlmError, Message, Part, Request, Result } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { google, refusal } from "../../../src/dialects/google/index.ts"
import { bodyOf, bytesOf, recordings } from "../../../../providers/test/recordings/read.ts"
import { batches, call, decoded, events, legal, parsed, same, streamed, written } from "./support.ts"

const apis = ["google-generate", "google-embed", "google-models", "vertex-models"]
const all = recordings().filter(({ api }) => apis.includes(api))
if (all.length === 0) console.log("skipped: answers in Google's format, because there are no recorded exchanges")
const named = (list: typeof all) => list.map((recording) => [recording.id, recording] as const)
const fine = all.filter(({ response }) => response.status === 200)
const chats = fine.filter(({ api }) => api === "google-generate")

describe.skipIf(all.length === 0)("recorded answers are written as they were read", () => {
  it.each(named(chats.filter(({ stream }) => !stream)))("%s", (_, recording) => {
    const refused = refusedIn(() => parsed(bodyOf(recording)))
    if (refused !== undefined) return expect(refusal(refused)).toEqual(JSON.parse(bodyOf(recording)))
    const result = parsed(bodyOf(recording))
    same(parsed(written(result)), result)
    same(Result.fold(decoded([streamed(Result.parts(result))])), result)
  })

  it.each(named(chats.filter(({ stream }) => stream)))("%s", (_, recording) => {
    const frames = bodyOf(recording).split(/(?<=\r\n\r\n|\n\n)/)
    const read = batches(frames.map((frame) => Buffer.from(frame)))
    const parts = read.flat()
    expect(parts).toEqual(decoded([bytesOf(recording)]))
    const encoder = google.encoder(call)
    const out = read.map((parts) => encoder.push(parts)).join("")
    const last = parts.at(-1)!
    const again = decoded([out])
    expect(again.at(-1)!.type).toBe(last.type)
    if (last.type === "error") {
      expect(Part.errorOf(again.at(-1) as typeof last).reason._tag).toBe(Part.errorOf(last).reason._tag)
      return
    }
    legal(events(out), true)
    same(Result.fold(again), Result.fold(parts))
    same(parsed(written(Result.fold(parts))), Result.fold(parts))
  })

  it.each(named(fine.filter(({ api }) => api === "google-embed")))("%s", (_, recording) => {
    const body = JSON.parse(bodyOf(recording)) as {
      readonly embeddings?: ReadonlyArray<unknown>
      readonly predictions?: ReadonlyArray<unknown>
    }
    const texts = (body.embeddings ?? body.predictions ?? [1]).map(() => Message.user("Hi"))
    const request = Request.make({ provider: "google", operation: "embeddings", messages: texts })
    const read = (body: unknown) =>
      google.wires.embeddings!.parse({ status: 200, headers: {}, body: JSON.stringify(body) }, request)
    const again = google.encode(read(body), { ...call, asked: recording.request.body as never })
    expect(read(again)).toEqual(read(body))
    expect(again).toEqual(body)
  })

  it.each(named(fine.filter(({ api }) => api === "google-models")))("%s", (_, recording) => {
    const page = JSON.parse(bodyOf(recording)) as { models: ReadonlyArray<{ name: string }>; nextPageToken?: string }
    const models = page.models.map((raw) => ({ id: raw.name, raw: raw as never }))
    const next = page.nextPageToken === undefined ? {} : { next: page.nextPageToken }
    expect(google.encode({ type: "list_models", models, ...next }, call)).toEqual(page)
  })

  it.each(named(all.filter(({ response }) => response.status >= 400)))("%s", (_, recording) => {
    const { headers, status } = recording.response
    const request = Request.make({ provider: "google", messages: "Hi" })
    const read = (body: string) => google.wires.chat!.reason({ status, headers, body }, request)
    const error = read(bodyOf(recording))
    const again = read(JSON.stringify(google.encodeError(error, status, call)))
    expect(again.reason._tag).toBe(error.reason._tag)
    expect(again.reason.message).toBe(error.reason.message)
    expect(again.retryAfter).toBe(error.retryAfter)
  })
})

const refusedIn = (read: () => unknown): LlmError | undefined => {
  try {
    read()
  } catch (thrown) {
    if (LlmError.isLlmError(thrown)) return thrown
  }
  return undefined
}
