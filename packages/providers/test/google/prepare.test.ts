/**
 * Requests in the service's words: exact bodies and addresses, and what is said of options that cannot be sent.
 *
 * @module
 */
import { type Options, Request } from "@plugline/core"
import { Redacted } from "effect"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/google/index.ts"
import { failure, options, prepared } from "./support.ts"

const tool = {
  name: "weather",
  description: "Tells the weather",
  parameters: { type: "object", properties: { city: { type: "string" } } }
}
const gemini = "https://generativelanguage.googleapis.com/v1beta"
const pro3 = { model: "gemini-3-pro-preview" }

describe("a chat request", () => {
  it("is a POST of contents to the model's method", () => {
    expect(prepared()).toStrictEqual({
      request: {
        method: "POST",
        url: `${gemini}/models/gemini-2.5-flash:generateContent`,
        headers: { "content-type": "application/json" },
        body: { contents: [{ role: "user", parts: [{ text: "Hello" }] }] }
      },
      warnings: []
    })
    expect(prepared({ operation: "stream" }).request.url)
      .toBe(`${gemini}/models/gemini-2.5-flash:streamGenerateContent?alt=sse`)
    expect(prepared({ operation: "stream", config: { baseUrl: "http://x.test/v1/?a=b" } }).request.url)
      .toBe("http://x.test/v1/models/gemini-2.5-flash:streamGenerateContent?a=b&alt=sse")
  })

  it("names a model in every form in which it is given", () => {
    const url = (model: string) => prepared({ options: { model } }).request.url
    expect(url("models/a")).toBe(`${gemini}/models/a:generateContent`)
    expect(url("tunedModels/a b")).toBe(`${gemini}/tunedModels/a%20b:generateContent`)
    expect(url("a?b#c")).toBe(`${gemini}/models/a%3Fb%23c:generateContent`)
    for (const model of ["..", "models/../x", "a//b", "/a", "models/"]) {
      expect(failure(() => url(model)).reason, model).toMatchObject({ _tag: "InvalidRequest", parameter: "model" })
    }
    expect(failure(() => wires("gemini").chat.prepare(Request.make({ provider: "google", messages: "Hi" }))).reason)
      .toMatchObject({ _tag: "InvalidRequest", parameter: "model" })
    const own = Request.make({
      provider: "google",
      messages: "Hi",
      options: { providerOptions: { google: { model: "a" } } }
    })
    expect(wires("gemini").chat.prepare(own).request)
      .toMatchObject({ url: `${gemini}/models/a:generateContent`, body: { contents: [{}] } })
    expect(wires("gemini").chat.prepare(own).request.body).not.toHaveProperty("model")
    expect(failure(() => prepared({ messages: [] })).reason).toMatchObject({ parameter: "messages" })
  })

  it("goes where Vertex AI has the model and the location", () => {
    const url = (model: string, location = "us-central1") =>
      prepared({
        provider: "vertex",
        options: { model },
        config: { baseUrl: `https://${location}-aiplatform.googleapis.com/v1beta1/projects/p/locations/${location}` }
      }).request.url
    const place = "https://us-central1-aiplatform.googleapis.com/v1beta1/projects/p/locations/us-central1"
    expect(url("gemini-2.5-pro")).toBe(`${place}/publishers/google/models/gemini-2.5-pro:generateContent`)
    expect(url("models/gemini-2.5-pro")).toBe(`${place}/publishers/google/models/gemini-2.5-pro:generateContent`)
    expect(url("publishers/google/models/g@001")).toBe(`${place}/publishers/google/models/g@001:generateContent`)
    expect(url("meta/llama")).toBe(`${place}/publishers/meta/models/llama:generateContent`)
    expect(url("endpoints/12")).toBe(`${place}/endpoints/12:generateContent`)
    expect(url("projects/q/locations/l/endpoints/12"))
      .toBe("https://us-central1-aiplatform.googleapis.com/v1beta1/projects/q/locations/l/endpoints/12:generateContent")
    expect(url("g", "global"))
      .toBe(
        "https://aiplatform.googleapis.com/v1beta1/projects/p/locations/global/publishers/google/models/g:generateContent"
      )
    expect(url("g", "eu"))
      .toBe(
        "https://aiplatform.eu.rep.googleapis.com/v1beta1/projects/p/locations/eu/publishers/google/models/g:generateContent"
      )
  })

  it("never holds the credential", () => {
    expect(JSON.stringify(
      prepared({ config: { apiKey: Redacted.make("AIzaCanary12345678901234567890") } })
    )).not.toContain("Canary")
  })
})

describe("options", () => {
  it("stand in generationConfig", () => {
    expect(options({
      temperature: 0.5,
      maxTokens: 5,
      topP: 0.9,
      topK: 3,
      frequencyPenalty: 1,
      presencePenalty: 2,
      stop: "x",
      seed: 7,
      n: 2,
      logprobs: 3
    })).toEqual({
      generationConfig: {
        temperature: 0.5,
        maxOutputTokens: 5,
        topP: 0.9,
        topK: 3,
        frequencyPenalty: 1,
        presencePenalty: 2,
        stopSequences: ["x"],
        seed: 7,
        candidateCount: 2,
        responseLogprobs: true,
        logprobs: 3
      }
    })
    expect(options({ logprobs: true })).toEqual({ generationConfig: { responseLogprobs: true } })
    expect(options(
      { logprobs: false, responseFormat: { type: "text" }, metadata: { a: "b" }, parallelToolCalls: true }
    )).toEqual({})
    expect(options({ serviceTier: "flex" })).toEqual({ serviceTier: "flex" })
  })

  it("ask for JSON with or without a schema", () => {
    const schema = { type: "object", properties: {} }
    expect(options({ responseFormat: { type: "json" } }))
      .toEqual({ generationConfig: { responseMimeType: "application/json" } })
    expect(options({ responseFormat: { type: "json", schema, name: "x", strict: true, description: "d" } })).toEqual({
      generationConfig: { responseMimeType: "application/json", responseJsonSchema: { ...schema, description: "d" } }
    })
  })

  it("ask for thinking as tokens or as a level, by the model's generation", () => {
    const thinking = (reasoning: NonNullable<Options["reasoning"]>, model = "gemini-2.5-flash") => {
      const { request, warnings } = prepared({ options: { model, reasoning } })
      const { thinkingConfig } = (request.body!.generationConfig ?? {}) as { thinkingConfig?: unknown }
      return [thinkingConfig, warnings.map(({ type }) => type)]
    }
    expect(thinking({ effort: "low", summary: "auto" })).toEqual([{ thinkingBudget: 1024, includeThoughts: true }, []])
    expect(thinking({ effort: "none" })).toEqual([{ thinkingBudget: 0 }, []])
    expect(thinking({ effort: "xhigh" })).toEqual([{ thinkingBudget: 24_576 }, ["changed-option"]])
    expect(thinking({ effort: "high" }, pro3.model)).toEqual([{ thinkingLevel: "high" }, []])
    expect(thinking({ effort: "medium" }, "gemini-flash-latest")).toEqual([{ thinkingLevel: "medium" }, []])
    expect(thinking({ effort: "none" }, pro3.model)).toEqual([{ thinkingLevel: "low" }, ["changed-option"]])
    expect(thinking({ effort: "medium" }, pro3.model)).toEqual([{ thinkingLevel: "high" }, ["changed-option"]])
    expect(thinking({ effort: "none" }, "gemini-3-flash")).toEqual([{ thinkingLevel: "minimal" }, ["changed-option"]])
    expect(thinking({ effort: "minimal" }, "gemini-3-flash")).toEqual([{ thinkingLevel: "minimal" }, []])
    expect(thinking({ effort: "max" }, pro3.model)).toEqual([{ thinkingLevel: "high" }, ["changed-option"]])
    expect(thinking({ budgetTokens: 5, effort: "low", summary: "none" }, pro3.model))
      .toEqual([{ thinkingBudget: 5, includeThoughts: false }, ["unsupported-option"]])
  })

  it("that only the provider understands are merged over ours, its configurations field by field", () => {
    expect(options({
      temperature: 1,
      reasoning: { budgetTokens: 1 },
      tools: [tool],
      toolChoice: "required",
      providerOptions: {
        google: {
          cachedContent: "c",
          generationConfig: {
            temperature: 2,
            thinkingConfig: { includeThoughts: true },
            responseModalities: ["IMAGE"]
          },
          toolConfig: { functionCallingConfig: { allowedFunctionNames: ["weather"] }, retrievalConfig: {} },
          labels: { a: "b" }
        },
        openai: { store: true }
      }
    })).toMatchObject({
      cachedContent: "c",
      generationConfig: {
        temperature: 2,
        thinkingConfig: { thinkingBudget: 1, includeThoughts: true },
        responseModalities: ["IMAGE"]
      },
      toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["weather"] }, retrievalConfig: {} },
      labels: { a: "b" }
    })
    expect(options({ providerOptions: { openai: { store: true } } })).toEqual({})
  })

  it("that cannot be sent are warned of, or refused", () => {
    const warned = (options: Options, provider = "google") =>
      prepared({ provider, options }).warnings.map(({ option }) => option)
    expect(warned({ logitBias: { 1: 1 }, user: "u", parallelToolCalls: false, page: "x", dimensions: 3 }))
      .toEqual(["parallelToolCalls", "logitBias", "user", "dimensions", "page"])
    expect(warned({ serviceTier: "flex" }, "vertex")).toEqual(["serviceTier"])
    expect(failure(() => prepared({ operation: "embeddings", options: { tools: [tool] } })).reason._tag)
      .toBe("Unsupported")
  })
})

describe("tools", () => {
  it("are declared together, those that Google runs each for itself, in order", () => {
    expect(options({
      tools: [
        { ...tool, options: { google: { behavior: "NON_BLOCKING" } } },
        { name: "plain" },
        { type: "provider", id: "google.google_search", args: { timeRangeFilter: {} } },
        { type: "provider", id: "urlContext" },
        { name: "last" }
      ]
    })).toEqual({
      tools: [
        {
          functionDeclarations: [
            {
              name: "weather",
              description: "Tells the weather",
              parametersJsonSchema: tool.parameters,
              behavior: "NON_BLOCKING"
            },
            { name: "plain" }
          ]
        },
        { googleSearch: { timeRangeFilter: {} } },
        { urlContext: {} },
        { functionDeclarations: [{ name: "last" }] }
      ]
    })
    expect(prepared(
      { provider: "vertex", options: { tools: [{ type: "provider", id: "google.codeExecution" }] } }
    ).request.body)
      .toMatchObject({ tools: [{ codeExecution: {} }] })
    expect(failure(() => options({ tools: [{ type: "provider", id: "openai.web_search" }] })).reason)
      .toMatchObject({ _tag: "Unsupported", alternatives: ["openai"] })
  })

  it("are chosen in Google's words", () => {
    const config = (more: Options, tools: Options["tools"] = [tool]) =>
      (options(
        { ...(tools !== undefined && { tools }), ...more }
      ) as { toolConfig?: { functionCallingConfig?: unknown } }).toolConfig?.functionCallingConfig
    expect(config({})).toBeUndefined()
    expect(config({ toolChoice: "auto" })).toEqual({ mode: "AUTO" })
    expect(config({ toolChoice: "none" })).toEqual({ mode: "NONE" })
    expect(config({ toolChoice: "required" })).toEqual({ mode: "ANY" })
    expect(config({ toolChoice: { tool: "weather" } })).toEqual({ mode: "ANY", allowedFunctionNames: ["weather"] })
    expect(config({}, [{ ...tool, strict: true }])).toEqual({ mode: "VALIDATED" })
    expect(config({ toolChoice: "none" }, [{ ...tool, strict: true }])).toEqual({ mode: "NONE" })
    expect(config({ toolChoice: "none" }, [])).toBeUndefined()
    expect(config({ toolChoice: "auto" }, [{ type: "provider", id: "google.googleSearch" }])).toBeUndefined()
    expect(failure(() => config({ toolChoice: { tool: "wether" } })).reason.message).toContain("weather")
    expect(failure(() => config({ toolChoice: "required" }, [])).reason._tag).toBe("InvalidRequest")
  })
})
