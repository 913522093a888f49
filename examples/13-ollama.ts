// Ollama on this machine: its own wire, streamed, with thinking.
import { standIn } from "./stand-in.ts"

const line = (message: object, more: object = { done: false }) =>
  `${JSON.stringify({ model: "qwen3:4b", created_at: "2026-01-02T03:04:05Z", message: { role: "assistant", content: "", ...message }, ...more })}\n`

const { stream } = standIn([
  line({ thinking: "Six sevens. " }),
  line({ content: "It is " }),
  line({ content: "42." }),
  line({}, { done: true, done_reason: "stop", prompt_eval_count: 18, eval_count: 9 })
].join(""))

const parts = stream("ollama", "What is 6 times 7?", { model: "qwen3:4b", reasoning: { effort: "low" } })
for await (const part of parts) {
  if (part.type === "reasoning-delta") console.log("thinks:", part.delta)
  if (part.type === "text-delta") console.log("says:", part.delta)
  if (part.type === "finish") console.log(part.reason, part.usage.inputTokens, part.usage.outputTokens)
}

// Prints:
// thinks: Six sevens.
// says: It is
// says: 42.
// stop { total: 18 } { total: 9 }
