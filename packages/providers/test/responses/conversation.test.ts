/**
 * A conversation of several turns through the shipped provider, over real HTTP, with a service that insists on getting back
 * what it said: reasoning stored or encrypted, the phases of messages, its own search, calls with their results.
 *
 * @module
 */
import { it } from "@effect/vitest"
import { Message, type Options, Pipeline, Request, Result } from "@plugline/core"
import { Effect, Layer, Redacted } from "effect"
import { describe, expect } from "vitest"
import { Credentials } from "../../src/Credentials.ts"
import { openai } from "../../src/openai.ts"
import { Transport } from "../../src/Transport.ts"
import { key, listen, script, told } from "./service.ts"

const options = {
  model: "gpt-5",
  reasoning: { effort: "high", summary: "auto" },
  tools: [
    { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
    { type: "provider" as const, id: "openai.web_search" },
    { type: "provider" as const, id: "openai.custom", args: { name: "sql" } }
  ]
}

const service = Effect.acquireRelease(
  Effect.promise(listen),
  ({ server }) => Effect.promise(() => new Promise<void>((done) => (server.closeAllConnections(), server.close(() => done()))))
)

const layer = Layer.merge(Transport.layer, Credentials.memory({ openai: Redacted.make(key) }))

const ask = (
  operation: "chat" | "stream",
  baseUrl: string,
  messages: ReadonlyArray<Message>,
  more: Options = {},
  apiKey = key
) =>
  Pipeline.run(
    openai.pipelines[operation],
    Request.make({
      provider: "openai",
      operation,
      messages,
      options: { ...options, ...more },
      config: { api: "responses", baseUrl, apiKey: Redacted.make(apiKey) }
    })
  )

/** What is stored in between must not lose anything either. */
const stored = <A>(value: A): A => JSON.parse(JSON.stringify(value))

const keeping: ReadonlyArray<readonly [string, Options]> = [
  ["kept by the caller alone", {}],
  ["stored by the service", { providerOptions: { openai: { store: true } } }]
]

const ways = (["chat", "stream"] as const).flatMap((operation) => keeping.map(([name, more]) => [operation, name, more] as const))

describe.each(ways)("a conversation (%s), %s", (operation, _, more) => {
  it.effect("goes on to its end, each answer given back as the next message", () =>
    Effect.gen(function*() {
      const { bodies, url } = yield* service
      let messages: ReadonlyArray<Message> = [Message.user("Weather in Oslo, and here?")]
      const say = (...said: ReadonlyArray<Message>) =>
        Effect.gen(function*() {
          messages = stored([...messages, ...said])
          const final = yield* ask(operation, url, messages, more)
          expect(final.errors).toEqual([])
          const { result } = final
          if (!Result.isChat(result)) throw new Error("no answer")
          messages = [...messages, Result.toMessage(stored(result))]
          return result
        })

      const first = yield* say()
      expect(first.finishReason).toBe("tool-calls")
      expect(Result.reasoning(first)).toBe("Two cities, so two calls. Ünïcode 😀.")
      const [oslo, here] = Result.toolCalls(first)
      expect([oslo?.params, here?.params]).toEqual([{ city: "Oslo" }, {}])

      // The ids of calls come again in a later turn.
      const second = yield* say(Message.toolResult(oslo!, { degrees: 3 }), Message.toolResult(here!, "no city given", true))
      const [query] = Result.toolCalls(second)
      expect(query).toMatchObject({ id: "call_1", name: "sql", params: "SELECT 1" })
      const third = yield* say(Message.toolResult(query!, "1"))
      expect(Result.text(third)).toBe("Oslo: 3°.")
      const last = yield* say(Message.user("Thanks"))
      expect(Result.text(last)).toBe("You are welcome.")

      const isEncrypted = more.providerOptions === undefined
      expect(bodies.length).toBe(4)
      expect(bodies[3]!.input).toEqual([
        { role: "user", content: "Weather in Oslo, and here?" },
        ...script[0]!.map((item) => told(item, isEncrypted)),
        { type: "function_call_output", call_id: "call_1", output: "{\"degrees\":3}" },
        { type: "function_call_output", call_id: "call_2", output: "Error: no city given" },
        ...script[1]!.map((item) => told(item, isEncrypted)),
        { type: "custom_tool_call_output", call_id: "call_1", output: "1" },
        ...script[2]!.map((item) => told(item, isEncrypted)),
        { role: "user", content: "Thanks" }
      ])
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("is refused in the service's words where something is missing", () =>
    Effect.gen(function*() {
      const { url } = yield* service
      const question = Message.user("Weather?")
      const first = yield* ask(operation, url, [question], more)
      if (!Result.isChat(first.result)) throw new Error("no answer")
      const answer = Result.toMessage(first.result)
      const unthought = { ...answer, content: answer.content.filter((part) => part.type !== "reasoning") }
      const results = [
        Message.toolResult({ id: "call_1", name: "weather" }, "ok"), Message.toolResult({ id: "call_2", name: "weather" }, "ok")
      ]
      for (const [messages, said] of [
        [[question, answer, results[0]!], "No tool output found for function call call_2."],
        [[question, unthought, ...results], "was provided without its required 'reasoning' item: 'rs_1'"]
      ] as const) {
        const final = yield* ask(operation, url, messages, more)
        expect(final.errors[0]?.reason).toMatchObject({ _tag: "InvalidRequest", status: 400, code: "invalid_request_error", requestId: "req_1" })
        expect(final.errors[0]?.message).toContain(said)
      }
      const wrong = yield* ask(operation, url, [question], more, "sk-another0123456789")
      expect(wrong.errors[0]?.reason).toMatchObject({ _tag: "Authentication", status: 401 })
    }).pipe(Effect.scoped, Effect.provide(layer)))
})

describe("what was stored", () => {
  it.effect("is left out, and said to be, where a later call keeps nothing", () =>
    Effect.gen(function*() {
      const { bodies, url } = yield* service
      const question = Message.user("Weather?")
      const first = yield* ask("chat", url, [question], { providerOptions: { openai: { store: true } } })
      if (!Result.isChat(first.result)) throw new Error("no answer")
      const results = Result.toolCalls(first.result).map((call) => Message.toolResult(call, "ok"))
      const second = yield* ask("chat", url, [question, Result.toMessage(first.result), ...results])
      expect(second.errors).toEqual([])
      if (!Result.isChat(second.result)) throw new Error("no answer")
      expect(second.result.warnings).toMatchObject([{ type: "other" }])
      expect(bodies[1]!.input.map(({ id, type }) => [type, id])).toEqual([
        [undefined, undefined], ["message", undefined], ["function_call", undefined], ["function_call", undefined],
        ["function_call_output", undefined], ["function_call_output", undefined]
      ])
    }).pipe(Effect.scoped, Effect.provide(layer)))
})
