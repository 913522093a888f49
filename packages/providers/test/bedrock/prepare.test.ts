/**
 * What is sent through Converse for each option, message and part.
 *
 * @module
 */
import type { FilePart, MessagesInput, Options } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { claude, failure, nova, options, prepared, turns } from "./support.ts"

const own = (fields: object) => ({ options: { bedrock: fields } }) as object
const user = (...content: ReadonlyArray<object>) => [{ role: "user", content }] as unknown as MessagesInput
const blocks = (messages: MessagesInput, given: Options = {}): unknown =>
  (turns(messages, given) as ReadonlyArray<{ content: unknown }>).flatMap(({ content }) => content)
const warnings = (given: Options, messages?: MessagesInput) =>
  prepared({ options: given, ...(messages !== undefined && { messages }) }).warnings.map(({ option, type }) => `${type} ${option}`)

describe("the address", () => {
  it("holds the model, escaped, and says whether a stream is wanted", () => {
    const arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0"
    expect(prepared().request).toMatchObject({
      method: "POST",
      url: "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse",
      headers: { "content-type": "application/json" }
    })
    const streamed = prepared({ operation: "stream", options: { model: arn } }).request
    expect(streamed.url.slice(47)).toBe(`/model/${encodeURIComponent(arn)}/converse-stream`)
    expect(streamed.url).toContain("%2Fus.amazon")
    expect(streamed.headers.accept).toBe("application/vnd.amazon.eventstream")
    expect(prepared({ options: { model: undefined, providerOptions: { bedrock: { model: "m.x" } } } as never }).request.url).toContain("/model/m.x/")
    expect(prepared({ options: { providerOptions: { bedrock: { model: "m.x", a: 1 } } } }).request.body).not.toHaveProperty("model")
  })

  it("is not known without a model, and there must be something to answer", () => {
    expect(failure(() => prepared({ options: { model: undefined } as never })).reason).toMatchObject({ _tag: "InvalidRequest", parameter: "model" })
    expect(failure(() => prepared({ messages: [] })).reason).toMatchObject({ _tag: "InvalidRequest", parameter: "messages" })
  })
})

describe("options", () => {
  it("are sent in Converse's words", () => {
    expect(options({
      temperature: 0.5, maxTokens: 10, topP: 0.9, topK: 3, stop: "END", serviceTier: "flex", metadata: { team: "a b" }, parallelToolCalls: true,
      providerOptions: {
        bedrock: {
          guardrailConfig: { guardrailIdentifier: "g", guardrailVersion: "1" }, performanceConfig: { latency: "optimized" },
          promptVariables: { v: { text: "x" } }, inferenceConfig: { topP: 0.1 }, additionalModelRequestFields: { anthropic_beta: ["b"] }
        },
        openai: { store: true }
      }
    })).toEqual({
      inferenceConfig: { temperature: 0.5, maxTokens: 10, topP: 0.1, stopSequences: ["END"] },
      additionalModelRequestFields: { top_k: 3, anthropic_beta: ["b"] },
      serviceTier: { type: "flex" },
      requestMetadata: { team: "a b" },
      guardrailConfig: { guardrailIdentifier: "g", guardrailVersion: "1" },
      performanceConfig: { latency: "optimized" },
      promptVariables: { v: { text: "x" } }
    })
    expect(options({})).toEqual({})
  })

  it("that Converse does not take are warned of, or refused where they change the meaning", () => {
    expect(warnings({ seed: 1, frequencyPenalty: 1, presencePenalty: 1, user: "u", logprobs: true, logitBias: { a: 1 }, dimensions: 3, parallelToolCalls: false, page: "p" }))
      .toEqual([
        "unsupported-option frequencyPenalty", "unsupported-option presencePenalty", "unsupported-option seed", "unsupported-option parallelToolCalls",
        "unsupported-option logprobs", "unsupported-option logitBias", "unsupported-option user", "unsupported-option dimensions", "unsupported-option page"
      ])
    expect(warnings({ model: "meta.llama3-8b-instruct-v1:0", topK: 3 })).toEqual(["unsupported-option topK"])
    expect(warnings({ metadata: { ok: "1", "ümlaut": "x" } })).toEqual(["changed-option metadata"])
    expect(failure(() => options({ n: 2 })).reason._tag).toBe("Unsupported")
    expect(failure(() => options({ responseFormat: { type: "json" } })).reason._tag).toBe("Unsupported")
    expect(options({ responseFormat: { type: "text" }, n: 1 })).toEqual({})
  })

  it.each<[string, Options, object]>([
    ["amazon.nova-lite-v1:0", { topK: 9 }, { inferenceConfig: { topK: 9 } }],
    ["mistral.mistral-large-2407-v1:0", { topK: 9 }, { top_k: 9 }],
    ["cohere.command-r-v1:0", { topK: 9 }, { k: 9 }],
    [claude, { reasoning: { budgetTokens: 4096 } }, { thinking: { type: "enabled", budget_tokens: 4096 } }],
    [claude, { reasoning: { effort: "low" } }, { thinking: { type: "enabled", budget_tokens: 2048 } }],
    [claude, { reasoning: { effort: "none" } }, { thinking: { type: "disabled" } }],
    ["global.anthropic.claude-opus-4-6-v1:0", { reasoning: { effort: "max" } }, { thinking: { type: "adaptive" }, output_config: { effort: "max" } }],
    [nova, { reasoning: { effort: "high" } }, { reasoningConfig: { type: "enabled", maxReasoningEffort: "high" } }],
    [nova, { reasoning: { effort: "none" } }, { reasoningConfig: { type: "disabled" } }],
    ["openai.gpt-oss-20b-1:0", { reasoning: { effort: "low" } }, { reasoning_effort: "low" }]
  ])("for %s: %j", (model, given, additionalModelRequestFields) => {
    expect(options({ model, ...given })).toEqual({ additionalModelRequestFields })
  })

  it("for reasoning leave it out after calls whose thought is missing", () => {
    const turns = (...before: ReadonlyArray<object>) => [
      { role: "user", content: "Hello" },
      { role: "assistant", content: [...before, { type: "tool-call", id: "a", name: "f", params: {} }] },
      { role: "tool", content: [{ type: "tool-result", id: "a", name: "f", isFailure: false, result: "r" }] }
    ] as unknown as MessagesInput
    const given: Options = { reasoning: { budgetTokens: 4096 }, tools: [{ name: "f" }] }
    const thinking = (messages: MessagesInput, options = given) => prepared({ messages, options }).request.body!.additionalModelRequestFields
    expect(thinking(turns())).toBeUndefined()
    expect(warnings(given, turns())).toEqual(["unsupported-option reasoning"])
    expect(thinking(turns({ type: "reasoning", text: "t", ...own({ signature: "s" }) }))).toEqual({ thinking: { type: "enabled", budget_tokens: 4096 } })
    expect(thinking([...turns() as ReadonlyArray<object>, { role: "assistant", content: "x" }, { role: "user", content: "y" }] as unknown as MessagesInput))
      .toEqual({ thinking: { type: "enabled", budget_tokens: 4096 } })
    expect(thinking(turns(), { ...given, model: "anthropic.claude-opus-4-6-v1:0", reasoning: { effort: "high" } })).toMatchObject({ thinking: { type: "adaptive" } })
  })

  it("for reasoning that says nothing more let Claude think as it likes", () => {
    expect(options({ model: "anthropic.claude-opus-4-6-v1:0", reasoning: {} })).toEqual({ additionalModelRequestFields: { thinking: { type: "adaptive" } } })
    expect(options({ reasoning: {} })).toEqual({ additionalModelRequestFields: { thinking: { type: "enabled", budget_tokens: 8192 } } })
    expect(options({ model: nova, reasoning: {} })).toEqual({})
  })

  it("for reasoning say what they cannot do", () => {
    const warned = (model: string, reasoning: Options["reasoning"] & {}) => warnings({ model, reasoning })
    expect(warned(claude, { effort: "low" })).toEqual(["changed-option reasoning"])
    expect(warned(claude, { effort: "odd" })).toEqual(["unsupported-option reasoning"])
    expect(warned(claude, { effort: "low", budgetTokens: 2000 })).toEqual(["unsupported-option reasoning"])
    expect(warned(claude, { budgetTokens: 2000 })).toEqual([])
    expect(warned("anthropic.claude-3-haiku-20240307-v1:0", { budgetTokens: 2000 })).toEqual(["unsupported-option reasoning"])
    expect(warned(nova, { budgetTokens: 2000 })).toEqual(["unsupported-option reasoning"])
    expect(warned("meta.llama3-8b-instruct-v1:0", { effort: "low" })).toEqual(["unsupported-option reasoning"])
    expect(warnings({ model: claude, reasoning: { effort: "high" }, maxTokens: 1000 })).toEqual(["unsupported-option reasoning"])
    expect(options({ reasoning: { effort: "high" }, maxTokens: 2000 })).toMatchObject({ additionalModelRequestFields: { thinking: { budget_tokens: 1999 } } })
    expect(warned("anthropic.claude-opus-4-6-v1", { effort: "minimal" })).toEqual(["changed-option reasoning"])
    expect(options({ reasoning: { budgetTokens: 0 } })).toEqual({ additionalModelRequestFields: { thinking: { type: "disabled" } } })
    expect(warned(nova, { effort: "low", summary: "auto" })).toEqual(["unsupported-option reasoning"])
  })

  it("for drawing are left out where Claude reasons", () => {
    const given = { temperature: 0.5, topP: 0.5, topK: 5, maxTokens: 5000, reasoning: { budgetTokens: 2000 } }
    expect(options(given)).toEqual({
      inferenceConfig: { maxTokens: 5000 }, additionalModelRequestFields: { thinking: { type: "enabled", budget_tokens: 2000 } }
    })
    expect(warnings(given)).toEqual(["unsupported-option temperature", "unsupported-option topP", "unsupported-option topK"])
    expect(warnings({ temperature: 1, topP: 0.95, reasoning: { budgetTokens: 2000 } })).toEqual([])
    expect(options({ temperature: 0.5, topK: 2, reasoning: { effort: "none" } })).toMatchObject({ inferenceConfig: { temperature: 0.5 }, additionalModelRequestFields: { top_k: 2 } })
    expect(warnings({ model: nova, temperature: 0.5, reasoning: { effort: "low" } })).toEqual([])
  })

  it("hold an answer to a schema, which stands in a text", () => {
    const schema = { type: "object", properties: { a: { type: "string" } } }
    expect(options({ responseFormat: { type: "json", schema, name: "n", description: "d" } })).toEqual({
      outputConfig: {
        textFormat: { type: "json_schema", structure: { jsonSchema: { schema: JSON.stringify(schema), name: "n", description: "d" } } }
      }
    })
    expect(warnings({ responseFormat: { type: "json", schema, strict: false } })).toEqual(["changed-option responseFormat"])
  })
})

describe("tools", () => {
  const f = { name: "f" }
  it("are functions, or run by Bedrock, each with its own fields", () => {
    expect(options({
      tools: [
        f,
        { name: "g", description: "d", parameters: { type: "object" }, strict: true, options: { bedrock: { cachePoint: { type: "default" }, later: 1 } } },
        { type: "provider", id: "bedrock.nova_grounding" }
      ],
      toolChoice: "required"
    })).toEqual({
      toolConfig: {
        tools: [
          { toolSpec: { name: "f", inputSchema: { json: { type: "object", properties: {} } } } },
          { toolSpec: { name: "g", description: "d", inputSchema: { json: { type: "object" } }, strict: true, later: 1 } },
          { cachePoint: { type: "default" } },
          { systemTool: { name: "nova_grounding" } }
        ],
        toolChoice: { any: {} }
      }
    })
    expect(options({ tools: [f], toolChoice: "auto" })).toMatchObject({ toolConfig: { toolChoice: { auto: {} } } })
    expect(options({ tools: [f], toolChoice: { tool: "f" } })).toMatchObject({ toolConfig: { toolChoice: { tool: { name: "f" } } } })
    expect(failure(() => options({ tools: [{ type: "provider", id: "openai.web_search" }] })).reason).toMatchObject({ _tag: "Unsupported", alternatives: ["openai"] })
    expect(failure(() => options({ tools: [f], toolChoice: { tool: "ff" } })).message).toContain("did you mean \"f\"")
    expect(failure(() => options({ toolChoice: "required" })).reason._tag).toBe("InvalidRequest")
  })

  it("that may not be called are not sent, unless earlier calls need them", () => {
    expect(options({ tools: [f], toolChoice: "none" })).toEqual({})
    const messages = [
      ...user({ type: "text", text: "a" }) as ReadonlyArray<object>,
      { role: "assistant", content: [{ type: "tool-call", id: "i", name: "f", params: {} }] },
      { role: "tool", content: [{ type: "tool-result", id: "i", name: "f", isFailure: false, result: "r" }] }
    ] as unknown as MessagesInput
    const { request, warnings } = prepared({ messages, options: { tools: [f], toolChoice: "none" } })
    expect(request.body).toMatchObject({ toolConfig: { tools: [{ toolSpec: { name: "f" } }] } })
    expect(request.body!.toolConfig).not.toHaveProperty("toolChoice")
    expect(warnings).toMatchObject([{ type: "changed-option", option: "toolChoice" }])
  })
})

describe("messages", () => {
  it("alternate: rules stand apart, results of tools in the person's turn, and what follows each other is one turn", () => {
    const { request: { body }, warnings } = prepared({
      messages: [
        { role: "system", content: "one", ...own({ cachePoint: { type: "default" } }) },
        { role: "user", content: [{ type: "text", text: "a", ...own({ cachePoint: { type: "default", ttl: "1h" } }) }] },
        { role: "user", content: [{ type: "text", text: "b" }] },
        { role: "system", content: "two" },
        { role: "assistant", content: [{ type: "text", text: "\n " }, { type: "tool-call", id: "i", name: "f", params: { x: 1 } }] },
        { role: "tool", content: [{ type: "tool-result", id: "i", name: "f", isFailure: true, result: { why: "no" } }] },
        { role: "user", content: [{ type: "text", text: "c" }], ...own({ cachePoint: { type: "default" } }) },
        { role: "assistant", content: [{ type: "text", text: "" }] }
      ] as unknown as MessagesInput
    })
    expect(body).toEqual({
      system: [{ text: "one" }, { cachePoint: { type: "default" } }, { text: "two" }],
      messages: [
        { role: "user", content: [{ text: "a" }, { cachePoint: { type: "default", ttl: "1h" } }, { text: "b" }] },
        { role: "assistant", content: [{ toolUse: { toolUseId: "i", name: "f", input: { x: 1 } } }] },
        {
          role: "user",
          content: [
            { toolResult: { toolUseId: "i", content: [{ json: { why: "no" } }], status: "error" } }, { text: "c" }, { cachePoint: { type: "default" } }
          ]
        }
      ]
    })
    expect(warnings).toMatchObject([{ type: "other", message: /system messages/ }])
  })

  it("give reasoning back to whom it came from", () => {
    const said = (...content: ReadonlyArray<object>) => blocks([{ role: "assistant", content }] as unknown as MessagesInput)
    const thought = (fields: object | undefined, provider = "bedrock") =>
      ({ type: "reasoning", text: "t", ...(fields !== undefined && { options: { [provider]: fields } }) })
    const text = { type: "text", text: "x" }
    expect(said(thought({ signature: "s" }), thought({ redactedContent: "r" }), thought({ unsigned: true }), text)).toEqual([
      { reasoningContent: { reasoningText: { text: "t", signature: "s" } } },
      { reasoningContent: { redactedContent: "r" } },
      { reasoningContent: { reasoningText: { text: "t" } } },
      { text: "x" }
    ])
    expect(said(thought(undefined), thought({ signature: "s" }, "openai"), text)).toEqual([{ text: "x" }])
    // Anthropic's models run elsewhere too, and take back what went through Anthropic's own format.
    expect(said(thought({ signature: "s" }, "anthropic"), text)).toEqual([{ reasoningContent: { reasoningText: { text: "t", signature: "s" } } }, { text: "x" }])
    expect(blocks([{ role: "assistant", content: [thought({ signature: "s" }, "anthropic"), text] }] as unknown as MessagesInput, { model: nova }))
      .toEqual([{ text: "x" }])
    expect(blocks([{ role: "assistant", content: [thought({ unsigned: true }), text] }] as unknown as MessagesInput, { model: "us.deepseek.r1-v1:0" }))
      .toEqual([{ text: "x" }])
  })

  it("give back what Bedrock's tools said, its own raw blocks, and none of another provider's", () => {
    const content = [
      { type: "tool-call", id: "a", name: "nova_grounding", params: { q: 1 }, providerExecuted: true, ...own({ type: "server_tool_use" }) },
      { type: "tool-result", id: "a", name: "nova_grounding", isFailure: false, result: [{ text: "r" }], providerExecuted: true, ...own({ type: "x", status: "success" }) },
      { type: "tool-call", id: "b", name: "web_search", params: {}, providerExecuted: true, options: { openai: { id: "b" } } },
      { type: "raw", provider: "bedrock", value: { later: 1 } },
      { type: "raw", provider: "openai", value: { other: 1 } },
      { type: "text", text: "x", ...own({ citations: [{ title: "t" }] }) },
      { type: "file", mediaType: "image/png", data: "AAAA" }
    ]
    const { request, warnings } = prepared({ messages: [{ role: "assistant", content }] as unknown as MessagesInput })
    expect((request.body!.messages as ReadonlyArray<{ content: unknown }>)[0]!.content).toEqual([
      { toolUse: { toolUseId: "a", name: "nova_grounding", input: { q: 1 }, type: "server_tool_use" } },
      { toolResult: { toolUseId: "a", content: [{ text: "r" }], type: "x", status: "success" } },
      { later: 1 },
      { citationsContent: { content: [{ text: "x" }], citations: [{ title: "t" }] } }
    ])
    expect(warnings).toMatchObject([{ type: "other", message: /image\/png/ }])
  })

  it("make arguments an object and ids what Bedrock takes, the same for call and result", () => {
    const ids = (id: string, model = claude) =>
      (blocks([
        { role: "assistant", content: [{ type: "tool-call", id, name: "f", params: {} }] },
        { role: "tool", content: [{ type: "tool-result", id, name: "f", isFailure: false, result: "" }] }
      ] as unknown as MessagesInput, { model }) as ReadonlyArray<{ toolUse?: { toolUseId: string }; toolResult?: { toolUseId: string } }>)
        .map(({ toolResult, toolUse }) => (toolUse ?? toolResult)!.toolUseId)
    expect(ids("tooluse_a-B")).toEqual(["tooluse_a-B", "tooluse_a-B"])
    const [call, result] = ids("call|with:odd/characters and more")
    expect(call).toBe(result)
    expect(call).toMatch(/^[A-Za-z0-9_-]{1,64}$/)
    expect(ids("x".repeat(65))[0]).toMatch(/^[A-Za-z0-9_-]{1,64}$/)
    expect(ids("call_1")[0]).not.toBe(ids("call:1")[0])
    expect(ids("tooluse_a", "mistral.mistral-large-2407-v1:0")[0]).toMatch(/^[A-Za-z0-9]{9}$/)
    const input = (params: unknown) =>
      (blocks([{ role: "assistant", content: [{ type: "tool-call", id: "i", name: "f", params }] }] as unknown as MessagesInput) as [{ toolUse: { input: unknown } }])[0].toolUse.input
    expect([undefined, null, "{\"a\":1}", "{broken", [1], 5].map(input)).toEqual([{}, {}, { a: 1 }, { arguments: "{broken" }, { arguments: [1] }, { arguments: 5 }])
  })

  it("write results of tools as text, as an object, and with files", () => {
    const result = (fields: object) =>
      (blocks([{ role: "tool", content: [{ type: "tool-result", id: "i", name: "f", isFailure: false, ...fields }] }] as unknown as MessagesInput) as [{ toolResult: { content: unknown } }])[0]
        .toolResult.content
    expect(result({ result: "r" })).toEqual([{ text: "r" }])
    expect(result({ result: [1, 2] })).toEqual([{ text: "[1,2]" }])
    expect(result({ result: null })).toEqual([{ text: "null" }])
    expect(result({ result: undefined })).toEqual([])
    expect(result({ result: "r", modelOutput: [{ type: "text", text: "t" }, { type: "file", mediaType: "image/png", data: "AA==" }] }))
      .toEqual([{ text: "t" }, { image: { format: "png", source: { bytes: "AA==" } } }])
    expect(result({ result: "r", ...own({ content: [{ searchResult: {} }] }) })).toEqual([{ searchResult: {} }])
  })
})

describe("files", () => {
  const file = (mediaType: string, data: FilePart["data"], more: object = {}) => blocks(user({ type: "file", mediaType, data, ...more }))
  const s3 = (href: string) => ({ _tag: "URL", href }) as const
  it.each<[string, FilePart["data"], object, unknown]>([
    ["image/jpg", "AA==", {}, { image: { format: "jpeg", source: { bytes: "AA==" } } }],
    ["image/*", "iVBORw0KGgo=", {}, { image: { format: "png", source: { bytes: "iVBORw0KGgo=" } } }],
    ["image/webp", s3("s3://b/k"), own({ bucketOwner: "1" }), { image: { format: "webp", source: { s3Location: { uri: "s3://b/k", bucketOwner: "1" } } } }],
    ["image/png", "data:image/png;base64,AA==", {}, { image: { format: "png", source: { bytes: "AA==" } } }],
    ["application/pdf", "AA==", { fileName: "My report_v2.final.pdf", ...own({ citations: { enabled: true } }) },
      { document: { format: "pdf", name: "My report-v2-final", source: { bytes: "AA==" }, citations: { enabled: true } } }],
    ["text/plain; charset=utf-8", "AA==", {}, { document: { format: "txt", name: "document 1", source: { bytes: "AA==" } } }],
    ["application/vnd.openxmlformats-officedocument.wordprocessingml.document", "AA==", {}, { document: { format: "docx", name: "document 1", source: { bytes: "AA==" } } }],
    ["video/quicktime", "AA==", {}, { video: { format: "mov", source: { bytes: "AA==" } } }],
    ["video/3gpp", s3("s3://b/k"), {}, { video: { format: "three_gp", source: { s3Location: { uri: "s3://b/k" } } } }],
    ["audio/mpeg", "AA==", {}, { audio: { format: "mpeg", source: { bytes: "AA==" } } }],
    ["image/png", "AA==", own({ guardContent: {} }), { guardContent: { image: { format: "png", source: { bytes: "AA==" } } } }]
  ])("%s", (mediaType, data, more, expected) => {
    expect(file(mediaType, data, more)).toEqual([expected])
  })

  it("of other kinds or places are refused", () => {
    expect(failure(() => file("application/zip", "AA==")).reason._tag).toBe("Unsupported")
    expect(failure(() => file("image/png", s3("https://example.com/a.png"))).reason).toMatchObject({ _tag: "Unsupported", message: /https: addresses/ })
    expect(failure(() => file("image/*", "AA==")).reason._tag).toBe("InvalidRequest")
  })

  it("have names of their own", () => {
    const pdf = { type: "file", mediaType: "application/pdf", data: "AA==", fileName: "a.pdf" }
    const names = (blocks(user(pdf, pdf, { ...pdf, fileName: "!" }, { ...pdf, fileName: undefined })) as ReadonlyArray<{ document: { name: string } }>)
      .map(({ document }) => document.name)
    expect(names).toEqual(["a", "a (2)", "-", "document 4"])
  })
})
