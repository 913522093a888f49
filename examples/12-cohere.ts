// Cohere: an answer from documents, with what each sentence rests on.
import { standIn } from "./stand-in.ts"

const { chat, embed } = standIn(
  {
    id: "c-1",
    finish_reason: "COMPLETE",
    message: {
      role: "assistant",
      content: [{ type: "text", text: "The tower is 330 m tall." }],
      citations: [{
        start: 13, end: 18, text: "330 m", type: "TEXT_CONTENT",
        sources: [{ type: "document", id: "doc:1", document: { id: "doc:1", title: "Eiffel Tower", snippet: "It is 330 metres tall." } }]
      }]
    },
    usage: { billed_units: { input_tokens: 30, output_tokens: 8 }, tokens: { input_tokens: 640, output_tokens: 12 } }
  },
  { id: "e-1", embeddings: { float: [[0.1, 0.2], [0.3, 0.4]] }, texts: ["a", "b"], meta: { billed_units: { input_tokens: 2 } } }
)

const answer = await chat("cohere", "How tall is the Eiffel Tower?", {
  model: "command-a-03-2025",
  providerOptions: { cohere: { documents: [{ id: "doc:1", data: { title: "Eiffel Tower", snippet: "It is 330 metres tall." } }] } }
})
console.log(answer.text)
for (const part of answer.content) if (part.type === "source") console.log(part.title, part.metadata?.cohere?.text)

const { embeddings } = await embed("cohere", ["a", "b"], { model: "embed-v4.0" })
console.log(embeddings)

// Prints:
// The tower is 330 m tall.
// Eiffel Tower 330 m
// [ [ 0.1, 0.2 ], [ 0.3, 0.4 ] ]
