/**
 * The way back of completions, embeddings and lists of models, tokens in place of texts included.
 *
 * @module
 */
import { Json, type JsonObject, Request } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type Quirks, wires } from "../../src/openai/index.ts"
import { failure } from "./support.ts"

const url = "https://api.openai.com/v1/x"

const decode = (operation: "completion" | "embeddings", body: unknown, quirks?: Quirks) =>
  wires(quirks)[operation].decode!({ url, body: body as JsonObject }, "openai")

const same = (operation: "completion" | "embeddings", body: object, quirks?: Quirks, expected: object = body): void => {
  const whole = { model: "m", ...body }
  const request = Request.make({ provider: "openai", ...decode(operation, whole, quirks) })
  expect(wires(quirks)[operation].prepare(request).request.body).toEqual({ model: "m", ...expected })
}

describe("completions", () => {
  it("come back as they were", () => {
    same("completion", { prompt: "a" })
    same("completion", { prompt: ["a"] })
    same("completion", { prompt: ["a", "b"] })
    same("completion", { prompt: [1, 2, 3] })
    same("completion", { prompt: [[1, 2], [3]] })
    same("completion", { prompt: "a", stream: true, stream_options: { include_usage: true } })
    same("completion", { prompt: "a", stream: false }, {}, { prompt: "a" })
    same("completion", {
      prompt: "a", best_of: 2, echo: true, frequency_penalty: 0, logit_bias: {}, logprobs: 0, max_tokens: 5, n: 1, presence_penalty: 0,
      seed: 1, stop: "x", suffix: "s", temperature: 0, top_p: 1, user: "u"
    })
    same("completion", { prompt: "a", max_tokens: 0, echo: true })
    expect(decode("completion", { model: "m", prompt: ["a", "b"] }).messages.map(({ content }) => content))
      .toEqual([[{ type: "text", text: "a" }], [{ type: "text", text: "b" }]])
  })

  it("that cannot be meant are refused by the field", () => {
    const parameterOf = (body: unknown) => failure(() => decode("completion", body)).reason
    expect(parameterOf({ prompt: 1 })).toMatchObject({ _tag: "InvalidRequest", parameter: "prompt" })
    expect(parameterOf({})).toMatchObject({ parameter: "prompt" })
    expect(parameterOf({ prompt: [] })).toMatchObject({ parameter: "prompt" })
    expect(parameterOf({ prompt: ["a", null] })).toMatchObject({ parameter: "prompt[1]" })
    expect(parameterOf({ prompt: [["a"]] })).toMatchObject({ parameter: "prompt[0]" })
    expect(parameterOf({ prompt: "a", n: "two" })).toMatchObject({ parameter: "n" })
  })
})

describe("embeddings", () => {
  it("come back as they were", () => {
    const form = { encoding_format: "float" }
    same("embeddings", { input: ["a", "b"], ...form, dimensions: 8, user: "u" })
    same("embeddings", { input: "a" }, {}, { input: ["a"], ...form })
    same("embeddings", { input: ["a"], encoding_format: "base64", x: 1 })
    same("embeddings", { input: [[1, 2], [3]], ...form })
    same("embeddings", { input: [1, 2] }, {}, { input: [[1, 2]], ...form })
    same("embeddings", { input: [{ content: [{ type: "image_url" }] }], ...form })
    same(
      "embeddings",
      { input: ["a"], output_dimension: 8, input_type: "query" },
      { dimensionsField: "output_dimension", encodingFormat: "none" }
    )
    expect(
      decode("embeddings", { input: ["a"], output_dimension: 8 }, { dimensionsField: "output_dimension" }).options
    ).toEqual({ dimensions: 8 })
  })

  it("that cannot be meant are refused by the field", () => {
    const reasonOf = (body: unknown) => failure(() => decode("embeddings", body)).reason
    expect(reasonOf({ input: 1 })).toMatchObject({ _tag: "InvalidRequest", parameter: "input" })
    expect(reasonOf({ input: ["a", true] })).toMatchObject({ parameter: "input[1]" })
    expect(reasonOf({ input: "a", dimensions: "8" })).toMatchObject({ parameter: "dimensions" })
  })

  it("of anything that is asked are what they were", () => {
    const messages = fc.array(
      fc.string({ maxLength: 5 }).map((text) => (
        { role: "user" as const, content: [{ type: "text" as const, text }] }
      )),
      { minLength: 1, maxLength: 3 }
    )
    fc.assert(fc.property(messages, fc.option(fc.integer({ min: 1, max: 99 }), { nil: undefined }), (messages, dimensions) => {
      const asked = {
        operation: "embeddings" as const,
        messages,
        options: { model: "m", ...(dimensions !== undefined && { dimensions }) }
      }
      const { body } = wires().embeddings.prepare(Request.make({ provider: "openai", ...asked })).request
      const read = decode("embeddings", body)
      if (!Json.equals(read, asked)) expect(read).toEqual(asked)
    }))
  })

  it("take tokens of their own provider alone, one list in a message", () => {
    const tokens = (provider: string, more: ReadonlyArray<object> = []) => () =>
      wires().embeddings.prepare(Request.make({
        provider: "openai",
        operation: "embeddings",
        messages: [
          { role: "user", content: [{ type: "raw", provider, value: [1, 2] }, ...more as ReadonlyArray<never>] }
        ],
        options: { model: "m" }
      })).request.body
    expect(tokens("openai")()).toMatchObject({ input: [[1, 2]] })
    expect(failure(tokens("groq")).reason._tag).toBe("Unsupported")
    expect(failure(tokens("openai", [{ type: "text", text: "a" }])).reason._tag).toBe("Unsupported")
  })
})

describe("lists of models", () => {
  it("go on at a page", () => {
    const page = (options: object, quirks?: Quirks, baseUrl = "https://a.test/v1") =>
      wires(quirks).list_models.prepare(Request.make(
        { provider: "x", operation: "list_models", messages: [], options, config: { baseUrl } }
      )).request.url
    expect(page({})).toBe("https://a.test/v1/models")
    expect(page({ page: "m 1&x" })).toBe("https://a.test/v1/models?after=m%201%26x")
    expect(page({ page: "p" }, { pageField: "page_token" })).toBe("https://a.test/v1/models?page_token=p")
    expect(page({ page: "p" }, {}, "https://a.test/v1?key=1")).toBe("https://a.test/v1/models?key=1&after=p")
    const read = (url: string, quirks?: Quirks) => wires(quirks).list_models.decode!({ url }, "x")
    expect(read("https://a.test/v1/models")).toEqual({ operation: "list_models", messages: [], options: {} })
    expect(read("/v1/models?after=m%201%26x").options).toEqual({ page: "m 1&x" })
    expect(read("https://a.test/models?page_token=p", { pageField: "page_token" }).options).toEqual({ page: "p" })
    expect(read("http://[").options).toEqual({})
  })
})
