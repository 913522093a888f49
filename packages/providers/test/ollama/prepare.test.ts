/**
 * Requests in Ollama's words: exact bodies, and what is said of options that cannot be sent.
 *
 * @module
 */
import { Message, type OptionName, Options } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { ollama } from "../../src/ollama.ts"
import { failure, options, prepared, written } from "./support.ts"

const image = "iVBORw0KGgoAAAANSUhEUg=="
const tool = {
  name: "weather",
  description: "Tells it",
  parameters: { type: "object", properties: { city: { type: "string" } } }
}

describe("a request", () => {
  it("is a POST of model, messages and whether to stream", () => {
    expect(prepared()).toStrictEqual({
      request: {
        method: "POST",
        url: "http://127.0.0.1:11434/api/chat",
        headers: { "content-type": "application/json" },
        body: { model: "m", messages: [{ role: "user", content: "Hello" }], stream: false }
      },
      warnings: []
    })
    // Ollama streams unless it is told not to, and the operation says which.
    expect(prepared({ operation: "stream", options: { providerOptions: { ollama: { stream: false } } } }).request.body)
      .toMatchObject({ stream: true })
  })

  it("of each operation goes to its own place", () => {
    const config = { baseUrl: "https://ollama.com" }
    const url = (init: Parameters<typeof prepared>[0]) => prepared({
      ...init,
      config: { ...config, ...init?.config }
    }).request.url
    expect(url({ operation: "completion" })).toBe("https://ollama.com/api/generate")
    expect(url({ operation: "embeddings" })).toBe("https://ollama.com/api/embed")
    expect(url({ operation: "embeddings", config: { api: "legacy" } })).toBe("https://ollama.com/api/embeddings")
    expect(url({ operation: "list_models" })).toBe("https://ollama.com/api/tags")
    expect(url({ operation: "validate" })).toBe("https://ollama.com/api/tags")
    expect(url({ config: { api: "openai" } })).toBe("https://ollama.com/v1/chat/completions")
    expect(url({ operation: "list_models", config: { api: "openai" } })).toBe("https://ollama.com/v1/models")
    expect(
      failure(() => url({ config: { api: "grpc" } })).reason
    ).toMatchObject({ _tag: "Configuration", option: "api" })
  })

  it("needs a model and a message", () => {
    expect(failure(() => prepared({ messages: [] })).reason).toMatchObject({
      _tag: "InvalidRequest",
      parameter: "messages"
    })
    expect(
      failure(() => prepared({ operation: "completion", messages: [] })).reason
    ).toMatchObject({ parameter: "messages" })
    expect(
      failure(() => prepared({ operation: "embeddings", messages: [] })).reason
    ).toMatchObject({ parameter: "messages" })
  })
})

describe("options", () => {
  it("have their names in the service's words", () => {
    expect(options({
      temperature: 0.5, maxTokens: 100, topP: 0.9, topK: 40, frequencyPenalty: 0.1, presencePenalty: 0.2, stop: "x", seed: 7,
      logprobs: 3, reasoning: { effort: "low" }, responseFormat: { type: "json" }, tools: [tool],
      providerOptions: {
        ollama: { keep_alive: "10m", options: { num_ctx: 8192, min_p: 0.1, top_k: 20 } },
        other: { x: 1 }
      }
    })).toStrictEqual({
      options: {
        temperature: 0.5, num_predict: 100, top_p: 0.9, top_k: 20, frequency_penalty: 0.1, presence_penalty: 0.2, stop: ["x"],
        seed: 7, num_ctx: 8192, min_p: 0.1
      },
      logprobs: true,
      top_logprobs: 3,
      think: "low",
      format: "json",
      tools: [{ type: "function", function: tool }],
      keep_alive: "10m"
    })
  })

  it.each<readonly [Options, object]>([
    [{ reasoning: {} }, { think: true }],
    [{ reasoning: { effort: "none" } }, { think: false }],
    [{ reasoning: { budgetTokens: 5 } }, { think: true }],
    [{ logprobs: true }, { logprobs: true }],
    [{ logprobs: false }, {}],
    [{ responseFormat: { type: "text" } }, {}],
    [{ responseFormat: { type: "json", schema: { type: "object" } } }, { format: { type: "object" } }],
    [{ tools: [tool], toolChoice: "none" }, {}],
    [{ tools: [{ name: "now" }], toolChoice: "auto" }, {
      tools: [{ type: "function", function: { name: "now", parameters: { type: "object", properties: {} } } }]
    }]
  ])("%j", (given, sent) => {
    expect(options(given)).toStrictEqual(sent)
  })

  it("that mean nothing here are warned of, and those that change the meaning refused", () => {
    const warned = (given: Options) => prepared({ options: given }).warnings.map(({ option }) => option)
    expect(
      warned({
        user: "u",
        serviceTier: "flex",
        logitBias: { 1: 1 },
        parallelToolCalls: true,
        dimensions: 3,
        page: "p"
      }).sort()
    )
      .toEqual(["dimensions", "logitBias", "page", "parallelToolCalls", "serviceTier", "user"])
    expect(warned({ reasoning: { budgetTokens: 1, summary: "auto" } })).toEqual(["reasoning", "reasoning"])
    expect(warned({ tools: [{ ...tool, strict: true }] })).toEqual(["tools"])
    expect(warned({ responseFormat: { type: "json", description: "d" } })).toEqual(["responseFormat"])
    expect(warned({ metadata: { a: "b" }, n: 1, temperature: 1 })).toEqual([])
    for (
      const given of [
        { n: 2 },
        { tools: [tool], toolChoice: "required" },
        { tools: [tool], toolChoice: { tool: "weather" } },
        { tools: [{ type: "provider", id: "openai.web_search" }] }
      ] as const
    ) {
      expect(failure(() => options(given)).reason._tag).toBe("Unsupported")
    }
    expect(options({ tools: [{ type: "provider", id: "ollama.web_search", args: { max: 1 } }] }))
      .toEqual({ tools: [{ type: "web_search", max: 1 }] })
  })

  it("are each sent, or answered with a warning, or refused", () => {
    const samples: { readonly [Name in OptionName]: NonNullable<Options[Name]> } = {
      model: "m", temperature: 0.5, maxTokens: 1, topP: 0.5, topK: 5, frequencyPenalty: 1, presencePenalty: 1, stop: "x", seed: 1, tools: [tool],
      toolChoice: "required", parallelToolCalls: false, responseFormat: { type: "json" }, reasoning: { effort: "low" }, n: 2, logprobs: true,
      logitBias: { 1: 1 }, user: "u", serviceTier: "flex", page: "p2", dimensions: 8, metadata: { a: "b" }, providerOptions: { ollama: { x: 1 } }
    }
    expect(Object.keys(samples).sort()).toEqual([...Options.names].sort())
    for (const operation of ["chat", "completion", "embeddings"] as const) {
      const bare = JSON.stringify(prepared({ operation }).request.body)
      for (const name of Options.names) {
        let sent
        try {
          sent = prepared({ operation, options: { [name]: samples[name] } })
        } catch {
          expect(["tools", "toolChoice", "responseFormat", "n", "dimensions"]).toContain(name)
          continue
        }
        const silent = JSON.stringify(sent.request.body) === bare && sent.warnings.length === 0
        expect(silent, `${operation} ${name}`).toBe(name === "model" || name === "metadata")
      }
    }
  })
})

describe("messages", () => {
  it("are one text each, with their images beside it", () => {
    expect(written([
      Message.system("Be brief."),
      {
        role: "user",
        content: [
          { type: "text", text: "What" },
          { type: "file", mediaType: "image/png", data: image },
          { type: "text", text: "is this?" },
          { type: "file", mediaType: "image/png", data: `data:image/png;base64,${image}` }
        ],
        options: { ollama: { x: 1 }, other: { y: 2 } }
      }
    ])).toStrictEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "What\nis this?", images: [image, image], x: 1 }
    ])
  })

  it("keep our options where the caller's own are none", () => {
    expect(
      options({ temperature: 1, providerOptions: { ollama: { options: null } } })
    ).toEqual({ options: { temperature: 1 } })
  })

  it("take no images by their address and no other files", () => {
    const url = { _tag: "URL" as const, href: "https://x.test/a.png" }
    const user = (mediaType: string, data: string | typeof url) => [{
      role: "user" as const,
      content: [{ type: "file" as const, mediaType, data }]
    }]
    expect(failure(() => written(user("image/png", url))).reason).toMatchObject({
      _tag: "Unsupported",
      message: "ollama does not take images by their address: give them as base64"
    })
    expect(failure(() => written(user("application/pdf", image))).reason._tag).toBe("Unsupported")
    expect(
      failure(() => written([{ role: "user", content: [{ type: "video" } as never] }])).reason._tag
    ).toBe("Unsupported")
  })

  it("give thinking back where it was ours, and calls and results by id and name", () => {
    expect(written([
      Message.user("Hi"),
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "Foreign.", options: { anthropic: { signature: "s" } } },
          { type: "reasoning", text: "Hm.", options: { ollama: { type: "thinking" } } },
          { type: "text", text: "Wait." },
          { type: "tool-call", id: "call_1", name: "f", params: { a: 1 } },
          { type: "tool-call", id: "call_ollama_7_1", name: "g", params: {} },
          { type: "tool-call", id: "x", name: "h", params: {}, providerExecuted: true },
          { type: "raw", provider: "ollama", value: { custom: true } },
          { type: "raw", provider: "openai", value: { other: true } }
        ]
      },
      {
        role: "tool",
        content: [
          { type: "tool-result", id: "call_1", name: "f", isFailure: false, result: { ok: 1 } },
          { type: "tool-result", id: "call_ollama_7_1", name: "g", isFailure: true, result: "boom" }
        ]
      }
    ])).toStrictEqual([
      { role: "user", content: "Hi" },
      {
        role: "assistant",
        content: "Wait.",
        custom: true,
        thinking: "Hm.",
        tool_calls: [
          { id: "call_1", function: { name: "f", arguments: { a: 1 } } },
          { function: { name: "g", arguments: {} } }
        ]
      },
      { role: "tool", content: "{\"ok\":1}", tool_name: "f", tool_call_id: "call_1" },
      { role: "tool", content: "Error: boom", tool_name: "g" }
    ])
  })

  it("show images that tools answered with, and say what failed", () => {
    const result = { type: "tool-result" as const, id: "a", name: "f", isFailure: false, result: null }
    expect(
      written([{
        role: "tool",
        content: [
          {
            ...result,
            modelOutput: [{ type: "text", text: "See" }, { type: "file", mediaType: "image/png", data: image }]
          },
          { ...result, isFailure: true }
        ]
      }])
    ).toEqual([
      { role: "tool", content: "See", images: [image], tool_name: "f", tool_call_id: "a" },
      { role: "tool", content: "{\"error\":null}", tool_name: "f", tool_call_id: "a" }
    ])
  })

  it("keep broken arguments in a field, and say so", () => {
    const { request, warnings } = prepared({
      messages: [{ role: "assistant", content: [{ type: "tool-call", id: "a", name: "f", params: "{broken" }] }]
    })
    expect(request.body!.messages).toEqual([{
      role: "assistant",
      content: "",
      tool_calls: [{ id: "a", function: { name: "f", arguments: { arguments: "{broken" } } }]
    }])
    expect(warnings.length).toBe(1)
  })
})
