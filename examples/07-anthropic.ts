// Anthropic: a conversation with thinking and tools. What the model thought goes back with its signature.
import { Message, type MessageInput, type Options } from "plugline"
import { standIn } from "./stand-in.ts"

const usage = { input_tokens: 40, output_tokens: 30, cache_read_input_tokens: 1200, cache_creation_input_tokens: 0 }
const { chat } = standIn(
  {
    id: "msg_1", type: "message", role: "assistant", model: "claude-sonnet-4-5", stop_reason: "tool_use", stop_sequence: null, usage,
    content: [
      { type: "thinking", thinking: "I should look it up.", signature: "EqQB…" },
      { type: "tool_use", id: "toolu_1", name: "get_weather", input: { city: "Paris" } }
    ]
  },
  ({ body }) => {
    console.log("sent back:", body.messages[1].content.map((block: { type: string; signature?: string }) => block.signature ?? block.type))
    return {
      id: "msg_2", type: "message", role: "assistant", model: "claude-sonnet-4-5", stop_reason: "end_turn", stop_sequence: null, usage,
      content: [{ type: "text", text: "It is 21 °C and clear in Paris." }]
    }
  }
)

const options: Options = {
  model: "claude-sonnet-4-5",
  maxTokens: 4096,
  reasoning: { budgetTokens: 2048 },
  tools: [{ name: "get_weather", parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] } }]
}
const messages: Array<MessageInput> = [
  // What only Anthropic understands stands under its name: this prompt is kept in its cache.
  { role: "system", content: "You are a careful assistant.", options: { anthropic: { cache_control: { type: "ephemeral" } } } },
  { role: "user", content: "What is the weather in Paris?" }
]

const first = await chat("anthropic", messages, options)
console.log(first.reasoning, first.toolCalls.map(({ name, params }) => `${name} ${JSON.stringify(params)}`))
console.log("tokens in:", first.usage.inputTokens)

messages.push(first.message, Message.toolResult(first.toolCalls[0]!, { celsius: 21, sky: "clear" }))
const second = await chat("anthropic", messages, options)
console.log(second.text)

// Prints:
// I should look it up. [ 'get_weather {"city":"Paris"}' ]
// tokens in: { total: 1240, uncached: 40, cacheRead: 1200, cacheWrite: 0 }
// sent back: [ 'EqQB…', 'tool_use' ]
// It is 21 °C and clear in Paris.
