// Gemini: an image in, JSON that fits a schema out. Vertex AI is the same with "vertex" and a Google Cloud project.
import { Effect, Schema } from "effect"
import { standIn } from "./stand-in.ts"

const { build, run } = standIn(({ body, path }) => {
  console.log(path)
  console.log(body.contents[0].parts[1].inlineData.mimeType, body.generationConfig.responseMimeType)
  return {
    candidates: [{ content: { role: "model", parts: [{ text: `{"name":"red square","sides":4}` }] }, finishReason: "STOP", index: 0 }],
    usageMetadata: { promptTokenCount: 270, candidatesTokenCount: 11, totalTokenCount: 281 },
    modelVersion: "gemini-2.5-flash"
  }
})

const Shape = Schema.Struct({ name: Schema.String, sides: Schema.Number })
const image = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="

const shape = build("google", [{ role: "user", content: [{ type: "text", text: "What is this?" }, { type: "image", image }] }])
  .withModel("gemini-2.5-flash")
  .withResponseFormat(Shape)
  .execute()
  .pipe(Effect.flatMap((answer) => answer.object(Shape)))

console.log(await run(shape))

// Prints:
// /v1beta/models/gemini-2.5-flash:generateContent
// image/png application/json
// { name: 'red square', sides: 4 }
