/**
 * What the vendor's own client reads from each recorded answer is what we read.
 *
 * @module
 */
import Anthropic, { APIError } from "@anthropic-ai/sdk"
import { type ChatResult, LlmError, Part, Result } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { bodyOf, bytesOf, type Recording, recordings } from "../recordings/read.ts"
import { decoded, own, parsed, request } from "./support.ts"

const all = recordings().filter(({ api }) => api === "anthropic-messages" || api === "anthropic-models")
if (all.length === 0) console.log("skipped: the vendor's client, because there are no recorded exchanges")

/** A client whose every call is answered with the recording. */
const client = (recording: Recording): Anthropic =>
  new Anthropic({
    apiKey: "none",
    maxRetries: 0,
    fetch: async () =>
      new Response(recording.stream ? Buffer.from(bytesOf(recording)) : bodyOf(recording), {
        status: recording.response.status,
        headers: {
          "content-type": recording.stream ? "text/event-stream" : "application/json",
          ...plain(recording.response.headers)
        }
      })
  })

/** The recording's headers without those that describe bytes on the way. */
const plain = (headers: { readonly [name: string]: string }) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(content-|transfer-)/i.test(name)))

type Message = Anthropic.Beta.BetaMessage

const read = async (recording: Recording): Promise<Message> => {
  const { beta } = client(recording)
  const params = { model: "m", max_tokens: 1, messages: [{ role: "user" as const, content: "Hi" }] }
  return recording.stream ? await beta.messages.stream(params).finalMessage() : await beta.messages.create(params)
}

/** Both in the same words. */
const ofClient = ({ content, id, model, stop_reason, usage }: Message) => ({
  id,
  model,
  finish: stop_reason,
  text: content.map((block) => block.type === "text" ? block.text : "").join(""),
  thinking: content.flatMap((block) => block.type === "thinking" ? [[block.thinking, block.signature]] : []),
  hidden: content.flatMap((block) => block.type === "redacted_thinking" ? [block.data] : []),
  calls: content.flatMap((block) => block.type === "tool_use" || block.type === "server_tool_use" ? [
    [block.id, block.name, block.input]
  ] : []),
  citations: content.flatMap((block) => block.type === "text" ? block.citations ?? [] : []).length,
  input: usage.input_tokens + (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0),
  output: usage.output_tokens,
  reasoning: usage.output_tokens_details?.thinking_tokens
})

const ofOurs = ({ content, id, model, rawFinishReason, usage }: ChatResult): ReturnType<typeof ofClient> => ({
  id: id!,
  model: model!,
  finish: rawFinishReason as Message["stop_reason"],
  text: Result.text({ type: "chat", content, finishReason: "stop", usage }),
  thinking: content.flatMap((part) => part.type === "reasoning" && part.metadata?.anthropic?.type === undefined ? [
    [part.text, part.metadata?.anthropic?.signature as string]
  ] : []),
  hidden: content.flatMap((part) => part.type === "reasoning" && part.metadata?.anthropic?.type !== undefined ? [
    part.metadata.anthropic?.data as string
  ] : []),
  calls: content.flatMap((part) => part.type === "tool-call" ? [[part.id, part.name, part.params]] : []),
  citations: content.filter(({ type }) => type === "source").length,
  input: usage.inputTokens.total!,
  output: usage.outputTokens.total!,
  reasoning: usage.outputTokens.reasoning
})

const refusal = (recording: Recording): LlmError | undefined => {
  if (recording.response.status >= 300) {
    return own.chat.reason(
      { status: recording.response.status, headers: recording.response.headers, body: bodyOf(recording) },
      request()
    )
  }
  const last = recording.stream ? decoded([bytesOf(recording)]).at(-1) : undefined
  return last?.type === "error" ? Part.errorOf(last) : undefined
}

describe.skipIf(all.length === 0)("the vendor's client", () => {
  it.each(all.map((recording) => [recording.id, recording] as const))("reads %s as we do", async (_, recording) => {
    const error = refusal(recording)
    if (error !== undefined) {
      const theirs = await read(recording).then(() => undefined, (thrown: unknown) => thrown)
      expect(theirs).toBeInstanceOf(APIError)
      const { error: body, status } = theirs as APIError
      if (!recording.stream) expect(error.status).toBe(status)
      expect(error.reason.raw).toEqual(body)
    } else if (recording.api === "anthropic-models") {
      const page = await client(recording).models.list()
      const ours = own.list_models.parse(
        { status: 200, headers: {}, body: bodyOf(recording) },
        request({ operation: "list_models" })
      )
      if (ours.type !== "list_models") throw new Error("no list")
      expect(
        ours.models.map(({ id, name }) => [id, name])
      ).toEqual(page.data.map(({ display_name, id }) => [id, display_name]))
      expect(
        ours.models.map(({ created }) => Date.parse(created!))
      ).toEqual(page.data.map(({ created_at }) => Date.parse(created_at)))
      expect(ours.next !== undefined).toBe(page.hasNextPage())
    } else {
      const ours = recording.stream ? Result.fold(decoded([bytesOf(recording)])) : parsed(bodyOf(recording))
      expect(ofOurs(ours)).toEqual(ofClient(await read(recording)))
    }
  })
})
