/**
 * A request as clients of the Responses API send it, read and written again.
 *
 * @module
 */
import { type JsonObject, type Message, type Options, Request, Result, type Tool } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { responses } from "../../src/responses/index.ts"
import { answer, asked, failure, parsed, prepared } from "./support.ts"

const text = fc.string({ unit: "binary", maxLength: 8 })
const own = (fields: JsonObject) => ({ options: { openai: fields } })

// --- r = decode(prepare(r)) --------------------------------------------------------------------------------------------

const plain = text.map((text) => ({ type: "text" as const, text }))
const image = fc.constantFrom(
  { type: "file" as const, mediaType: "image/png", data: "iVBORw0KGgo=" },
  { type: "file" as const, mediaType: "image/*", data: { _tag: "URL" as const, href: "https://x.example/a.png" } },
  { type: "file" as const, mediaType: "image/jpeg", data: "/9j/", ...own({ detail: "low" }) }
)
const file = fc.constantFrom(
  { type: "file" as const, mediaType: "application/pdf", fileName: "a.pdf", data: "JVBERi0=" },
  { type: "file" as const, mediaType: "application/pdf", data: { _tag: "URL" as const, href: "https://x.example/a.pdf" } },
  { type: "file" as const, mediaType: "audio/mpeg", data: "AAAA" },
  { type: "file" as const, mediaType: "image/*", data: "", ...own({ file_id: "file_1" }) }
)
const marked = text.map((text) => ({ type: "text" as const, text, ...own({ prompt_cache_breakpoint: { mode: "explicit" } }) }))
const user = fc.array(fc.oneof(plain, image, file, marked), { minLength: 1, maxLength: 3 })
  .map((content): Message => ({ role: "user", content }))

const thought = fc.tuple(fc.array(text, { minLength: 1, maxLength: 2 }), fc.boolean()).map(([texts, content]) =>
  texts.map((said, index) => ({
    type: "reasoning" as const,
    text: said,
    ...((content || index === texts.length - 1)
      && own({ ...(content && { content: true }), ...(index === texts.length - 1 && { item: { id: "rs", encrypted_content: "g" } }) }))
  }))
)
const params = fc.dictionary(text, fc.jsonValue({ maxDepth: 1 }), { maxKeys: 2 })
const call = (id: string) =>
  fc.tuple(params, fc.boolean()).map(([params, known]) => ({
    type: "tool-call" as const, id, name: "f", params: JSON.parse(JSON.stringify(params)) as object, ...(known && own({ item: { id: "fc", status: "completed" } }))
  }))
const custom = text.map((input) => ({
  type: "tool-call" as const, id: "c3", name: "sql", params: input, ...own({ item: { type: "custom_tool_call", id: "ct" } })
}))
const spoken = fc.tuple(text, fc.boolean(), fc.boolean()).map(([said, refusal, cited]) => ({
  type: "text" as const,
  text: said,
  ...own({
    ...(refusal && { refusal: true }),
    ...(cited && { annotations: [{ type: "url_citation", url: "u" }] }),
    item: { id: "msg", status: "completed", phase: "commentary" }
  })
}))
const served = { type: "raw" as const, provider: "openai", value: { type: "compaction", id: "cmp", encrypted_content: "x" } }

const turn = fc.tuple(user, thought, fc.option(spoken), fc.option(call("c1")), fc.option(call("c2")), fc.option(custom), text)
  .map(([question, thought, said, ...rest]): ReadonlyArray<Message> => {
    const calls = rest.slice(0, 3).filter((part) => part !== null && typeof part === "object")
    const results = calls.map(({ id, name }) => ({
      type: "tool-result" as const, id, name, isFailure: false, result: String(rest[3])
    }))
    const content = [...thought, ...(said === null ? [] : [said]), ...calls, ...(calls.length === 0 ? [served, { type: "text" as const, text: "done" }] : [])]
    return [
      question,
      { role: "assistant", content },
      ...(results.length > 0 ? [{ role: "tool" as const, content: results }] : [])
    ]
  })

const system = fc.constantFrom<Message>(
  { role: "system", content: "Be brief." },
  { role: "system", content: "Be brief.", ...own({ instructions: true }) },
  { role: "system", content: "Be brief.", ...own({ role: "developer" }) },
  { role: "system", content: "Be brief.", ...own({ part: { prompt_cache_breakpoint: { mode: "explicit" } } }) }
)

const tools: ReadonlyArray<Tool> = [
  { name: "f", description: "d", parameters: { type: "object" }, strict: true, options: { openai: { defer_loading: true } } },
  { type: "provider", id: "openai.custom", args: { name: "sql", format: { type: "text" } } },
  { type: "provider", id: "openai.web_search", args: { search_context_size: "low" } }
]

const options: fc.Arbitrary<Options> = fc.record({
  temperature: fc.constantFrom(0, 0.5),
  maxTokens: fc.constant(20),
  topP: fc.constant(0.5),
  toolChoice: fc.constantFrom("auto", "none", "required", { tool: "f" }, { tool: "sql" }, { tool: "web_search" }),
  parallelToolCalls: fc.boolean(),
  responseFormat: fc.constantFrom(
    { type: "json" },
    { type: "json", name: "r", schema: { type: "object" }, strict: true, description: "d" }
  ),
  reasoning: fc.constantFrom({ effort: "low" }, { effort: "high", summary: "auto" }),
  logprobs: fc.constantFrom(true, 3),
  user: fc.constant("u"),
  serviceTier: fc.constant("flex"),
  metadata: fc.constant({ a: "b" }),
  providerOptions: fc.constantFrom(
    { openai: { store: true, truncation: "auto", text: { verbosity: "low" }, reasoning: { context: "all_turns" } } },
    { openai: { store: false, include: ["reasoning.encrypted_content"] } },
    { openai: { previous_response_id: "resp_0", prompt_cache_key: "k", background: true } }
  )
}, { requiredKeys: [] }) as fc.Arbitrary<Options>

/** That nothing is stored, and that reasoning is encrypted for that, is said in so many words. */
const unstored = (options: Options): Options => {
  const own = options.providerOptions?.openai ?? {}
  if (own.store !== undefined || own.previous_response_id !== undefined) return options
  return { ...options, providerOptions: { openai: { ...own, store: false, include: ["reasoning.encrypted_content"] } } }
}

describe("what was prepared, read", () => {
  it("is what was asked", () => {
    const operation = fc.constantFrom("chat" as const, "stream" as const)
    fc.assert(
      fc.property(fc.option(system), fc.array(turn, { minLength: 1, maxLength: 3 }), options, operation, (system, turns, options, operation) => {
        const messages = [...(system === null ? [] : [system]), ...turns.flat()]
        const whole = { model: "gpt-5", tools, ...options }
        const { request, warnings } = responses().prepare(Request.make({ provider: "openai", operation, messages, options: whole }))
        expect(warnings).toEqual([])
        const back = responses().decode!({ url: request.url, body: JSON.parse(JSON.stringify(request.body)) as never }, "openai")
        expect(back).toEqual({ operation, messages, options: unstored(whole) })
      }),
      { numRuns: 500 }
    )
  })
})

/** The body that is sent for a body that came in. */
const again = (body: object, provider = "openai"): unknown =>
  JSON.parse(JSON.stringify(prepared({ provider, ...asked(body, provider) }).request.body))

const item = (item: object) => [{ role: "user", content: "Hi" }, item]

describe("a body, read and written again, is the same", () => {
  it.each<[string, object]>([
    ["a prompt kept by the service", { prompt: { id: "pmpt_1", variables: { a: "b" } } }],
    ["a conversation kept by the service", { conversation: "conv_1", input: item({ type: "item_reference", id: "msg_1" }) }],
    ["a response to go on from", { previous_response_id: "resp_1" }],
    ["an output without its call", { previous_response_id: "resp_1", input: [{ type: "function_call_output", call_id: "c", output: "1" }] }],
    ["tools of the service", {
      input: item({ role: "user", content: "x" }),
      tools: [{ type: "mcp", server_label: "s", server_url: "https://s.example", require_approval: "never" }, { type: "code_interpreter", container: { type: "auto" } }],
      tool_choice: { type: "allowed_tools", mode: "auto", tools: [{ type: "mcp", server_label: "s" }] }
    }],
    ["a choice of a hosted tool", { input: item({ role: "user", content: "x" }), tools: [{ type: "web_search" }], tool_choice: { type: "web_search" } }],
    ["a format that is new", { input: item({ role: "user", content: "x" }), text: { format: { type: "grammar", x: 1 }, verbosity: "low" } }],
    ["log probabilities", { input: item({ role: "user", content: "x" }), include: ["file_search_call.results", "message.output_text.logprobs"], top_logprobs: 2 }],
    ["nothing kept, and nothing asked for", { input: item({ role: "user", content: "x" }), store: false, model: "gpt-5" }],
    ["tools that the service ran", { input: [
      ...item({ type: "web_search_call", id: "ws_1", status: "completed", action: { type: "search", query: "q" } }),
      { type: "file_search_call", id: "fs_1", status: "completed", queries: ["q"], results: null },
      { type: "mcp_list_tools", id: "l_1", server_label: "s", tools: [] },
      { type: "mcp_call", id: "m_1", server_label: "s", name: "n", arguments: "{}", output: "1" },
      { type: "tool_search_call", id: "t_1", call_id: null, execution: "server", arguments: {} },
      { type: "tool_search_output", id: "t_2", call_id: null, execution: "server", tools: [] },
      { type: "image_generation_call", id: "i_1", status: "completed", result: "AAAA", output_format: "jpeg" },
      { type: "image_generation_call", id: "i_2" }
    ] }],
    ["tools that the caller ran", { input: [
      ...item({ type: "computer_call", id: "cu", call_id: "a", action: { type: "wait" }, pending_safety_checks: [], status: "completed" }),
      { type: "computer_call_output", call_id: "a", output: { type: "computer_screenshot", image_url: "data:image/png;base64,AAAA" }, acknowledged_safety_checks: [] },
      { type: "computer_call", id: "cu", call_id: "a2", actions: [{ type: "wait" }], pending_safety_checks: [], status: "completed" },
      { type: "local_shell_call", id: "ls", call_id: "b", action: { type: "exec", command: ["ls"] }, status: "completed" },
      { type: "local_shell_call_output", call_id: "b", output: "x" },
      { type: "shell_call", id: "sh", call_id: "c", action: { commands: ["ls"] }, status: "completed" },
      { type: "shell_call_output", call_id: "c", output: [{ stdout: "", stderr: "", outcome: { type: "exit", exit_code: 0 } }], max_output_length: 9 },
      { type: "apply_patch_call", id: "ap", call_id: "d", operation: { type: "delete_file", path: "x" }, status: "completed" },
      { type: "apply_patch_call_output", call_id: "d", status: "failed", output: "no such file" },
      { type: "tool_search_call", id: "ts", call_id: "e", execution: "client", arguments: { q: 1 } },
      { type: "tool_search_output", call_id: "e", execution: "client", status: "completed", tools: [{ type: "function", name: "f" }] },
      { type: "custom_tool_call", id: "ct", call_id: "f", name: "sql", input: "SELECT" },
      { type: "custom_tool_call_output", call_id: "f", output: "1" },
      { type: "function_call", call_id: "g", name: "f", arguments: "{\"a\":" },
      { type: "function_call_output", call_id: "g", output: [{ type: "input_text", text: "x" }, { type: "input_image", image_url: "data:image/png;base64,AAAA" }], id: "o" }
    ] }],
    ["documents that are images or sounds", { input: item({ role: "user", content: [
      { type: "input_file", file_url: "https://x.example/a.png" },
      { type: "input_file", filename: "a.png", file_data: "data:image/png;base64,AAAA" },
      { type: "input_file", filename: "a.mp3", file_data: "data:audio/mpeg;base64,AAAA" }
    ] }) }],
    ["approvals and what is new", { input: [
      ...item({ type: "mcp_approval_request", id: "ar", arguments: "{}", name: "n", server_label: "s" }),
      { type: "mcp_approval_response", approval_request_id: "ar", approve: true },
      { type: "something_new", x: [1] }
    ] }],
    ["what a model said", { input: [
      { role: "user", content: [{ type: "input_text", text: "a" }, { type: "input_file", file_id: "file_1" }, { type: "input_new", x: 1 }] },
      { role: "assistant", content: "a" },
      { role: "assistant", content: "b", phase: "commentary" },
      { type: "message", id: "m", role: "assistant", status: "completed", content: [
        { type: "output_text", text: "c", annotations: [{ type: "file_path", file_id: "f", index: 1 }] },
        { type: "refusal", refusal: "no" },
        { type: "output_new", x: 1 }
      ] }
    ] }]
  ])("%s", (_, body) => {
    const whole = { model: "m", ...body }
    const back = again(whole) as { input?: ReadonlyArray<{ content?: unknown; type?: string; phase?: string }> }
    const expected = structuredClone(whole) as unknown as typeof back
    for (const entry of expected.input ?? []) {
      // What a model said beside other fields is written as the list it may be.
      if (entry.phase !== undefined) Object.assign(entry, { type: "message", content: [{ type: "output_text", text: entry.content, annotations: [] }] })
    }
    expect(back).toEqual(JSON.parse(JSON.stringify(expected)))
  })

  it("as an answer is that goes back", () => {
    const output = [
      { type: "reasoning", id: "rs", summary: [{ type: "summary_text", text: "s" }], encrypted_content: "g" },
      { type: "web_search_call", id: "ws", status: "completed", action: { type: "search", query: "q" } },
      { type: "image_generation_call", id: "ig", status: "completed", result: "AAAA" },
      { type: "message", id: "m", role: "assistant", status: "completed", phase: "final_answer", content: [{ type: "output_text", text: "t", annotations: [] }] },
      { type: "function_call", id: "fc", call_id: "c", name: "f", arguments: "{\"a\":1}", status: "completed" },
      { type: "compaction", id: "cmp", encrypted_content: "x" }
    ]
    const messages = [Result.toMessage(parsed(answer(output)))]
    expect(prepared({ messages }).request.body!.input).toEqual(output)
    expect((again({ model: "m", input: output }) as { input: unknown }).input).toEqual(output)
    // And both ways lead to the same messages, but for what has a number only in an answer.
    expect(asked({ input: output }).messages).toEqual(messages)
  })
})

describe("a malformed body is an error that names the field", () => {
  it.each<[string, object]>([
    ["input", {}],
    ["input", { input: 5 }],
    ["input[0]", { input: [5] }],
    ["input[0].type", { input: [{}] }],
    ["input[0].role", { input: [{ role: "tool", content: "x" }] }],
    ["input[0].content", { input: [{ role: "user" }] }],
    ["input[0].content[0].type", { input: [{ role: "user", content: [5] }] }],
    ["input[0].content[1].text", { input: [{ role: "user", content: [{ type: "input_text", text: "" }, { type: "input_text" }] }] }],
    ["input[0].content[0].image_url", { input: [{ role: "user", content: [{ type: "input_image" }] }] }],
    ["input[0].content[0].file_data", { input: [{ role: "user", content: [{ type: "input_file" }] }] }],
    ["input[0].content[0].input_audio.data", { input: [{ role: "user", content: [{ type: "input_audio" }] }] }],
    ["input[0].content[0].type", { input: [{ role: "system", content: [{ type: "input_image", file_id: "f" }] }] }],
    ["input[0].content[0].refusal", { input: [{ role: "assistant", content: [{ type: "refusal" }] }] }],
    ["input[0].call_id", { input: [{ type: "function_call", name: "f", arguments: "" }] }],
    ["input[0].arguments", { input: [{ type: "function_call", call_id: "c", name: "f", arguments: {} }] }],
    ["input[0].output", { input: [{ type: "function_call_output", call_id: "c" }] }],
    ["input[0].summary", { input: [{ type: "reasoning", summary: "s" }] }],
    ["input[0].content[0].text", { input: [{ type: "reasoning", content: [{}] }] }],
    ["instructions", { input: "x", instructions: 5 }],
    ["stream", { input: "x", stream: "yes" }],
    ["temperature", { input: "x", temperature: "hot" }],
    ["max_output_tokens", { input: "x", max_output_tokens: 0 }],
    ["metadata", { input: "x", metadata: { a: 1 } }],
    ["tools", { input: "x", tools: {} }],
    ["tools[0].type", { input: "x", tools: [{}] }],
    ["tools[0].name", { input: "x", tools: [{ type: "function", function: { name: "f" } }] }],
    ["tools[0].parameters", { input: "x", tools: [{ type: "function", name: "f", parameters: 5 }] }],
    ["tools[0].strict", { input: "x", tools: [{ type: "function", name: "f", strict: 5 }] }],
    ["tools[0].description", { input: "x", tools: [{ type: "function", name: "f", description: 5 }] }],
    ["tool_choice", { input: "x", tool_choice: "maybe" }],
    ["include", { input: "x", include: "all" }],
    ["text", { input: "x", text: "short" }],
    ["text.format.type", { input: "x", text: { format: {} } }],
    ["text.format.schema", { input: "x", text: { format: { type: "json_schema", name: "n" } } }],
    ["text.format.name", { input: "x", text: { format: { type: "json_schema", schema: {} } } }],
    ["reasoning", { input: "x", reasoning: "much" }]
  ])("%s of %j", (parameter, body) => {
    expect(failure(() => asked(body)).reason).toMatchObject({ _tag: "InvalidRequest", parameter })
  })

  it("or is read, whatever it is", () => {
    const junk = fc.jsonValue({ maxDepth: 3 })
    const entry = fc.record({
      type: fc.constantFrom("message", "reasoning", "function_call", "function_call_output", "computer_call_output", "image_generation_call", "shell_call_output", "x_call"),
      role: fc.constantFrom("user", "assistant", "system"),
      content: junk, call_id: junk, name: junk, arguments: junk, output: junk, summary: junk, result: junk, id: junk, status: junk
    }, { requiredKeys: [] })
    const body = fc.record({
      model: junk, input: fc.oneof(junk, fc.array(fc.oneof(junk, entry))), tools: junk, tool_choice: junk, text: junk,
      reasoning: junk, include: junk, top_logprobs: junk, metadata: junk, stream: junk, __proto__: junk
    }, { requiredKeys: [] })
    fc.assert(fc.property(fc.oneof(junk, body), (body) => {
      try {
        asked(body as object)
      } catch (error) {
        expect(error).toHaveProperty("_tag", "LlmError")
        expect((error as { reason: { _tag: string } }).reason._tag).toBe("InvalidRequest")
      }
    }), { numRuns: 1000 })
  })
})
