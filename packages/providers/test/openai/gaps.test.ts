/**
 * What belongs to one provider alone, and answers that break off in the middle.
 *
 * @module
 */
import { type FilePart, type Message, Part, Result } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/openai/index.ts"
import { decoded, failure, options, prepared, request, response, written } from "./support.ts"

describe("what only one provider understands", () => {
  const messages = (provider: string, role: "user" | "assistant" = "user"): ReadonlyArray<Message> => [{
    role,
    content: [{ type: "text", text: "a" }, { type: "raw", provider, value: { type: "x", y: 1 } }]
  }]

  it("goes to it as it came", () => {
    for (const role of ["user", "assistant"] as const) {
      expect(written(messages("openai", role))).toEqual([
        { role, content: [{ type: "text", text: "a" }, { type: "x", y: 1 }] }
      ])
    }
  })

  it("goes to no other, and a person's part is missed with a warning", () => {
    const { request, warnings } = prepared({ messages: messages("groq") })
    expect(request.body!.messages).toEqual([{ role: "user", content: [{ type: "text", text: "a" }] }])
    expect(warnings).toMatchObject([
      { type: "other", message: expect.stringContaining("groq alone understands was not sent to openai") }
    ])
    expect(written(messages("groq", "assistant"))).toEqual([{ role: "assistant", content: "a" }])
    const alone = prepared({ messages: [{ role: "user", content: [{ type: "raw", provider: "groq", value: 1 }] }] })
    expect(alone.request.body!.messages).toEqual([{ role: "user", content: "" }])
  })

  it("goes to it in a tool's answer too, and to no other", () => {
    const answer = (provider: string): ReadonlyArray<Message> => [{
      role: "tool",
      content: [{
        type: "tool-result", id: "c", name: "f", isFailure: false, result: "a",
        modelOutput: [{ type: "text", text: "a" }, { type: "raw", provider, value: { type: "x" } }]
      }]
    }]
    expect(written(answer("openai"))).toEqual([
      { role: "tool", tool_call_id: "c", content: [{ type: "text", text: "a" }, { type: "x" }] }
    ])
    expect(written(answer("groq"))).toEqual([{ role: "tool", tool_call_id: "c", content: "a" }])
  })
})

describe("what the Responses API said of a conversation", () => {
  const marked = { openai: { item: { id: "x_1", type: "y" }, annotations: [1], instructions: true, part: true } }

  it("is not sent to chat completions", () => {
    expect(written([
      { role: "system", content: "a", options: { openai: { instructions: true, item: { id: "x_1" } } } },
      {
        role: "user",
        content: [
          { type: "text", text: "b", options: marked },
          { type: "raw", provider: "openai", value: { type: "item_reference", id: "i" } }
        ]
      },
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "hm", options: marked },
          { type: "text", text: "c", options: marked },
          { type: "raw", provider: "openai", value: { type: "compaction" } },
          { type: "raw", provider: "openai", value: { type: "mcp_call" } },
          { type: "raw", provider: "openai", value: { type: "new" }, options: { openai: { event: true } } },
          { type: "raw", provider: "openai", value: { type: "new" }, options: { openai: { block: true } } },
          {
            type: "tool-call",
            id: "t",
            name: "f",
            params: "select",
            options: { openai: { item: { id: "ct_1", type: "custom_tool_call" } } }
          }
        ]
      }
    ])).toEqual([
      { role: "system", content: "a" },
      { role: "user", content: [{ type: "text", text: "b" }] },
      {
        role: "assistant",
        content: "c",
        tool_calls: [{ id: "t", type: "custom", custom: { name: "f", input: "select" } }]
      }
    ])
  })
})

describe("marks of the way back", () => {
  it("are minded only where they fit", () => {
    const list = { type: "text" as const, text: "a", options: { openai: { x: 1 } } }
    expect(written([{ role: "user", content: [list] }, { role: "system", content: "b", options: { openai: { part: {}, joined: true } } }])).toEqual([
      { role: "user", content: [{ type: "text", text: "a", x: 1 }] },
      { role: "system", content: [{ type: "text", text: "b" }] }
    ])
    expect(written(
      [{ role: "assistant", content: [{ type: "reasoning", text: "" }, { type: "text", text: "a" }] }],
      "x",
      { reasoningBack: "reasoning" }
    ))
      .toEqual([{ role: "assistant", content: "a" }])
    const twice = [{ type: "reasoning" as const, text: "a" }, { type: "reasoning" as const, text: "b" }]
    expect(written(
      [{ role: "assistant", content: twice }],
      "x",
      { reasoningBack: "reasoning" }
    )).toEqual([{ role: "assistant", content: "", reasoning: "ab" }])
    const image = { type: "file" as const, mediaType: "image/png", data: "AAAA" }
    expect(written([{
      role: "tool",
      content: [{ type: "tool-result", id: "c", name: "f", isFailure: false, result: "", modelOutput: [list, image] }]
    }])).toMatchObject([{ role: "tool", content: "a" }, { role: "user", content: [{}, { type: "image_url" }] }])
    const tools = [{ name: "f", options: { openai: { legacy: true } } }, { name: "g" }]
    expect(options({ tools, toolChoice: "auto" })).toMatchObject({
      functions: [{ name: "f" }],
      tools: [{}],
      tool_choice: "auto"
    })
  })
})

describe("documents", () => {
  const pdf = { type: "file" as const, mediaType: "application/pdf", fileName: "a.pdf", data: "AAAA" }
  const content = (part: FilePart) => (
    written(
      [{ role: "user", content: [part] }],
      "mistral",
      { documents: "document_url" }
    ) as never as [{ content: unknown }]
  )[0].content

  it("are addresses where the service wants them so, data included", () => {
    expect(content(pdf)).toEqual([
      { type: "document_url", document_url: "data:application/pdf;base64,AAAA", document_name: "a.pdf" }
    ])
    expect(content({ type: "file", mediaType: "application/pdf", data: { _tag: "URL", href: "https://x.test/a" } }))
      .toEqual([{ type: "document_url", document_url: "https://x.test/a" }])
  })
})

describe("an answer with half a text and an error in its choice", () => {
  const half = {
    choices: [{ index: 0, message: { content: "Half" }, finish_reason: "error", error: { code: 502, message: "gone" } }]
  }

  it("is an error, in which the half can be read", () => {
    const { reason } = failure(() => wires().chat.parse(response(half), request()))
    expect(reason).toMatchObject({ _tag: "Server", status: 502 })
    expect(JSON.stringify(reason.raw)).toContain("Half")
  })

  it("keeps the half before the error where it answers a stream", () => {
    const parts = decoded([JSON.stringify(half)])
    expect(Result.text(Result.fold(parts))).toBe("Half")
    expect(parts.at(-1)?.type).toBe("error")
    expect(parts.filter(Part.isTerminal).length).toBe(1)
  })
})

describe("the signature of a summary", () => {
  it("is kept with its text", () => {
    const content = [
      { type: "reasoning", summary: [{ type: "summary_text", text: "hm", signature: "s" }] },
      { type: "text", text: "a" }
    ]
    const result = wires().chat.parse(
      response({ choices: [{ index: 0, message: { content }, finish_reason: "stop" }] }),
      request()
    )
    expect(result).toMatchObject({
      content: [{ type: "reasoning", text: "hm", metadata: { openai: { signature: "s" } } }, { type: "text" }]
    })
    const message = Result.toMessage(result as never)
    expect(written([message], "openai", { reasoningBack: "summary" })).toEqual([{ role: "assistant", content }])
    expect(written([message])).toEqual([{ role: "assistant", content: "a" }])
  })
})
