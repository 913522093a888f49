// Offer a tool, run what the model asks for, and give it the result.
import { Message, plugline, type MessageInput, type Tool } from "plugline"

const tools: ReadonlyArray<Tool> = [{
  name: "get_weather",
  description: "The weather in a city",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] }
}]

const weather = (city: string) => ({ city, celsius: 21, sky: "clear" })

const messages: Array<MessageInput> = [{ role: "user", content: "What is the weather in Paris?" }]
let answer = await plugline.chat("local", messages, { tools })

while (answer.toolCalls.length > 0) {
  // What the model said goes back as it came: calls, reasoning and signatures.
  messages.push(answer.message)
  for (const call of answer.toolCalls) {
    console.log(`${call.name} ${JSON.stringify(call.params)}`)
    messages.push(Message.toolResult(call, weather((call.params as { city: string }).city)))
  }
  answer = await plugline.chat("local", messages, { tools })
}

console.log(answer.text)
await plugline.close()

// Prints:
// get_weather {"city":"Paris"}
// The tool get_weather answered: {"city":"Paris","celsius":21,"sky":"clear"}
