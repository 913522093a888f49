/**
 * Embeddings and models: what is asked and how the answers are read.
 *
 * @module
 */
import { describe, expect, it } from "vitest"
import { type Quirks, wires } from "../../src/openai/index.ts"
import { failure, type Init, prepared, request, response } from "./support.ts"

const vectors = (body: unknown, init: Partial<Init> = {}, quirks?: Quirks) =>
  wires(quirks).embeddings.parse(response(body), request({ operation: "embeddings", ...init }))

const float32 = (
  ...numbers: ReadonlyArray<number>
): string => Buffer.from(new Float32Array(numbers).buffer).toString("base64")

describe("embeddings", () => {
  it("are asked for one per message", () => {
    expect(prepared({
      operation: "embeddings",
      messages: [
        { role: "user", content: "a" },
        { role: "user", content: [{ type: "text", text: "b" }, { type: "text", text: "c" }] }
      ],
      options: { dimensions: 8, user: "u", temperature: 1 }
    })).toStrictEqual({
      request: {
        method: "POST",
        url: "https://api.openai.com/v1/embeddings",
        headers: { "content-type": "application/json" },
        body: { model: "m", input: ["a", "bc"], encoding_format: "float", dimensions: 8, user: "u" }
      },
      warnings: [
        { type: "unsupported-option", option: "temperature", message: "openai takes no temperature for embeddings" }
      ]
    })
    expect(
      prepared({ operation: "embeddings" }, { encodingFormat: "none" }).request.body
    ).not.toHaveProperty("encoding_format")
    expect(failure(() => prepared({ operation: "embeddings", messages: [] })).reason._tag).toBe("InvalidRequest")
    expect(
      failure(() => prepared(
        { operation: "embeddings", options: { dimensions: 8 } },
        { unsupported: ["dimensions"] }
      )).reason._tag
    )
      .toBe("Unsupported")
  })

  it("are read in the order of the inputs, with usage and what else was said", () => {
    const two = [{ role: "user" as const, content: "a" }, { role: "user" as const, content: "b" }]
    expect(vectors({
      object: "list",
      model: "e-1",
      data: [{ index: 1, embedding: [3, 4] }, { index: 0, embedding: [1, 2] }],
      usage: { prompt_tokens: 2, total_tokens: 2 },
      meta: { x: 1 }
    }, { messages: two })).toStrictEqual({
      type: "embeddings",
      model: "e-1",
      embeddings: [[1, 2], [3, 4]],
      usage: { inputTokens: { total: 2 }, outputTokens: {}, raw: { prompt_tokens: 2, total_tokens: 2 } },
      metadata: { openai: { meta: { x: 1 } } }
    })
  })

  it("come as base64 too, of more than one kind of number", () => {
    const read = (embedding: string, quirks?: Quirks, init?: Partial<Init>) =>
      vectors({ data: [{ embedding }] }, init, quirks).type === "embeddings"
        ? (
          vectors({ data: [{ embedding }] }, init, quirks) as { embeddings: ReadonlyArray<ReadonlyArray<number>> }
        ).embeddings[0]
        : undefined
    expect(read(float32(0.5, -2))).toEqual([0.5, -2])
    expect(read(Buffer.from(new Float64Array([0.1]).buffer).toString("base64"), { vectors: "float64" })).toEqual([0.1])
    const bytes = Buffer.from([1, 255, 128]).toString("base64")
    expect(read(bytes, { encodingFormat: "base64_int8" })).toEqual([1, -1, -128])
    expect(
      read(bytes, {}, { options: { providerOptions: { openai: { encoding_format: "base64_int8" } } } })
    ).toEqual([1, -1, -128])
    const own = (own: object) => ({ options: { providerOptions: { openai: own as never } } })
    expect(read(bytes, {}, own({ output_dtype: "uint8" }))).toEqual([1, 255, 128])
    expect(read(bytes, {}, own({ output_dtype: "binary" }))).toEqual([1, -1, -128])
    expect(read(bytes, {}, own({ output_dtype: "ubinary" }))).toEqual([1, 255, 128])
  })

  it("are read as float64 where they can be nothing else", () => {
    const read = (numbers: Float32Array | Float64Array) => {
      const result = vectors({ data: [{ embedding: Buffer.from(numbers.buffer).toString("base64") }] })
      return result.type === "embeddings" ? result.embeddings[0] : undefined
    }
    const numbers = Array.from({ length: 64 }, (_, index) => Math.sin(index + 1) / 10)
    const halves = numbers.map((number) => Math.round(number * 256) / 256)
    for (const given of [numbers, numbers.map(Math.fround), halves]) {
      expect(read(new Float64Array(given))).toEqual(given)
      expect(read(new Float32Array(given))).toEqual(given.map(Math.fround))
    }
    expect(read(new Float32Array(64))?.length).toBe(64)
    expect(read(new Float32Array([0, 1]))).toEqual([0, 1])
    expect(read(new Float32Array(numbers.map((number) => number * 1e12)))?.length).toBe(64)
  })

  it("that cannot be read are named errors", () => {
    const tagOf = (body: unknown) => failure(() => vectors(body)).reason._tag
    expect(tagOf({ data: [{ embedding: [1, null] }] })).toBe("MalformedResponse")
    expect(tagOf({ data: [{ embedding: [1, "2"] }] })).toBe("MalformedResponse")
    expect(tagOf({ data: [{}] })).toBe("MalformedResponse")
    expect(tagOf({ data: [{ embedding: "AAA" }] })).toBe("MalformedResponse")
    expect(tagOf({ data: [{ embedding: float32(Number.NaN) }] })).toBe("MalformedResponse")
    expect(tagOf({ data: [] })).toBe("MalformedResponse")
    expect(tagOf({ data: [{ embedding: [1] }, { embedding: [2] }] })).toBe("MalformedResponse")
    expect(tagOf("{\"data\":[{\"embedding\":[1e999]}]}")).toBe("MalformedResponse")
    expect(tagOf({ error: { message: "no", code: "invalid_api_key" } })).toBe("Authentication")
    expect(tagOf({ hello: 1 })).toBe("NotAnLlm")
    expect(tagOf("<html>")).toBe("NotAnLlm")
  })
})

describe("models", () => {
  const models = (body: unknown) => wires().list_models.parse(
    response(body),
    request({ operation: "list_models", messages: [] })
  )

  it("are asked for with a GET, and so is whether the service can be used", () => {
    const init = { messages: [], config: { baseUrl: "http://localhost:1/v1" } }
    const get = { request: { method: "GET", url: "http://localhost:1/v1/models", headers: {} }, warnings: [] }
    expect(prepared({ operation: "list_models", ...init })).toStrictEqual(get)
    expect(prepared({ operation: "validate", ...init })).toStrictEqual(get)
    expect(
      prepared({ operation: "validate", ...init }, { paths: { validate: "/key" } }).request.url
    ).toBe("http://localhost:1/v1/key")
  })

  it("are read with what the service says of them", () => {
    const raw = { id: "m-1", object: "model", created: 1_700_000_000, owned_by: "openai", context_window: 128 }
    expect(
      models({ object: "list", data: [raw, { id: "m-2", created: 0, name: "Em two", context_length: 64 }] })
    ).toStrictEqual({
      type: "list_models",
      models: [
        { id: "m-1", ownedBy: "openai", created: "2023-11-14T22:13:20.000Z", contextWindow: 128, raw },
        {
          id: "m-2",
          name: "Em two",
          contextWindow: 64,
          raw: { id: "m-2", created: 0, name: "Em two", context_length: 64 }
        }
      ]
    })
    expect(models([{ id: "a" }])).toEqual({ type: "list_models", models: [{ id: "a", raw: { id: "a" } }] })
    expect(models({ endpoints: [{ name: "a", id: "" }] })).toMatchObject({ models: [{ id: "a" }] })
    expect(models([{ model_id: "a" }])).toMatchObject({ models: [{ id: "a" }] })
    expect(models({ data: [{ id: "a" }], has_more: true })).toMatchObject({ next: "a" })
    expect(models({ data: [] })).toEqual({ type: "list_models", models: [] })
  })

  it("that cannot be read are named errors", () => {
    expect(failure(() => models({ data: [{ name: "" }] })).reason._tag).toBe("MalformedResponse")
    expect(failure(() => models({ status: "ok" })).reason._tag).toBe("NotAnLlm")
    expect(failure(() => models("<html>login</html>")).reason._tag).toBe("NotAnLlm")
    expect(failure(() => models({ error: "no" })).reason._tag).toBe("Server")
  })

  it("prove that the service can be used", () => {
    const usable = (body: unknown, quirks?: Quirks) => wires(quirks).validate.parse(
      response(body),
      request({ operation: "validate" })
    )
    expect(usable({ data: [{ id: "a" }] })).toEqual({ type: "validate", usable: true })
    expect(
      usable({ data: { label: "key" } }, { paths: { validate: "/key" } })
    ).toEqual({ type: "validate", usable: true })
    expect(failure(() => usable({ hello: 1 })).reason._tag).toBe("NotAnLlm")
    expect(
      failure(() => usable({ error: { code: 401, message: "no" } }, { paths: { validate: "/key" } })).reason._tag
    ).toBe("Authentication")
  })
})
