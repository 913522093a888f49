/**
 * Models invoked in the words of their makers: what is sent, and what is read of answers, whole and streamed.
 *
 * @module
 */
import { type JsonObject, Message, type MessagesInput, type Options, Part, Request, Result } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/bedrock/index.ts"
import { chunks, decoded, failure, parsed, prepared, response, thrown } from "./support.ts"

const config = { api: "invoke" }
const asked = (model: string, messages: MessagesInput = "Hi", options: Options = {}) => prepared({ config, messages, options: { ...options, model } })
const body = (model: string, messages?: MessagesInput, options?: Options) => asked(model, messages, options).request.body
const talk: MessagesInput = [
  { role: "system", content: "Be kind." },
  { role: "user", content: "One" },
  { role: "assistant", content: "Two" },
  { role: "user", content: "Three" }
]
const begun: MessagesInput = [{ role: "user", content: "One" }, { role: "assistant", content: "Tw" }]
const given: Options = { temperature: 0.5, maxTokens: 9, topP: 0.8, topK: 4, stop: ["X"] }
const models = {
  claude: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
  claude2: "anthropic.claude-v2:1",
  titan: "amazon.titan-text-express-v1",
  nova: "eu.amazon.nova-lite-v1:0",
  llama3: "us.meta.llama3-1-8b-instruct-v1:0",
  llama4: "us.meta.llama4-maverick-17b-instruct-v1:0",
  llama2: "meta.llama2-13b-chat-v1",
  mistral: "mistral.mistral-7b-instruct-v0:2",
  large: "mistral.mistral-large-2407-v1:0",
  command: "cohere.command-text-v14",
  commandR: "cohere.command-r-plus-v1:0",
  jamba: "ai21.jamba-1-5-large-v1:0",
  j2: "ai21.j2-ultra-v1"
}

describe("a body", () => {
  it.each<[string, string, object, object]>([
    [models.claude2, "\n\nHuman: Hi\n\nAssistant:", { prompt: "" }, { temperature: 0.5, max_tokens_to_sample: 9, top_p: 0.8, top_k: 4, stop_sequences: ["X"] }],
    [models.titan, "Hi", { inputText: "" }, { textGenerationConfig: { temperature: 0.5, maxTokenCount: 9, topP: 0.8, stopSequences: ["X"] } }],
    [models.llama3, "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n", { prompt: "" }, { temperature: 0.5, max_gen_len: 9, top_p: 0.8 }],
    [models.llama4, "<|begin_of_text|><|header_start|>user<|header_end|>\n\nHi<|eot|><|header_start|>assistant<|header_end|>\n\n", { prompt: "" }, { temperature: 0.5, max_gen_len: 9, top_p: 0.8 }],
    [models.llama2, "<s>[INST] Hi [/INST]", { prompt: "" }, { temperature: 0.5, max_gen_len: 9, top_p: 0.8 }],
    [models.mistral, "<s>[INST] Hi [/INST]", { prompt: "" }, { temperature: 0.5, max_tokens: 9, top_p: 0.8, top_k: 4, stop: ["X"] }],
    [models.command, "Hi", { prompt: "" }, { temperature: 0.5, max_tokens: 9, p: 0.8, k: 4, stop_sequences: ["X"] }],
    [models.commandR, "Hi", { message: "" }, { temperature: 0.5, max_tokens: 9, p: 0.8, k: 4, stop_sequences: ["X"] }],
    [models.j2, "Hi", { prompt: "" }, { temperature: 0.5, maxTokens: 9, topP: 0.8, stopSequences: ["X"] }]
  ])("for %s", (model, text, field, options) => {
    expect(body(model, "Hi", given)).toEqual({ [Object.keys(field)[0]!]: text, ...options })
  })

  it.each([
    [models.claude2, "Be kind.\n\nHuman: One\n\nAssistant: Two\n\nHuman: Three\n\nAssistant:", "\n\nHuman: One\n\nAssistant: Tw"],
    [models.titan, "Be kind.\n\nUser: One\nBot: Two\nUser: Three\nBot:", "User: One\nBot: Tw"],
    [
      models.llama3,
      "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe kind.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nOne<|eot_id|>"
      + "<|start_header_id|>assistant<|end_header_id|>\n\nTwo<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nThree<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
      "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nOne<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nTw"
    ],
    [models.llama2, "<s>[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nOne [/INST] Two</s><s>[INST] Three [/INST]", "<s>[INST] One [/INST] Tw"],
    [models.mistral, "<s>[INST] Be kind.\n\nOne [/INST] Two</s><s>[INST] Three [/INST]", "<s>[INST] One [/INST] Tw"]
  ])("for %s tells the turns apart", (model, long, open) => {
    const text = (messages: MessagesInput) => Object.values(body(model, messages)!)[0]
    expect(text(talk)).toBe(long)
    expect(text(begun)).toBe(open)
  })

  it.each([
    [models.claude2, "a\n\nHuman: b"], [models.llama3, "<|eot_id|>"], [models.llama4, "<|header_start|>"], [models.mistral, "[/INST]"], [models.llama2, "<</SYS>>"]
  ])("for %s holds no mark that begins another turn: %j", (model, text) => {
    expect(failure(() => body(model, text)).reason).toMatchObject({ _tag: "InvalidRequest", parameter: "messages" })
    expect(failure(() => body(model, [{ role: "system", content: text }, { role: "user", content: "x" }])).reason._tag).toBe("InvalidRequest")
  })

  it("for Command R keeps the last message apart", () => {
    expect(body(models.commandR, talk)).toEqual({
      preamble: "Be kind.", message: "Three", chat_history: [{ role: "USER", message: "One" }, { role: "CHATBOT", message: "Two" }]
    })
  })

  it("for Claude is Anthropic's, with its version, and neither model nor stream", () => {
    expect(body(models.claude, "Hi", { maxTokens: 5, topK: 2 })).toMatchObject({ anthropic_version: "bedrock-2023-05-31", max_tokens: 5, top_k: 2 })
    expect(body(models.claude)).not.toHaveProperty("model")
    expect(prepared({ config, operation: "stream", options: { model: models.claude } }).request.body).not.toHaveProperty("stream")
  })

  it("for Nova is Converse's, but for a few names", () => {
    expect(body(models.nova, talk, { ...given, reasoning: { effort: "low" }, tools: [{ name: "f" }] })).toEqual({
      schemaVersion: "messages-v1",
      system: [{ text: "Be kind." }],
      messages: [{ role: "user", content: [{ text: "One" }] }, { role: "assistant", content: [{ text: "Two" }] }, { role: "user", content: [{ text: "Three" }] }],
      inferenceConfig: { temperature: 0.5, maxTokens: 9, topP: 0.8, topK: 4, stopSequences: ["X"] },
      reasoningConfig: { type: "enabled", maxReasoningEffort: "low" },
      toolConfig: { tools: [{ toolSpec: { name: "f", inputSchema: { json: { type: "object", properties: {} } } } }] }
    })
  })

  it("for others is OpenAI's", () => {
    for (const model of [models.large, models.jamba, "openai.gpt-oss-20b-1:0", "qwen.qwen3-32b-v1:0", "deepseek.v3-v1:0"]) {
      expect(body(model, "Hi", { maxTokens: 5, tools: [{ name: "f" }] })).toMatchObject({
        messages: [{ role: "user", content: "Hi" }], max_tokens: 5, tools: [{ type: "function", function: { name: "f" } }]
      })
      expect(body(model)).not.toHaveProperty("model")
    }
  })

  it("stands beside headers for what Converse has in its body", () => {
    const { request: { body, headers, url } } = prepared({
      config, operation: "stream",
      options: {
        model: models.titan, serviceTier: "flex",
        providerOptions: { bedrock: { guardrailConfig: { guardrailIdentifier: "g", guardrailVersion: "1", trace: "enabled" }, performanceConfig: { latency: "optimized" } } }
      }
    })
    expect(headers).toEqual({
      "content-type": "application/json", accept: "application/vnd.amazon.eventstream",
      "x-amzn-bedrock-guardrailidentifier": "g", "x-amzn-bedrock-guardrailversion": "1", "x-amzn-bedrock-trace": "ENABLED",
      "x-amzn-bedrock-performanceconfig-latency": "optimized", "x-amzn-bedrock-service-tier": "flex"
    })
    expect(body).toEqual({ inputText: "Hello" })
    expect(url).toContain("/model/amazon.titan-text-express-v1/invoke-with-response-stream")
  })

  it("is refused for what a model cannot take, and for makers whose words are not known", () => {
    const tagOf = (f: () => unknown) => failure(f).reason._tag
    expect(tagOf(() => body(models.llama3, "Hi", { tools: [{ name: "f" }] }))).toBe("Unsupported")
    expect(tagOf(() => body(models.titan, [{ role: "user", content: [{ type: "file", mediaType: "image/png", data: "AA==" }] }]))).toBe("Unsupported")
    expect(tagOf(() => prepared({ config, operation: "stream", options: { model: models.j2 } }))).toBe("Unsupported")
    for (const model of ["luma.ray-v2:0", "us.deepseek.r1-v1:0", "amazon.titan-image-generator-v2:0", "arn:aws:bedrock:us-east-1:1:provisioned-model/abc"]) {
      expect(failure(() => body(model)).reason).toMatchObject({ _tag: "Unsupported", message: /Converse/ })
    }
    const config2 = { api: "invoke", family: "anthropic" }
    const arn = "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc"
    expect(prepared({ config: config2, options: { model: arn } }).request.body).toHaveProperty("anthropic_version")
    expect(body("arn:aws:bedrock:us-east-1:1:inference-profile/us.meta.llama3-1-8b-instruct-v1:0")).toHaveProperty("prompt")
    expect(failure(() => prepared({ config: { api: "invoked" } })).reason).toMatchObject({ _tag: "Configuration", option: "api" })
  })

  it.each<[string, string, JsonObject]>([
    [models.claude, "invoke", { anthropic_version: "bedrock-2023-05-31", max_tokens: 5, messages: [{ role: "user", content: "Hi" }] }],
    [models.claude2, "invoke", { prompt: "\n\nHuman: Hi\n\nAssistant:", max_tokens_to_sample: 5 }],
    [models.titan, "invoke-with-response-stream", { inputText: "Hi", textGenerationConfig: { topP: 1 } }],
    [models.nova, "invoke", { schemaVersion: "messages-v1", messages: [{ role: "user", content: [{ text: "Hi" }] }], inferenceConfig: { topK: 3, maxTokens: 4 } }],
    [models.llama3, "invoke", { prompt: "<|begin_of_text|>Hi", max_gen_len: 5 }],
    [models.commandR, "invoke", { message: "Hi", chat_history: [{ role: "USER", message: "x" }] }],
    [models.large, "invoke", { messages: [{ role: "user", content: "Hi" }], max_tokens: 3 }]
  ])("for %s is read and written again", (model, action, body) => {
    const url = `https://bedrock-runtime.us-east-1.amazonaws.com/model/${encodeURIComponent(model)}/${action}`
    const asked = wires().chat.decode!({ url, body }, "bedrock")
    expect(asked).toMatchObject({ operation: action === "invoke" ? "chat" : "stream", options: { model } })
    expect(prepared({ config, ...asked }).request).toMatchObject({ url, body })
    expect(failure(() => wires().chat.decode!({ url: url.replace("model/", "model/x."), body }, "bedrock")).reason._tag).toBe("Unsupported")
  })
})

const metrics = { "amazon-bedrock-invocationMetrics": { inputTokenCount: 7, outputTokenCount: 3, invocationLatency: 100 } }
const both = (model: string, whole: unknown, events: ReadonlyArray<unknown>, headers?: { readonly [name: string]: string }) => {
  const init = { config, options: { model } }
  return { whole: parsed(whole, init, headers), streamed: Result.fold(decoded([chunks(events)], init)) }
}

describe("an answer", () => {
  it.each<[string, unknown, ReadonlyArray<unknown>]>([
    [models.claude2, { completion: " Hey", stop_reason: "stop_sequence", stop: "X" }, [{ completion: " H" }, { completion: "ey" }, { completion: "", stop_reason: "stop_sequence", stop: "X" }]],
    [models.llama3, { generation: " Hey", prompt_token_count: 7, generation_token_count: 3, stop_reason: "stop" },
      [{ generation: " H", prompt_token_count: 7, generation_token_count: 1 }, { generation: "ey", generation_token_count: 3, stop_reason: "stop" }]],
    [models.mistral, { outputs: [{ text: " Hey", stop_reason: "stop" }] }, [{ outputs: [{ text: " H" }] }, { outputs: [{ text: "ey", stop_reason: "stop" }] }]],
    [models.command, { generations: [{ text: " Hey", finish_reason: "COMPLETE" }] }, [{ text: " H", is_finished: false, index: 0 }, { text: "ey", index: 0 }, { is_finished: true, finish_reason: "COMPLETE", index: 0 }]],
    [models.commandR, { text: " Hey", finish_reason: "COMPLETE", chat_history: [] },
      [{ event_type: "stream-start", is_finished: false }, { event_type: "text-generation", text: " H" }, { event_type: "text-generation", text: "ey" }, { event_type: "stream-end", is_finished: true, finish_reason: "COMPLETE" }]],
    [models.large, { choices: [{ index: 0, message: { role: "assistant", content: " Hey" }, stop_reason: "stop" }] },
      [{ choices: [{ index: 0, message: { role: "assistant", content: " H" }, stop_reason: null }] }, { choices: [{ index: 0, message: { role: "assistant", content: "ey" }, stop_reason: "stop" }] }]],
    [models.jamba, { choices: [{ index: 0, message: { role: "assistant", content: " Hey" }, finish_reason: "stop" }] },
      [{ choices: [{ index: 0, delta: { content: " H" } }] }, { choices: [{ index: 0, delta: { content: "ey" }, finish_reason: "stop" }] }]],
    [models.nova, { output: { message: { content: [{ text: " Hey" }] } }, stopReason: "end_turn" },
      [{ messageStart: { role: "assistant" } }, { contentBlockDelta: { contentBlockIndex: 0, delta: { text: " H" } } }, { contentBlockDelta: { contentBlockIndex: 0, delta: { text: "ey" } } },
        { contentBlockStop: { contentBlockIndex: 0 } }, { messageStop: { stopReason: "end_turn" } }]]
  ])("of %s is the same whole and streamed", (model, whole, events) => {
    const last = { ...events.at(-1) as object, ...metrics }
    const counts = { "x-amzn-bedrock-input-token-count": "7", "x-amzn-bedrock-output-token-count": "3" }
    const it = both(model, whole, [...events.slice(0, -1), last], counts)
    const { raw: _, ...usage } = it.streamed.usage
    expect(usage).toMatchObject({ inputTokens: { total: 7 }, outputTokens: { total: 3 } })
    expect(it.streamed).toMatchObject({ content: [{ type: "text", text: " Hey" }], finishReason: "stop" })
    const { metadata: __, usage: ofWhole, ...rest } = it.whole
    expect(it.streamed).toMatchObject(JSON.parse(JSON.stringify(rest)) as object)
    expect(ofWhole).toMatchObject({ inputTokens: { total: 7 }, outputTokens: { total: 3 } })
    expect(it.streamed.metadata).toMatchObject({ bedrock: metrics })
  })

  it("that a guardrail touched says so", () => {
    const touched = { "amazon-bedrock-guardrailAction": "INTERVENED", "amazon-bedrock-trace": { guardrail: {} } }
    const { streamed, whole } = both(
      models.titan,
      { inputTextTokenCount: 5, results: [{ tokenCount: 2, outputText: "no", completionReason: "FINISH" }], ...touched },
      [{ outputText: "n", index: 0, inputTextTokenCount: 5, "amazon-bedrock-guardrailAction": "NONE" }, { outputText: "o", index: 0, totalOutputTextTokenCount: 2, completionReason: "FINISH", ...touched }]
    )
    for (const it of [streamed, whole]) {
      expect(it).toMatchObject({ finishReason: "content-filter", rawFinishReason: "FINISH", metadata: { bedrock: touched } })
      expect(it.usage).toMatchObject({ inputTokens: { total: 5, uncached: 5 }, outputTokens: { total: 2 } })
    }
  })

  it("of Jurassic comes whole only", () => {
    expect(parsed({ id: 1, prompt: {}, completions: [{ data: { text: "Hey" }, finishReason: { reason: "endoftext" } }] }, { config, options: { model: models.j2 } }))
      .toMatchObject({ content: [{ text: "Hey" }], finishReason: "stop", rawFinishReason: "endoftext", metadata: { bedrock: { id: 1 } } })
  })

  it("that breaks off, fails or is none is an error", () => {
    const end = (model: string, bytes: Uint8Array) => {
      const last = decoded([bytes], { config, options: { model } }).at(-1)
      return last?.type === "error" ? Part.errorOf(last).reason._tag : last?.type
    }
    expect(end(models.llama3, chunks([{ generation: "x" }]))).toBe("CutStream")
    expect(end(models.claude, chunks([{ type: "message_start", message: {} }]))).toBe("CutStream")
    expect(end(models.jamba, chunks([{ choices: [{ index: 0, delta: { content: "x" } }] }]))).toBe("CutStream")
    expect(end(models.nova, chunks([{ contentBlockDelta: { delta: { text: "x" } } }]))).toBe("CutStream")
    expect(end(models.llama3, Buffer.concat([chunks([{ generation: "x" }]), thrown("throttlingException", { message: "slow" })]))).toBe("RateLimit")
    expect(end(models.claude, Buffer.concat([chunks([{ type: "message_start", message: {} }]), thrown("modelStreamErrorException", { message: "slow" })]))).toBe("Server")
    expect(failure(() => parsed({ other: 1 }, { config, options: { model: models.llama3 } })).reason._tag).toBe("NotAnLlm")
  })
})

describe("a completion", () => {
  const it0 = (model: string) => Request.make({ provider: "bedrock", operation: "completion", messages: "Once upon", options: { model, maxTokens: 5 }, config: { baseUrl: "https://x.example" } })
  it("goes on with the text as it is", () => {
    expect(wires().completion.prepare(it0(models.llama3)).request).toEqual({
      method: "POST", url: "https://x.example/model/us.meta.llama3-1-8b-instruct-v1%3A0/invoke", headers: { "content-type": "application/json" },
      body: { prompt: "Once upon", max_gen_len: 5 }
    })
    const result = wires().completion.parse(response({ generation: " a time", stop_reason: "length" }, { "x-amzn-bedrock-input-token-count": "2" }), it0(models.llama3))
    expect(result).toMatchObject({ type: "completion", finishReason: "length", usage: { inputTokens: { total: 2 } } })
    for (const model of [models.claude, models.commandR]) expect(failure(() => wires().completion.prepare(it0(model))).reason._tag).toBe("Unsupported")
  })
})

describe("vectors", () => {
  const ask = (model: string, texts: ReadonlyArray<string>, options: Options = {}) =>
    Request.make({ provider: "bedrock", operation: "embeddings", messages: texts.map(Message.user), options: { ...options, model }, config: { baseUrl: "https://x.example" } })
  const v2 = "amazon.titan-embed-text-v2:0"
  const multimodal = "amazon.nova-2-multimodal-embeddings-v1:0"
  const cohere = "cohere.embed-v4:0"
  it.each<[string, ReadonlyArray<string>, Options, object]>([
    ["amazon.titan-embed-text-v1", ["a"], {}, { inputText: "a" }],
    [v2, ["a"], { dimensions: 256, providerOptions: { bedrock: { normalize: true } } }, { inputText: "a", dimensions: 256, normalize: true }],
    ["amazon.titan-embed-image-v1", ["a"], { dimensions: 384 }, { inputText: "a", embeddingConfig: { outputEmbeddingLength: 384 } }],
    [cohere, ["a", "b"], { dimensions: 512 }, { texts: ["a", "b"], input_type: "search_document", output_dimension: 512 }],
    [cohere, ["a"], { providerOptions: { bedrock: { input_type: "search_query", truncate: "NONE" } } }, { texts: ["a"], input_type: "search_query", truncate: "NONE" }],
    [multimodal, ["a"], { dimensions: 1024, providerOptions: { bedrock: { singleEmbeddingParams: { embeddingPurpose: "TEXT_RETRIEVAL" } } } },
      { taskType: "SINGLE_EMBEDDING", singleEmbeddingParams: { embeddingPurpose: "TEXT_RETRIEVAL", embeddingDimension: 1024, text: { truncationMode: "NONE", value: "a" } } }]
  ])("of %s are asked for, and the body read again", (model, texts, options, body) => {
    const { request } = wires().embeddings.prepare(ask(model, texts, options))
    expect(request.body).toEqual(body)
    const asked = wires().embeddings.decode!({ url: request.url, body: body as JsonObject }, "bedrock")
    expect(asked).toMatchObject({ operation: "embeddings", messages: texts.map(Message.user), options: { model } })
    expect(asked.options.dimensions).toBe(options.dimensions)
    expect(wires().embeddings.prepare(Request.make({ provider: "bedrock", ...asked })).request.body).toEqual(body)
  })

  it("are read in each form", () => {
    const read = (model: string, texts: ReadonlyArray<string>, body: unknown, headers = {}) => wires().embeddings.parse(response(body, headers), ask(model, texts))
    expect(read(v2, ["a"], { embedding: [1, 2], embeddingsByType: { float: [1, 2] }, inputTextTokenCount: 3 })).toEqual({
      type: "embeddings", embeddings: [[1, 2]], usage: { inputTokens: { total: 3, uncached: 3 }, outputTokens: {}, raw: { inputTextTokenCount: 3 } },
      metadata: { bedrock: { embeddingsByType: { float: [1, 2] }, inputTextTokenCount: 3 } }
    })
    expect(read(v2, ["a"], { embeddingsByType: { binary: [1, 0] } })).toMatchObject({ embeddings: [[1, 0]] })
    expect(read(cohere, ["a", "b"], { embeddings: [[1], [2]], texts: ["a", "b"], id: "x" }, { "x-amzn-bedrock-input-token-count": "4" })).toEqual({
      type: "embeddings", embeddings: [[1], [2]], usage: { inputTokens: { total: 4, uncached: 4 }, outputTokens: {} }, metadata: { bedrock: { id: "x" } }
    })
    expect(read(cohere, ["a"], { embeddings: { int8: [[7]] } })).toMatchObject({ embeddings: [[7]] })
    expect(read(multimodal, ["a"], { embeddings: [{ embeddingType: "TEXT", embedding: [5] }] })).toMatchObject({ embeddings: [[5]] })
    const tagOf = (f: () => unknown) => failure(f).reason._tag
    expect(tagOf(() => read(cohere, ["a", "b"], { embeddings: [[1]] }))).toBe("MalformedResponse")
    expect(tagOf(() => read(v2, ["a"], { embedding: [1, "x"] }))).toBe("MalformedResponse")
    expect(tagOf(() => read(v2, ["a"], { other: 1 }))).toBe("NotAnLlm")
    expect(tagOf(() => read(v2, ["a"], { message: "no" }))).toBe("Server")
  })

  it("of more texts than a model takes, of files, or of an unknown model are refused", () => {
    const refused = (model: string, texts: ReadonlyArray<string>) => failure(() => wires().embeddings.prepare(ask(model, texts))).reason
    expect(refused(v2, ["a", "b"])).toMatchObject({ _tag: "InvalidRequest", message: /takes one text in a request, not 2/ })
    expect(refused(cohere, Array.from({ length: 97 }, () => "a"))).toMatchObject({ message: /takes 96 texts/ })
    expect(refused("twelvelabs.marengo-embed-2-7-v1:0", ["a"])._tag).toBe("Unsupported")
    const file = Request.make({
      provider: "bedrock", operation: "embeddings", options: { model: v2 }, messages: [{ role: "user", content: [{ type: "file", mediaType: "image/png", data: "AA==" }] }]
    })
    expect(failure(() => wires().embeddings.prepare(file)).reason._tag).toBe("Unsupported")
  })
})
