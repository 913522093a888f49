import { type FunctionTool, LlmError, Message, type MessagesInput, type Options, Request, Result } from "@plugline/core"
import { respond } from "@plugline/providers/local"
import { describe, expect, it } from "vitest"

const ask = (messages: MessagesInput, options: Options = {}) => respond(Request.make({ provider: "local", messages, options }))
const say = (messages: MessagesInput, options: Options = {}) => Result.text(ask(messages, options))
const called = (messages: MessagesInput, options: Options) => Result.toolCalls(ask(messages, options)).map(({ name, params }) => ({ name, params }))

describe("rules", () => {
  const exactly: ReadonlyArray<[string, string]> = [
    ["What is 12 * (3+4)?", "12 * (3 + 4) = 84"],
    ["what's 2 to the power of 10", "2 ^ 10 = 1024"],
    ["2 + 3 * 4 - 10 / 4", "2 + 3 * 4 - 10 / 4 = 11.5"],
    ["-2 ^ 2", "-2 ^ 2 = -4"],
    ["0.1 + 0.2", "0.1 + 0.2 = 0.3"],
    ["1,000 times 3", "1000 * 3 = 3000"],
    ["What is 15% of 80?", "15 % of 80 = 12"],
    ["What is the square root of 2?", "√2 = 1.41421356237"],
    ["1/0", "1 / 0 has no finite result."],
    ["How many days between 2024-01-01 and 2024-03-01?", "Between 2024-01-01 and 2024-03-01 there are 60 days."],
    ["What weekday is 2024-05-17?", "2024-05-17 is a Friday."],
    ["What is 10 days after 2024-02-25?", "10 days after 2024-02-25 is 2024-03-06."],
    ["2 weeks before 2024-03-01", "14 days before 2024-03-01 is 2024-02-16."],
    ["Is 1900-05-05 in a leap year?", "1900 is no leap year."],
    ["How many r's are in strawberry?", "The letter \"r\" occurs 3 times in \"strawberry\"."],
    ["How often does the letter z appear in pizza", "The letter \"z\" occurs twice in \"pizza\"."],
    ["How many words are in \"the quick brown fox\"?", "There are 4 words."],
    ["Count the sentences: One. Two! Is 3.14 three?", "There are 3 sentences."],
    ["Summarise: One is here. Two is 3.14. Three is gone.", "One is here. Two is 3.14. (The first 2 of 3 sentences; I do not understand what I shorten.)"],
    ["Reverse: stressed", "desserts"],
    ["Sort: pear, apple and fig", "apple, fig, pear"],
    ["Say hello world", "hello world"],
    ["Repeat after me: \"a: b\"", "a: b"],
    ["Thanks!", "You are welcome."]
  ]
  for (const [question, answer] of exactly) it(question, () => expect(say(question)).toBe(answer))

  for (const [question, part] of [
    ["Hello!", "not a language model"],
    ["Who are you?", "not a language model"],
    ["Are you ChatGPT?", "not a language model"],
    ["Translate hello to French", "I cannot translate"],
    ["Say hello in Japanese", "I cannot translate"],
    ["What is the weather in Oslo?", "I know nothing of the world"],
    ["What day is it today?", "I have no clock"],
    ["What can you do?", "work out sums"],
    ["Explain quantum physics", "None of my rules fits"],
    ["", "nothing to answer"],
    ["   \n ", "nothing to answer"]
  ] as const) it(`${JSON.stringify(question)} says: ${part}`, () => expect(say(question)).toContain(part))

  it("dates that do not exist and dates without a question are no sums", () => {
    expect(say("2024-02-30")).not.toContain("=")
    expect(say("How many days between 2024-02-30 and 2024-03-01?")).not.toContain("there are")
  })

  it("the last message of the person is answered, not the ones before", () => {
    expect(say([{ role: "system", content: "Be kind." }, { role: "user", content: "1+1" }, { role: "assistant", content: "2" }, { role: "user", content: "2+2" }])).toBe("2 + 2 = 4")
  })

  it("a long hostile message is answered at once", () => {
    for (const text of ["how many ".repeat(20_000), "(".repeat(100_000), "1+".repeat(50_000), "say ".repeat(50_000), "a.".repeat(100_000), `summarise: ${"!".repeat(100_000)}`, "\"".repeat(100_000), "\ud800".repeat(1000), "from From ".repeat(20_000)]) {
      const begun = performance.now()
      const tools: ReadonlyArray<FunctionTool> = [{ name: "how_many", parameters: { type: "object", properties: { from: { type: "string" }, name: { type: "string" }, sum_expression: { type: "string" }, email: { type: "string", format: "email" }, count: { type: "integer" } }, required: ["from"] } }]
      ask(text)
      ask(text, { tools })
      expect(performance.now() - begun).toBeLessThan(500)
    }
  })
})

const weather: FunctionTool = {
  name: "get_weather",
  description: "The current weather in a city",
  parameters: {
    type: "object",
    properties: { city: { type: "string" }, unit: { type: "string", enum: ["celsius", "fahrenheit"] } },
    required: ["city"],
    additionalProperties: false
  }
}
const calculator: FunctionTool = {
  name: "calculator",
  description: "Evaluates an arithmetic expression",
  parameters: { type: "object", properties: { expression: { type: "string" } }, required: ["expression"] }
}
const add: FunctionTool = {
  name: "add",
  parameters: { type: "object", properties: { a: { type: "number" }, b: { type: "number" } }, required: ["a", "b"] }
}
const flight: FunctionTool = {
  name: "book_flight",
  description: "Books a flight",
  parameters: {
    type: "object",
    properties: { from: { type: "string" }, to: { type: "string" }, date: { type: "string", format: "date" }, passengers: { type: "integer" } },
    required: ["from", "to", "date"]
  }
}
const tools = [weather, calculator, add, flight]

describe("tools", () => {
  const cases: ReadonlyArray<[string, ReadonlyArray<{ name: string; params: unknown }>]> = [
    ["What's the weather in Paris?", [{ name: "get_weather", params: { city: "Paris" } }]],
    ["Weather in New York, in fahrenheit please", [{ name: "get_weather", params: { city: "New York", unit: "fahrenheit" } }]],
    ["Please calculate 3*(4+5)", [{ name: "calculator", params: { expression: "3*(4+5)" } }]],
    ["Add 17 and 25.", [{ name: "add", params: { a: 17, b: 25 } }]],
    ["Book a flight from Berlin to San Francisco on 2025-03-01 for 2 passengers", [
      { name: "book_flight", params: { from: "Berlin", to: "San Francisco", date: "2025-03-01", passengers: 2 } }
    ]],
    ["What is the weather in Rome and what is 3 * 4?", [
      { name: "get_weather", params: { city: "Rome" } }, { name: "calculator", params: { expression: "3 * 4" } }
    ]],
    ["Hello", []],
    ["What's the weather?", []],
    ["Who are you?", []]
  ]
  for (const [question, expected] of cases) {
    it(question, () => {
      const result = ask(question, { tools })
      expect(called(question, { tools })).toEqual(expected)
      expect(result.finishReason).toBe(expected.length > 0 ? "tool-calls" : "stop")
      if (expected.length > 0) expect(Result.text(result)).toBe("")
    })
  }

  it("numbers that belong to no argument are left alone, and a date is no sum", () => {
    const dated = { ...weather, parameters: { type: "object", properties: { city: { type: "string" }, days: { type: "integer" } }, required: ["city"] } }
    expect(called("Weather in Paris for the 4 of us?", { tools: [dated] })).toEqual([{ name: "get_weather", params: { city: "Paris" } }])
    expect(called("Weather in Paris for 3 days?", { tools: [dated] })).toEqual([{ name: "get_weather", params: { city: "Paris", days: 3 } }])
    expect(called("On 2025-03-01 work out 2+2", { tools, toolChoice: { tool: "calculator" } })).toEqual([{ name: "calculator", params: { expression: "2+2" } }])
    expect(called("On 2025-03-01 add 4 and 5", { tools, toolChoice: { tool: "add" } })).toEqual([{ name: "add", params: { a: 4, b: 5 } }])
  })

  it("none, required and one by name are obeyed; parallelToolCalls: false allows one", () => {
    expect(called("What's the weather in Paris?", { tools, toolChoice: "none" })).toEqual([])
    expect(called("Hello", { tools, toolChoice: "required" })).toHaveLength(1)
    expect(called("What's the weather in Paris?", { tools, toolChoice: { tool: "add" } }).map(({ name }) => name)).toEqual(["add"])
    expect(called("What is the weather in Rome and what is 3 * 4?", { tools, parallelToolCalls: false })).toHaveLength(1)
  })

  it("a tool that must be called and is not offered is refused with the nearest name", () => {
    expect(() => ask("Hello", { tools, toolChoice: { tool: "get_wether" } })).toThrow(/did you mean "get_weather"/)
    expect(() => ask("Hello", { toolChoice: "required" })).toThrow(LlmError.LlmError)
  })

  it("once tools have answered it answers from them, failures as failures", () => {
    const conversation = [
      Message.user("What's the weather in Paris?"),
      Result.toMessage(ask("What's the weather in Paris?", { tools })),
      Message.toolResult({ id: "call-1", name: "get_weather" }, { celsius: 18 }),
      Message.toolResult({ id: "call-2", name: "add" }, "overflow", true)
    ]
    expect(say(conversation, { tools, toolChoice: "required" })).toBe("The tool get_weather answered: {\"celsius\":18}\nThe tool add failed: overflow")
    expect(called([...conversation, Message.user("And the weather in Rome?")], { tools })).toEqual([{ name: "get_weather", params: { city: "Rome" } }])
  })

  it("a provider's own tool is none it has, and that is a warning", () => {
    expect(ask("Hi", { tools: [{ type: "provider", id: "openai.web_search" }] }).warnings).toMatchObject([{ option: "tools" }])
  })
})

describe("options", () => {
  it("maxTokens cuts by its own count and says so, and never leaves half a call", () => {
    const whole = ask("Who are you?")
    const total = whole.usage.outputTokens.total!
    for (let limit = 1; limit <= total + 1; limit++) {
      const cut = ask("Who are you?", { maxTokens: limit })
      expect(cut.usage.outputTokens.total).toBe(Math.min(limit, total))
      expect(cut.finishReason).toBe(limit < total ? "length" : "stop")
      expect(Result.text(whole).startsWith(Result.text(cut))).toBe(true)
    }
    const call = ask("What's the weather in Paris?", { tools, maxTokens: 3 })
    expect([call.finishReason, Result.toolCalls(call)]).toEqual(["length", []])
  })

  it("stop ends the answer before the first of its texts", () => {
    expect(say("Say one two three", { stop: ["three", "two"] })).toBe("one ")
    expect(say("Say one", { stop: ["", "x"] })).toBe("one")
  })

  it("n gives as many answers, and counts them all", () => {
    const one = ask("1+1")
    const three = ask("1+1", { n: 3 })
    expect(three.choices?.map(({ content, index }) => [index, content])).toEqual([[1, one.content], [2, one.content]])
    expect(three.usage.outputTokens.total).toBe(3 * one.usage.outputTokens.total!)
  })

  it("reasoning comes where it is asked for, and is counted apart", () => {
    const result = ask("1+1", { reasoning: { effort: "low" } })
    expect(Result.reasoning(result)).toContain("arithmetic")
    expect(result.usage.outputTokens.reasoning).toBeGreaterThan(0)
    expect(Result.reasoning(ask("1+1", { reasoning: { effort: "none" } }))).toBe("")
    expect(Result.reasoning(ask("1+1"))).toBe("")
  })

  it("what makes no difference is a warning, and a model of another provider is too", () => {
    expect(ask("1+1", { temperature: 0.5, topK: 3, model: "gpt-5-mini" }).warnings?.map(({ option, type }) => [type, option])).toEqual([
      ["changed-option", "model"], ["unsupported-option", "temperature"], ["unsupported-option", "topK"]
    ])
    expect(ask("1+1", { model: "local/rules-1", seed: 1, user: "u", metadata: { a: "b" } }).warnings).toBe(undefined)
  })

  it("the same request has the same answer and id, another has another", () => {
    expect(ask("1+1")).toEqual(ask("1+1"))
    expect(ask("1+1").id).not.toBe(ask("1+2").id)
  })
})

describe("structured output", () => {
  it("fills fields with what the message says where names match", () => {
    const schema = {
      type: "object",
      properties: {
        name: { type: "string" }, age: { type: "integer" }, email: { type: "string", format: "email" },
        subscribed: { type: "boolean" }, plan: { enum: ["free", "pro"] }, start: { type: "string", format: "date" }, answer: { type: "string" }
      },
      required: ["name", "age", "email", "subscribed", "plan", "start", "answer"],
      additionalProperties: false
    }
    const value = JSON.parse(say("My name is Ada Lovelace, age 36, email ada@example.com, start 2025-01-02. I am not subscribed and want the Pro plan.", { responseFormat: { type: "json", schema } }))
    expect(value).toMatchObject({ name: "Ada Lovelace", age: 36, email: "ada@example.com", subscribed: false, plan: "pro", start: "2025-01-02" })
    expect(value.answer).toContain("not a language model")
  })

  it("takes fields from what tools have answered", () => {
    const schema = { type: "object", properties: { celsius: { type: "number" }, sky: { type: "string" } }, required: ["celsius", "sky"] }
    const messages = [Message.user("Weather?"), Message.toolResult({ id: "1", name: "get_weather" }, { now: { celsius: 18.5, sky: "clear" } })]
    expect(JSON.parse(say(messages, { responseFormat: { type: "json", schema } }))).toEqual({ celsius: 18.5, sky: "clear" })
  })

  it("without a schema it is an object with the answer; an unsatisfiable one is refused", () => {
    expect(JSON.parse(say("1+1", { responseFormat: { type: "json" } }))).toEqual({ answer: "1 + 1 = 2" })
    expect(() => ask("1+1", { responseFormat: { type: "json", schema: { type: "integer", minimum: 3, maximum: 2 } } })).toThrow(/no value that satisfies/)
  })
})
