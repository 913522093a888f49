// Services that speak OpenAI's wire: some forty are built in, and any other is a few lines of data.
import { compatible } from "@plugline/providers/compatible"
import { standIn } from "./stand-in.ts"

const reply = (content: string, usage: object) => ({
  id: "c-1", object: "chat.completion", created: 1_760_000_000, model: "served", usage,
  choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }]
})

const plugline = standIn(
  reply("From OpenRouter.", { prompt_tokens: 10, completion_tokens: 4, total_tokens: 14, cost: 0.00012 }),
  reply("From a box under the desk.", { prompt_tokens: 10, completion_tokens: 7, total_tokens: 17 })
)

const routed = await plugline.chat("openrouter", "Who answers?", {
  model: "anthropic/claude-haiku-4.5",
  // What only OpenRouter understands.
  providerOptions: { openrouter: { provider: { sort: "price" } } }
})
console.log(routed.text)

const desk = compatible({ name: "desk", baseUrl: "http://192.168.1.20:8000/v1", keys: ["DESK_KEY"], needsKey: false, quirks: { jsonSchema: false } })
const { chat } = plugline.register(desk)
const answer = await chat("desk", "Who answers?", { model: "qwen3", responseFormat: { type: "json", schema: { type: "object" } } })
console.log(answer.text)
console.log(answer.warnings[0]?.message)

// Prints:
// From OpenRouter.
// From a box under the desk.
// desk holds no answer to a schema: any JSON object was asked for
