/**
 * A conversation of several turns through the shipped provider, over real HTTP, with a service that insists on getting
 * back what it said: its thinking, its calls with the ids it gave, and a result for each of them by the name of its
 * tool.
 *
 * @module
 */
import { it } from "@effect/vitest"
import { Message, Pipeline, Request, Result } from "@plugline/core"
import { Effect, Layer } from "effect"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { describe, expect } from "vitest"
import { Credentials } from "../../src/Credentials.ts"
import { ollama } from "../../src/ollama.ts"
import { Transport } from "../../src/Transport.ts"
import { lines } from "./support.ts"

interface Said {
  readonly role: string
  readonly content: string
  readonly thinking?: string
  readonly tool_calls?: ReadonlyArray<{
    readonly id?: string; readonly function: { readonly name: string; readonly arguments: object }
  }>
  readonly tool_name?: string
  readonly tool_call_id?: string
}

/** What the model says, turn by turn; old versions give no ids, new ones do. */
const turns: ReadonlyArray<Said> = [
  {
    role: "assistant",
    content: "",
    thinking: "Two cities, two calls.",
    tool_calls: [
      { function: { name: "weather", arguments: { city: "Oslo" } } },
      { function: { name: "where", arguments: {} } }
    ]
  },
  {
    role: "assistant",
    content: "One moment.",
    thinking: "One failed.",
    tool_calls: [{ id: "call_abc", function: { name: "weather", arguments: { city: "Rome" } } }]
  },
  { role: "assistant", content: "Oslo 3°, Rome 20°.", thinking: "Done." },
  { role: "assistant", content: "You are welcome." }
]

/** Why the service refuses a conversation. */
const objection = (messages: ReadonlyArray<Said>): string | undefined => {
  let turn = 0
  for (const [index, message] of messages.entries()) {
    if (message.role !== "assistant") continue
    const said = turns[turn++]!
    if (message.thinking !== said.thinking) return `messages[${index}] has lost its thinking`
    if (message.content !== said.content || JSON.stringify(message.tool_calls) !== JSON.stringify(said.tool_calls)) {
      return `messages[${index}] is not what was said`
    }
    for (const [position, call] of (said.tool_calls ?? []).entries()) {
      const result = messages[index + 1 + position]
      if (result?.role !== "tool" || result.tool_name !== call.function.name || result.tool_call_id !== call.id) {
        return `no result of ${call.function.name}`
      }
    }
  }
  return undefined
}

const head = { model: "m", created_at: "2025-01-02T03:04:05.6Z" }
const numbers = { total_duration: 9, prompt_eval_count: 10, eval_count: 5 }

const streamed = ({ content, thinking = "", tool_calls }: Said): string => {
  const say = (message: object) => ({ ...head, message: { role: "assistant", content: "", ...message }, done: false })
  return lines([
    ...thinking.split(/(?<= )/).map((thinking) => say({ thinking })),
    ...content.split(/(?<= )/).map((content) => say({ content })),
    ...(tool_calls ?? []).map((call) => say({ tool_calls: [call] })),
    { ...head, message: { role: "assistant", content: "" }, done: true, done_reason: "stop", ...numbers }
  ])
}

const listen = (): Promise<{
  readonly server: Server; readonly url: string; readonly keys: Array<string | undefined>
}> =>
  new Promise((ready) => {
    const keys: Array<string | undefined> = []
    const server = createServer((request, response) => {
      const pieces: Array<Buffer> = []
      request.on("data", (piece: Buffer) => pieces.push(piece))
      request.on("end", () => {
        keys.push(request.headers.authorization)
        const refuse = (status: number, error: string) => {
          response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ error }))
        }
        if (request.url !== "/api/chat") return refuse(404, "page not found")
        const body = JSON.parse(Buffer.concat(pieces).toString("utf8")) as {
          messages: ReadonlyArray<Said>; stream?: boolean; think?: boolean
        }
        if (body.think !== true) return refuse(400, "the test thinks")
        const why = objection(body.messages)
        if (why !== undefined) return refuse(400, why)
        const turn = turns[body.messages.filter(({ role }) => role === "assistant").length]!
        if (body.stream === false) {
          const whole = { ...head, message: turn, done: true, done_reason: "stop", ...numbers }
          return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(whole))
        }
        response.writeHead(200, { "content-type": "application/x-ndjson" })
        const bytes = Buffer.from(streamed(turn))
        response.write(bytes.subarray(0, 33))
        return response.end(bytes.subarray(33))
      })
    })
    server.listen(
      0,
      "127.0.0.1",
      () => ready({ server, keys, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
    )
  })

const service = Effect.acquireRelease(
  Effect.promise(listen),
  ({ server }) => Effect.promise(() => new Promise<void>((done) => {
    server.closeAllConnections()
    server.close(() => done())
  }))
)

const layer = Layer.merge(Transport.layer, Credentials.none)

const ask = (operation: "chat" | "stream", baseUrl: string, messages: ReadonlyArray<Message>) =>
  Pipeline.run(ollama.pipelines[operation], Request.make({
    provider: "ollama",
    operation,
    messages,
    options: { model: "m", reasoning: {}, tools: [{ name: "weather" }, { name: "where" }] },
    config: { baseUrl }
  }))

/** What is stored in between must not lose anything. */
const stored = <A>(value: A): A => JSON.parse(JSON.stringify(value)) as A

describe.each(["chat", "stream"] as const)("a conversation (%s)", (operation) => {
  it.effect("goes on to its end, each answer given back as the next message", () =>
    Effect.gen(function*() {
      const { keys, url } = yield* service
      let messages: ReadonlyArray<Message> = [Message.user("Weather in Oslo, and here?")]
      const say = (...more: ReadonlyArray<Message>) =>
        Effect.gen(function*() {
          messages = stored([...messages, ...more])
          const final = yield* ask(operation, url, messages)
          expect(final.errors).toEqual([])
          if (!Result.isChat(final.result)) throw new Error("no answer")
          messages = [...messages, Result.toMessage(stored(final.result))]
          return final.result
        })

      const first = yield* say()
      expect(first.finishReason).toBe("tool-calls")
      expect(Result.reasoning(first)).toBe("Two cities, two calls.")
      const [oslo, here] = Result.toolCalls(first)
      expect([oslo?.params, here?.params]).toEqual([{ city: "Oslo" }, {}])
      expect(oslo?.id).not.toBe(here?.id)

      const second = yield* say(
        Message.toolResult(oslo!, { degrees: 3 }),
        Message.toolResult(here!, "nobody knows", true)
      )
      const [rome] = Result.toolCalls(second)
      expect(rome?.id).toBe("call_abc")
      const third = yield* say(Message.toolResult(rome!, { degrees: 20 }))
      expect(Result.text(third)).toBe("Oslo 3°, Rome 20°.")
      expect(third.usage).toMatchObject({ inputTokens: { total: 10 }, outputTokens: { total: 5 } })
      expect(Result.text(yield* say(Message.user("Thanks!")))).toBe("You are welcome.")
      expect(new Set(keys)).toEqual(new Set([undefined]))

      // The service means it: what is left out it refuses.
      const without = (message: Message): Message =>
        message.role === "assistant" ? {
          ...message,
          content: message.content.filter(({ type }) => type !== "reasoning")
        } : message
      for (const broken of [messages.map(without), messages.filter(({ role }) => role !== "tool")]) {
        const refused = yield* ask(operation, url, [...broken, Message.user("?")])
        expect(refused.errors[0]?.reason).toMatchObject({ _tag: "InvalidRequest", status: 400 })
      }
    }).pipe(Effect.scoped, Effect.provide(layer)))
})
