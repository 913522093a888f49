/**
 * Answers as Ollama documents them.
 *
 * @module
 */
import { type EmbeddingsResult, type LlmError, type ModelsResult, Part, Result } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/ollama/index.ts"
import { answer, decoded, failure, head, line, lines, parsed, request, response } from "./support.ts"

const errorOf = (parts: ReadonlyArray<Part>): LlmError | undefined => {
  const last = parts.at(-1)
  return last?.type === "error" ? Part.errorOf(last) : undefined
}

describe("an answer", () => {
  it("has thinking, text, calls and numbers", () => {
    expect(parsed(answer({
      content: "Hi",
      thinking: "Hm.",
      tool_calls: [
        { id: "call_x1", function: { index: 0, name: "f", arguments: { a: 1 } } },
        { function: { name: "g", arguments: {} } }
      ]
    }, {
      prompt_eval_count: 5,
      eval_count: 7,
      total_duration: 9,
      load_duration: 1,
      remote_model: "gpt-oss:120b"
    }))).toStrictEqual({
      type: "chat",
      model: "m:1b",
      timestamp: "2025-01-02T03:04:05.678Z",
      content: [
        { type: "reasoning", text: "Hm.", metadata: { ollama: { type: "thinking" } } },
        { type: "text", text: "Hi" },
        { type: "tool-call", id: "call_x1", name: "f", params: { a: 1 } },
        { type: "tool-call", id: "call_ollama_20250102030405678_1", name: "g", params: {} }
      ],
      finishReason: "tool-calls",
      rawFinishReason: "stop",
      usage: {
        inputTokens: { total: 5 },
        outputTokens: { total: 7 },
        raw: { prompt_eval_count: 5, eval_count: 7, total_duration: 9, load_duration: 1 }
      },
      metadata: { ollama: { total_duration: 9, load_duration: 1, remote_model: "gpt-oss:120b" } }
    })
  })

  it("whose prompt was cached whole may not say how long it was", () => {
    expect(parsed(answer({ content: "Hi" }, { eval_count: 2 })).usage)
      .toStrictEqual({ inputTokens: {}, outputTokens: { total: 2 }, raw: { eval_count: 2 } })
    expect(parsed(answer({ content: "Hi" })).usage).toStrictEqual({ inputTokens: {}, outputTokens: {} })
  })

  it.each([
    ["stop", "stop"],
    ["length", "length"],
    ["load", "other"],
    ["unload", "other"]
  ])("that ends with %s", (raw, reason) => {
    expect(parsed(answer({}, { done_reason: raw }))).toMatchObject({
      finishReason: reason,
      rawFinishReason: raw,
      content: []
    })
  })

  it("with arguments that are no object keeps them, marked", () => {
    const calls = (args: unknown) => Result.toolCalls(
      parsed(answer({ tool_calls: [{ id: "a", function: { name: "f", arguments: args } }] }))
    )[0]
    expect(calls("{broken")).toMatchObject({ params: "{broken", invalid: true })
    expect(calls([1])).toMatchObject({ params: "[1]", invalid: true })
    expect(calls("{\"a\":1}")).toStrictEqual({ type: "tool-call", id: "a", name: "f", params: { a: 1 } })
    expect(calls(null)).toStrictEqual({ type: "tool-call", id: "a", name: "f", params: {} })
  })

  it("may hold images and log probabilities", () => {
    const logprobs = [{ token: "Hi", logprob: -0.5, bytes: [72, 105], top_logprobs: [] }]
    const result = parsed(answer({ content: "Hi", images: ["/9j/AAAA", "iVBORw0KGgo="] }, { logprobs }))
    expect(result.content.slice(1)).toEqual([
      { type: "file", mediaType: "image/jpeg", data: "/9j/AAAA" },
      { type: "file", mediaType: "image/png", data: "iVBORw0KGgo=" }
    ])
    expect(result.metadata).toEqual({ ollama: { logprobs } })
  })

  it("that is none is an error", () => {
    expect(
      failure(() => parsed({ error: "model 'x' not found" })).reason
    ).toMatchObject({ _tag: "NotFound", message: "model 'x' not found" })
    expect(failure(() => parsed({ hello: 1 })).reason._tag).toBe("NotAnLlm")
    expect(failure(() => parsed("[1]")).reason._tag).toBe("NotAnLlm")
    expect(failure(() => parsed("<html><title>nginx</title></html>")).reason._tag).toBe("NotAnLlm")
    expect(failure(() => parsed("")).reason._tag).toBe("MalformedResponse")
    expect(failure(() => parsed(line({ content: "Hi" }))).reason._tag).toBe("MalformedResponse")
    expect(
      failure(() => parsed(answer({ tool_calls: [{ function: {} }] }))).reason
    ).toMatchObject({ _tag: "MalformedResponse" })
  })
})

describe("a stream", () => {
  const done = answer({ content: "" })

  it("that fails says so once, and keeps what came before", () => {
    const parts = decoded([
      lines([
        line({ content: "Hel" }),
        { error: "an error was encountered while running the model: out of memory" },
        line({ content: "lo" }),
        done
      ])
    ])
    expect(parts.map((part) => part.type)).toEqual(["response-metadata", "text-start", "text-delta", "error"])
    expect(errorOf(parts)).toMatchObject({ provider: "ollama", reason: { _tag: "Server" } })
  })

  it.each([
    ["that ends early", lines([line({ content: "Hi" })]), "CutStream"],
    ["that ends within a line", `${lines([line({ content: "Hi" })])}{"model":"m`, "CutStream"],
    ["that is empty", "", "CutStream"],
    ["of nothing but line ends", "\n\r\n\n", "CutStream"],
    ["with a broken line", lines([line({ content: "Hi" }), "{\"model\": nope}", done]), "MalformedResponse"],
    ["with a line that is no object", lines([line({ content: "Hi" }), "[1]"]), "MalformedResponse"],
    ["that is a web page", "<html>\n<title>502 Bad Gateway</title>\n</html>", "NotAnLlm"],
    ["that is a plain text", "upstream connect error", "MalformedResponse"],
    ["that is an error over several lines", "{\n  \"error\": \"unauthorized\"\n}\n", "Server"],
    ["of another service", "data: {\"choices\":[]}\n\n", "MalformedResponse"]
  ])("%s is an error", (_, bytes, tag) => {
    const parts = decoded([bytes])
    expect(errorOf(parts)?.reason._tag).toBe(tag)
    expect(parts.filter(Part.isTerminal).length).toBe(1)
    expect(decoded(Array.from(Buffer.from(bytes), (byte) => Uint8Array.of(byte)))).toEqual(parts)
  })

  it("that is one JSON text over several lines is read as the whole it is", () => {
    const text = JSON.stringify(answer({ content: "Hi" }), null, 2)
    expect(Result.fold(decoded([text]))).toEqual(parsed(answer({ content: "Hi" })))
  })

  it("hands nothing on after its end", () => {
    const parts = decoded([lines([done, line({ content: "more" }), "nonsense"])])
    expect(parts.map((part) => part.type)).toEqual(["response-metadata", "finish"])
  })
})

describe("the other answers", () => {
  it("vectors, of both interfaces", () => {
    const parse = (body: unknown, messages: ReadonlyArray<string>): EmbeddingsResult =>
      wires().embeddings.parse(response(body), request({
        operation: "embeddings",
        messages: messages.map((content) => ({ role: "user" as const, content }))
      })) as EmbeddingsResult
    expect(
      parse({ model: "e", embeddings: [[1, 2], [3, 4]], prompt_eval_count: 4, total_duration: 5 }, ["a", "b"])
    ).toStrictEqual({
      type: "embeddings",
      model: "e",
      embeddings: [[1, 2], [3, 4]],
      usage: { inputTokens: { total: 4 }, outputTokens: {}, raw: { prompt_eval_count: 4 } },
      metadata: { ollama: { total_duration: 5 } }
    })
    expect(parse({ embedding: [1, 2] }, ["a"]).embeddings).toEqual([[1, 2]])
    expect(
      failure(() => parse({ embeddings: [[1]] }, ["a", "b"])).reason.message
    ).toBe("2 texts were sent, 1 vectors came back")
    expect(failure(() => parse({ embeddings: [["x"]] }, ["a"])).reason._tag).toBe("MalformedResponse")
    expect(failure(() => parse({ embeddings: [[]] }, ["a"])).reason._tag).toBe("MalformedResponse")
    expect(
      failure(() => parse({ error: "the input length exceeds the context length" }, ["a"])).reason._tag
    ).toBe("ContextLength")
    expect(failure(() => parse({ ok: true }, ["a"])).reason._tag).toBe("NotAnLlm")
  })

  it("models", () => {
    const parse = (body: unknown): ModelsResult =>
      wires().list_models.parse(response(body), request({ operation: "list_models", messages: [] })) as ModelsResult
    const entry = { name: "a:latest", model: "a:latest", size: 1, details: { family: "llama" } }
    expect(parse({ models: [entry, { name: "b", model: "b:1" }] })).toStrictEqual({
      type: "list_models",
      models: [{ id: "a:latest", raw: entry }, { id: "b:1", name: "b", raw: { name: "b", model: "b:1" } }]
    })
    expect(parse({ models: null }).models).toEqual([])
    expect(failure(() => parse({ models: [{}] })).reason._tag).toBe("MalformedResponse")
    expect(failure(() => parse({ error: "no" })).reason._tag).toBe("Server")
    expect(failure(() => parse({})).reason._tag).toBe("NotAnLlm")
    expect(
      wires().validate.parse(response({ models: [] }), request({ operation: "validate" }))
    ).toEqual({ type: "validate", usable: true })
  })

  it.each([
    [404, "{\"error\":\"model \\\"x\\\" not found, try pulling it first\"}", "NotFound"],
    [400, "{\"error\":\"registry.ollama.ai/library/x does not support tools\"}", "InvalidRequest"],
    [401, "{\"error\":\"unauthorized\"}", "Authentication"],
    [429, "{\"error\":\"you've reached your hourly usage limit\"}", "RateLimit"],
    [500, "{\"error\":\"model requires more system memory (5.6 GiB) than is available (1.0 GiB)\"}", "Server"],
    [503, "{\"error\":\"server busy, please try again. maximum pending requests exceeded\"}", "Overloaded"],
    [404, "404 page not found", "NotFound"]
  ])("errors: %s %s", (status, body, tag) => {
    const error = wires().chat.reason({ status, headers: {}, body }, request())
    expect(error.reason).toMatchObject({ _tag: tag, status })
    expect(error.reason.message).not.toBe("")
  })

  it("say when, in any zone, and nothing where they do not", () => {
    expect(
      parsed({ ...answer({}), created_at: "2025-06-27T21:48:22.138367925-05:00" }).timestamp
    ).toBe("2025-06-28T02:48:22.138Z")
    expect(parsed({ ...answer({}), created_at: "yesterday" }).timestamp).toBeUndefined()
    expect(
      parsed({ message: { content: "Hi" }, done: true, head })
    ).toMatchObject({ content: [{ text: "Hi" }], finishReason: "unknown" })
  })
})
