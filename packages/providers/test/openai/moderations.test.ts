/**
 * Moderations: what is asked, how the answers are read, and the way back from a client's request.
 *
 * @module
 */
import { LlmError, type Message, Request } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { mistral } from "../../src/mistral.ts"
import { type Quirks, wires } from "../../src/openai/index.ts"
import { failure, type Init, request, response } from "./support.ts"

const mistralQuirks: Quirks = { moderation: { model: "mistral-moderation-latest", images: false, flagged: false } }
const user = (content: Message["content"]): Message => ({ role: "user", content }) as Message
const ask = (init: Partial<Init> = {}) => request({ operation: "moderations", ...init })
const sent = (init: Partial<Init>, quirks?: Quirks) => wires(quirks).moderations.prepare(ask(init)).request
const read = (body: unknown, init: Partial<Init> = {}) => wires().moderations.parse(response(body), ask(init))
const decode = (body: unknown) => wires().moderations.decode!({ url: "/v1/moderations", body: body as never }, "openai")

const verdict = { flagged: true, categories: { hate: true, illicit: null }, category_scores: { hate: 0.75, illicit: 0 } }

describe("what is asked", () => {
  it("is a text, a list of texts, or the parts of one message", () => {
    expect(sent({ messages: [user("a")] })).toEqual({
      method: "POST",
      url: "https://api.openai.com/v1/moderations",
      headers: { "content-type": "application/json" },
      body: { model: "m", input: "a" }
    })
    expect(sent({ messages: [user("a"), user([{ type: "text", text: "b" }, { type: "text", text: "c" }])] }).body!.input).toEqual(["a", "bc"])
    const image = { type: "file" as const, mediaType: "image/png", data: "iVBORw0KGgo=" }
    expect(sent({ messages: [user([{ type: "text", text: "a" }, image])] }).body!.input).toEqual([
      { type: "text", text: "a" }, { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } }
    ])
    expect(sent({ messages: [user([image])] }).body!.input).toHaveLength(1)
  })

  it("is refused where the service cannot judge it, and never cut", () => {
    const image = user([{ type: "file", mediaType: "image/png", data: { _tag: "URL", href: "https://a.test/b.png" } }])
    const refused = failure(() => sent({ messages: [user("a"), image] }))
    expect([refused.reason._tag, refused.message]).toEqual(["Unsupported", expect.stringContaining("of one message")])
    expect(failure(() => sent({ messages: [image] }, mistralQuirks)).message).toContain("moderates text alone")
    expect(failure(() => sent({ messages: [] })).reason._tag).toBe("InvalidRequest")
  })

  it("names no model where the service has its own choice, and Mistral's where that needs one", () => {
    const asked = Request.make({ provider: "openai", operation: "moderations", messages: "a" })
    expect(wires().moderations.prepare(asked).request.body).toEqual({ input: "a" })
    expect(wires(mistralQuirks).moderations.prepare(asked).request.body).toEqual({ model: "mistral-moderation-latest", input: "a" })
  })
})

describe("what a client asks", () => {
  it.each([
    [{ input: "a" }],
    [{ model: "omni-moderation-latest", input: "a" }],
    [{ input: ["a"] }],
    [{ input: ["a", ""], unknown: { kept: 1 } }],
    [{ input: [{ type: "text", text: "a" }] }],
    [{ input: [{ type: "text", text: "a" }, { type: "text", text: "b", own: 1 }] }],
    [{
      input: [
        { type: "text", text: "a" },
        { type: "image_url", image_url: { url: "https://a.test/b.png" } },
        { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } }
      ]
    }]
  ])("goes on as it came: %j", (body) => {
    const asked = decode(body)
    expect(asked.operation).toBe("moderations")
    expect(wires().moderations.prepare(Request.make({ provider: "openai", ...asked })).request.body).toEqual(body)
  })

  it.each([[{}], [{ input: 7 }], [{ input: [] }], [{ input: ["a", 7] }], [{ input: ["a", { type: "text", text: "b" }] }]])(
    "is refused by its field where it cannot be meant: %j",
    (body) => {
      const { reason } = failure(() => decode(body))
      expect(reason).toMatchObject({ _tag: "InvalidRequest", parameter: "input" })
    }
  )
})

describe("what is answered", () => {
  it("is one moderation for each input, with what else was said", () => {
    const applied = { hate: ["text", "image"] }
    expect(read({
      id: "modr-1", model: "omni", note: "n", results: [{ ...verdict, category_applied_input_types: applied, extra: 1 }]
    }, { messages: [user("a")] })).toEqual({
      type: "moderations",
      id: "modr-1",
      model: "omni",
      moderations: [{
        flagged: true,
        categories: verdict.categories,
        scores: verdict.category_scores,
        appliedTo: applied,
        metadata: { openai: { extra: 1 } }
      }],
      metadata: { openai: { note: "n" } }
    })
  })

  it("is flagged where any category is, for a service that does not say", () => {
    const one = (categories: object) => read({ results: [{ categories }] }) as { moderations: ReadonlyArray<{ flagged: boolean }> }
    expect(one({ a: false, b: true }).moderations[0]!.flagged).toBe(true)
    expect(one({ a: false, b: false }).moderations[0]!.flagged).toBe(false)
    expect(mistral.wires.moderations!.speaks).toBeUndefined()
    expect(wires().moderations.speaks).toBe("openai")
  })

  it.each([
    ["nothing", {}, "NotAnLlm"],
    ["no verdict", { results: [] }, "MalformedResponse"],
    ["too few", { results: [verdict] }, "MalformedResponse"],
    ["too many", { results: [verdict, verdict, verdict] }, "MalformedResponse"],
    ["no categories", { results: [{ flagged: false }, verdict] }, "MalformedResponse"],
    ["a word for a category", { results: [{ flagged: false, categories: { hate: "no" } }, verdict] }, "MalformedResponse"],
    ["a word for flagged", { results: [{ ...verdict, flagged: "no" }, verdict] }, "MalformedResponse"],
    ["an error", { error: { message: "no" } }, undefined],
    ["a page", "<html>", "NotAnLlm"]
  ])("is refused where it says %s: nobody takes silence for consent", (_, body, tag) => {
    const error = failure(() => read(body, { messages: [user("a"), user("b")] }))
    expect(error).toBeInstanceOf(LlmError.LlmError)
    if (tag !== undefined) expect(error.reason._tag).toBe(tag)
  })
})
