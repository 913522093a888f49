/**
 * Requests as the Responses API documents them.
 *
 * @module
 */
import { Message, type Options, Request } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { responses } from "../../src/responses/index.ts"
import { failure, options, prepared, request, written } from "./support.ts"

const own = (fields: object, provider = "openai") => ({ options: { [provider]: fields } }) as object
const asks = (part: object): Message => ({ role: "user", content: [part] }) as Message
const says = (...content: ReadonlyArray<object>): Message => ({ role: "assistant", content }) as unknown as Message
const answers = (part: object): Message =>
  ({ role: "tool", content: [{ type: "tool-result", id: "c", name: "f", isFailure: false, ...part }] }) as unknown as Message

describe("the request", () => {
  it("goes to the address of the API", () => {
    expect(prepared().request).toEqual({
      method: "POST",
      url: "https://api.openai.com/v1/responses",
      headers: { "content-type": "application/json" },
      body: { model: "m", input: [{ role: "user", content: "Hello" }], store: false }
    })
    const config = { baseUrl: "https://x.example/openai/v1/?api-version=preview" }
    expect(prepared({ config }).request.url).toBe("https://x.example/openai/v1/responses?api-version=preview")
    const other = responses({ baseUrl: "https://y.example", path: "/v2/responses" })
    expect(other.prepare(request()).request.url).toBe("https://y.example/v2/responses")
  })

  it("asks for a stream where one is wanted, whatever the caller's own fields say", () => {
    expect(prepared({ operation: "stream" }).request.body).toMatchObject({ stream: true })
    expect(prepared({ options: { providerOptions: { openai: { stream: true } } } }).request.body).not.toHaveProperty("stream")
  })

  it("needs a message and a model, unless the service keeps them", () => {
    expect(failure(() => prepared({ messages: [] })).reason).toMatchObject({ _tag: "InvalidRequest", parameter: "messages" })
    const without = (providerOptions: Options["providerOptions"]) =>
      responses().prepare(Request.make({ provider: "openai", messages: [], options: { providerOptions: providerOptions! } })).request.body
    expect(failure(() => without({})).reason).toMatchObject({ _tag: "InvalidRequest" })
    expect(without({ openai: { prompt: { id: "p" } } })).toEqual({ prompt: { id: "p" }, store: false })
    expect(without({ openai: { previous_response_id: "r", model: "m" } })).toEqual({ previous_response_id: "r", model: "m" })
  })
})

describe("options", () => {
  it.each<[Options, object]>([
    [{ temperature: 0.5, maxTokens: 9, topP: 0.1, user: "u", serviceTier: "flex", metadata: { a: "b" } }, {
      temperature: 0.5, max_output_tokens: 9, top_p: 0.1, user: "u", service_tier: "flex", metadata: { a: "b" }
    }],
    [{ reasoning: { effort: "low", summary: "auto" } }, { reasoning: { effort: "low", summary: "auto" } }],
    [{ responseFormat: { type: "json" } }, { text: { format: { type: "json_object" } } }],
    [{ responseFormat: { type: "text" } }, {}],
    [{ responseFormat: { type: "json", schema: { type: "object" }, description: "d", strict: true } }, {
      text: { format: { type: "json_schema", name: "response", description: "d", schema: { type: "object" }, strict: true } }
    }],
    [{ responseFormat: { type: "json" }, reasoning: { effort: "low" }, providerOptions: { openai: { text: { verbosity: "low" }, reasoning: { effort: "high", mode: "x" } } } }, {
      text: { format: { type: "json_object" }, verbosity: "low" }, reasoning: { effort: "high", mode: "x" }
    }],
    [{ logprobs: true }, { include: ["message.output_text.logprobs"] }],
    [{ logprobs: 2, providerOptions: { openai: { include: ["code_interpreter_call.outputs"] } } }, {
      top_logprobs: 2, include: ["code_interpreter_call.outputs", "message.output_text.logprobs"]
    }],
    [{ logprobs: false }, {}],
    [{ providerOptions: { openai: { temperature: 2 }, other: { x: 1 } }, temperature: 1 }, { temperature: 2 }],
    [{ tools: [{ name: "f" }, { name: "g", description: "d", parameters: { type: "object" }, strict: false, options: { openai: { defer_loading: true } } }] }, {
      tools: [
        { type: "function", name: "f", parameters: { type: "object", properties: {} } },
        { type: "function", name: "g", description: "d", parameters: { type: "object" }, strict: false, defer_loading: true }
      ]
    }],
    [{ tools: [{ name: "f" }], toolChoice: { tool: "f" }, parallelToolCalls: false }, {
      tools: [{ type: "function", name: "f", parameters: { type: "object", properties: {} } }],
      tool_choice: { type: "function", name: "f" },
      parallel_tool_calls: false
    }],
    [{ tools: [{ type: "provider", id: "openai.custom", args: { name: "sql" } }], toolChoice: { tool: "sql" } }, {
      tools: [{ type: "custom", name: "sql" }], tool_choice: { type: "custom", name: "sql" }
    }],
    [{ tools: [{ type: "provider", id: "web_search" }], toolChoice: { tool: "web_search" } }, {
      tools: [{ type: "web_search" }], tool_choice: { type: "web_search" }
    }],
    [{ tools: [{ type: "provider", id: "openai.namespace", args: { name: "n", tools: [{ name: "g" }] } }], toolChoice: { tool: "g" } }, {
      tools: [{ type: "namespace", name: "n", tools: [{ name: "g" }] }], tool_choice: { type: "function", name: "g" }
    }],
    [{ toolChoice: "auto" }, {}]
  ])("%j", (given, expected) => {
    expect(options(given)).toEqual(expected)
  })

  it("that cannot be sent are warned of, or refused where that changes the meaning", () => {
    const { request: { body }, warnings } = prepared({
      options: { topK: 1, seed: 1, stop: "x", frequencyPenalty: 1, logitBias: { a: 1 }, parallelToolCalls: true, n: 1, reasoning: { budgetTokens: 5 }, dimensions: 5 }
    })
    expect(Object.keys(body!)).toEqual(["model", "input", "store"])
    expect(warnings.map(({ option }) => option)).toEqual([
      "topK", "frequencyPenalty", "stop", "seed", "parallelToolCalls", "reasoning", "logitBias", "dimensions"
    ])
    expect(failure(() => options({ n: 2 })).reason._tag).toBe("Unsupported")
    expect(failure(() => options({ tools: [{ type: "provider", id: "google.search" }] })).reason)
      .toMatchObject({ _tag: "Unsupported", alternatives: ["google"] })
    expect(failure(() => options({ tools: [{ name: "get" }], toolChoice: { tool: "gte" } })).reason.message).toContain("get")
    expect(failure(() => options({ toolChoice: "required" })).reason).toMatchObject({ parameter: "toolChoice" })
  })

  it("of services that take more", () => {
    expect(options({ topK: 3, reasoning: { budgetTokens: 5 } }, "openrouter")).toEqual({ top_k: 3, reasoning: { max_tokens: 5 } })
  })
})

describe("reasoning that goes back", () => {
  const include = (model: string, own: object, provider = "openai") =>
    (prepared({ provider, options: { model, providerOptions: { [provider]: own as never } } }).request.body as { include?: unknown }).include

  it("is asked for encrypted where nothing is stored and the model thinks", () => {
    expect(include("gpt-5-mini", {})).toEqual(["reasoning.encrypted_content"])
    expect(include("gpt-5-mini", { store: null })).toBeUndefined()
    expect(include("gpt-5-mini", { store: false })).toEqual(["reasoning.encrypted_content"])
    expect(include("o4-mini", { store: false })).toEqual(["reasoning.encrypted_content"])
    expect(include("gpt-5-mini", { store: true })).toBeUndefined()
    expect(include("gpt-5-mini", { store: false, include: [] })).toBeUndefined()
    expect(include("gpt-5-chat-latest", { store: false })).toBeUndefined()
    expect(include("gpt-4.1", { store: false })).toBeUndefined()
    expect(include("grok-4.3", { store: false }, "xai")).toEqual(["reasoning.encrypted_content"])
    expect(include("deepseek-v4-flash", { store: false }, "deepseek")).toBeUndefined()
  })

  it("is not stored, unless the call says so, builds on what is stored, or comes later", () => {
    const store = (own: object, provider = "openai") =>
      (prepared({ provider, options: { providerOptions: { [provider]: own as never } } }).request.body as { store?: unknown }).store
    expect(store({})).toBe(false)
    expect(store({ store: true })).toBe(true)
    expect(store({ store: null })).toBeUndefined()
    expect(store({ previous_response_id: "resp_1" })).toBeUndefined()
    expect(store({ conversation: "conv_1" })).toBeUndefined()
    expect(store({ background: true })).toBeUndefined()
    expect(store({ background: true, store: false })).toBe(false)
    for (const provider of ["azure", "xai", "deepseek", "openrouter", "lmstudio", "bedrock-mantle"]) {
      expect(store({}, provider)).toBeUndefined()
    }
  })

  const thought = says(
    { type: "reasoning", text: "a" },
    { type: "reasoning", text: "b", ...own({ item: { id: "rs_1" } }) },
    { type: "text", text: "t", ...own({ item: { id: "msg_1", status: "completed" } }) },
    { type: "tool-call", id: "c", name: "f", params: {}, ...own({ item: { id: "fc_1" } }) }
  )

  it("is found by its id where it is stored", () => {
    expect(written([thought], "openai", { providerOptions: { openai: { store: true } } })).toEqual([
      { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "a" }, { type: "summary_text", text: "b" }] },
      { type: "message", id: "msg_1", role: "assistant", status: "completed", content: [{ type: "output_text", text: "t", annotations: [] }] },
      { type: "function_call", id: "fc_1", call_id: "c", name: "f", arguments: "{}" }
    ])
  })

  it("is left out, with the ids that need it, where it is neither stored nor encrypted", () => {
    const { request: { body }, warnings } = prepared({ messages: [thought], options: { providerOptions: { openai: { store: false } } } })
    expect(body!.input).toEqual([
      { type: "message", role: "assistant", status: "completed", content: [{ type: "output_text", text: "t", annotations: [] }] },
      { type: "function_call", call_id: "c", name: "f", arguments: "{}" }
    ])
    expect(warnings).toHaveLength(1)
  })

  it("of another provider is not sent", () => {
    const message = says(
      { type: "reasoning", text: "a", ...own({ signature: "s" }, "anthropic") },
      { type: "raw", provider: "anthropic", value: { type: "x" } },
      { type: "tool-call", id: "s", name: "web_search", params: {}, providerExecuted: true },
      { type: "tool-result", id: "s", name: "web_search", isFailure: false, result: [], providerExecuted: true },
      { type: "text", text: "t" }
    )
    expect(written([message])).toEqual([{ role: "assistant", content: "t" }])
  })
})

describe("messages", () => {
  it("of rules", () => {
    expect(written([Message.system("Be brief."), Message.user("Hi")]))
      .toEqual([{ role: "system", content: "Be brief." }, { role: "user", content: "Hi" }])
    const instructions = { role: "system", content: "Be brief.", ...own({ instructions: true }) } as Message
    expect(prepared({ messages: [instructions, Message.user("Hi")] }).request.body)
      .toEqual({ model: "m", instructions: "Be brief.", input: [{ role: "user", content: "Hi" }], store: false })
  })

  it.each<[object, object]>([
    [{ type: "file", mediaType: "image/png", data: "AAAA" }, { type: "input_image", image_url: "data:image/png;base64,AAAA" }],
    [{ type: "file", mediaType: "image/*", data: "iVBORw0KGgo" }, { type: "input_image", image_url: "data:image/png;base64,iVBORw0KGgo" }],
    [{ type: "file", mediaType: "image/*", data: "https://x.example/a.png", ...own({ imageDetail: "high" }) }, { type: "input_image", image_url: "https://x.example/a.png", detail: "high" }],
    [{ type: "file", mediaType: "image/*", data: "", ...own({ file_id: "file_1" }) }, { type: "input_image", file_id: "file_1" }],
    [{ type: "file", mediaType: "application/pdf", data: "AAAA" }, { type: "input_file", filename: "document.pdf", file_data: "data:application/pdf;base64,AAAA" }],
    [{ type: "file", mediaType: "application/pdf", data: "https://x.example/a.pdf" }, { type: "input_file", file_url: "https://x.example/a.pdf" }],
    [{ type: "file", mediaType: "application/pdf", data: "", ...own({ file_id: "file_1" }) }, { type: "input_file", file_id: "file_1" }],
    [{ type: "file", mediaType: "audio/x-wav", data: "AAAA" }, { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } }],
    [{ type: "text", text: "a", ...own({ prompt_cache_breakpoint: { mode: "explicit" } }) }, { type: "input_text", text: "a", prompt_cache_breakpoint: { mode: "explicit" } }],
    [{ type: "input_new", x: 1 }, { type: "input_new", x: 1 }]
  ])("with %j", (part, expected) => {
    expect(written([asks(part)])).toEqual([{ role: "user", content: [expected] }])
  })

  it("with what the service does not take are refused", () => {
    expect(failure(() => written([asks({ type: "file", mediaType: "video/mp4", data: "AAAA" })])).reason._tag).toBe("Unsupported")
    expect(failure(() => written([asks({ type: "file", mediaType: "audio/wav", data: "https://x.example/a.wav" })])).reason._tag).toBe("Unsupported")
  })

  it("from a model that was another's go as plain texts and calls", () => {
    expect(written([says({ type: "text", text: "a" }, { type: "text", text: "b" }, { type: "tool-call", id: "c", name: "f", params: { a: 1 } })])).toEqual([
      { role: "assistant", content: [{ type: "output_text", text: "a" }, { type: "output_text", text: "b" }] },
      { type: "function_call", call_id: "c", name: "f", arguments: "{\"a\":1}" }
    ])
    const { warnings } = prepared({ messages: [says({ type: "file", mediaType: "image/png", data: "AAAA" })] })
    expect(warnings).toHaveLength(1)
  })

  it("of chat completions take their place here", () => {
    const marks = { message: { a: 1 }, response: { b: 1 }, reasoning_details: [], audio: { id: "a" } }
    expect(written([says(
      { type: "text", text: "t", ...own(marks) },
      { type: "tool-call", id: "c", name: "sql", params: "SELECT", ...own({ ...marks, custom: true }) }
    )])).toEqual([
      { role: "assistant", content: "t" },
      { type: "custom_tool_call", call_id: "c", name: "sql", input: "SELECT" }
    ])
  })

  it("that were only passing events do not go back", () => {
    const event = { type: "raw", provider: "openai", value: { type: "response.new" }, ...own({ event: true }) }
    expect(written([says(event, { type: "raw", provider: "openai", value: { type: "compaction" } })])).toEqual([{ type: "compaction" }])
  })
})

describe("what tools answered", () => {
  it.each<[object, object]>([
    [{ result: "x" }, { output: "x" }],
    [{ result: { a: 1 } }, { output: "{\"a\":1}" }],
    [{ result: "x", isFailure: true }, { output: "Error: x" }],
    [{ result: { a: 1 }, isFailure: true }, { output: "{\"error\":{\"a\":1}}" }],
    [{ result: 0, modelOutput: [{ type: "text", text: "a" }, { type: "text", text: "b" }] }, { output: "a\nb" }],
    [{ result: 0, modelOutput: [{ type: "text", text: "a" }, { type: "file", mediaType: "image/png", data: "AAAA" }] }, {
      output: [{ type: "input_text", text: "a" }, { type: "input_image", image_url: "data:image/png;base64,AAAA" }]
    }],
    [{ result: 0, isFailure: true, modelOutput: [{ type: "file", mediaType: "image/png", data: "AAAA" }] }, {
      output: [{ type: "input_text", text: "Error" }, { type: "input_image", image_url: "data:image/png;base64,AAAA" }]
    }]
  ])("%j", (part, expected) => {
    expect(written([answers(part)])).toEqual([{ type: "function_call_output", call_id: "c", ...expected }])
  })

  it("follows in a message of the person where the service takes no files there", () => {
    const image = { type: "file", mediaType: "image/png", data: "AAAA" }
    expect(written([answers({ result: 0, modelOutput: [image] }), Message.user("?")], "xai")).toEqual([
      { type: "function_call_output", call_id: "c", output: "See the files that follow." },
      { role: "user", content: [
        { type: "input_text", text: "Files from the tool f:" },
        { type: "input_image", image_url: "data:image/png;base64,AAAA" }
      ] },
      { role: "user", content: "?" }
    ])
  })

  it.each<[object, object, object]>([
    [{ type: "custom_tool_call" }, { result: "1" }, { type: "custom_tool_call_output", output: "1" }],
    [{ type: "computer_call" }, { result: 0, modelOutput: [{ type: "file", mediaType: "image/png", data: "AAAA" }] }, {
      type: "computer_call_output", output: { type: "computer_screenshot", image_url: "data:image/png;base64,AAAA" }
    }],
    [{ type: "local_shell_call" }, { result: "1" }, { type: "local_shell_call_output", output: "1" }],
    [{ type: "shell_call" }, { result: [{ stdout: "1" }] }, { type: "shell_call_output", output: [{ stdout: "1" }] }],
    [{ type: "apply_patch_call" }, { result: "no", isFailure: true }, { type: "apply_patch_call_output", status: "failed", output: "no" }],
    [{ type: "apply_patch_call" }, { result: null }, { type: "apply_patch_call_output", status: "completed" }],
    [{ type: "tool_search_call", execution: "client" }, { result: [] }, { type: "tool_search_output", tools: [] }]
  ])("to %j", (item, result, expected) => {
    const call = says({ type: "tool-call", id: "c", name: "f", params: {}, ...own({ item }) })
    expect((written([call, answers(result)]) as ReadonlyArray<object>)[1]).toEqual({ call_id: "c", ...expected })
  })
})
