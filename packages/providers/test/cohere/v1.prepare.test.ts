/**
 * Requests in the words of Cohere's first interface.
 *
 * @module
 */
import { Message } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { failure, prepared, v1 } from "./support.ts"

const image = "iVBORw0KGgoAAAANSUhEUg=="
const tool = {
  name: "weather",
  description: "Tells it",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] }
}

describe("the first interface", () => {
  const body = (init: Parameters<typeof prepared>[0]) => prepared({
    ...init,
    config: { ...v1, ...init?.config }
  }).request.body
  const call = { type: "tool-call" as const, id: "a", name: "f", params: { x: 1 } }

  it("takes rules, history, message and tools in words of its own", () => {
    expect(body({
      messages: [
        Message.system("Be"), Message.user("Hi"), {
          role: "assistant",
          content: [{ type: "text", text: "I will." }, call]
        },
        Message.toolResult({ id: "a", name: "f" }, { t: 1 }), Message.assistant("It is 1."), Message.user("And now?")
      ],
      options: {
        stop: ["a"],
        tools: [tool, { type: "provider", id: "cohere.web-search", args: { continue_on_failure: true } }],
        responseFormat: { type: "json", schema: {} }
      }
    })).toStrictEqual({
      message: "And now?", preamble: "Be", model: "m", stop_sequences: ["a"], response_format: {
        type: "json_object",
        schema: {}
      },
      chat_history: [
        { role: "USER", message: "Hi" }, {
          role: "CHATBOT",
          message: "I will.",
          tool_calls: [{ name: "f", parameters: { x: 1 } }]
        },
        {
          role: "TOOL",
          tool_results: [{ call: { name: "f", parameters: { x: 1 } }, outputs: [{ t: 1 }] }]
        }, { role: "CHATBOT", message: "It is 1." }
      ],
      tools: [{
        name: "weather",
        description: "Tells it",
        parameter_definitions: { city: { type: "str", required: true } }
      }],
      connectors: [{ id: "web-search", continue_on_failure: true }]
    })
  })

  it("keeps rules in the history that stood there, and joins what several tools answered", () => {
    const second = { ...call, id: "b", name: "g" }
    const sent = body({
      messages: [
        { role: "system", content: "Be", options: { cohere: { role: "SYSTEM" } } },
        { role: "assistant", content: [call, second] },
        Message.toolResult({ id: "a", name: "f" }, { t: 1 }),
        Message.toolResult({ id: "b", name: "g" }, { t: 2 }),
        Message.user("And?")
      ]
    })!
    expect(sent).not.toHaveProperty("preamble")
    expect(sent.chat_history).toMatchObject([
      { role: "SYSTEM", message: "Be" },
      { role: "CHATBOT" },
      {
        role: "TOOL",
        tool_results: [{ call: { name: "f" }, outputs: [{ t: 1 }] }, { call: { name: "g" }, outputs: [{ t: 2 }] }]
      }
    ])
  })

  it("answers the results of tools", () => {
    const results = (result: unknown, isFailure = false) => body({
      messages: [
        Message.user("Hi"),
        { role: "assistant", content: [call] },
        Message.toolResult({ id: "a", name: "f" }, result, isFailure)
      ]
    })!
    expect(results("x")).toMatchObject({
      message: "",
      chat_history: [{}, {}],
      tool_results: [{ call: { name: "f", parameters: { x: 1 } }, outputs: [{ output: "x" }] }]
    })
    expect(results([{ a: 1 }])).toMatchObject({ tool_results: [{ outputs: [{ a: 1 }] }] })
    expect(results("boom", true)).toMatchObject({ tool_results: [{ outputs: [{ error: "boom" }] }] })
    expect(
      failure(() => body({ messages: [Message.user("Hi"), Message.assistant("Hi")] })).reason
    ).toMatchObject({ _tag: "InvalidRequest", parameter: "messages" })
    expect(
      failure(
        () => body({ messages: [{ role: "user", content: [{ type: "file", mediaType: "image/png", data: image }] }] })
      ).reason._tag
    ).toBe("Unsupported")
  })

  it("forces a call by a single step, and offers no tools that may not be called", () => {
    const tools = [tool]
    const answering = [{ role: "assistant" as const, content: [call] }, Message.toolResult({ id: "a", name: "f" }, "x")]
    expect(body({ options: { tools, toolChoice: "required" } })).toMatchObject({ force_single_step: true, tools: [{}] })
    expect(body({ options: { tools, toolChoice: "none" } })).toStrictEqual({ message: "Hello", model: "m" })
    expect(
      body({ messages: answering, options: { tools, toolChoice: "none" } })
    ).toMatchObject({ force_single_step: true, tools: [{}] })
    expect(
      failure(() => body({ messages: answering, options: { tools, toolChoice: "required" } })).reason._tag
    ).toBe("Unsupported")
  })

  it("goes on from a text, several times", () => {
    expect(
      prepared({
        operation: "completion",
        config: { stream: true },
        options: { n: 2, maxTokens: 5, logprobs: true }
      }).request.body
    ).toStrictEqual({
      model: "m", prompt: "Hello", max_tokens: 5, num_generations: 2, return_likelihoods: "GENERATION", stream: true
    })
    expect(
      failure(
        () => prepared({
          operation: "completion",
          messages: [{ role: "user", content: [{ type: "file", mediaType: "image/png", data: image }] }]
        })
      ).reason._tag
    ).toBe("Unsupported")
  })
})
