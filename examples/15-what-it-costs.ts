// What a call cost, to the last digit, and which model would do for less.
import { Catalog, Cost } from "@plugline/catalog"
import { standIn } from "./stand-in.ts"

const { chat } = standIn({
  id: "c-1", object: "chat.completion", created: 1_760_000_000, model: "gpt-4o-mini-2024-07-18",
  choices: [{ index: 0, message: { role: "assistant", content: "Because." }, finish_reason: "stop" }],
  usage: { prompt_tokens: 2006, completion_tokens: 300, total_tokens: 2306, prompt_tokens_details: { cached_tokens: 1920 } }
})

const answer = await chat("openai", "Why?", { model: "gpt-4o-mini" })
const model = Catalog.get("openai", answer.model!)
const cost = Cost.of(answer.usage, model)
console.log(model?.id, Cost.format(cost))
console.log(JSON.stringify(cost))

// A price that is not known is unknown, never zero.
const unknown = Cost.of(answer.usage, Catalog.get("openai", "gpt-4o-mini-foo"))
console.log(Cost.format(unknown), Catalog.suggest("openai", "gpt-4o-mni")[0])

const [cheapest] = Catalog.find({ provider: "openai", mode: "chat", tools: true, vision: true, reasoning: true, minContext: 200_000 })
console.log(cheapest?.id, cheapest?.prices?.input)

// Prints:
// gpt-4o-mini-2024-07-18 $0.0003369
// {"currency":"USD","input":"0.0000129","cacheRead":"0.000144","cacheWrite":"0","output":"0.00018","reasoning":"0","other":"0","total":"0.0003369"}
// unknown gpt-4o-mini
// gpt-5-nano 0.05
