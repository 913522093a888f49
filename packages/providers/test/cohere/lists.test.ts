/**
 * Vectors, lists of models and errors, and how vectors are asked for.
 *
 * @module
 */
import { type EmbeddingsResult, type ModelsResult, Message } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/cohere/index.ts"
import { failure, prepared, request, response, v1 } from "./support.ts"

const image = "iVBORw0KGgoAAAANSUhEUg=="

describe("the other answers", () => {
  it("vectors, in every form", () => {
    const parse = (embeddings: unknown, types?: ReadonlyArray<string>, messages = 1): EmbeddingsResult =>
      wires().embeddings.parse(response({
        id: "e1",
        embeddings,
        texts: ["a"],
        meta: { billed_units: { input_tokens: 3 } }
      }), request({
        operation: "embeddings",
        messages: Array.from({ length: messages }, () => ({ role: "user" as const, content: "a" })),
        ...(types !== undefined && { options: { providerOptions: { cohere: { embedding_types: types } } } })
      })) as EmbeddingsResult
    expect(parse({ float: [[0.5, -1]] })).toStrictEqual({
      type: "embeddings", embeddings: [[0.5, -1]], usage: {
        inputTokens: {},
        outputTokens: {},
        raw: { billed_units: { input_tokens: 3 } }
      }, metadata: { cohere: { id: "e1" } }
    })
    expect(parse([[0.5, -1]]).embeddings).toEqual([[0.5, -1]])
    const both = { float: [[0.5]], int8: [[-5]], ubinary: [[255]] }
    expect(parse(both, ["int8", "float"])).toMatchObject({
      embeddings: [[-5]],
      metadata: { cohere: { embedding_type: "int8", embeddings: both } }
    })
    expect(parse({ int8: [], float: [[0.5]] }).embeddings).toEqual([[0.5]])
    const base64 = Buffer.from(new Float32Array([0.5, -1]).buffer).toString("base64")
    expect(parse({ base64: [base64] }, ["base64"])).toMatchObject({
      embeddings: [[0.5, -1]],
      metadata: { cohere: { embedding_type: "base64" } }
    })
    expect(
      failure(() => parse({ float: [[0.5]] }, undefined, 2)).reason.message
    ).toBe("2 inputs were sent, 1 vectors came back")
    for (const broken of [{ float: [["x"]] }, { float: [[]] }, { base64: ["AAA="] }, {}, "x"]) {
      expect(failure(() => parse(broken)).reason._tag).toBe("MalformedResponse")
    }
    expect(
      failure(
        () => wires().embeddings.parse(response({ message: "no" }), request({ operation: "embeddings" }))
      ).reason.message
    ).toBe("no")
    expect(
      failure(() => wires().embeddings.parse(response({ x: 1 }), request({ operation: "embeddings" }))).reason._tag
    ).toBe("NotAnLlm")
  })

  it("models, page by page", () => {
    const parse = (body: unknown): ModelsResult => wires().list_models.parse(
      response(body),
      request({ operation: "list_models", messages: [] })
    ) as ModelsResult
    const entry = { name: "command-a", context_length: 256_000, endpoints: ["chat"] }
    expect(parse({ models: [entry, { name: "b", context_length: 0 }], next_page_token: "t" })).toStrictEqual({
      type: "list_models", models: [
        { id: "command-a", contextWindow: 256_000, raw: entry },
        { id: "b", raw: { name: "b", context_length: 0 } }
      ], next: "t"
    })
    expect(parse({ models: [], next_page_token: "" })).toStrictEqual({ type: "list_models", models: [] })
    expect(failure(() => parse({ models: [{}] })).reason._tag).toBe("MalformedResponse")
    expect(failure(() => parse({ message: "no" })).reason._tag).toBe("Server")
    expect(failure(() => parse({})).reason._tag).toBe("NotAnLlm")
    expect(
      wires().validate.parse(response({ models: [] }), request({ operation: "validate" }))
    ).toEqual({ type: "validate", usable: true })
  })

  it.each([
    [401, "{\"message\":\"invalid api token\"}", "Authentication"],
    [400, "{\"message\":\"invalid request: message must be at least 1 token long\"}", "InvalidRequest"],
    [
      400,
      "{\"message\":\"too many tokens: total number of tokens in the prompt cannot exceed 4081\"}",
      "ContextLength"
    ],
    [402, "{\"message\":\"Please add or update your payment method\"}", "Quota"],
    [429, "{\"message\":\"You are using a Trial key, which is limited to 40 API calls / minute.\"}", "RateLimit"],
    [429, "{\"message\":\"You are using a Trial key, which is limited to 1000 API calls / month.\"}", "Quota"],
    [498, "{\"message\":\"the request contains a deny-listed token\"}", "ContentPolicy"],
    [404, "{\"message\":\"model 'x' not found, make sure the correct model ID was used\"}", "NotFound"],
    [503, "{\"message\":\"service unavailable\"}", "Overloaded"],
    [504, "{\"message\":\"gateway timeout\"}", "Timeout"],
    [500, "{\"message\":\"internal server error\",\"id\":\"1\"}", "Server"],
    [501, "", "Server"]
  ])("errors: %s %s", (status, body, tag) => {
    expect(wires().chat.reason({ status, headers: {}, body }, request()).reason).toMatchObject({ _tag: tag, status })
  })
})

describe("embeddings", () => {
  const body = (init: Parameters<typeof prepared>[0]) => prepared({ operation: "embeddings", ...init }).request.body
  const picture = { type: "file" as const, mediaType: "image/png", data: image }
  const url = `data:image/png;base64,${image}`

  it("let the caller's own inputs stand in place of ours", () => {
    const own = { providerOptions: { cohere: { inputs: [{ content: [] }] } } }
    expect(body({ options: own })).toMatchObject({ inputs: [{ content: [] }] })
    expect(body({ options: own })).not.toHaveProperty("texts")
  })

  it("say what they are for and in which form, and take images", () => {
    expect(
      body({
        messages: [Message.user("a"), Message.user("b")],
        options: { dimensions: 64, providerOptions: { cohere: { input_type: "search_query" } } }
      })
    ).toStrictEqual({
      model: "m", input_type: "search_query", embedding_types: ["float"], texts: ["a", "b"], output_dimension: 64
    })
    expect(
      body({ messages: [{ role: "user", content: [{ type: "text", text: "a" }, picture] }, Message.user("b")] })
    ).toMatchObject({
      inputs: [
        { content: [{ type: "text", text: "a" }, { type: "image_url", image_url: { url } }] },
        { content: [{ type: "text", text: "b" }] }
      ]
    })
    expect(
      body({ config: v1, messages: [{ role: "user", content: [picture] }] })
    ).toMatchObject({ images: [url], input_type: "image" })
    expect(
      failure(
        () => body({ config: v1, messages: [{ role: "user", content: [picture] }, Message.user("b")] })
      ).reason._tag
    ).toBe("Unsupported")
    expect(
      failure(
        () => body({ messages: [{ role: "user", content: [{ ...picture, mediaType: "audio/wav" }] }] })
      ).reason._tag
    ).toBe("Unsupported")
  })
})
