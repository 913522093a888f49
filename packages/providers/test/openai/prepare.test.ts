/**
 * Requests in the service's words: exact bodies, and what is said of options that cannot be sent.
 *
 * @module
 */
import { type Config, type FilePart, Message, Options, Request } from "@plugline/core"
import { Redacted } from "effect"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/openai/index.ts"
import { failure, options, prepared, written } from "./support.ts"

const image = "iVBORw0KGgoAAAANSUhEUg=="
const tool = {
  name: "weather",
  description: "Tells the weather",
  parameters: { type: "object", properties: { city: { type: "string" } } }
}

describe("a chat request", () => {
  it("is a POST of model and messages", () => {
    expect(prepared()).toStrictEqual({
      request: {
        method: "POST",
        url: "https://api.openai.com/v1/chat/completions",
        headers: { "content-type": "application/json" },
        body: { model: "m", messages: [{ role: "user", content: "Hello" }] }
      },
      warnings: []
    })
  })

  it("asks for a stream, and its usage unless the service has no word for that", () => {
    expect(prepared({ operation: "stream" }).request.body).toStrictEqual({
      model: "m",
      messages: [{ role: "user", content: "Hello" }],
      stream: true,
      stream_options: { include_usage: true }
    })
    expect(prepared({ operation: "stream" }, { streamUsage: false }).request.body).not.toHaveProperty("stream_options")
    // The operation says whether it is a stream, whatever the caller's own fields say.
    const own = { providerOptions: { openai: { stream: true, stream_options: { include_usage: true } } } }
    expect(
      prepared({ options: own }).request.body
    ).toStrictEqual({ model: "m", messages: [{ role: "user", content: "Hello" }] })
  })

  it("goes where the configuration says, then the service, then OpenAI", () => {
    const url = (config: Config, quirks = {}) => prepared({ config }, quirks).request.url
    expect(url({ baseUrl: "http://localhost:1234/v1" })).toBe("http://localhost:1234/v1/chat/completions")
    expect(url({ baseUrl: "http://localhost:1234/v1/" })).toBe("http://localhost:1234/v1/chat/completions")
    expect(
      url({ baseUrl: "https://x.test/models?api-version=1" })
    ).toBe("https://x.test/models/chat/completions?api-version=1")
    expect(
      url({}, { baseUrl: "https://api.groq.com/openai/v1" })
    ).toBe("https://api.groq.com/openai/v1/chat/completions")
    expect(url({}, { baseUrl: "https://x.test", paths: { chat: "/chat" } })).toBe("https://x.test/chat")
  })

  it("never holds the credential", () => {
    const sent = prepared({ config: { apiKey: Redacted.make("sk-canary-1234567890") }, operation: "stream" })
    expect(JSON.stringify(sent)).not.toContain("canary")
  })

  it("needs a model and a message", () => {
    const noModel = failure(() => wires().chat.prepare(Request.make({ provider: "openai", messages: "Hello" })))
    expect(noModel.reason).toMatchObject({ _tag: "InvalidRequest", parameter: "model" })
    expect(
      wires({ modelInUrl: true }).chat.prepare(Request.make({ provider: "azure", messages: "Hello" })).request.body
    ).toEqual({
      messages: [{ role: "user", content: "Hello" }]
    })
    expect(
      failure(() => prepared({ messages: [] })).reason
    ).toMatchObject({ _tag: "InvalidRequest", parameter: "messages" })
  })

  it("is the same however its options were ordered", () => {
    const forward = { temperature: 1, maxTokens: 2, topP: 0.5 }
    const backward = { topP: 0.5, maxTokens: 2, temperature: 1 }
    expect(JSON.stringify(options(forward))).toBe(JSON.stringify(options(backward)))
  })
})

describe("options", () => {
  it("have their names in the service's words", () => {
    expect(options({
      temperature: 0.5,
      maxTokens: 100,
      topP: 0.9,
      frequencyPenalty: 0.1,
      presencePenalty: 0.2,
      stop: ["a", "b"],
      seed: 7,
      n: 2,
      logprobs: 3,
      logitBias: { 50256: -100 },
      user: "u1",
      serviceTier: "flex",
      reasoning: { effort: "low" }
    })).toStrictEqual({
      temperature: 0.5,
      max_completion_tokens: 100,
      top_p: 0.9,
      frequency_penalty: 0.1,
      presence_penalty: 0.2,
      stop: ["a", "b"],
      seed: 7,
      reasoning_effort: "low",
      n: 2,
      logprobs: true,
      top_logprobs: 3,
      logit_bias: { 50256: -100 },
      user: "u1",
      service_tier: "flex"
    })
  })

  it("are each sent, or answered with a warning, or refused", () => {
    const samples: { readonly [Name in keyof Required<Options>]: NonNullable<Options[Name]> } = {
      model: "m",
      temperature: 0.5,
      maxTokens: 1,
      topP: 0.5,
      topK: 5,
      frequencyPenalty: 1,
      presencePenalty: 1,
      stop: "x",
      seed: 1,
      tools: [tool],
      toolChoice: "required",
      parallelToolCalls: false,
      responseFormat: { type: "json" },
      reasoning: { effort: "low" },
      n: 2,
      logprobs: true,
      logitBias: { 1: 1 },
      user: "u",
      serviceTier: "flex",
      page: "p2",
      dimensions: 8,
      metadata: { a: "b" },
      providerOptions: { openai: { verbosity: "low" } }
    }
    expect(Object.keys(samples).sort()).toEqual([...Options.names].sort())
    for (const operation of ["chat", "completion", "embeddings"] as const) {
      const bare = JSON.stringify(
        prepared({ operation, options: { tools: operation === "chat" ? [tool] : [] } }).request.body
      )
      for (const name of Options.names) {
        // Labels feed plugs, and are sent only where the service keeps them.
        if (name === "model" || name === "metadata") continue
        const value = {
          ...(name === "toolChoice" || name === "parallelToolCalls" ? operation === "chat" && { tools: [tool] } : {}),
          [name]: samples[name]
        }
        let outcome = "silence"
        try {
          const sent = prepared({ operation, options: value })
          if (sent.warnings.some((warning) => warning.option === name)) outcome = "warning"
          else if (JSON.stringify(sent.request.body) !== bare) outcome = "sent"
        } catch (error) {
          outcome = String(error)
        }
        expect(outcome, `${name} of ${operation}`).toMatch(
          name === "tools" && operation === "chat" ? /sent|silence/ : /sent|warning|Unsupported|InvalidRequest/
        )
      }
    }
  })

  it("that a service does not take leave a warning, or are refused where the answer would be another", () => {
    expect(prepared({ options: { topK: 5, temperature: 1 } })).toMatchObject({
      request: { body: { temperature: 1 } },
      warnings: [{ type: "unsupported-option", option: "topK", message: "openai takes no topK for chat" }]
    })
    expect(options({ topK: 5 }, "vllm", { unsupported: [] })).toEqual({ top_k: 5 })
    expect(prepared({ options: { dimensions: 8 } }).warnings).toMatchObject([{ option: "dimensions" }])
    const without = { unsupported: ["tools", "responseFormat", "n", "seed", "logprobs"] as const }
    const tagOf = (options: Options) => failure(() => prepared({ provider: "x", options }, without)).reason._tag
    expect(tagOf({ tools: [tool] })).toBe("Unsupported")
    expect(tagOf({ responseFormat: { type: "json" } })).toBe("Unsupported")
    expect(tagOf({ n: 2 })).toBe("Unsupported")
    const harmless = prepared(
      { provider: "x", options: { tools: [], responseFormat: { type: "text" }, n: 1, logprobs: false, seed: 1 } },
      without
    )
    expect(harmless.warnings.map((warning) => warning.option)).toEqual(["seed"])
  })

  it("name the limit on tokens as the service does", () => {
    expect(options({ maxTokens: 5 })).toEqual({ max_completion_tokens: 5 })
    expect(options({ maxTokens: 5 }, "groq")).toEqual({ max_tokens: 5 })
    expect(
      options({ maxTokens: 5 }, "groq", { maxTokensField: "max_completion_tokens" })
    ).toEqual({ max_completion_tokens: 5 })
  })

  it("of the provider's own go over everything, those of others nowhere", () => {
    expect(
      options({ temperature: 1, providerOptions: { openai: { temperature: 0, store: true }, groq: { x: 1 } } })
    ).toEqual({
      temperature: 0,
      store: true
    })
    expect(options({ providerOptions: { openai: { x: 1 } } }, "groq")).toEqual({})
  })

  it("send labels only where the service keeps them", () => {
    const metadata = { team: "a" }
    expect(options({ metadata })).toEqual({})
    expect(options({ metadata, providerOptions: { openai: { store: true } } })).toEqual({ metadata, store: true })
    expect(options({ metadata, providerOptions: { groq: { store: true } } }, "groq")).toEqual({ store: true })
    expect(options({ metadata }, "x", { metadata: "always" })).toEqual({ metadata })
  })

  it("ask for structured answers", () => {
    const schema = { type: "object", properties: {} }
    expect(options({ responseFormat: { type: "json" } })).toEqual({ response_format: { type: "json_object" } })
    expect(options({ responseFormat: { type: "text" } })).toEqual({})
    expect(options({ responseFormat: { type: "json", schema } })).toEqual({
      response_format: { type: "json_schema", json_schema: { name: "response", schema } }
    })
    expect(options({ responseFormat: { type: "json", schema, name: "n", description: "d", strict: true } })).toEqual({
      response_format: { type: "json_schema", json_schema: { name: "n", description: "d", schema, strict: true } }
    })
    const loose = prepared(
      { provider: "deepseek", options: { responseFormat: { type: "json", schema } } },
      { jsonSchema: false }
    )
    expect(loose.request.body!.response_format).toEqual({ type: "json_object" })
    expect(loose.warnings).toMatchObject([{ type: "changed-option", option: "responseFormat" }])
  })

  it("ask for thinking by effort or as an object", () => {
    const asked = prepared({ options: { reasoning: { effort: "high", budgetTokens: 100, summary: "auto" } } })
    expect(asked.request.body).toMatchObject({ reasoning_effort: "high" })
    expect(asked.warnings.map((warning) => warning.option)).toEqual(["reasoning", "reasoning"])
    expect(
      options({ reasoning: { effort: "high", budgetTokens: 100 } }, "openrouter", { reasoning: "object" })
    ).toEqual({
      reasoning: { effort: "high", max_tokens: 100 }
    })
  })
})

describe("tools", () => {
  it("are functions, or the service's own", () => {
    expect(options({
      tools: [
        { ...tool, strict: true },
        { name: "now", options: { openai: { cache_control: { type: "ephemeral" } }, groq: { x: 1 } } },
        { type: "provider", id: "openai.web_search", args: { search_context_size: "low" } }
      ],
      toolChoice: { tool: "now" },
      parallelToolCalls: false
    })).toStrictEqual({
      tools: [
        { type: "function", function: { ...tool, strict: true } },
        {
          type: "function",
          function: { name: "now", parameters: { type: "object", properties: {} } },
          cache_control: { type: "ephemeral" }
        }
      ],
      web_search_options: { search_context_size: "low" },
      tool_choice: { type: "function", function: { name: "now" } },
      parallel_tool_calls: false
    })
    expect(
      options({ tools: [{ type: "provider", id: "groq.browser_search" }] }, "groq")
    ).toEqual({ tools: [{ type: "browser_search" }] })
  })

  it("of another service are refused, naming it", () => {
    const error = failure(() => prepared({ options: { tools: [{ type: "provider", id: "anthropic.bash" }] } }))
    expect(error.reason).toMatchObject({ _tag: "Unsupported", alternatives: ["anthropic"] })
  })

  it("are chosen in the service's words, and only where there are any", () => {
    expect(options({ tools: [tool], toolChoice: "required" })).toMatchObject({ tool_choice: "required" })
    expect(
      options({ tools: [tool], toolChoice: "required" }, "mistral", { toolChoiceRequired: "any" })
    ).toMatchObject({ tool_choice: "any" })
    expect(options({ tools: [tool], toolChoice: "none" })).toMatchObject({ tool_choice: "none" })
    expect(options({ toolChoice: "auto" })).toEqual({})
    expect(
      failure(() => prepared({ options: { toolChoice: "required" } })).reason
    ).toMatchObject({ _tag: "InvalidRequest", parameter: "toolChoice" })
    const misspelt = failure(() => prepared({ options: { tools: [tool], toolChoice: { tool: "wether" } } }))
    expect(misspelt.reason.message).toMatch(/did you mean "weather"/)
  })
})

describe("messages", () => {
  it("of people are texts, or lists where there is more to them", () => {
    expect(written([
      { role: "system", content: "Be brief." },
      { role: "user", content: "Hi" },
      {
        role: "user",
        content: [
          { type: "text", text: "a" },
          { type: "text", text: "b", options: { openai: { cache_control: { type: "ephemeral" } } } }
        ]
      },
      { role: "user", content: "named", options: { openai: { name: "ada" }, groq: { name: "bob" } } }
    ])).toStrictEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "Hi" },
      {
        role: "user",
        content: [{ type: "text", text: "a" }, { type: "text", text: "b", cache_control: { type: "ephemeral" } }]
      },
      { role: "user", content: "named", name: "ada" }
    ])
    expect(
      written([{ role: "system", content: "x" }, { role: "user", content: "y" }], "x", { systemRole: "developer" })
    ).toMatchObject([
      { role: "developer" },
      { role: "user" }
    ])
  })

  const files = (file: Omit<FilePart, "type">, provider = "openai", quirks = {}): unknown =>
    (
      written(
        [{ role: "user", content: [{ type: "file", ...file }] }],
        provider,
        quirks
      ) as ReadonlyArray<{ content: unknown }>
    )[0]!.content

  it("hold images, by address or as data", () => {
    expect(files({ mediaType: "image/png", data: image })).toStrictEqual([
      { type: "image_url", image_url: { url: `data:image/png;base64,${image}` } }
    ])
    expect(
      files({ mediaType: "image/*", data: image })
    ).toMatchObject([{ image_url: { url: `data:image/png;base64,${image}` } }])
    expect(files({ mediaType: "image/*", data: { _tag: "URL", href: "https://a.test/b.png" } })).toStrictEqual([
      { type: "image_url", image_url: { url: "https://a.test/b.png" } }
    ])
    expect(
      failure(() => files({ mediaType: "image/*", data: "AAAA" })).reason
    ).toMatchObject({ _tag: "InvalidRequest", parameter: "mediaType" })
    // As OpenAI's clients write it, also to other services.
    const typed = [
      {
        role: "user" as const,
        content: [{ type: "image_url" as const, image_url: { url: "https://a.test/b.png", detail: "low" } }]
      }
    ]
    for (const provider of ["openai", "groq"]) {
      expect(written(typed, provider)).toStrictEqual([
        { role: "user", content: [{ type: "image_url", image_url: { url: "https://a.test/b.png", detail: "low" } }] }
      ])
    }
  })

  it("hold sounds, documents and films where they are taken", () => {
    expect(
      files({ mediaType: "audio/mpeg", data: "AAAA" })
    ).toStrictEqual([{ type: "input_audio", input_audio: { data: "AAAA", format: "mp3" } }])
    expect(
      files({ mediaType: "audio/x-wav", data: { _tag: "Uint8Array", base64: "AAAA" } })
    ).toMatchObject([{ input_audio: { format: "wav" } }])
    expect(files({ mediaType: "application/pdf", fileName: "a.pdf", data: "AAAA" })).toStrictEqual([
      { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AAAA" } }
    ])
    expect(
      files({ mediaType: "application/pdf", data: "AAAA" })
    ).toMatchObject([{ file: { filename: "document.pdf" } }])
    const pdf = { mediaType: "application/pdf", data: { _tag: "URL", href: "https://a.test/a.pdf" } } as const
    expect(failure(() => files(pdf)).reason._tag).toBe("Unsupported")
    expect(
      files(pdf, "openrouter", { fileUrls: true })
    ).toMatchObject([{ file: { file_data: "https://a.test/a.pdf" } }])
    expect(
      failure(() => files({ mediaType: "audio/mpeg", data: { _tag: "URL", href: "https://a.test/a.mp3" } })).reason._tag
    ).toBe("Unsupported")
    expect(failure(() => files({ mediaType: "video/mp4", data: "AAAA" })).reason._tag).toBe("Unsupported")
    expect(files({ mediaType: "video/mp4", data: "AAAA" }, "x", { videos: true })).toStrictEqual([
      { type: "video_url", video_url: { url: "data:video/mp4;base64,AAAA" } }
    ])
  })

  it("of the model hold its text and its calls", () => {
    expect(written([
      Message.assistant("Hi"),
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "Hm." },
          { type: "text", text: "a" },
          { type: "text", text: "b" },
          { type: "tool-call", id: "1", name: "f", params: { x: [1] } },
          { type: "tool-call", id: "2", name: "g", params: undefined },
          { type: "tool-call", id: "3", name: "broken", params: "{}{}" },
          { type: "tool-call", id: "4", name: "search", params: {}, providerExecuted: true },
          { type: "tool-result", id: "4", name: "search", result: "r", isFailure: false, providerExecuted: true }
        ]
      },
      { role: "assistant", content: [{ type: "tool-call", id: "5", name: "f", params: {} }] },
      { role: "assistant", content: [] }
    ])).toStrictEqual([
      { role: "assistant", content: "Hi" },
      {
        role: "assistant",
        content: "ab",
        tool_calls: [
          { id: "1", type: "function", function: { name: "f", arguments: "{\"x\":[1]}" } },
          { id: "2", type: "function", function: { name: "g", arguments: "{}" } },
          { id: "3", type: "function", function: { name: "broken", arguments: "{}{}" } }
        ]
      },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "5", type: "function", function: { name: "f", arguments: "{}" } }]
      },
      { role: "assistant", content: "" }
    ])
    const drawn = prepared({
      messages: [{ role: "assistant", content: [{ type: "file", mediaType: "image/png", data: image }] }]
    })
    expect(drawn.warnings).toMatchObject([
      { type: "other", message: "openai takes no file back that a model made: one of type image/png was not sent" }
    ])
  })

  it("of tools hold their results, and say where they failed", () => {
    const call = (id: string) => ({ id, name: "f" })
    expect(written([
      Message.toolResult(call("1"), "sunny"),
      Message.toolResult(call("2"), { t: 21 }),
      Message.toolResult(call("3"), "no such city", true),
      Message.toolResult(call("4"), { code: 7 }, true),
      Message.toolResult(call("5"), undefined)
    ])).toStrictEqual([
      { role: "tool", tool_call_id: "1", content: "sunny" },
      { role: "tool", tool_call_id: "2", content: "{\"t\":21}" },
      { role: "tool", tool_call_id: "3", content: "Error: no such city" },
      { role: "tool", tool_call_id: "4", content: "{\"error\":{\"code\":7}}" },
      { role: "tool", tool_call_id: "5", content: "" }
    ])
  })

  it("of tools that answer with images show them after the last of them", () => {
    const result = (id: string, text: string | undefined) => ({
      role: "tool" as const,
      content: [{
        type: "tool-result" as const,
        id,
        name: "draw",
        isFailure: false,
        result: "not sent",
        modelOutput: [
          ...(text === undefined ? [] : [{ type: "text" as const, text }]),
          { type: "file" as const, mediaType: "image/png", data: image }
        ]
      }]
    })
    const shown = { type: "image_url", image_url: { url: `data:image/png;base64,${image}` } }
    expect(
      written([result("1", "a drawing"), result("2", undefined), { role: "user", content: "Nice" }])
    ).toStrictEqual([
      { role: "tool", tool_call_id: "1", content: "a drawing" },
      { role: "tool", tool_call_id: "2", content: "See the files that follow." },
      {
        role: "user",
        content: [
          { type: "text", text: "Files from the tool draw:" },
          shown,
          { type: "text", text: "Files from the tool draw:" },
          shown
        ]
      },
      { role: "user", content: "Nice" }
    ])
    expect(written([result("1", "a drawing")], "x", { toolFiles: true })).toStrictEqual([
      { role: "tool", tool_call_id: "1", content: [{ type: "text", text: "a drawing" }, shown] }
    ])
  })

  it("with parts and fields nobody has heard of hand them on", () => {
    const odd = { type: "input_audio", input_audio: { data: "AAAA", format: "flac" } }
    const messages = Message.from([{ role: "user", content: [{ type: "text", text: "a" }, odd as never] }])
    expect(written(messages)).toStrictEqual([{ role: "user", content: [{ type: "text", text: "a" }, odd] }])
  })
})

describe("a completion request", () => {
  it("is the text of the conversation", () => {
    expect(prepared({
      operation: "completion",
      messages: [{ role: "system", content: "Story:" }, { role: "user", content: "Once" }],
      options: { maxTokens: 9, logprobs: true, n: 2, reasoning: { effort: "low" } }
    })).toStrictEqual({
      request: {
        method: "POST",
        url: "https://api.openai.com/v1/completions",
        headers: { "content-type": "application/json" },
        body: { model: "m", prompt: "Story:\nOnce", max_tokens: 9, n: 2, logprobs: 0 }
      },
      warnings: [
        { type: "unsupported-option", option: "reasoning", message: "openai takes no reasoning for completion" }
      ]
    })
    expect(prepared({ operation: "completion", config: { stream: true } }).request.body).toMatchObject({
      stream: true,
      stream_options: { include_usage: true }
    })
  })

  it("takes text alone", () => {
    const messages = [
      { role: "user" as const, content: [{ type: "file" as const, mediaType: "image/png", data: image }] }
    ]
    expect(failure(() => prepared({ operation: "completion", messages })).reason._tag).toBe("Unsupported")
    expect(
      failure(() => prepared({ operation: "completion", options: { tools: [tool] } })).reason._tag
    ).toBe("Unsupported")
    expect(failure(() => prepared({ operation: "completion", messages: [] })).reason._tag).toBe("InvalidRequest")
  })
})
