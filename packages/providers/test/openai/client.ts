/**
 * OpenAI's own client, to which every question is answered with a recording.
 *
 * @module
 */
import OpenAI from "openai"
import { bytesOf, type Recording } from "../recordings/read.ts"

/** The client. It asks once and sends nothing. */
export const clientOf = (recording: Recording): OpenAI =>
  new OpenAI({
    apiKey: "sk-test",
    maxRetries: 0,
    fetch: async () => {
      const { headers, status } = recording.response
      const { "content-encoding": _, "content-length": __, "transfer-encoding": ___, ...plain } = headers
      const type = recording.stream && status < 300 ? "text/event-stream" : "application/json"
      return new Response(Buffer.from(bytesOf(recording)), { status, headers: { ...plain, "content-type": type } })
    }
  })
