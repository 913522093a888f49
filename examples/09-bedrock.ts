// Amazon Bedrock: Converse, signed with AWS credentials or sent with a Bedrock key; the region is part of the address.
import { standIn } from "./stand-in.ts"

const { build, run } = standIn(({ body, path }) => {
  console.log(decodeURIComponent(path), JSON.stringify(body.inferenceConfig))
  return {
    output: { message: { role: "assistant", content: [{ text: "Bonjour !" }] } },
    stopReason: "end_turn",
    usage: { inputTokens: 9, outputTokens: 4, totalTokens: 13 },
    metrics: { latencyMs: 310 }
  }
})

const call = build("bedrock", "Say hello in French.")
  .withModel("eu.amazon.nova-lite-v1:0")
  .withConfig({ region: "eu-west-3" })
  .withMaxTokens(50)
  // Converse has no seed: the answer says so.
  .withOptions({ seed: 7 })

const answer = await run(call.execute())
console.log(answer.text, answer.usage.outputTokens)
console.log(answer.warnings.map(({ message }) => message))
console.log(answer.request.config.baseUrl)

// Prints:
// /model/eu.amazon.nova-lite-v1:0/converse {"maxTokens":50}
// Bonjour ! { total: 4 }
// [ 'bedrock takes no seed for chat' ]
// https://bedrock-runtime.eu-west-3.amazonaws.com
