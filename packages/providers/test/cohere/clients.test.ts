/**
 * The way back: a request in Cohere's words, read into ours, and written again as it was.
 *
 * @module
 */
import { type JsonObject, Request } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/cohere/index.ts"
import { failure, v1 } from "./support.ts"

const base = "https://api.cohere.com"
const at = (path: string) => path.endsWith("embed") ? wires().embeddings : path.endsWith("generate") ? wires().completion : wires().chat
const decode = (body: unknown, path = "/v2/chat") => at(path).decode!(
  { url: `${base}${path}`, body: body as JsonObject },
  "cohere"
)

const again = (body: JsonObject, path = "/v2/chat"): unknown => {
  const asked = decode(body, path)
  const config = { ...(path.startsWith("/v1") && v1), stream: body.stream === true }
  return JSON.parse(
    JSON.stringify(
      wires()[asked.operation as "chat"].prepare(Request.make({ provider: "cohere", ...asked, config })).request.body
    )
  )
}

const hi = { role: "user", content: "Hi" }

describe("a request of a client", () => {
  it.each<readonly [string, JsonObject, string?]>([
    ["with everything that has no word here", {
      model: "m", stream: true, messages: [
        { role: "developer", content: "Be" },
        { ...hi, x: 1 }
      ], documents: ["a", { data: "b" }], citation_options: { mode: "FAST" },
      safety_mode: "OFF", priority: 5, k: 0, temperature: null, stop_sequences: null, thinking: {
        type: "disabled",
        x: 1
      }, logprobs: false, strict_tools: false,
      response_format: { type: "json_object", schema: {} }, raw_prompting: false
    }],
    ["with blocks of every kind", {
      model: "m",
      messages: [
        { role: "system", content: [{ type: "text", text: "a" }, { type: "text", text: "b" }] },
        {
          role: "user",
          content: [
            { type: "text", text: "a", x: 1 },
            { type: "image_url", image_url: { url: "data:image/webp;base64,UklGRg==", detail: "high" } },
            { type: "unheard", y: 2 }
          ]
        },
        {
          role: "assistant",
          content: [{ type: "thinking", thinking: "t", signature: "s" }, { type: "text", text: "x" }],
          citations: [{ start: 0, end: 1, text: "x", sources: [] }]
        },
        {
          role: "assistant",
          tool_plan: "p",
          tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{broken" } }]
        },
        {
          role: "tool",
          tool_call_id: "a",
          content: [{ type: "document", document: { id: "1", data: { x: "y" } } }, { type: "text", text: "z" }]
        },
        { role: "tool", tool_call_id: "b", content: [{ type: "document", document: { data: "{}" } }] },
        { role: "tool", tool_call_id: "c", content: [] }
      ]
    }],
    ["with tools that say more", {
      model: "m", messages: [hi], tool_choice: "REQUIRED", strict_tools: true,
      tools: [
        { type: "function", function: { name: "f" } },
        { type: "function", x: 1, function: { name: "g", parameters: {}, y: 2 } },
        { type: "search", a: 1 }
      ]
    }],
    ["that forces what there is not", { model: "m", messages: [hi], tool_choice: "NONE", strict_tools: true }],
    ["over the first interface", {
      model: "m", message: "Hi", preamble: "Be", temperature: 0.3, prompt_truncation: "AUTO", connectors: [{
        id: "web-search",
        options: { site: "x" }
      }],
      chat_history: [
        { role: "USER", message: "a", user_name: "n" }, {
          role: "CHATBOT",
          message: "b",
          tool_calls: [{ name: "f", parameters: { a: 1 } }]
        },
        {
          role: "TOOL",
          tool_results: [{ call: { name: "f", parameters: { a: 1 } }, outputs: [{ x: 1 }, { y: 2 }] }]
        }, { role: "SYSTEM", message: "c" }
      ],
      tools: [{
        name: "f",
        description: "",
        parameter_definitions: { a: { type: "List[str]", required: false, description: "d" } }
      }]
    }, "/v1/chat"],
    ["over the first interface, with results", {
      model: "m", message: "", chat_history: [{
        role: "CHATBOT",
        message: "",
        tool_calls: [{ name: "f", parameters: {} }]
      }],
      tool_results: [{ call: { name: "f", parameters: {} }, outputs: [{ x: 1 }] }]
    }, "/v1/chat"],
    [
      "of generate",
      {
        model: "m",
        prompt: "Hi",
        num_generations: 2,
        max_tokens: 5,
        truncate: "END",
        end_sequences: ["a"],
        return_likelihoods: "ALL",
        stream: true
      },
      "/v1/generate"
    ],
    [
      "of embed",
      {
        model: "m",
        texts: ["a"],
        input_type: "search_query",
        embedding_types: ["int8", "float"],
        truncate: "NONE",
        output_dimension: 64
      },
      "/v2/embed"
    ],
    [
      "of embed with images",
      {
        model: "m",
        inputs: [{
          content: [
            { type: "text", text: "a" },
            { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } }
          ]
        }],
        input_type: "search_document",
        embedding_types: ["float"]
      },
      "/v2/embed"
    ],
    [
      "of the old embed with images",
      { model: "m", images: ["data:image/png;base64,iVBORw0KGgo="], input_type: "image", embedding_types: ["float"] },
      "/v1/embed"
    ]
  ])("%s is written again as it was", (_, body, path) => {
    expect(again(body as JsonObject, path as string | undefined)).toEqual(body)
  })

  it("is written with the defaults it left out", () => {
    expect(
      again({ model: "m", stream: false, messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }] })
    ).toEqual({ model: "m", messages: [hi] })
    expect(again({ message: "Hi" }, "/v1/chat")).toEqual({ message: "Hi" })
    expect(again({ model: "m", texts: ["a"] }, "/v2/embed")).toEqual({
      model: "m",
      texts: ["a"],
      input_type: "search_document",
      embedding_types: ["float"]
    })
  })

  it("gives results the name of their call, and what their documents hold", () => {
    const call = { id: "a", type: "function", function: { name: "f", arguments: "{}" } }
    const { messages } = decode({
      model: "m",
      messages: [
        { role: "assistant", tool_calls: [call] },
        { role: "tool", tool_call_id: "a", content: [{ type: "document", document: { data: { x: 1 } } }] }
      ]
    })
    expect(messages[1]).toEqual({
      role: "tool",
      content: [{ type: "tool-result", id: "a", name: "f", isFailure: false, result: { x: 1 } }]
    })
  })

  const call = (more: object) => ({
    model: "m",
    messages: [{ role: "assistant", tool_calls: [{ id: "a", type: "function", ...more }] }]
  })

  it.each<readonly [string, unknown, string?]>([
    ["body", undefined],
    ["model", { messages: [hi] }],
    ["messages", { model: "m" }],
    ["messages[0].role", { model: "m", messages: [{ role: "robot" }] }],
    ["messages[0].content", { model: "m", messages: [{ role: "user", content: 1 }] }],
    ["messages[0].content[0].type", { model: "m", messages: [{ role: "user", content: [{}] }] }],
    ["messages[0].content[0].text", { model: "m", messages: [{ role: "user", content: [{ type: "text", text: 1 }] }] }],
    [
      "messages[0].content[0].image_url.url",
      { model: "m", messages: [{ role: "user", content: [{ type: "image_url", image_url: {} }] }] }
    ],
    ["messages[0].content[0].type", { model: "m", messages: [{ role: "system", content: [{ type: "image_url" }] }] }],
    ["messages[0].tool_plan", { model: "m", messages: [{ role: "assistant", tool_plan: 1 }] }],
    ["messages[0].tool_calls[0].function", call({})],
    ["messages[0].tool_calls[0].function.arguments", call({ function: { name: "f", arguments: {} } })],
    ["messages[0].tool_call_id", { model: "m", messages: [{ role: "tool", content: "x" }] }],
    [
      "messages[0].content[0].document.data",
      { model: "m", messages: [{ role: "tool", tool_call_id: "a", content: [{ type: "document", document: {} }] }] }
    ],
    ["temperature", { model: "m", messages: [hi], temperature: "hot" }],
    ["stop_sequences[0]", { model: "m", messages: [hi], stop_sequences: [1] }],
    ["tool_choice", { model: "m", messages: [hi], tool_choice: "auto" }],
    ["tools[0].function.name", { model: "m", messages: [hi], tools: [{ type: "function", function: {} }] }],
    ["response_format.type", { model: "m", messages: [hi], response_format: { type: "xml" } }],
    ["thinking.type", { model: "m", messages: [hi], thinking: { type: "on" } }],
    ["message", { model: "m" }, "/v1/chat"],
    ["chat_history[0].role", { message: "Hi", chat_history: [{ role: "ROBOT", message: "" }] }, "/v1/chat"],
    ["tool_results[0].outputs", { message: "", tool_results: [{ call: { name: "f" }, outputs: 1 }] }, "/v1/chat"],
    [
      "tools[0].parameter_definitions",
      { message: "Hi", tools: [{ name: "f", parameter_definitions: [] }] },
      "/v1/chat"
    ],
    ["prompt", { model: "m" }, "/v1/generate"],
    ["texts", { model: "m" }, "/v2/embed"],
    ["texts[0]", { model: "m", texts: [1] }, "/v2/embed"],
    ["inputs[0].content[0].type", { model: "m", inputs: [{ content: [{ type: "audio" }] }] }, "/v2/embed"]
  ])("that is malformed is refused by the name %s", (field, body, path) => {
    const { reason } = failure(() => decode(body, path as string | undefined))
    expect(reason).toMatchObject({ _tag: "InvalidRequest", parameter: field })
  })
})
