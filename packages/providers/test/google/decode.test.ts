/**
 * Requests as clients send them, read into our words, in every documented form.
 *
 * @module
 */
import { type Json, Request } from "@plugline/core"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { wires } from "../../src/google/index.ts"
import type { Asked } from "../../src/Wire.ts"
import { failure, surfaceOf } from "./support.ts"

const base = "https://generativelanguage.googleapis.com/v1beta"
const url = `${base}/models/gemini-2.5-flash:generateContent`

const read = (body: object, at = url, provider = "google"): Asked =>
  wires(surfaceOf(provider)).chat.decode!({ url: at, body: body as Json.JsonObject }, provider)

const again = (asked: Asked, provider = "google"): unknown =>
  wires(surfaceOf(provider)).chat.prepare(Request.make({ provider, ...asked })).request.body

/** Bodies that are written again exactly as they were. */
const same: { readonly [what: string]: object } = {
  "answers of tools without ids, and what follows them in one content": {
    contents: [
      { role: "user", parts: [{ text: "Hi" }] },
      {
        role: "model",
        parts: [{ functionCall: { name: "f", args: { a: 1 } } }, { functionCall: { name: "g", args: {} } }]
      },
      {
        role: "user",
        parts: [
          { functionResponse: { name: "g", response: { output: { a: 1 } } } },
          {
            functionResponse: {
              name: "f",
              response: { error: "no", detail: 1 },
              willContinue: true,
              scheduling: "SILENT"
            }
          },
          { text: "and?" },
          { inlineData: { mimeType: "image/png", data: "aGk=" }, mediaResolution: { level: "HIGH" } }
        ]
      }
    ]
  },
  "two contents of answers": {
    contents: [
      { role: "user", parts: [{ functionResponse: { name: "g", response: {} } }] },
      { role: "user", parts: [{ functionResponse: { name: "g", response: { output: "x" } } }] },
      { role: "function", parts: [{ functionResponse: { name: "g", response: { output: null } } }] }
    ]
  },
  "films with their cuts, and files without a type": {
    contents: [{
      role: "user",
      parts: [
        { fileData: { fileUri: "https://www.youtube.com/watch?v=x" }, videoMetadata: { startOffset: "1s" } },
        { fileData: { fileUri: "https://x.test/a.png" } }
      ]
    }]
  },
  "code that ran, and tools that Google ran": {
    contents: [{
      role: "model",
      parts: [
        { executableCode: { language: "PYTHON", code: "1" } },
        { codeExecutionResult: { outcome: "OUTCOME_OK", output: "1" } },
        { toolCall: { id: "a", toolType: "GOOGLE_SEARCH_WEB", args: { queries: ["x"] } }, thoughtSignature: "s" },
        { toolResponse: { id: "a", toolType: "GOOGLE_SEARCH_WEB", response: { x: 1 } }, thoughtSignature: "t" },
        { text: "", thoughtSignature: "u" },
        { text: "hm", thought: true },
        { somethingNew: { a: 1 } }
      ]
    }]
  },
  "schemas in Google's own form": {
    contents: [{ role: "user", parts: [{ text: "Hi" }] }],
    tools: [{
      functionDeclarations: [{
        name: "f",
        description: "",
        parameters: { type: "OBJECT", properties: { a: { type: "STRING", nullable: true } } },
        response: { type: "STRING" },
        behavior: "NON_BLOCKING"
      }]
    }, { codeExecution: {} }, { googleMaps: { enableWidget: true } }],
    toolConfig: {
      functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["f", "g"] },
      retrievalConfig: { languageCode: "de" }
    },
    generationConfig: {
      responseMimeType: "application/json",
      responseSchema: { type: "ARRAY", items: { type: "INTEGER" }, minItems: "1" },
      thinkingConfig: { thinkingBudget: -1, includeThoughts: false },
      temperature: -1,
      speechConfig: { languageCode: "de" }
    }
  },
  "functions held to their schema": {
    contents: [{ role: "user", parts: [{ text: "Hi" }] }],
    tools: [{ functionDeclarations: [{ name: "f" }] }],
    toolConfig: { functionCallingConfig: { mode: "VALIDATED" } }
  },
  "what has no word here": {
    contents: [{ role: "user", parts: [{ text: "Hi" }] }],
    labels: { team: "a" },
    modelArmorConfig: { promptTemplateName: "x" },
    toolConfig: { functionCallingConfig: { mode: "AUTO" }, includeServerSideToolInvocations: true },
    tools: [{ googleSearch: {} }],
    generationConfig: { responseMimeType: "text/x.enum", responseSchema: { type: "STRING", enum: ["a"] } },
    systemInstruction: { parts: [{ text: "a" }, { inlineData: { mimeType: "text/plain", data: "aGk=" } }] }
  }
}

describe("a request of a client", () => {
  for (const [what, body] of Object.entries(same)) {
    it(`is written again as it was: ${what}`, () => {
      const before = structuredClone(body)
      expect(again(read(body))).toEqual(before)
      expect(body).toEqual(before)
    })
  }

  it("may spell names with underscores, and leave out lists and roles", () => {
    const asked = read({
      system_instruction: { role: "user", parts: { text: "Be brief" } },
      contents: { parts: [{ text: "Hi" }, { inline_data: { mime_type: "image/png", data: "aGk=" } }] },
      generation_config: { max_output_tokens: 5, stop_sequences: ["x"], thinking_config: { thinking_budget: 3 } },
      safety_settings: [],
      tools: { function_declarations: { name: "f", parameters_json_schema: { type: "object" } } },
      tool_config: { function_calling_config: { mode: "any", allowed_function_names: ["f"] } }
    })
    expect(asked).toEqual({
      operation: "chat",
      messages: [
        { role: "system", content: "Be brief" },
        {
          role: "user",
          content: [{ type: "text", text: "Hi" }, { type: "file", mediaType: "image/png", data: "aGk=" }]
        }
      ],
      options: {
        model: "gemini-2.5-flash",
        maxTokens: 5,
        stop: ["x"],
        reasoning: { budgetTokens: 3 },
        tools: [{ name: "f", parameters: { type: "object" } }],
        toolChoice: { tool: "f" },
        providerOptions: { google: { safetySettings: [] } }
      }
    })
  })

  it("names model and operation in its address, in every form", () => {
    const body = { contents: [{ parts: [{ text: "Hi" }] }] }
    const of = (path: string, provider = "google") => {
      const { operation, options } = read(body, path, provider)
      return [operation, options.model]
    }
    expect(of(`${base}/models/a:streamGenerateContent?alt=sse`)).toEqual(["stream", "a"])
    expect(of("/v1beta/tunedModels/my-model:generateContent?key=x")).toEqual(["chat", "tunedModels/my-model"])
    const place = "/v1/projects/p/locations/l"
    expect(of(`${place}/publishers/google/models/a-001:generateContent`, "vertex")).toEqual(["chat", "a-001"])
    expect(of(`${place}/publishers/meta/models/llama@1:generateContent`, "vertex")).toEqual(["chat", "meta/llama@1"])
    expect(of(`${place}/endpoints/123:generateContent`, "vertex")).toEqual(["chat", "endpoints/123"])
    expect(failure(() => of("/v1beta/models/a:countTokens")).reason._tag).toBe("InvalidRequest")
    expect(failure(() => of("/nothing")).reason._tag).toBe("InvalidRequest")
  })

  it("links the answer of a tool to its call, where there is no id", () => {
    const { messages } = read(same["answers of tools without ids, and what follows them in one content"]!)
    expect(messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "user"])
    const calls = messages[1]!.content as ReadonlyArray<{ id: string }>
    const results = messages[2]!.content as ReadonlyArray<{ id: string; result: unknown; isFailure: boolean }>
    expect(results.map(({ id }) => id)).toEqual([calls[1]!.id, calls[0]!.id])
    expect(results[0]).toMatchObject({ result: { a: 1 }, isFailure: false })
    expect(calls[0]!.id).not.toBe(calls[1]!.id)
  })

  it("gives schemas to others in the form of JSON Schema", () => {
    const { options } = read(same["schemas in Google's own form"]!)
    expect(options.tools![0]).toMatchObject({
      parameters: { type: "object", properties: { a: { type: ["string", "null"] } } }
    })
    expect(options.responseFormat)
      .toEqual({ type: "json", schema: { type: "array", items: { type: "integer" }, minItems: 1 } })
  })

  it("is refused with the field that is wrong", () => {
    const of = (body: object) => failure(() => read(body)).reason
    const user = (...parts: ReadonlyArray<unknown>) => ({ contents: [{ role: "user", parts }] })
    expect(of({ contents: "Hi" })).toMatchObject({ _tag: "InvalidRequest", parameter: "contents" })
    expect(of({ contents: [1] }))
      .toMatchObject({ parameter: "contents[0]", message: "contents[0] must be an object, not a number" })
    expect(of({ contents: [{ role: "assistant", parts: [] }] })).toMatchObject({ parameter: "contents[0].role" })
    expect(of({ contents: [{ parts: 1 }] })).toMatchObject({ parameter: "contents[0].parts" })
    expect(of(user({ text: 1 }))).toMatchObject({ parameter: "contents[0].parts[0].text" })
    expect(of(user({ text: "a" }, { inlineData: {} })))
      .toMatchObject({ parameter: "contents[0].parts[1].inlineData.mimeType" })
    expect(of(user({ fileData: {} }))).toMatchObject({ parameter: "contents[0].parts[0].fileData.fileUri" })
    expect(of(user({ functionResponse: { name: "f", response: 1 } }))).toMatchObject({
      parameter: "contents[0].parts[0].functionResponse.response"
    })
    expect(of({ contents: [{ role: "model", parts: [{ functionCall: {} }] }] })).toMatchObject({
      parameter: "contents[0].parts[0].functionCall.name"
    })
    expect(of({ generationConfig: { temperature: "hot" } }))
      .toMatchObject({ parameter: "generationConfig.temperature" })
    expect(of({ generationConfig: [] })).toMatchObject({ parameter: "generationConfig" })
    expect(of({ tools: [{ functionDeclarations: [{}] }] }))
      .toMatchObject({ parameter: "tools[0].functionDeclarations[0].name" })
    expect(of({ systemInstruction: "x" })).toMatchObject({ parameter: "systemInstruction" })
  })

  it("of any JSON is read or refused, never anything else", () => {
    const junk = fc.jsonValue({ maxDepth: 3 })
    const fields = (...names: ReadonlyArray<string>) =>
      fc.record(
        Object.fromEntries(names.map((name) => [name, fc.oneof(junk, fc.constant({ name: "f", text: "x" }))])),
        { requiredKeys: [] }
      )
    const part = fields(
      "text",
      "thought",
      "functionCall",
      "functionResponse",
      "inlineData",
      "fileData",
      "executableCode",
      "toolCall"
    )
    const body = fc.record({
      contents: fc.oneof(
        junk,
        fc.array(fc.record({ role: fc.constantFrom("user", "model", null), parts: fc.oneof(junk, fc.array(part)) }))
      ),
      systemInstruction: fc.oneof(junk, fc.record({ parts: fc.array(part) })),
      generationConfig: fc.oneof(junk, fields("stopSequences", "thinkingConfig", "responseSchema", "logprobs", "topK")),
      tools: fc.oneof(junk, fc.array(fields("functionDeclarations", "googleSearch"))),
      toolConfig: fc.oneof(junk, fields("functionCallingConfig")),
      __proto__: fc.constant({ a: 1 })
    }, { requiredKeys: [] })
    fc.assert(fc.property(body, (body) => {
      try {
        const asked = read(body)
        Request.make({ provider: "google", ...asked })
      } catch (error) {
        expect(error).toHaveProperty("reason._tag", "InvalidRequest")
      }
    }), { numRuns: 1500 })
    const deep = JSON.parse(`${"{\"properties\":{\"a\":".repeat(20_000)}1${"}}".repeat(20_000)}`)
    const nested = { contents: [], tools: [{ functionDeclarations: [{ name: "f", parameters: deep }] }] }
    expect(failure(() => read(nested)).reason._tag).toBe("InvalidRequest")
  })
})
