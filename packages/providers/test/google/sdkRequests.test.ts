/**
 * What Google's own SDK sends is read, and written again as it was.
 *
 * @module
 */
import { FunctionCallingConfigMode, type GenerateContentParameters, GoogleGenAI, ThinkingLevel, Type } from "@google/genai"
import { type Json, Request } from "@plugline/core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { wires } from "../../src/google/index.ts"
import { surfaceOf } from "./support.ts"

interface Sent {
  readonly url: string
  readonly body: Json.JsonObject
}

let sent: Sent | undefined
const { fetch } = globalThis
beforeAll(() => {
  globalThis.fetch = (url, init) => {
    sent = { url: String(url), body: JSON.parse(String(init?.body)) }
    const answer = JSON.stringify({ candidates: [{ content: { parts: [{ text: "Hi" }] }, finishReason: "STOP" }] })
    return Promise.resolve(new Response(sent.url.includes("stream") ? `data: ${answer}\n\n` : answer))
  }
})
afterAll(() => {
  globalThis.fetch = fetch
})

const weather = { name: "weather", description: "Tells it", parametersJsonSchema: { type: "object", properties: {} } }
const image = { inlineData: { mimeType: "image/png", data: "aGk=" } }

const cases: { readonly [what: string]: GenerateContentParameters } = {
  "a text": { model: "gemini-2.5-flash", contents: "Hi" },
  "rules and settings": {
    model: "gemini-2.5-flash",
    contents: ["Hi", image],
    config: {
      systemInstruction: { parts: [{ text: "Be brief" }] },
      temperature: 0.5,
      topK: 3,
      maxOutputTokens: 9,
      stopSequences: ["x"],
      candidateCount: 1,
      seed: 7,
      thinkingConfig: { includeThoughts: true, thinkingBudget: 100 },
      responseModalities: ["TEXT"],
      mediaResolution: "MEDIA_RESOLUTION_LOW" as never,
      safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" } as never],
      cachedContent: "cachedContents/1"
    }
  },
  "tools, their calls and answers": {
    model: "gemini-3-flash-preview",
    contents: [
      { role: "user", parts: [{ text: "Hi" }] },
      {
        role: "model",
        parts: [
          { text: "Well", thought: true },
          { functionCall: { id: "a", name: "weather", args: { city: "Oslo" } }, thoughtSignature: "c2ln" },
          { functionCall: { name: "weather", args: {} } }
        ]
      },
      {
        role: "user",
        parts: [
          { functionResponse: { id: "a", name: "weather", response: { output: "cold" }, parts: [image] } },
          { functionResponse: { name: "weather", response: { error: "none" } } }
        ]
      }
    ],
    config: {
      tools: [{ functionDeclarations: [weather] }, { googleSearch: {} }, { codeExecution: {} }],
      toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY, allowedFunctionNames: ["weather"] } },
      thinkingConfig: { thinkingLevel: ThinkingLevel.LOW }
    }
  },
  "schemas in Google's form": {
    model: "models/gemini-2.5-flash",
    contents: { role: "user", parts: [{ fileData: { fileUri: "gs://b/a.pdf", mimeType: "application/pdf" } }] },
    config: {
      responseMimeType: "application/json",
      responseSchema: { type: Type.OBJECT, properties: { a: { type: Type.STRING, nullable: true } }, propertyOrdering: ["a"] },
      tools: [{ functionDeclarations: [{ name: "f", parameters: { type: Type.OBJECT, properties: { a: { type: Type.INTEGER } } } }] }]
    }
  }
}

/** What is asked for by saying nothing. */
const normal = ({ generationConfig, ...body }: Json.JsonObject): unknown => ({
  ...body,
  ...(Object.keys(generationConfig ?? {}).length > 0 && {
    generationConfig: JSON.parse(JSON.stringify(generationConfig).replace("\"LOW\"", "\"low\""))
  })
})

describe.each(["google", "vertex"])("what Google's SDK sends to %s is written again as it was", (provider) => {
  const client = new GoogleGenAI({ apiKey: "k", vertexai: provider === "vertex" })
  const own = wires(surfaceOf(provider))

  it.each(Object.entries(cases))("%s", async (_, asked) => {
    await client.models.generateContent(asked)
    const read = own.chat.decode!(sent!, provider)
    expect(read.options.model).toBe(asked.model.replace("models/", ""))
    const again = own.chat.prepare(Request.make({ provider, ...read }))
    expect(again.warnings).toEqual([])
    expect(normal(again.request.body!)).toEqual(normal(sent!.body))
  })

  it("streams and vectors", async () => {
    for await (const _ of await client.models.generateContentStream(cases["a text"]!)) break
    expect(own.chat.decode!(sent!, provider)).toMatchObject({ operation: "stream", options: { model: "gemini-2.5-flash" } })
    const texts = provider === "google" ? ["a", "b"] : ["a"]
    await client.models.embedContent({
      model: "gemini-embedding-001",
      contents: texts,
      config: { outputDimensionality: 8, taskType: "CLUSTERING" }
    })
    const read = own.embeddings.decode!(sent!, provider)
    expect(read.options).toMatchObject({ model: "gemini-embedding-001", dimensions: 8 })
    expect(read.messages.length).toBe(texts.length)
    const again = own.embeddings.prepare(Request.make({ provider, ...read })).request.body
    // The text of a vector has no role.
    expect(again).toEqual(JSON.parse(JSON.stringify(sent!.body), (name, value) => name === "role" ? undefined : value))
  })
})
