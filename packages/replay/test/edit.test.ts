/**
 * Any field of a request is changed by its path; what would leave no request is refused with the path and what is there.
 *
 * @module
 */
import { LlmError, Request, Result } from "@plugline/core"
import { Replay } from "@plugline/replay"
import { Arbitrary } from "@plugline/testing"
import { Redacted } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"

const request = Request.putPrivate(
  Request.assign(
    Request.make({
      id: "r1",
      provider: "openai",
      messages: [{ role: "system", content: "Be kind." }, { role: "user", content: "Hello" }, { role: "user", content: "Again" }],
      options: { model: "gpt-5-mini", temperature: 1 },
      config: { apiKey: Redacted.make("sk-secret-123456"), baseUrl: "http://here" },
      metadata: { tags: ["a", "b"], "with space": { deep: [1, 2, 3] } }
    }),
    { name: "known" } as never,
    { count: 1 }
  ),
  { name: "own" } as never,
  1
)

const set = (path: string, value: unknown, of = request) => Replay.edit(of, { set: [{ path, value: value as never }] })
const refusal = (f: () => unknown): string => {
  try {
    f()
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(LlmError.LlmError)
    expect((thrown as LlmError).reason._tag).toBe("InvalidRequest")
    return (thrown as LlmError).reason.message
  }
  throw new Error("it was not refused")
}

describe("an edit", () => {
  it("sets a value anywhere, and leaves the rest as it was", () => {
    expect(set("options.temperature", 0).options).toEqual({ model: "gpt-5-mini", temperature: 0 })
    expect(set("options.topP", 0.5).options.topP).toBe(0.5)
    expect(set("messages[1].content", "Bye").messages[1]).toEqual({ role: "user", content: [{ type: "text", text: "Bye" }] })
    expect(set("messages[1].content[0].text", "Bye").messages[1]).toEqual(set("messages[1].content", "Bye").messages[1])
    expect(set("messages[3]", { role: "user", content: "more" }).messages.length).toBe(4)
    expect(set("metadata[\"with space\"].deep[1]", 7).metadata["with space"]).toEqual({ deep: [1, 7, 3] })
    expect(set("assigns.known.count", 2).assigns.known).toEqual({ count: 2 })
    expect(set("private.own", 2).private.own).toBe(2)
    expect(set("provider", "mistral").provider).toBe("mistral")
    expect(set("operation", "stream").operation).toBe("stream")
    expect(set("config.baseUrl", "http://there").config.apiKey).toBe(request.config.apiKey)
    expect(set("options.temperature", 0).messages).toBe(request.messages)
    expect(request.options.temperature).toBe(1)
  })

  it("takes fields and items out", () => {
    const out = Replay.edit(request, { unset: ["options.temperature", "messages[0]", "metadata.tags[0]"] })
    expect(out.options).toEqual({ model: "gpt-5-mini" })
    expect(out.messages.map(({ role }) => role)).toEqual(["user", "user"])
    expect(out.metadata.tags).toEqual(["b"])
  })

  it("keeps a field named __proto__ a field", () => {
    const out = set("metadata[\"__proto__\"]", { polluted: true })
    expect(Object.getPrototypeOf(out.metadata)).toBe(Object.prototype)
    expect(Object.hasOwn(out.metadata, "__proto__")).toBe(true)
    expect(({} as { readonly polluted?: boolean }).polluted).toBeUndefined()
  })

  it("changes what was answered", () => {
    const answered = Request.complete(Request.execute(request), Result.fold([{ type: "text-delta", id: "0", delta: "Hi" }]))
    expect(Result.text(set("result.content[0].text", "Bye", answered).result)).toBe("Bye")
    expect(set("result.content[0].text", "Bye", answered).state).toBe("completed")
  })

  it("refuses a path that leads nowhere, and says what is there", () => {
    expect(refusal(() => set("options.temprature", 0))).toContain("did you mean \"temperature\"?")
    expect(refusal(() => set("option.temperature", 0))).toContain("did you mean \"options\"?")
    expect(refusal(() => set("messages[7].content", "x")))
      .toBe("cannot edit \"messages[7].content\": messages has 3 items, and none at [7]")
    expect(refusal(() => set("messages[5]", { role: "user", content: "x" }))).toContain("there are 3 items: the next is [3]")
    expect(refusal(() => set("messages.content", "x"))).toContain("messages is a list: say which item, as in messages[0]")
    expect(refusal(() => set("messages[1].contents[0]", "x"))).toContain("did you mean \"content\"?")
    expect(refusal(() => set("options.model.name", "x"))).toContain("options.model is a string and has no name")
    expect(refusal(() => Replay.edit(request, { unset: ["options.topP"] }))).toContain("in options")
    for (const path of ["", "options.", "options..x", "[", "messages[x]", "messages[-1]", "options[\"x]", "a b"]) {
      expect(refusal(() => set(path, 1))).toContain("cannot edit")
    }
  })

  it("refuses what would be no request", () => {
    expect(refusal(() => set("options.temperature", "warm"))).toContain("temperature must be")
    expect(refusal(() => set("messages[0].role", "nobody"))).toContain("messages[0].role")
    expect(refusal(() => set("messages", 7))).toContain("cannot edit \"messages\"")
    expect(refusal(() => set("operation", "streem"))).toContain("did you mean \"stream\"?")
    expect(refusal(() => set("provider", ""))).toContain("provider must be a text")
    expect(refusal(() => set("metadata", []))).toContain("metadata must be an object")
    expect(refusal(() => set("metadata.x", Number.NaN))).toContain("plain JSON")
    expect(refusal(() => set("config.apiKey", "sk-123"))).toContain("a key is no part of a record")
    for (const path of ["state", "halted", "reply", "reply.source", "errors", "errors[0]"]) {
      expect(refusal(() => set(path, "completed"))).toContain("cannot be edited")
    }
    for (const path of ["result", "response.status", "providerRequest.url"]) {
      expect(refusal(() => set(path, {}))).toContain("the request has no")
    }
    expect(refusal(() => Replay.edit(request, { unset: ["provider"] }))).toContain("provider must be a text")
    expect(refusal(() => Replay.edit(request, { unset: ["messages"] }))).toContain("cannot edit")
  })

  it("gives a request or says why not, whatever is asked of it", () => {
    const known = ["options", "messages", "metadata", "[0]", "content", "state", "[\"a\"]", "config", "assigns", "result"]
    const key = fc.oneof(fc.constantFrom(...known), fc.string({ maxLength: 6 }))
    const path = fc.array(key, { maxLength: 4 }).map((keys) =>
      keys.map((key, index) => index > 0 && !key.startsWith("[") ? `.${key}` : key).join(""))
    fc.assert(fc.property(Arbitrary.request(), path, Arbitrary.json(), fc.boolean(), (request, path, value, out) => {
      const before = JSON.stringify(request)
      try {
        const edited = Replay.edit(request, out ? { unset: [path] } : { set: [{ path, value }] })
        expect(edited.state).toBe(request.state)
        expect(() => Request.fromJson(Request.toJson(edited))).not.toThrow()
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(LlmError.LlmError)
      }
      expect(JSON.stringify(request)).toBe(before)
    }))
  })
})
