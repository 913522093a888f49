/**
 * Vectors and lists of models, of the Gemini API and of Vertex AI.
 *
 * @module
 */
import { type EmbeddingsResult, type Message, Request } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/google/index.ts"
import { failure, prepared, request, response, surfaceOf } from "./support.ts"

const place = "https://us-central1-aiplatform.googleapis.com/v1beta1/projects/p/locations/us-central1"
const two: ReadonlyArray<Message> = ["a", "b"].map((text) => ({ role: "user", content: [{ type: "text", text }] }))

const embed = (body: unknown, provider = "google", messages: ReadonlyArray<Message> = two): EmbeddingsResult => {
  const it = request({ provider, operation: "embeddings", messages })
  return wires(surfaceOf(provider)).embeddings.parse(response(body), it) as EmbeddingsResult
}

const back = (init: Parameters<typeof prepared>[0]) => {
  const { request: { body, url } } = prepared(init)
  const provider = init?.provider ?? "google"
  const asked = wires(surfaceOf(provider)).embeddings.decode!({ url, body: body! }, provider)
  const again = wires(surfaceOf(provider)).embeddings.prepare(Request.make(
    { provider, config: init?.config ?? {}, ...asked }
  ))
  expect(again.request).toEqual({ method: "POST", url, headers: { "content-type": "application/json" }, body })
  return asked
}

describe("vectors", () => {
  it("of the Gemini API are asked for in a batch", () => {
    const init = {
      operation: "embeddings" as const,
      messages: two,
      options: { model: "gemini-embedding-001", dimensions: 8, providerOptions: { google: { taskType: "CLUSTERING" } } }
    }
    const entry = (text: string) => ({
      model: "models/gemini-embedding-001",
      content: { parts: [{ text }] },
      outputDimensionality: 8,
      taskType: "CLUSTERING"
    })
    expect(prepared(init)).toMatchObject({
      request: {
        url: "https://generativelanguage.googleapis.com/v1beta/models/gemini-embedding-001:batchEmbedContents",
        body: { requests: [entry("a"), entry("b")] }
      },
      warnings: []
    })
    expect(back(init)).toEqual({ operation: "embeddings", messages: two, options: init.options })
  })

  it("of Vertex AI are predicted, or embedded one by one", () => {
    const init = {
      provider: "vertex",
      operation: "embeddings" as const,
      messages: two,
      config: { baseUrl: place },
      options: {
        model: "text-embedding-005",
        dimensions: 8,
        providerOptions: { vertex: { task_type: "CLUSTERING", parameters: { autoTruncate: true } } }
      }
    }
    expect(prepared(init).request).toMatchObject({
      url: `${place}/publishers/google/models/text-embedding-005:predict`,
      body: {
        instances: [{ content: "a", task_type: "CLUSTERING" }, { content: "b", task_type: "CLUSTERING" }],
        parameters: { outputDimensionality: 8, autoTruncate: true }
      }
    })
    expect(back(init)).toEqual({ operation: "embeddings", messages: two, options: init.options })
    const one = { ...init, messages: two.slice(0, 1), options: { model: "gemini-embedding-2", dimensions: 8 } }
    expect(prepared(one).request).toMatchObject({
      url: `${place}/publishers/google/models/gemini-embedding-2:embedContent`,
      body: { content: { parts: [{ text: "a" }] }, outputDimensionality: 8 }
    })
    expect(back(one)).toEqual({ operation: "embeddings", messages: one.messages, options: one.options })
    expect(failure(() => prepared({ ...init, options: { model: "gemini-embedding-2" } })).reason._tag)
      .toBe("Unsupported")
    const image: Message = { role: "user", content: [{ type: "file", mediaType: "image/png", data: "aGk=" }] }
    expect(failure(() => prepared({ ...init, messages: [image] })).reason._tag).toBe("Unsupported")
  })

  it("are read in every form", () => {
    expect(embed({ embeddings: [{ values: [1, 2] }, { values: [3, 4] }], usageMetadata: { promptTokenCount: 5 } }))
      .toEqual({
      type: "embeddings",
      embeddings: [[1, 2], [3, 4]],
      usage: { inputTokens: { total: 5 }, outputTokens: {}, raw: { promptTokenCount: 5 } }
    })
    expect(embed({ embedding: { values: [1] } }, "vertex", two.slice(0, 1)).embeddings).toEqual([[1]])
    const entry = (values: ReadonlyArray<unknown>, token_count?: number) => ({
      embeddings: { values, ...(token_count !== undefined && { statistics: { token_count, truncated: false } }) }
    })
    expect(embed({ predictions: [entry([1], 2), entry([2], 3)], metadata: { billableCharacterCount: 9 } }, "vertex"))
      .toMatchObject({
      embeddings: [[1], [2]],
      usage: { inputTokens: { total: 5 } },
      metadata: { vertex: { metadata: { billableCharacterCount: 9 } } }
    })
    expect(embed({ predictions: [entry([1], 2), entry([2])] }, "vertex").usage)
      .toEqual({ inputTokens: {}, outputTokens: {} })
  })

  it("that are none are malformed", () => {
    const tag = (body: unknown) => failure(() => embed(body)).reason._tag
    expect(tag({ embeddings: [{ values: [1] }] })).toBe("MalformedResponse")
    expect(tag({ embeddings: [{ values: [1] }, { values: ["1"] }] })).toBe("MalformedResponse")
    expect(tag({ embeddings: [{}, {}] })).toBe("MalformedResponse")
    expect(tag({})).toBe("NotAnLlm")
    expect(tag({ error: { code: 429, status: "RESOURCE_EXHAUSTED", message: "slow down" } })).toBe("RateLimit")
  })

  it("are not read from requests whose texts are asked for differently", () => {
    const decode = (body: object) => wires("gemini").embeddings.decode!(
      { url: "/v1beta/models/m:batchEmbedContents", body: body as never },
      "google"
    )
    const entry = (text: string, more: object = {}) => ({ content: { parts: [{ text }] }, ...more })
    expect(failure(() => decode({ requests: [entry("a"), entry("b", { title: "x" })] })).reason)
      .toMatchObject({ parameter: "requests" })
    expect(failure(() => decode({ requests: [{}] })).reason).toMatchObject({ parameter: "requests[0].content" })
    expect(failure(() => decode({ requests: [entry("a", { outputDimensionality: 1.5 })] })).reason)
      .toMatchObject({ parameter: "outputDimensionality" })
    expect(decode({ requests: [entry("a", { output_dimensionality: 2 })] }).options)
      .toEqual({ model: "m", dimensions: 2 })
  })
})

describe("a list of models", () => {
  it("is asked for page by page", () => {
    const url = (provider: string, options = {}) =>
      prepared({
        provider,
        operation: "list_models",
        config: provider === "vertex" ? { baseUrl: place } : {},
        options
      }).request.url
    expect(url("google")).toBe("https://generativelanguage.googleapis.com/v1beta/models?pageSize=1000")
    expect(url("google", { page: "a b" }))
      .toBe("https://generativelanguage.googleapis.com/v1beta/models?pageSize=1000&pageToken=a%20b")
    expect(url("vertex"))
      .toBe("https://us-central1-aiplatform.googleapis.com/v1beta1/publishers/google/models?pageSize=100")
  })

  it("is read with what is known of each", () => {
    const parse = (body: unknown) => wires("gemini").list_models.parse(
      response(body),
      request({ operation: "list_models" })
    )
    const flash = { name: "models/flash", displayName: "Flash", inputTokenLimit: 9 }
    expect(parse({ models: [flash], nextPageToken: "n" })).toEqual({
      type: "list_models",
      models: [{ id: "models/flash", name: "Flash", contextWindow: 9, raw: flash }],
      next: "n"
    })
    expect(parse({ publisherModels: [{ name: "publishers/google/models/x" }] })).toMatchObject({
      models: [{ id: "publishers/google/models/x", ownedBy: "google" }]
    })
    expect(parse({})).toEqual({ type: "list_models", models: [] })
    expect(failure(() => parse({ data: [] })).reason._tag).toBe("NotAnLlm")
    expect(failure(() => parse({ models: [{}] })).reason._tag).toBe("MalformedResponse")
    expect(failure(() => parse("<html>")).reason._tag).toBe("NotAnLlm")
  })

  it("shows that the service can be used", () => {
    const { validate } = wires("gemini")
    expect(validate.prepare(request({ operation: "validate" })).request.url).toContain("/models?pageSize=1")
    expect(validate.parse(response({ models: [] }), request({ operation: "validate" })))
      .toEqual({ type: "validate", usable: true })
  })
})
