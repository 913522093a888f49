/**
 * The way back: a request written in Converse's words and read again is the same request.
 *
 * @module
 */
import { Json, type JsonObject, type Message, type Options, type Tool } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/bedrock/index.ts"
import type { Asked } from "../../src/Wire.ts"
import { claude, failure, nova, prepared } from "./support.ts"

const base = "https://bedrock-runtime.us-east-1.amazonaws.com"
const decode = (body: unknown, path = `/model/${encodeURIComponent(claude)}/converse`): Asked =>
  wires().chat.decode!({ url: base + path, body: body as JsonObject }, "bedrock")

const own = (fields: JsonObject) => ({ options: { bedrock: fields } })
const cachePoint = { cachePoint: { type: "default" } }
const word = fc.string({ minLength: 1, maxLength: 12, unit: fc.constantFrom(..."abcXYZ019 ü👋") }).filter((text) => text.trim() !== "")
const name = fc.constantFrom("f", "g", "get_weather")
const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)
const base64 = fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => Buffer.from(bytes).toString("base64"))
const fields = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject)

const marked = <A extends object>(part: fc.Arbitrary<A>) =>
  fc.tuple(part, fc.boolean()).map(([it, mark]) =>
    mark ? { ...it, options: { bedrock: { ...(it as { options?: { bedrock?: object } }).options?.bedrock, ...cachePoint } } } : it)

const text = word.map((text) => ({ type: "text" as const, text }))
const image = fc.tuple(fc.constantFrom("image/png", "image/jpeg", "image/webp"), base64)
  .map(([mediaType, data]) => ({ type: "file" as const, mediaType, data }))
const stored = fc.constantFrom("image/gif", "video/mp4", "video/3gpp", "audio/mp3").map((mediaType) => ({
  type: "file" as const,
  mediaType,
  data: { _tag: "URL" as const, href: "s3://bucket/key" },
  ...own({ bucketOwner: "123456789012" })
}))
const guarded = word.map((text) => ({ type: "text" as const, text, ...own({ guardContent: { qualifiers: ["query"] } }) }))
const userPart = marked(fc.oneof(text, image, stored, guarded))

const reasoning = fc.oneof(
  fc.tuple(word, word).map(([text, signature]) => ({ type: "reasoning" as const, text, ...own({ signature }) })),
  base64.map((redactedContent) => ({ type: "reasoning" as const, text: "", ...own({ redactedContent }) })),
  word.map((text) => ({ type: "reasoning" as const, text, ...own({ unsigned: true }) }))
)
const cited = word.map((text) => ({ type: "text" as const, text, ...own({ citations: [{ title: "t", location: {} }] }) }))
const assistantPart = fc.oneof(marked(text), reasoning, cited)
const call = fc.record({ type: fc.constant("tool-call" as const), id, name, params: fields })

const outcome = fc.oneof(
  word.map((result) => ({ result: result as unknown, isFailure: false })),
  fc.tuple(fields, fc.boolean()).map(([result, isFailure]) => ({ result: result as unknown, isFailure })),
  fc.tuple(text, image).map((modelOutput) => ({ result: modelOutput[0].text as unknown, isFailure: false, modelOutput }))
)

const round = fc.record({
  asked: fc.array(userPart, { minLength: 1, maxLength: 3 }),
  said: fc.array(assistantPart, { minLength: 1, maxLength: 3 }),
  calls: fc.array(fc.tuple(call, outcome), { maxLength: 2 }),
  document: fc.boolean()
})

const messages = fc.tuple(fc.array(fc.tuple(word, fc.boolean()), { maxLength: 2 }), fc.array(round, { minLength: 1, maxLength: 3 })).map(
  ([rules, rounds]): ReadonlyArray<Message> => [
    ...rules.map(([content, mark]) => ({ role: "system" as const, content, ...(mark && own(cachePoint)) })),
    ...rounds.flatMap(({ asked, calls, document, said }, index) => {
      const unique = calls.filter(([{ id }], at) => calls.findIndex(([other]) => other.id === id) === at)
      const file = {
        type: "file", mediaType: "application/pdf", data: "JVBERi0=", fileName: `report ${index}`,
        ...own({ citations: { enabled: true }, context: "c" })
      }
      return [
        { role: "user", content: document ? [...asked, file] : asked },
        { role: "assistant", content: [...said, ...unique.map(([one]) => one)] },
        ...(unique.length === 0 ? [] : [{
          role: "tool",
          content: unique.map(([{ id, name }, outcome]) => ({ type: "tool-result", id, name, ...outcome }))
        }])
      ]
    }) as unknown as ReadonlyArray<Message>
  ]
)

const tool: fc.Arbitrary<Tool> = fc.oneof(
  fc.record({ name, description: word, parameters: fields, strict: fc.boolean() }, { requiredKeys: ["name", "parameters"] }),
  fc.record({ name, parameters: fields }).map((it) => ({ ...it, ...own(cachePoint) })),
  fc.constant<Tool>({ type: "provider", id: "bedrock.nova_grounding" })
)

const options: fc.Arbitrary<Options> = fc.record({
  temperature: fc.constantFrom(0, 0.5, 1),
  maxTokens: fc.nat(5000).map((n) => n + 1),
  topP: fc.constantFrom(0.1, 1),
  stop: fc.array(word, { minLength: 1, maxLength: 3 }),
  tools: fc.array(tool, { minLength: 1, maxLength: 3 }),
  toolChoice: fc.constantFrom<Options["toolChoice"] & {}>("auto", "required"),
  responseFormat: fc.record({ type: fc.constant("json" as const), schema: fields, name: word, description: word }, { requiredKeys: ["type", "schema"] }),
  serviceTier: fc.constantFrom("priority", "flex"),
  metadata: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.stringMatching(/^[a-z0-9 :_-]{0,8}$/), { minKeys: 1, maxKeys: 3 }),
  providerOptions: fc.constant({
    bedrock: {
      guardrailConfig: { guardrailIdentifier: "g", guardrailVersion: "1", trace: "enabled" },
      additionalModelRequestFields: { anthropic_beta: ["x"] },
      performanceConfig: { latency: "optimized" },
      promptVariables: { a: { text: "b" } },
      additionalModelResponseFieldPaths: ["/stop_sequence"]
    }
  })
}, { requiredKeys: [] }).map((it) => {
  const { toolChoice: _, ...rest } = it
  return it.tools === undefined ? rest : it
})

const thought: fc.Arbitrary<Options> = fc.constantFrom<Options>(
  { model: claude },
  { model: claude, topK: 5 },
  { model: claude, reasoning: { budgetTokens: 2048 } },
  { model: "anthropic.claude-opus-4-6-v1:0", reasoning: { effort: "high" } },
  { model: claude, reasoning: { effort: "none" } },
  { model: nova, reasoning: { effort: "low" } },
  { model: nova, reasoning: { effort: "none" } },
  { model: "openai.gpt-oss-120b-1:0", reasoning: { effort: "medium" } },
  { model: "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc/def" },
  { model: "cohere.command-r-plus-v1:0", topK: 7 }
)

describe("a request, written and read again", () => {
  it("is the same request", () => {
    fc.assert(fc.property(messages, options, thought, fc.boolean(), (messages, drawn, thought, streamed) => {
      // Nor does it think on within a budget, after calls whose thought is missing.
      const stops = thought.reasoning?.budgetTokens !== undefined && messages.at(-1)!.role === "tool"
      const model: Options = stops ? { model: claude } : thought
      // Claude draws freely where it reasons.
      const { temperature: _, topP: __, ...free } = drawn
      const options = model.reasoning === undefined ? drawn : free
      const operation = streamed ? "stream" : "chat"
      const sent = prepared({ operation, messages, options: { ...options, ...model } })
      const { body, url } = sent.request
      const asked = wires().chat.decode!({ url, body: JSON.parse(JSON.stringify(body)) as JsonObject }, "bedrock")
      expect(sent.warnings).toEqual([])
      expect(asked).toEqual({ operation, messages, options: { ...options, ...model } })
      // And once more around.
      const again = prepared({ ...asked })
      expect(Json.equals(again.request, sent.request)).toBe(true)
    }), { numRuns: 300 })
  })
})

describe("a body", () => {
  const user = (...content: ReadonlyArray<unknown>) => ({ messages: [{ role: "user", content }] })
  /** Read, and written as it was. */
  const kept = (body: JsonObject, path?: string): Asked => {
    const asked = decode(body, path)
    expect(prepared({ ...asked }).request.body).toEqual(body)
    return asked
  }

  it("keeps what has no word here", () => {
    const point = { cachePoint: { type: "default", ttl: "1h" } }
    const { messages } = kept({
      system: [{ text: "s" }, point, { guardContent: { text: { text: "g", qualifiers: ["query"] } } }, point, point, { later: { x: 1 } }],
      messages: [
        {
          role: "user",
          content: [
            point,
            { text: "a" },
            point,
            point,
            { searchResult: { source: "s", title: "t", content: [{ text: "x" }], citations: { enabled: true } } },
            { document: { format: "txt", name: "n", source: { text: "plain" } } },
            { document: { format: "pdf", name: "odd_name.", source: { s3Location: { uri: "s3://b/k" } } } },
            { document: { format: "brandnew", name: "n", source: { bytes: "AA==" } } },
            { document: { name: "c", source: { content: [{ text: "one" }, { text: "two" }] } } },
            { guardContent: { image: { format: "png", source: { bytes: "AA==" } } } }
          ]
        },
        {
          role: "assistant",
          content: [
            { reasoningContent: { reasoningText: { text: "t", signature: "s" } } },
            { citationsContent: { content: [{ text: "a" }, { text: "b" }], citations: [] } },
            { toolUse: { toolUseId: "i", name: "f", input: { a: 1 }, type: "tool_use" } }
          ]
        },
        {
          role: "user",
          content: [
            { toolResult: { toolUseId: "i", status: "error", content: [{ text: "a" }, { json: { b: 1 } }] } },
            point,
            { text: "go on" },
            { toolResult: { toolUseId: "i", content: [] } },
            { toolResult: { toolUseId: "i", status: "unknown", content: [{ json: 5 }], type: "x" } }
          ]
        }
      ],
      inferenceConfig: { temperature: 1, later: 2 },
      toolConfig: { tools: [point, { toolSpec: { name: "f", inputSchema: { json: {} }, later: true } }, point, point], toolChoice: { tool: { name: "f" } } },
      outputConfig: { effort: "later" },
      serviceTier: { type: "flex", more: 1 },
      requestMetadata: { a: 1 },
      later: { anything: [null] }
    })
    expect(messages.map(({ role }) => role)).toEqual([
      "system", "system", "system", "system", "user", "assistant", "tool", "user", "tool"
    ])
  })

  it("keeps what Bedrock's own tools said, and tools and choices that have no word here", () => {
    const toolResult = { toolUseId: "i", status: "success", type: "nova_grounding_result", content: [{ json: { n: 1 } }] }
    const { messages } = kept({
      messages: [
        { role: "user", content: [{ text: "a" }] },
        { role: "assistant", content: [{ toolUse: { toolUseId: "i", name: "nova_grounding", input: {}, type: "server_tool_use" } }, { toolResult }] }
      ],
      toolConfig: { tools: [{ toolSpec: { name: "f", inputSchema: { json: {} } } }, { laterTool: {} }], toolChoice: { later: {} } }
    })
    expect(messages[1]!.content).toMatchObject([
      { type: "tool-call", providerExecuted: true },
      { type: "tool-result", name: "nova_grounding", result: [{ json: { n: 1 } }], providerExecuted: true, isFailure: false }
    ])
    expect(decode({ ...user({ text: "x" }), toolConfig: { later: 1 } }).options).toMatchObject({ providerOptions: { bedrock: { toolConfig: { later: 1 } } } })
  })

  it("tells operation and model by its address", () => {
    const body = user({ text: "x" })
    expect(decode(body, "/model/amazon.nova-lite-v1:0/converse-stream")).toMatchObject({ operation: "stream", options: { model: "amazon.nova-lite-v1:0" } })
    const arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0"
    expect(decode(body, `/model/${encodeURIComponent(arn)}/converse`).options.model).toBe(arn)
    expect(decode(body, "/elsewhere").options).toEqual({})
    expect(decode(body, "/model/%E0%A4%A/converse").options).toEqual({})
  })

  it.each([
    [null, "body"],
    [{}, "messages"],
    [{ messages: "x" }, "messages"],
    [{ messages: [1] }, "messages[0]"],
    [{ messages: [{ role: "system", content: [] }] }, "messages[0].role"],
    [{ messages: [{ role: "user", content: "x" }] }, "messages[0].content"],
    [user("x"), "messages[0].content[0]"],
    [user({ text: 5 }), "messages[0].content[0].text"],
    [user({ image: { source: { bytes: "x" } } }), "messages[0].content[0].image.format"],
    [user({ image: { format: "png" } }), "messages[0].content[0].image.source"],
    [user({ image: { format: "png", source: { bytes: 1 } } }), "messages[0].content[0].image.source.bytes"],
    [user({ document: { format: "pdf", name: 1, source: { bytes: "x" } } }), "messages[0].content[0].document.name"],
    [user({ toolResult: { content: [] } }), "messages[0].content[0].toolResult.toolUseId"],
    [user({ toolResult: { toolUseId: "x", content: "y" } }), "messages[0].content[0].toolResult.content"],
    [{ messages: [{ role: "assistant", content: [{ toolUse: { toolUseId: "x" } }] }] }, "messages[0].content[0].toolUse.name"],
    [{ ...user(), system: "x" }, "system"],
    [{ ...user(), system: [{ text: null }] }, "system[0].text"],
    [{ ...user(), inferenceConfig: { maxTokens: "5" } }, "inferenceConfig.maxTokens"],
    [{ ...user(), inferenceConfig: { stopSequences: [1] } }, "inferenceConfig.stopSequences[0]"],
    [{ ...user(), toolConfig: { tools: [{ toolSpec: { name: "f" } }] } }, "toolConfig.tools[0].toolSpec.inputSchema"],
    [{ ...user(), toolConfig: { toolChoice: { tool: {} } } }, "toolConfig.toolChoice.tool.name"]
  ])("that does not fit is refused, naming the field: %j", (body, parameter) => {
    const { reason } = failure(() => decode(body))
    expect(reason).toMatchObject({ _tag: "InvalidRequest", parameter })
    expect(reason.message).toContain(parameter)
  })
})
