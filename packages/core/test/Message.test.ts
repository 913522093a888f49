import { Message, Options } from "@plugline/core"
import { describe, expect, it } from "vitest"

describe("messages", () => {
  it("are taken as people type them", () => {
    expect(Message.from([
      { role: "developer", content: "Be brief." },
      { role: "user", content: "What is this?" },
      { role: "user", content: [{ type: "image_url", image_url: { url: "https://example.com/a.png", detail: "low" } }] },
      { role: "user", content: [{ type: "image", image: "data:image/png;base64,AAAA" }] }
    ])).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: [{ type: "text", text: "What is this?" }] },
      {
        role: "user",
        content: [{
          type: "file", mediaType: "image/*", data: { _tag: "URL", href: "https://example.com/a.png" }, options: { openai: { imageDetail: "low" } }
        }]
      },
      { role: "user", content: [{ type: "file", mediaType: "image/png", data: "AAAA" }] }
    ])
  })

  it("that are canonical already stay the same values", () => {
    const message = Message.user("hi")
    expect(Message.from([message])[0]).toBe(message)
  })

  it("keep parts and fields nobody knows", () => {
    const odd = { role: "user", content: [{ type: "hologram", depth: 3 }], mood: "curious" }
    expect(Message.from([odd as never])).toEqual([odd])
  })

  it("that do not fit are refused by their place, with what was meant", () => {
    expect(() => Message.from([{ role: "user", content: "a" }, { role: "asistant", content: "b" } as never])).toThrow(
      /messages\[1\]: unknown role "asistant"; did you mean "assistant"/
    )
    expect(() => Message.from([{ role: "user", content: 5 } as never])).toThrow(/messages\[0\]\.content must be a text or a list of parts, not number/)
    expect(() => Message.from(undefined as never)).toThrow(/must be a text or a list of messages/)
    expect(() => Message.from([{ role: "tool", content: "x" } as never])).toThrow(/must be a list of parts/)
  })

  it("show their text", () => {
    expect(Message.text(Message.from([{ role: "system", content: "a" }, { role: "user", content: "b" }]))).toBe("a\nb")
  })
})

it("every option has a sentence that says what fits", () => {
  for (const name of Options.names) expect(Options.expected(name)).not.toBe("")
})
