/**
 * What Google's own SDK reads from each recording is what we read. Skipped where the recordings are missing.
 *
 * @module
 */
import { type Candidate, GoogleGenAI, type GenerateContentResponse } from "@google/genai"
import { type ChatResult, Result } from "@plugline/core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { bodyOf, type Recording, recordings } from "../recordings/read.ts"
import { decoded, parsed } from "./support.ts"

const all = recordings().filter(({ api, response }) =>
  api === "google-generate" && response.status === 200 && !JSON.stringify(response.body ?? "").includes("blockReason")
)
if (all.length === 0) console.log("skipped: what Google's SDK reads, because there are no recordings")

/** What the SDK's next call is answered with. */
let answer = new Response()
const { fetch } = globalThis
beforeAll(() => {
  globalThis.fetch = () => Promise.resolve(answer)
})
afterAll(() => {
  globalThis.fetch = fetch
})

const sdk = async (recording: Recording): Promise<ReadonlyArray<GenerateContentResponse>> => {
  const type = recording.stream ? "text/event-stream" : "application/json"
  answer = new Response(bodyOf(recording), { headers: { "content-type": type } })
  const client = new GoogleGenAI({ apiKey: "k", vertexai: recording.provider === "vertex" })
  const asked = { model: "gemini-2.5-flash", contents: "Hi" }
  if (!recording.stream) return [await client.models.generateContent(asked)]
  const out: Array<GenerateContentResponse> = []
  for await (const event of await client.models.generateContentStream(asked)) out.push(event)
  return out
}

const ours = (recording: Recording): ChatResult =>
  recording.stream
    ? Result.fold(decoded([bodyOf(recording)], recording.provider))
    : parsed(bodyOf(recording), recording.provider)

const parts = (candidates: ReadonlyArray<Candidate | undefined>) =>
  candidates.flatMap((candidate) => candidate?.content?.parts ?? [])

describe.skipIf(all.length === 0)("what Google's SDK reads is what we read", () => {
  it.each(all.map((recording) => [recording.id, recording] as const))("%s", async (_, recording) => {
    const events = await sdk(recording)
    const result = ours(recording)
    const last = events.at(-1)!
    const theirs = parts(events.map(({ candidates }) => candidates?.[0]))
    const joined = (thought: boolean) =>
      theirs.filter((part) => (part.thought === true) === thought).map(({ text }) => text ?? "").join("")
    expect(Result.text(result)).toBe(joined(false))
    expect(Result.reasoning(result)).toBe(joined(true))
    expect(result.id).toBe(last.responseId)
    expect(result.model).toBe(last.modelVersion)
    expect(result.rawFinishReason).toBe(last.candidates?.[0]?.finishReason)
    const usage = last.usageMetadata
    expect(result.usage.raw).toEqual(usage)
    expect(result.usage.inputTokens.total).toBe((usage?.promptTokenCount ?? 0) + (usage?.toolUsePromptTokenCount ?? 0))
    if (usage?.totalTokenCount !== undefined) {
      expect(result.usage.inputTokens.total! + result.usage.outputTokens.total!).toBe(usage.totalTokenCount)
    }
    const calls = theirs.flatMap(({ functionCall }) => functionCall?.name === undefined ? [] : [functionCall])
    expect(Result.toolCalls(result).map(({ name }) => name)).toEqual(calls.map(({ name }) => name))
    // The SDK leaves arguments that arrive in pieces to its caller.
    if (!calls.some(({ willContinue }) => willContinue)) {
      expect(Result.toolCalls(result).map(({ params }) => params)).toEqual(calls.map(({ args }) => args ?? {}))
    }
    const signatures = (list: ReadonlyArray<{ readonly thoughtSignature?: string }>) =>
      list.flatMap(({ thoughtSignature }) => thoughtSignature === undefined ? [] : [thoughtSignature])
    expect(signatures(result.content.map(({ metadata }) => metadata?.[recording.provider] ?? {})))
      .toEqual(signatures(theirs))
  })
})
