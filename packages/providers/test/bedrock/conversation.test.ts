/**
 * A conversation of several turns through the shipped provider, over real HTTP, with a service that checks signatures and
 * insists on getting back what it said: signed and sealed reasoning, calls with their results, its own tools, citations.
 *
 * @module
 */
import { it } from "@effect/vitest"
import { Message, Pipeline, Request, Result } from "@plugline/core"
import { Effect, Layer, Redacted } from "effect"
import { describe, expect } from "vitest"
import { bedrock } from "../../src/bedrock.ts"
import { Credentials } from "../../src/Credentials.ts"
import { Transport } from "../../src/Transport.ts"
import { credentials, listen, model, region, script } from "./service.ts"

const options = {
  model,
  reasoning: { budgetTokens: 2048 },
  tools: [
    { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
    { type: "provider" as const, id: "bedrock.nova_grounding" }
  ]
}

const service = Effect.acquireRelease(
  Effect.promise(listen),
  ({ server }) => Effect.promise(() => new Promise<void>((done) => (server.closeAllConnections(), server.close(() => done()))))
)

const layer = Layer.merge(Transport.layer, Credentials.memory({}))
const key = JSON.stringify(credentials)

const ask = (operation: "chat" | "stream", baseUrl: string, messages: ReadonlyArray<Message>, more: object = {}, apiKey = key) =>
  Pipeline.run(
    bedrock.pipelines[operation],
    Request.make({
      provider: "bedrock",
      operation,
      messages,
      options: { ...options, ...more },
      config: { baseUrl, region, apiKey: Redacted.make(apiKey) }
    })
  )

/** What is stored in between must not lose anything either. */
const stored = <A>(value: A): A => JSON.parse(JSON.stringify(value))

describe.each(["chat", "stream"] as const)("a conversation (%s)", (operation) => {
  it.effect("goes on to its end, each answer given back as the next message", () =>
    Effect.gen(function*() {
      const { bodies, url } = yield* service
      let messages: ReadonlyArray<Message> = [Message.system("Be kind."), Message.user("Weather in Oslo, and here?")]
      const say = (...more: ReadonlyArray<Message>) =>
        Effect.gen(function*() {
          messages = stored([...messages, ...more])
          const final = yield* ask(operation, url, messages)
          expect(final.errors).toEqual([])
          expect(JSON.stringify(final)).not.toMatch(/canary/i)
          const { result } = final
          if (!Result.isChat(result)) throw new Error("no answer")
          messages = [...messages, Result.toMessage(stored(result))]
          return result
        })

      const first = yield* say()
      expect(first.finishReason).toBe("tool-calls")
      expect(Result.reasoning(first)).toBe("Two cities, two calls.")
      const [oslo, here] = Result.toolCalls(first)
      expect([oslo?.params, here?.params]).toEqual([{ city: "Oslo" }, {}])

      const second = yield* say(
        Message.toolResult(oslo!, { degrees: 3 }),
        Message.toolResult(here!, "no city given", true),
        Message.user("Then Rome.")
      )
      expect(second.content.map(({ type }) => type)).toEqual(["tool-call", "tool-result", "text", "source", "tool-call"])
      const [rome] = Result.toolCalls(second)
      expect(rome).toMatchObject({ id: "tooluse_4", params: { city: "Rome" } })
      const third = yield* say(Message.toolResult(rome!, 20))
      expect(Result.text(third)).toBe("Oslo: 3°. Rome: 20°.")
      expect(Result.text(yield* say(Message.user("Thanks")))).toBe("You are welcome.")

      expect(bodies.length).toBe(4)
      const turns = bodies[3]!.messages
      expect([turns[1], turns[3], turns[5]].map((turn) => turn!.content)).toEqual(script.slice(0, 3))
      expect(turns[2]!.content).toEqual([
        { toolResult: { toolUseId: "tooluse_1", content: [{ json: { degrees: 3 } }] } },
        { toolResult: { toolUseId: "tooluse_2", content: [{ text: "no city given" }], status: "error" } },
        { text: "Then Rome." }
      ])
      expect(turns[4]!.content).toEqual([{ toolResult: { toolUseId: "tooluse_4", content: [{ text: "20" }] } }])
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("is refused in the service's words where something is missing", () =>
    Effect.gen(function*() {
      const { url } = yield* service
      const question = Message.user("Weather?")
      const first = yield* ask(operation, url, [question])
      if (!Result.isChat(first.result)) throw new Error("no answer")
      const answer = Result.toMessage(first.result)
      const [oslo, here] = Result.toolCalls(first.result)
      const results = [Message.toolResult(oslo!, "ok"), Message.toolResult(here!, "ok")]
      const without = (type: string) => ({ ...answer, content: answer.content.filter((part) => part.type !== type) })
      const unsigned = {
        ...answer,
        content: answer.content.map((part) => part.type === "reasoning" ? { ...part, options: { bedrock: { signature: "other" } } } : part)
      }
      for (const [messages, more, said] of [
        [[question, answer, results[0]!], {}, "Expected toolResult blocks"],
        [[question, unsigned, ...results], {}, "cannot be modified"],
        [[question, without("reasoning"), ...results], {}, "cannot be modified"],
        [[question, answer, ...results], { tools: [] }, "toolConfig field must be defined"]
      ] as const) {
        const final = yield* ask(operation, url, messages, more)
        expect(final.errors[0]?.reason).toMatchObject({ _tag: "InvalidRequest", status: 400, code: "ValidationException", requestId: "id-1" })
        expect(final.errors[0]?.message).toContain(said)
      }
      const wrong = yield* ask(operation, url, [question], {}, JSON.stringify({ ...credentials, secretAccessKey: "other" }))
      expect(wrong.errors[0]?.reason).toMatchObject({ _tag: "Authentication", status: 403 })
      const bearer = yield* ask(operation, url, [question], {}, "bedrock-api-key-x")
      expect(bearer.errors[0]?.reason).toMatchObject({ _tag: "Authentication", status: 403 })
    }).pipe(Effect.scoped, Effect.provide(layer)))
})
