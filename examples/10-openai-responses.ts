// OpenAI's Responses API: the same provider and key, chosen by `config.api`. Reasoning goes back without being stored there.
import { Message, type MessageInput } from "plugline"
import { standIn } from "./stand-in.ts"

const response = (output: ReadonlyArray<object>) => ({
  id: "resp_1", object: "response", created_at: 1_760_000_000, status: "completed", model: "gpt-5-mini", output,
  usage: { input_tokens: 20, output_tokens: 40, total_tokens: 60, output_tokens_details: { reasoning_tokens: 32 } }
})
const { build, run } = standIn(
  response([
    { id: "rs_1", type: "reasoning", summary: [{ type: "summary_text", text: "A tool can tell." }], encrypted_content: "gAAAAB…" },
    { id: "fc_1", type: "function_call", call_id: "call_1", name: "get_time", arguments: `{"zone":"UTC"}`, status: "completed" }
  ]),
  ({ body }) => {
    console.log(body.input.map((item: { type?: string; role?: string }) => item.type ?? item.role).join(", "))
    console.log(body.input.find((item: { type?: string }) => item.type === "reasoning")?.encrypted_content)
    return response([{ id: "msg_1", type: "message", role: "assistant", status: "completed", content: [{ type: "output_text", text: "Noon.", annotations: [] }] }])
  }
)

const tools = [{ name: "get_time", parameters: { type: "object", properties: { zone: { type: "string" } } } }]
const ask = (messages: ReadonlyArray<MessageInput>) =>
  run(build("openai", messages).withConfig({ api: "responses" }).withModel("gpt-5-mini").withTools(tools)
    .withOptions({ reasoning: { effort: "low", summary: "auto" } }).execute())

const messages: Array<MessageInput> = [{ role: "user", content: "What time is it in UTC?" }]
const first = await ask(messages)
console.log(first.reasoning, first.usage.outputTokens)

messages.push(first.message, Message.toolResult(first.toolCalls[0]!, "12:00"))
console.log((await ask(messages)).text)

// Prints:
// A tool can tell. { total: 40, text: 8, reasoning: 32 }
// user, reasoning, function_call, function_call_output
// gAAAAB…
// Noon.
