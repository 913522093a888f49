/**
 * Conversations in the service's words.
 *
 * @module
 */
import { type FilePart, Message } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/google/index.ts"
import { prepared, request, written } from "./support.ts"

const pro3 = { model: "gemini-3-pro-preview" }

describe("messages", () => {
  it("have their rules apart, and a warning where these stood within", () => {
    const { request, warnings } = prepared({
      messages: [
        Message.system("a"),
        Message.user("Hi"),
        { role: "system", content: "b", options: { google: { x: 1 } } }
      ]
    })
    expect(request.body).toEqual({
      systemInstruction: { parts: [{ text: "a" }, { text: "b", x: 1 }] },
      contents: [{ role: "user", parts: [{ text: "Hi" }] }]
    })
    expect(warnings).toEqual([{ type: "other", message: expect.stringContaining("moved") }])
  })

  it("hold files by their address or as base64", () => {
    const file = (part: Omit<FilePart, "type">, provider = "google") =>
      (written(
        [{ role: "user", content: [{ type: "file", ...part }] }],
        {},
        provider
      ) as ReadonlyArray<{ parts: ReadonlyArray<unknown> }>)[0]!.parts[0]
    const png = "iVBORw0KGgoAAAANSUhEUg=="
    expect(file({ mediaType: "image/*", data: png })).toEqual({ inlineData: { mimeType: "image/png", data: png } })
    expect(file({ mediaType: "audio/wav", data: { _tag: "Uint8Array", base64: "aGk=" } }))
      .toEqual({ inlineData: { mimeType: "audio/wav", data: "aGk=" } })
    expect(file({ mediaType: "text/plain", data: "data:text/plain,hi" }))
      .toEqual({ inlineData: { mimeType: "text/plain", data: "aGk=" } })
    expect(file({ mediaType: "application/pdf", data: "gs://b/a.pdf", fileName: "a.pdf" }))
      .toEqual({ fileData: { mimeType: "application/pdf", fileUri: "gs://b/a.pdf" } })
    expect(file({ mediaType: "image/*", data: "https://x.test/a.png" }))
      .toEqual({ fileData: { fileUri: "https://x.test/a.png" } })
    expect(file({ mediaType: "image/*", data: "https://x.test/a.png?x=1", fileName: "a" }, "vertex"))
      .toEqual({ fileData: { mimeType: "image/png", fileUri: "https://x.test/a.png?x=1", displayName: "a" } })
    expect(file(
      { mediaType: "video/mp4", data: "https://y.test/v", options: { google: { videoMetadata: { fps: 2 } } } }
    ))
      .toEqual({ fileData: { mimeType: "video/mp4", fileUri: "https://y.test/v" }, videoMetadata: { fps: 2 } })
  })

  it("of the model keep what is Google's, and nothing of others", () => {
    expect(written([Message.user("Hi"), {
      role: "assistant",
      content: [
        { type: "reasoning", text: "theirs", options: { anthropic: { signature: "x" } } },
        { type: "reasoning", text: "ours", options: { google: { thought: true, thoughtSignature: "a" } } },
        { type: "text", text: "Hi", options: { google: { thoughtSignature: "b" }, openai: { x: 1 } } },
        { type: "raw", provider: "google", value: { somethingNew: 1 } },
        { type: "raw", provider: "openai", value: { type: "x" } },
        { type: "tool-call", id: "t", name: "web_search", params: {}, providerExecuted: true, options: { openai: {} } },
        { type: "tool-result", id: "t", name: "web_search", result: {}, isFailure: false, providerExecuted: true },
        { type: "tool-call", id: "c1", name: "f", params: "{broken" },
        { type: "tool-result", id: "c1", name: "f", result: "x", isFailure: false }
      ]
    }, { role: "assistant", content: [{ type: "reasoning", text: "theirs alone" }] }, Message.user("And?")])).toEqual([
      { role: "user", parts: [{ text: "Hi" }] },
      {
        role: "model",
        parts: [
          { text: "ours", thought: true, thoughtSignature: "a" },
          { text: "Hi", thoughtSignature: "b" },
          { somethingNew: 1 },
          { functionCall: { id: "c1", name: "f", args: { arguments: "{broken" } } }
        ]
      },
      { role: "user", parts: [{ functionResponse: { id: "c1", name: "f", response: { output: "x" } } }] },
      { role: "user", parts: [{ text: "And?" }] }
    ])
  })

  it("with calls of another model say so, where the model would insist on a signature", () => {
    const messages: ReadonlyArray<Message> = [
      Message.user("Hi"),
      {
        role: "assistant",
        content: [
          { type: "tool-call", id: "1", name: "f", params: {} },
          { type: "tool-call", id: "2", name: "f", params: {} }
        ]
      },
      Message.toolResult({ id: "1", name: "f" }, 1),
      Message.toolResult({ id: "2", name: "" }, 2)
    ]
    const [, model, results] = written(messages, pro3) as ReadonlyArray<{ parts: ReadonlyArray<object> }>
    expect(model!.parts).toMatchObject([{ thoughtSignature: "skip_thought_signature_validator" }, {}])
    expect(model!.parts[1]).not.toHaveProperty("thoughtSignature")
    expect(JSON.stringify(written(messages))).not.toContain("thoughtSignature")
    // Their answers belong together, and each has its tool's name.
    expect(results!.parts)
      .toMatchObject([
        { functionResponse: { name: "f" } },
        { functionResponse: { name: "f", response: { output: 2 } } }
      ])
  })

  it("of tools hold files where the model takes them, else these follow", () => {
    const messages: ReadonlyArray<Message> = [Message.user("Hi"), {
      role: "tool",
      content: [{
        type: "tool-result",
        id: "1",
        name: "draw",
        isFailure: false,
        result: null,
        modelOutput: [
          { type: "text", text: "a" },
          { type: "text", text: "b" },
          { type: "file", mediaType: "image/png", data: "aGk=" }
        ]
      }]
    }]
    const image = { inlineData: { mimeType: "image/png", data: "aGk=" } }
    expect(written(messages, pro3)).toMatchObject([{}, {
      parts: [{ functionResponse: { id: "1", name: "draw", response: { output: "a\nb" }, parts: [image] } }]
    }])
    expect((written(messages) as ReadonlyArray<{ parts: unknown }>)[1]!.parts).toEqual([
      { functionResponse: { id: "1", name: "draw", response: { output: "a\nb" } } },
      { text: "Files from the tool draw:" },
      image
    ])
  })

  it("are the same value afterwards", () => {
    const it = request({
      messages: [Message.user("Hi"), Message.assistant("Ho")],
      options: { providerOptions: { google: { generationConfig: { a: 1 } } } }
    })
    const before = JSON.stringify(it)
    wires("gemini").chat.prepare(it)
    expect(JSON.stringify(it)).toBe(before)
  })
})
