import { type Message, type Part, Result } from "@plugline/core"
import { Schema } from "effect"
import { Prompt, Response } from "effect/ai"
import { expect, it } from "vitest"
import { parts } from "./actors.ts"

// Our words are `effect/ai`'s where it has one: these do not compile when the two have nothing in common any more.
type Shared = Exclude<Part, { readonly type: "warning" | "raw" }>
const encodedParts = (list: ReadonlyArray<Shared>): ReadonlyArray<Response.StreamPartEncoded> => list as ReadonlyArray<Response.StreamPartEncoded>
const encodedMessages = (list: ReadonlyArray<Message>) => list as ReadonlyArray<Prompt.MessageEncoded>

const image = { type: "file", mediaType: "image/png", data: { _tag: "URL", href: "https://example.com/a.png" } } as const

it("messages decode straight into effect/ai", () => {
  const decoded = Schema.decodeUnknownSync(Schema.Array(Prompt.Message))(encodedMessages([
    { role: "system", content: "Be brief." },
    { role: "user", content: [{ type: "text", text: "hi", options: { openai: { a: 1 } } }, image] },
    { role: "assistant", content: [{ type: "reasoning", text: "hm" }, { type: "tool-call", id: "1", name: "t", params: { a: 1 } }] },
    { role: "tool", content: [{ type: "tool-result", id: "1", name: "t", isFailure: false, result: 5 }] }
  ]))
  expect(decoded.map(({ role }) => role)).toEqual(["system", "user", "assistant", "tool"])
})

it("parts decode straight into effect/ai", () => {
  const all: ReadonlyArray<Part> = [
    ...Result.parts({
      ...Result.fold(parts("hello world")),
      content: [
        { type: "reasoning", text: "hm" },
        { type: "text", text: "hello" },
        { type: "tool-call", id: "1", name: "t", params: { a: 1 } },
        { type: "source", sourceType: "url", id: "s", url: "https://example.com", title: "x" }
      ]
    }),
    { type: "error", error: { _tag: "LlmError", reason: { _tag: "Server", message: "x" } } }
  ]
  const decoded = Schema.decodeUnknownSync(Schema.Array(Response.StreamPart()))(encodedParts(all as ReadonlyArray<Shared>))
  expect(decoded.map(({ type }) => type)).toEqual(all.map(({ type }) => type))
})
