/**
 * Conversations of several turns through shipped providers, over real HTTP, with services that insist on getting back what
 * they said: thinking in each of its forms, parallel calls with their ids, an answer to each call.
 *
 * @module
 */
import { it } from "@effect/vitest"
import { Message, Pipeline, Request, Result } from "@plugline/core"
import { Effect, Layer, Redacted } from "effect"
import { describe, expect } from "vitest"
import { Credentials } from "../../src/Credentials.ts"
import { databricks } from "../../src/databricks.ts"
import { deepseek } from "../../src/deepseek.ts"
import { mistral } from "../../src/mistral.ts"
import { openrouter } from "../../src/openrouter.ts"
import { Transport } from "../../src/Transport.ts"
import { key, listen, type Script } from "./service.ts"

const calls = ["{\"city\":\"Oslo\"}", "{}"].map((args, index) => ({
  id: `call_${index + 1}`,
  type: "function",
  function: { name: "weather", arguments: args }
}))
const thought = "Two cities, so two calls. Ünïcode 😀."
const invalid = {
  message: "the thinking of the tool calls is missing",
  type: "invalid_request_error",
  code: "invalid_request_error"
}
const last = { role: "assistant", content: "You are welcome." }

const details = (text: string) => [
  { type: "reasoning.text", text, signature: "sig-1", format: "anthropic-claude-v1", index: 0 },
  { type: "reasoning.encrypted", data: "enc-1", format: "anthropic-claude-v1", index: 1 }
]
const summary = (text: string) => ({ type: "reasoning", summary: [{ type: "summary_text", text, signature: "sig-1" }] })
const thinking = (text: string) => ({ type: "thinking", thinking: [{ type: "text", text }], signature: "sig-1" })
const said = "Oslo: 3°."

const services: ReadonlyArray<readonly [string, typeof deepseek, Script]> = [
  ["a text beside the answer", deepseek, {
    turns: [
      { role: "assistant", content: null, reasoning_content: thought, tool_calls: calls },
      { role: "assistant", content: said, reasoning_content: "One failed." },
      last
    ],
    back: ["reasoning_content"],
    missing: { error: { ...invalid, param: null } }
  }],
  ["signed and encrypted details", openrouter, {
    turns: [
      { role: "assistant", content: null, reasoning_details: details(thought), tool_calls: calls },
      { role: "assistant", content: said, reasoning_details: details("One failed.") },
      last
    ],
    back: ["reasoning_details"],
    missing: {
      error: {
        message: "Provider returned error",
        code: 400,
        metadata: { raw: JSON.stringify({ error: invalid }), provider_name: "Anthropic" }
      }
    }
  }],
  ["signed blocks of the content", mistral, {
    turns: [
      { role: "assistant", content: [thinking(thought)], tool_calls: calls },
      { role: "assistant", content: [thinking("One failed."), { type: "text", text: said }] },
      last
    ],
    back: ["content"],
    missing: { object: "error", ...invalid }
  }],
  ["a signed summary", databricks, {
    turns: [
      { role: "assistant", content: [summary(thought)], tool_calls: calls },
      { role: "assistant", content: [summary("One failed."), { type: "text", text: said }] },
      last
    ],
    back: ["content"],
    missing: { error_code: "BAD_REQUEST", message: invalid.message }
  }]
]

const tools = [{ name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } }]

const ask = (
  provider: typeof deepseek,
  operation: "chat" | "stream",
  baseUrl: string,
  messages: ReadonlyArray<Message>
) =>
  Pipeline.run(provider.pipelines[operation], Request.make({
    provider: provider.name,
    operation,
    messages,
    options: { model: "m", tools },
    config: { baseUrl, apiKey: Redacted.make(key) }
  }))

/** What is stored in between must not lose anything either. */
const stored = <A>(value: A): A => JSON.parse(JSON.stringify(value))

describe.each(services)("a conversation with a service that gives its thinking as %s", (_, provider, script) => {
  const service = Effect.acquireRelease(
    Effect.promise(() => listen(script)),
    ({ server }) => Effect.promise(() => new Promise<void>(
      (done) => (server.closeAllConnections(), server.close(() => done()))
    ))
  )
  const layer = Layer.merge(Transport.layer, Credentials.none)

  for (const operation of ["chat", "stream"] as const) {
    it.effect(`goes on to its end (${operation})`, () =>
      Effect.gen(function*() {
        const { bodies, url } = yield* service
        let messages: ReadonlyArray<Message> = [Message.system("Be brief."), Message.user("Weather in Oslo, and here?")]
        const say = (...more: ReadonlyArray<Message>) =>
          Effect.gen(function*() {
            messages = stored([...messages, ...more])
            const final = yield* ask(provider, operation, url, messages)
            expect(final.errors).toEqual([])
            const { result } = final
            if (!Result.isChat(result)) throw new Error("no answer")
            messages = [...messages, Result.toMessage(stored(result))]
            return result
          })

        const first = yield* say()
        expect(first.finishReason).toBe("tool-calls")
        expect(Result.reasoning(first)).toBe(thought)
        const [oslo, here] = Result.toolCalls(first)
        expect([oslo?.params, here?.params]).toEqual([{ city: "Oslo" }, {}])
        const second = yield* say(
          Message.toolResult(oslo!, { degrees: 3 }),
          Message.toolResult(here!, "no city given", true)
        )
        expect(Result.text(second)).toBe(said)
        expect(Result.text(yield* say(Message.user("Thanks")))).toBe("You are welcome.")

        expect(bodies.length).toBe(3)
        expect(bodies[2]!.messages.filter(({ role }) => role === "tool")).toEqual([
          { role: "tool", tool_call_id: "call_1", content: "{\"degrees\":3}" },
          { role: "tool", tool_call_id: "call_2", content: "Error: no city given" }
        ])
      }).pipe(Effect.scoped, Effect.provide(layer)))

    it.effect(`is refused in the service's words where something is missing (${operation})`, () =>
      Effect.gen(function*() {
        const { url } = yield* service
        const question = Message.user("Weather?")
        const first = yield* ask(provider, operation, url, [question])
        if (!Result.isChat(first.result)) throw new Error("no answer")
        const answer = Result.toMessage(first.result)
        const results = ["call_1", "call_2"].map((id) => Message.toolResult({ id, name: "weather" }, "ok"))
        const thoughtless = { ...answer, content: answer.content.filter(({ type }) => type !== "reasoning") }
        const forgetful = yield* ask(provider, operation, url, [question, thoughtless, ...results])
        expect(forgetful.errors[0]?.reason).toMatchObject({ _tag: "InvalidRequest", status: 400 })
        expect(forgetful.errors[0]?.message).toContain("the thinking of the tool calls is missing")
        const half = yield* ask(provider, operation, url, [question, answer, results[0]!])
        expect(half.errors[0]?.reason).toMatchObject({ _tag: "InvalidRequest", status: 400 })
        expect(half.errors[0]?.message).toContain("did not have response messages: call_2")
      }).pipe(Effect.scoped, Effect.provide(layer)))
  }
})
