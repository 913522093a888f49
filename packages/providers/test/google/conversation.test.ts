/**
 * A conversation of several turns through the shipped provider, over real HTTP, with a service that insists on getting
 * back what it said: signatures on their parts, code that ran, calls with their results in order.
 *
 * @module
 */
import { it } from "@effect/vitest"
import { Message, Pipeline, Request, Result } from "@plugline/core"
import { Effect, Layer, Redacted } from "effect"
import { describe, expect } from "vitest"
import { Credentials } from "../../src/Credentials.ts"
import { google } from "../../src/google.ts"
import { Transport } from "../../src/Transport.ts"
import { key, listen, model, script } from "./service.ts"

const options = {
  model,
  reasoning: { effort: "high", summary: "auto" },
  tools: [
    { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
    { type: "provider" as const, id: "google.codeExecution" }
  ]
}

const service = Effect.acquireRelease(
  Effect.promise(listen),
  ({ server }) => Effect.promise(() => new Promise<void>(
    (done) => (server.closeAllConnections(), server.close(() => done()))
  ))
)

const layer = Layer.merge(Transport.layer, Credentials.memory({ google: Redacted.make(key) }))

const ask = (operation: "chat" | "stream", baseUrl: string, messages: ReadonlyArray<Message>, apiKey = key) =>
  Pipeline.run(
    google.pipelines[operation],
    Request.make({
      provider: "google",
      operation,
      messages,
      options,
      config: { baseUrl, apiKey: Redacted.make(apiKey) }
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
      expect(oslo!.id).not.toBe(here!.id)

      const second = yield* say(
        Message.toolResult(oslo!, { degrees: 3 }),
        Message.toolResult(here!, "no city given", true),
        Message.user("Then Rome.")
      )
      expect(second.content.map(({ type }) => type)).toEqual(["tool-call", "tool-result", "tool-call"])
      const [rome] = Result.toolCalls(second)
      expect(rome).toMatchObject({ id: "k1", params: { city: "Rome" } })
      const third = yield* say(Message.toolResult(rome!, 20))
      expect(Result.text(third)).toBe("Oslo: 3°. Rome: 20°.")
      expect(third.content.some(({ type }) => type === "file")).toBe(true)
      const last = yield* say(Message.user("Thanks"))
      expect(Result.text(last)).toBe("You are welcome.")

      expect(bodies.length).toBe(4)
      const turns = bodies[3]!.contents
      expect(turns.map(({ role }) => role)).toEqual(["user", "model", "user", "user", "model", "user", "model", "user"])
      expect([turns[1], turns[4], turns[6]].map((turn) => turn!.parts)).toEqual(script.slice(0, 3))
      expect(turns[2]!.parts).toEqual([
        { functionResponse: { name: "weather", response: { degrees: 3 } } },
        { functionResponse: { name: "weather", response: { error: "no city given" } } }
      ])
      expect(turns[5]!.parts).toEqual([{ functionResponse: { id: "k1", name: "weather", response: { output: 20 } } }])
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
        content: answer.content.map((part) => part.type === "tool-call" ? {
          ...part,
          options: { google: { thoughtSignature: "x" } }
        } : part)
      }
      const [oslo, here] = Result.toolCalls(first.result)
      const results = [Message.toolResult(oslo!, "ok"), Message.toolResult(here!, "ok")]
      for (const [messages, said] of [
        [[question, answer, results[0]!], "the number of function response parts"],
        [[question, unsigned, ...results], "Thought signature is not valid"]
      ] as const) {
        const final = yield* ask(operation, url, messages)
        expect(final.errors[0]?.reason).toMatchObject({ _tag: "InvalidRequest", status: 400 })
        expect(final.errors[0]?.message).toContain(said)
      }
      const wrong = yield* ask(operation, url, [question], "AIzaWrong0123456789abcdefghijklmnop")
      expect(wrong.errors[0]?.reason).toMatchObject({ _tag: "Authentication", status: 400 })
    }).pipe(Effect.scoped, Effect.provide(layer)))
})
