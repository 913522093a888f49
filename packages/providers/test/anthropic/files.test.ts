/**
 * How files are written, in a person's message and as the answer of a tool.
 *
 * @module
 */
import { type FilePart, Message, type MessagePart } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { failure, written } from "./support.ts"

const user = (...content: ReadonlyArray<unknown>): Message => ({ role: "user", content: content as never })
const assistant = (...content: ReadonlyArray<unknown>): Message => ({ role: "assistant", content: content as never })
const call = (id: string, more: object = {}) => ({ type: "tool-call", id, name: "f", params: { a: 1 }, ...more })
const marked = { options: { anthropic: { cache_control: { type: "ephemeral" } }, openai: { x: 1 } } }
const mark = { cache_control: { type: "ephemeral" } }

describe("a file", () => {
  const block = (part: Partial<FilePart>): unknown => {
    const turn = (written([user({ type: "file", ...part })]) as ReadonlyArray<{ content: ReadonlyArray<unknown> }>)[0]!
    return turn.content[0]
  }
  const url = (href: string) => ({ _tag: "URL" as const, href })

  it.each<[string, Partial<FilePart>, object]>([
    [
      "an image here",
      { mediaType: "image/png", data: "AA==" },
      { type: "image", source: { type: "base64", media_type: "image/png", data: "AA==" } }
    ],
    [
      "an image of some kind",
      { mediaType: "image/*", data: "/9j/4AAQ" },
      { type: "image", source: { type: "base64", media_type: "image/jpeg", data: "/9j/4AAQ" } }
    ],
    [
      "an image by the name many give it",
      { mediaType: "image/jpg", data: "AA==" },
      { type: "image", source: { type: "base64", media_type: "image/jpeg", data: "AA==" } }
    ],
    [
      "an image elsewhere",
      { mediaType: "image/*", data: url("https://e.com/a") },
      { type: "image", source: { type: "url", url: "https://e.com/a" } }
    ],
    ["a PDF here", {
      mediaType: "application/pdf",
      data: { _tag: "Uint8Array", base64: "AA==" },
      fileName: "a.pdf",
      options: { anthropic: { citations: { enabled: true } } }
    }, {
      type: "document",
      source: { type: "base64", media_type: "application/pdf", data: "AA==" },
      title: "a.pdf",
      citations: { enabled: true }
    }],
    [
      "a PDF elsewhere",
      { mediaType: "application/pdf", data: "https://e.com/a.pdf" },
      { type: "document", source: { type: "url", url: "https://e.com/a.pdf" } }
    ],
    [
      "a text",
      { mediaType: "text/csv", data: Buffer.from("a,ü").toString("base64") },
      { type: "document", source: { type: "text", media_type: "text/plain", data: "a,ü" } }
    ],
    [
      "JSON",
      { mediaType: "application/json", data: "data:application/json,{}" },
      { type: "document", source: { type: "text", media_type: "text/plain", data: "{}" } }
    ],
    [
      "a file the service holds",
      { mediaType: "image/*", data: "", options: { anthropic: { source: { type: "file", file_id: "file_1" } } } },
      { type: "image", source: { type: "file", file_id: "file_1" } }
    ]
  ])("%s", (_, part, expected) => {
    expect(block(part)).toEqual(expected)
  })

  it("of a kind that the service does not take is refused", () => {
    for (const mediaType of ["audio/wav", "video/mp4", "application/zip"]) {
      expect(failure(() => block({ mediaType, data: "AA==" })).reason._tag).toBe("Unsupported")
    }
    expect(failure(() => block({
      mediaType: "audio/wav",
      data: url("https://e.com/a")
    })).reason._tag).toBe("Unsupported")
    expect(failure(() => block({ mediaType: "image/*", data: "AAAA" })).reason._tag).toBe("InvalidRequest")
  })

  it("can be the answer of a tool, and so can a block of the service's own", () => {
    const output: ReadonlyArray<unknown> = [
      { type: "text", text: "see" },
      { type: "file", mediaType: "image/png", data: "AA==" },
      { type: "raw", provider: "anthropic", value: { type: "tool_reference", tool_name: "f" } }
    ]
    const result = {
      type: "tool-result",
      id: "1",
      name: "f",
      isFailure: false,
      result: null,
      modelOutput: output,
      ...marked
    }
    expect(written([
      Message.user("a"),
      assistant(call("1")),
      { role: "tool", content: [result as never] }
    ])).toMatchObject([{}, {}, {
      content: [{
        type: "tool_result",
        tool_use_id: "1",
        content: [{ type: "text", text: "see" }, { type: "image" }, { type: "tool_reference", tool_name: "f" }],
        ...mark
      }]
    }])
    expect(written([user({ type: "search_result", source: "s", ...marked } as unknown as MessagePart)])).toEqual([
      { role: "user", content: [{ type: "search_result", source: "s", cache_control: { type: "ephemeral" } }] }
    ])
  })
})
