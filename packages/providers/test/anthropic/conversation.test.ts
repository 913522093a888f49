/**
 * A conversation of several turns through the shipped provider, over real HTTP, with a service that insists on getting
 * back what it said: thinking with its signatures, what it hid, its own search, calls with their results.
 *
 * @module
 */
import { it } from "@effect/vitest"
import { Message, Pipeline, Request, Result } from "@plugline/core"
import { Effect, Layer, Redacted } from "effect"
import { describe, expect } from "vitest"
import { anthropic } from "../../src/anthropic.ts"
import { Credentials } from "../../src/Credentials.ts"
import { Transport } from "../../src/Transport.ts"
import { key, listen, script } from "./service.ts"

const options = {
  model: "claude-sonnet-5",
  reasoning: { effort: "high" },
  tools: [
    { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
    { type: "provider" as const, id: "anthropic.web_search" }
  ]
}

const service = Effect.acquireRelease(
  Effect.promise(listen),
  ({ server }) => Effect.promise(() => new Promise<void>((done) => (
    server.closeAllConnections(),
    server.close(() => done())
  )))
)

const layer = Layer.merge(Transport.layer, Credentials.memory({ anthropic: Redacted.make(key) }))

const ask = (operation: "chat" | "stream", baseUrl: string, messages: ReadonlyArray<Message>) =>
  Pipeline.run(
    anthropic.pipelines[operation],
    Request.make({
      provider: "anthropic",
      operation,
      messages,
      options,
      config: { baseUrl, apiKey: Redacted.make(key) }
    })
  )

/** What is stored in between must not lose anything either. */
const stored = <A>(value: A): A => JSON.parse(JSON.stringify(value))

describe.each(["chat", "stream"] as const)("a conversation (%s)", (operation) => {
  it.effect("goes on to its end, each answer given back as the next message", () =>
    Effect.gen(function*() {
      const { bodies, url } = yield* service
      let messages: ReadonlyArray<Message> = [Message.user("Weather in Oslo, and here?")]
      const say = (...more: ReadonlyArray<Message>) =>
        Effect.gen(function*() {
          messages = stored([...messages, ...more])
          const final = yield* ask(operation, url, messages)
          expect(final.errors).toEqual([])
          const { result } = final
          if (!Result.isChat(result)) throw new Error("no answer")
          messages = [...messages, Result.toMessage(stored(result))]
          return result
        })

      const first = yield* say()
      expect(first.finishReason).toBe("tool-calls")
      expect(Result.reasoning(first)).toBe("Two cities, so two calls.")
      const [oslo, here] = Result.toolCalls(first)
      expect([oslo?.params, here?.params]).toEqual([{ city: "Oslo" }, {}])

      const second = yield* say(
        Message.toolResult(oslo!, { degrees: 3 }),
        Message.toolResult(here!, "no city given", true),
        Message.user("Then Rome.")
      )
      const [rome] = Result.toolCalls(second)
      const third = yield* say(Message.toolResult(rome!, { degrees: 20 }))
      expect(Result.text(third)).toBe("Oslo: 3°. Rome: 20°.")
      expect(third.content.filter(({ type }) => type === "source").length).toBe(1)
      const last = yield* say(Message.user("Thanks"))
      expect(Result.text(last)).toBe("You are welcome.")

      expect(bodies.length).toBe(4)
      const turns = bodies[3]!.messages
      expect(turns.map(({ role }) => role)).toEqual([
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
        "assistant",
        "user"
      ])
      expect(turns[1]!.content).toEqual(script[0])
      expect(turns[2]!.content).toEqual([
        { type: "tool_result", tool_use_id: "toolu_1", content: `{"degrees":3}` },
        { type: "tool_result", tool_use_id: "toolu_2", content: "no city given", is_error: true },
        { type: "text", text: "Then Rome." }
      ])
      expect(turns[5]!.content).toEqual(script[2])
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("is refused in the service's words where something is missing", () =>
    Effect.gen(function*() {
      const { url } = yield* service
      const question = Message.user("Weather?")
      const first = yield* ask(operation, url, [question])
      if (!Result.isChat(first.result)) throw new Error("no answer")
      const answer = Result.toMessage(first.result)
      const unsigned = {
        ...answer,
        content: answer.content.map((part) => part.type === "reasoning" ? {
          ...part,
          options: { anthropic: { signature: "x" } }
        } : part)
      }
      const results = Message.toolResult({ id: "toolu_1", name: "weather" }, "ok")
      for (const [messages, said] of [
        [[question, answer, results], "without `tool_result` blocks immediately after: toolu_2"],
        [[question, unsigned, results], "Invalid `signature`"]
      ] as const) {
        const final = yield* ask(operation, url, messages)
        expect(final.errors[0]?.reason).toMatchObject({
          _tag: "InvalidRequest",
          status: 400,
          code: "invalid_request_error",
          requestId: "req_1"
        })
        expect(final.errors[0]?.message).toContain(said)
      }
      const wrong = yield* Pipeline.run(anthropic.pipelines[operation], Request.make({
        provider: "anthropic", operation, messages: [question], options, config: {
          baseUrl: url,
          apiKey: Redacted.make("sk-ant-wrong-key")
        }
      }))
      expect(wrong.errors[0]?.reason).toMatchObject({ _tag: "Authentication", status: 401 })
    }).pipe(Effect.scoped, Effect.provide(layer)))
})
