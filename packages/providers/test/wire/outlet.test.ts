/** What every decoder shares. */
import { LlmError, type Part } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { cut, errorOf, eventOf, isDone, Outlet } from "../../src/wire/outlet.ts"

const text = (delta: string): Part => ({ type: "text-delta", id: "0", delta })
const finish: Part = { type: "finish", reason: "stop", usage: { inputTokens: {}, outputTokens: {} } }

/** A decoder that puts these parts for each byte, and throws for `!`. */
const decoder = () => {
  const outlet = new Outlet("p")
  const read: Array<string> = []
  return {
    outlet,
    read,
    ...outlet.decoder({
      push: (bytes) => {
        for (const letter of Buffer.from(bytes).toString()) {
          read.push(letter)
          if (letter === "!") throw new TypeError("boom")
          outlet.parts.push(letter === "." ? finish : text(letter))
        }
      },
      end: () => {}
    }, () => {
      throw cut(read.length > 0, "p")
    })
  }
}

const bytes = (value: string): Uint8Array => Buffer.from(value)

describe("an outlet", () => {
  it("hands parts on once, and nothing behind the end", () => {
    const { end, outlet, push, read } = decoder()
    expect(push(bytes("ab"))).toEqual([text("a"), text("b")])
    expect(outlet.isEnded).toBe(false)
    expect(push(bytes("."))).toEqual([finish])
    expect(outlet.isEnded).toBe(true)
    expect(push(bytes("c!"))).toEqual([])
    expect(read.join("")).toBe("ab.")
    expect(end()).toEqual([])
  })

  it("makes one error part of whatever is thrown, in front of the end alone", () => {
    const first = decoder()
    const parts = first.push(bytes("a!"))
    expect(parts.map(({ type }) => type)).toEqual(["text-delta", "error"])
    expect(parts[1]).toMatchObject({ error: { provider: "p", reason: { _tag: "MalformedResponse" } } })
    expect(first.push(bytes("b"))).toEqual([])
    expect(decoder().push(bytes("a.!")).map(({ type }) => type)).toEqual(["text-delta", "finish"])
  })

  it("says that a stream was cut, in the answer or before it", () => {
    const message = (parts: ReadonlyArray<Part>) => parts.map((part) => part.type === "error" ? part.error.reason.message : part.type)
    const begun = decoder()
    begun.push(bytes("a"))
    expect(message(begun.end())).toEqual(["the stream ended before the answer did"])
    expect(message(decoder().end())).toEqual(["the stream ended before the answer began"])
  })
})

describe("an event", () => {
  const thrown = (f: () => unknown): LlmError => {
    try {
      f()
    } catch (error) {
      return errorOf(error, "p")
    }
    throw new Error("nothing was thrown")
  }

  it("is an object, also one that stands in a list", () => {
    expect(eventOf(`{"a":1}`, "message", true, "p")).toEqual({ a: 1 })
    expect(eventOf(`[{"error":{"code":429}}]`, "message", true, "p")).toEqual({ error: { code: 429 } })
    expect(thrown(() => eventOf("[1]", "delta", true, "p")).message).toContain("an event of the stream (delta) is no object: [1]")
  })

  it("that is no JSON is malformed, an error, or half an event at the end", () => {
    expect(thrown(() => eventOf("{", "delta", true, "p")).reason._tag).toBe("MalformedResponse")
    expect(thrown(() => eventOf("overloaded", "error", true, "p")).reason).toMatchObject({ _tag: "Overloaded", message: "overloaded" })
    expect(eventOf("{", "delta", false, "p")).toBeUndefined()
  })

  it("in OpenAI's style may say that all is done", () => {
    expect([isDone("[DONE]"), isDone(" [DONE]\r"), isDone("DONE"), isDone("{}")]).toEqual([true, true, false, false])
  })
})
