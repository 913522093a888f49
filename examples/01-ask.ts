// Ask one question, with Promises and with Effect.
import { Effect } from "effect"
import { build, layer, plugline } from "plugline"

// With Promises. "local" answers by rules and needs no key; "openai" would read OPENAI_API_KEY.
const answer = await plugline.chat("local", "What is 6 times 7?")
console.log(answer.text)

// With Effect: the call is a value, its errors are typed, and the connections are a layer.
const program = build("local", "What is 6 times 7?").withMaxTokens(50).execute().pipe(
  Effect.map((answer) => `${answer.finishReason}, ${answer.usage.inputTokens.total} tokens in`),
  Effect.catchReason("LlmError", "RateLimit", (reason) => Effect.succeed(`come back in ${reason.retryAfter} ms`))
)
console.log(await Effect.runPromise(Effect.provide(program, layer)))

// An error says what was wrong and what would be right.
await plugline.chat("local", "Hi", { temprature: 0 } as object).catch((error: Error) => console.log(error.message))

await plugline.close()

// Prints:
// 6 * 7 = 42
// stop, 8 tokens in
// local: unknown option "temprature"; did you mean "temperature"? (InvalidRequest)
