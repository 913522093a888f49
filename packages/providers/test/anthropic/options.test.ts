/**
 * How options are written: tools and their choice, thinking, the form of the answer, and what the service has no word
 * for.
 *
 * @module
 */
import type { Options, Reasoning, Tool } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { bodyOf, failure, options, prepared, request, own, warnings } from "./support.ts"

const f: Tool = { name: "f", description: "d", parameters: { type: "object", properties: { a: {} } }, strict: true }
const schema = { type: "object", properties: {}, additionalProperties: false }

describe("options", () => {
  it("are sent in the service's spelling", () => {
    expect(options({
      temperature: 0.5,
      topP: 0.9,
      topK: 5,
      stop: ["a", "b"],
      user: "u",
      serviceTier: "standard_only",
      metadata: { label: "x" },
      responseFormat: { type: "json", schema, name: "n", description: "d" }
    })).toEqual({
      temperature: 0.5,
      top_p: 0.9,
      top_k: 5,
      stop_sequences: ["a", "b"],
      metadata: { user_id: "u" },
      service_tier: "standard_only",
      output_config: { format: { type: "json_schema", schema: { ...schema, description: "d" } } }
    })
    expect(options({ stop: "x", responseFormat: { type: "text" } })).toEqual({ stop_sequences: ["x"] })
  })

  it("of the caller's own go over everything, those of output_config each for itself", () => {
    expect(options({
      temperature: 0.5,
      responseFormat: { type: "json", schema },
      providerOptions: {
        anthropic: { temperature: 0, output_config: { effort: "low" }, container: "c", nothing: null },
        openai: { x: 1 }
      }
    })).toEqual({
      temperature: 0,
      output_config: { format: { type: "json_schema", schema }, effort: "low" },
      container: "c",
      nothing: null
    })
  })

  it.each<[Options, ReadonlyArray<readonly [string, string | undefined]>, object]>([
    [{ seed: 1, frequencyPenalty: 1, presencePenalty: 1, logprobs: true, logitBias: { a: 1 } }, [
      ["unsupported-option", "frequencyPenalty"],
      ["unsupported-option", "presencePenalty"],
      ["unsupported-option", "seed"],
      ["unsupported-option", "logprobs"],
      ["unsupported-option", "logitBias"]
    ], {}],
    [{ temperature: 1.5 }, [["changed-option", "temperature"]], { temperature: 1 }],
    [{ stop: ["\n", "x"] }, [["unsupported-option", "stop"]], { stop_sequences: ["x"] }],
    [{ stop: " " }, [["unsupported-option", "stop"]], {}],
    [{ n: 1, page: "x" }, [["unsupported-option", "page"]], {}],
    [
      { responseFormat: { type: "json", schema, strict: false } },
      [["changed-option", "responseFormat"]],
      { output_config: { format: { type: "json_schema", schema } } }
    ],
    [{ parallelToolCalls: false }, [["unsupported-option", "parallelToolCalls"]], {}],
    [
      { parallelToolCalls: false, tools: [f], toolChoice: "none" },
      [["unsupported-option", "parallelToolCalls"]],
      { tools: [expect.anything()], tool_choice: { type: "none" } }
    ]
  ])("%j are sent as they can be, with a word about it", (given, expected, body) => {
    expect(options(given)).toEqual(body)
    expect(warnings({ options: given })).toEqual(expected)
  })

  it.each<[Options]>([[{ n: 2 }], [{ responseFormat: { type: "json" } }]])("%j are refused", (given) => {
    expect(failure(() => options(given)).reason._tag).toBe("Unsupported")
  })
})

describe("tools", () => {
  it("are functions with a schema, and the service's own", () => {
    expect(options({
      tools: [
        f,
        { name: "g" },
        {
          name: "h",
          parameters: {},
          options: { anthropic: { cache_control: { type: "ephemeral" }, defer_loading: true }, openai: { x: 1 } }
        },
        { type: "provider", id: "anthropic.web_search", args: { max_uses: 3 } },
        { type: "provider", id: "anthropic.text_editor_20250124" },
        { type: "provider", id: "anthropic.text_editor" },
        { type: "provider", id: "anthropic.mcp_toolset", args: { mcp_server_name: "s" } },
        { type: "provider", id: "bash_20250124" }
      ]
    })).toEqual({
      tools: [
        { name: "f", description: "d", input_schema: f.parameters, strict: true },
        { name: "g", input_schema: { type: "object", properties: {} } },
        { name: "h", input_schema: { type: "object" }, cache_control: { type: "ephemeral" }, defer_loading: true },
        { type: "web_search_20250305", name: "web_search", max_uses: 3 },
        { type: "text_editor_20250124", name: "str_replace_editor" },
        { type: "text_editor_20250728", name: "str_replace_based_edit_tool" },
        { type: "mcp_toolset", mcp_server_name: "s" },
        { type: "bash_20250124", name: "bash" }
      ]
    })
    expect(options({ tools: [] })).toEqual({})
    expect(failure(() => options({ tools: [{ type: "provider", id: "openai.web_search" }] })).reason)
      .toMatchObject({ _tag: "Unsupported", alternatives: ["openai"] })
    const bedrock = own.body(request({
      provider: "bedrock",
      options: { tools: [{ type: "provider", id: "anthropic.bash" }] }
    }))
    expect(bedrock.body.tools).toEqual([{ type: "bash_20250124", name: "bash" }])
  })

  it.each<[Options, object | undefined]>([
    [{ toolChoice: "auto" }, { type: "auto" }],
    [{ toolChoice: "none" }, { type: "none" }],
    [{ toolChoice: "required" }, { type: "any" }],
    [{ toolChoice: { tool: "f" } }, { type: "tool", name: "f" }],
    [{ parallelToolCalls: false }, { type: "auto", disable_parallel_tool_use: true }],
    [
      { parallelToolCalls: true, toolChoice: { tool: "f" } },
      { type: "tool", name: "f", disable_parallel_tool_use: false }
    ],
    [{}, undefined]
  ])("%j choose among them", (given, expected) => {
    expect(bodyOf({ options: { tools: [f], ...given } }).tool_choice).toEqual(expected)
  })

  it("that are not there cannot be chosen", () => {
    expect(options({ toolChoice: "auto" })).toEqual({})
    expect(options({ toolChoice: "none" })).toEqual({})
    expect(failure(() => options({ toolChoice: "required" })).reason).toMatchObject({
      _tag: "InvalidRequest",
      parameter: "toolChoice"
    })
    expect(failure(() => options({
      tools: [f],
      toolChoice: { tool: "ff" }
    })).reason.message).toContain("did you mean \"f\"")
    expect(options({
      tools: [{ type: "provider", id: "anthropic.bash" }],
      toolChoice: { tool: "bash" }
    })).toMatchObject({ tool_choice: { name: "bash" } })
    // Which tools a server brings only the service knows.
    expect(options({ toolChoice: { tool: "x" }, providerOptions: { anthropic: { mcp_servers: [] } } })).toMatchObject({
      tool_choice: { name: "x" }
    })
  })
})

describe("thinking", () => {
  const thought = (reasoning: Reasoning, model: string, more: Options = {}): object => {
    const { max_tokens: _, messages: __, model: ___, ...rest } = bodyOf({ options: { reasoning, model, ...more } })
    return rest
  }
  it.each<[Reasoning, string, object]>([
    [{ effort: "high" }, "claude-sonnet-5", { thinking: { type: "adaptive" }, output_config: { effort: "high" } }],
    [{ effort: "high" }, "claude-opus-4-6", { thinking: { type: "adaptive" }, output_config: { effort: "high" } }],
    [{ effort: "minimal" }, "claude-mythos-5", { thinking: { type: "adaptive" }, output_config: { effort: "low" } }],
    [{}, "claude-sonnet-5", { thinking: { type: "adaptive" } }],
    [{ summary: "auto" }, "claude-sonnet-5", { thinking: { type: "adaptive", display: "summarized" } }],
    [{ summary: "none" }, "claude-sonnet-5", { thinking: { type: "adaptive", display: "omitted" } }],
    [{ summary: "updates" }, "claude-sonnet-5", { thinking: { type: "adaptive", display: "updates" } }],
    [{ effort: "none" }, "claude-sonnet-5", { thinking: { type: "disabled" } }],
    [{ budgetTokens: 0 }, "claude-3-7-sonnet", { thinking: { type: "disabled" } }],
    [{ budgetTokens: 2000 }, "claude-sonnet-4-5-20250929", { thinking: { type: "enabled", budget_tokens: 2000 } }],
    [
      { budgetTokens: 2000, effort: "low" },
      "claude-opus-4-5",
      { thinking: { type: "enabled", budget_tokens: 2000 }, output_config: { effort: "low" } }
    ],
    [{ effort: "high" }, "claude-sonnet-4-5", { thinking: { type: "enabled", budget_tokens: 16_384 } }],
    [{}, "claude-3-7-sonnet-latest", { thinking: { type: "enabled", budget_tokens: 8192 } }],
    [{ effort: "high" }, "claude-3-5-haiku-latest", {}]
  ])("%j asked of %s", (reasoning, model, expected) => {
    expect(thought(reasoning, model)).toEqual(expected)
  })

  it("is said to be asked for otherwise than it was, or not at all", () => {
    expect(warnings({ options: { model: "claude-sonnet-4-5", reasoning: { effort: "high" } } })).toEqual([
      ["changed-option", "reasoning"]
    ])
    expect(warnings({ options: { model: "claude-sonnet-5", reasoning: { effort: "minimal" } } })).toEqual([
      ["changed-option", "reasoning"]
    ])
    expect(warnings({ options: { model: "claude-3-opus", reasoning: { effort: "high" } } })).toEqual([
      ["unsupported-option", "reasoning"]
    ])
    expect(warnings({ options: { model: "claude-sonnet-4-5", reasoning: {}, maxTokens: 1024 } })).toEqual([
      ["unsupported-option", "reasoning"]
    ])
    expect(thought(
      { effort: "high" },
      "claude-sonnet-4-5",
      { maxTokens: 2000 }
    )).toEqual({ thinking: { type: "enabled", budget_tokens: 1999 } })
  })

  it("to think within a budget are left out after calls whose thought is missing", () => {
    const turns = (...before: ReadonlyArray<object>) => [
      { role: "user" as const, content: "Hello" },
      { role: "assistant" as const, content: [...before, { type: "tool-call", id: "a", name: "f", params: {} }] },
      { role: "tool" as const, content: [{ type: "tool-result", id: "a", name: "f", isFailure: false, result: "r" }] }
    ] as never
    const given: Options = { model: "claude-sonnet-4-5", reasoning: { budgetTokens: 2000 }, tools: [f] }
    expect(bodyOf({ messages: turns(), options: given }).thinking).toBeUndefined()
    expect(warnings({ messages: turns(), options: given })).toEqual([["unsupported-option", "reasoning"]])
    for (const options of [{ anthropic: { signature: "s" } }, { anthropic: { type: "redacted_thinking", data: "d" } }]) {
      expect(bodyOf({ messages: turns({ type: "reasoning", text: "t", options }), options: given }).thinking).toEqual({ type: "enabled", budget_tokens: 2000 })
    }
    expect(bodyOf({ messages: turns(), options: { ...given, model: "claude-sonnet-4-6", reasoning: { effort: "low" } } }).thinking).toEqual({ type: "adaptive" })
  })

  it("fits into the tokens of the answer where nobody says how many", () => {
    expect(bodyOf({ options: { reasoning: { budgetTokens: 31_999 } } }).max_tokens).toBe(32_000)
    expect(bodyOf({ options: { reasoning: { budgetTokens: 32_000 } } }).max_tokens).toBe(36_096)
  })

  it("refuses to be told how to draw", () => {
    const given: Options = { reasoning: {}, temperature: 0.5, topK: 3, topP: 0.5 }
    expect(options(given)).toEqual({ thinking: { type: "adaptive" } })
    expect(warnings({ options: given }).map(([, option]) => option)).toEqual(["temperature", "topK", "topP"])
    expect(options({ reasoning: { budgetTokens: 2000 }, temperature: 1, topP: 0.95 })).toMatchObject({
      temperature: 1,
      top_p: 0.95
    })
    expect(options({ reasoning: { effort: "none" }, temperature: 0.5 })).toMatchObject({ temperature: 0.5 })
    expect(options({ temperature: 0.5, providerOptions: { anthropic: { thinking: { type: "adaptive" } } } })).toEqual({
      thinking: { type: "adaptive" }
    })
    expect(options({
      reasoning: {},
      temperature: 0.5,
      providerOptions: { anthropic: { temperature: 0.2 } }
    })).toMatchObject({ temperature: 0.2 })
    expect(prepared({ options: { reasoning: {} } }).warnings).toEqual([])
  })
})
