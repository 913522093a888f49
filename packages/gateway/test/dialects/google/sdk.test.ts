/**
 * What Google's own client makes of what this dialect writes.
 *
 * @module
 */
import { ApiError, FinishReason, GoogleGenAI, type Part as Written } from "@google/genai"
import { LlmError, Part, type Parts, Result } from "@plugline/core"
import * as fc from "fast-check"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { encodeCount, encodeModel, google } from "../../../src/dialects/google/index.ts"
import { call, parsed, streamed } from "./support.ts"
import { responses, whole } from "./model.ts"

/** What the server's next answer is. */
let answer: { readonly status: number; readonly body: unknown }
let server: Server
let client: GoogleGenAI

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume().on("end", () => {
      const streams = typeof answer.body === "string"
      response.writeHead(answer.status, { "content-type": streams ? google.streamType : "application/json" })
      const bytes = Buffer.from(streams ? answer.body as string : JSON.stringify(answer.body))
      // In two pieces, cut anywhere.
      response.write(bytes.subarray(0, bytes.length >> 1))
      setImmediate(() => response.end(bytes.subarray(bytes.length >> 1)))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  client = new GoogleGenAI({ apiKey: "k", vertexai: false, httpOptions: { baseUrl } })
})
afterAll(() => void server.close())

const params = { model: "m", contents: "Hi" }

const parts: Parts = [
  { type: "response-metadata", id: "r1", modelId: "gpt-5" },
  { type: "reasoning-start", id: "0" },
  { type: "reasoning-delta", id: "0", delta: "Hm" },
  { type: "reasoning-end", id: "0" },
  { type: "text-start", id: "1" },
  { type: "text-delta", id: "1", delta: "Hello " },
  { type: "text-delta", id: "1", delta: "wörld\u2028" },
  { type: "text-end", id: "1" },
  { type: "tool-call", id: "c1", name: "f", params: { a: 1 } },
  { type: "source", sourceType: "url", id: "s", url: "https://a.example", title: "A" },
  {
    type: "finish",
    reason: "tool-calls",
    usage: { inputTokens: { total: 9, cacheRead: 4 }, outputTokens: { total: 3 } }
  }
]

const usage = { promptTokenCount: 9, cachedContentTokenCount: 4, candidatesTokenCount: 3, totalTokenCount: 12 }

const stream = async (body: string) => {
  answer = { status: 200, body }
  const out = []
  for await (const event of await client.models.generateContentStream(params)) out.push(event)
  return out
}

describe("Google's client", () => {
  it("reads a response", async () => {
    answer = { status: 200, body: google.encode(Result.fold(parts), call) }
    const response = await client.models.generateContent(params)
    expect(response.text).toBe("Hello wörld\u2028")
    expect(response.functionCalls).toEqual([{ id: "c1", name: "f", args: { a: 1 } }])
    expect(response).toMatchObject({ responseId: "r1", modelVersion: "gpt-5", usageMetadata: usage })
    expect(response.candidates![0]).toMatchObject({
      finishReason: FinishReason.STOP,
      groundingMetadata: { groundingChunks: [{ web: { uri: "https://a.example" } }] }
    })
  })

  it("reads a stream, blank lines between its events", async () => {
    const pieces = streamed(parts, [1]).split(/(?<=\n\n)/)
    const blank = google.keepAlive!
    const out = await stream(`${blank}${pieces.join(blank + blank)}${blank}`)
    expect(out.length).toBe(pieces.length)
    expect(out.map(({ text }) => text ?? "").join("")).toBe("Hello wörld\u2028")
    expect(out.flatMap(({ functionCalls }) => functionCalls ?? [])).toEqual([{ id: "c1", name: "f", args: { a: 1 } }])
    expect(out.filter(({ usageMetadata }) => usageMetadata !== undefined).length).toBe(1)
    expect(out.at(-1)).toMatchObject({ usageMetadata: usage, candidates: [{ finishReason: FinishReason.STOP }] })
  })

  it("reads from a stream what it reads whole, whatever was said", async () => {
    const joined = (list: ReadonlyArray<Written>) => [false, true].map((thought) =>
      list.filter((part) => (part.thought === true) === thought).map(({ text }) => text ?? "").join(""))
    const others = (list: ReadonlyArray<Written>) => list.filter(({ text }) => text === undefined)
    await fc.assert(
      fc.asyncProperty(responses, async ([candidates, frame]) => {
        const result = parsed(whole(candidates, frame))
        answer = { status: 200, body: google.encode(result, call) }
        const expected = await client.models.generateContent(params)
        const out = await stream(streamed(Result.parts(result), [1]))
        for (const place of candidates.keys()) {
          const theirs = expected.candidates!.find(({ index }) => index === place)!
          const ours = out.flatMap(({ candidates = [] }) => candidates.filter(({ index }) => index === place))
          const parts = ours.flatMap(({ content }) => content?.parts ?? [])
          expect(joined(parts)).toEqual(joined(theirs.content?.parts ?? []))
          expect(others(parts)).toEqual(others(theirs.content?.parts ?? []))
          const { content: _, ...end } = ours.at(-1)!
          const { content: __, ...expectedEnd } = theirs
          expect(end).toEqual(expectedEnd)
        }
        expect(out.at(-1)!.usageMetadata).toEqual(expected.usageMetadata)
        expect(out.at(-1)!.responseId).toBe(expected.responseId)
      }),
      { numRuns: 100 }
    )
  })

  it("keeps up a conversation", async () => {
    answer = { status: 200, body: streamed(parts, [2]) }
    const chat = client.chats.create({ model: "m" })
    for await (const _ of await chat.sendMessageStream({ message: "Hi" })) continue
    const [, ...said] = chat.getHistory(true)
    const kept = said.flatMap((content) => content.parts ?? [])
    expect(kept.map(({ functionCall, text }) => functionCall?.name ?? text).join("|"))
      .toContain("wörld\u2028|f")
  })

  it("sees an error for what it is, also in a stream", async () => {
    const error = LlmError.make({ _tag: "NotFound", message: "no such model" })
    answer = { status: 404, body: google.encodeError(error, 404, call) }
    const thrown: unknown = await client.models.generateContent(params).catch((thrown: unknown) => thrown)
    expect(thrown).toBeInstanceOf(ApiError)
    expect((thrown as ApiError).status).toBe(404)
    const busy = Part.error(LlmError.make({ _tag: "Overloaded", message: "busy" }))
    const cut = streamed([...parts.slice(0, 6), busy], [1])
    const later: unknown = await stream(cut).catch((thrown: unknown) => thrown)
    expect(later).toBeInstanceOf(ApiError)
    expect((later as ApiError).status).toBe(503)
  })

  it("reads vectors, models and counts", async () => {
    const usage = { inputTokens: {}, outputTokens: {} }
    const vectors = { type: "embeddings", embeddings: [[1, 2], [3, 4]], usage } as const
    answer = { status: 200, body: google.encode(vectors, { ...call, asked: { requests: [{}, {}] } }) }
    const { embeddings } = await client.models.embedContent({ model: "m", contents: ["a", "b"] })
    expect(embeddings!.map(({ values }) => values)).toEqual([[1, 2], [3, 4]])
    const models = [{ id: "a", contextWindow: 5 }, { id: "models/b", name: "B" }]
    answer = { status: 200, body: google.encode({ type: "list_models", models, next: "p2" }, call) }
    const page = await client.models.list()
    expect(page.page.map(({ displayName, inputTokenLimit, name }) => [name, displayName, inputTokenLimit]))
      .toEqual([["models/a", "a", 5], ["models/b", "B", undefined]])
    expect(page.hasNextPage()).toBe(true)
    answer = { status: 200, body: encodeModel(models[0]!) }
    expect(await client.models.get({ model: "a" })).toMatchObject({ name: "models/a" })
    answer = { status: 200, body: encodeCount(7) }
    expect(await client.models.countTokens(params)).toMatchObject({ totalTokens: 7 })
  })
})
