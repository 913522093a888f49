/**
 * A conversation of several turns through the shipped provider, over real HTTP, with a service that insists on getting
 * back what it said: its plan, its thinking, its calls, and a result for each of them.
 *
 * @module
 */
import { it } from "@effect/vitest"
import { Message, Pipeline, Request, Result } from "@plugline/core"
import { Effect, Layer, Redacted } from "effect"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { describe, expect } from "vitest"
import { cohere } from "../../src/cohere.ts"
import { Credentials } from "../../src/Credentials.ts"
import { Transport } from "../../src/Transport.ts"
import { sse } from "./support.ts"

const key = "canary0123456789abcdef"

interface Said {
  readonly role: string
  readonly content?: string | ReadonlyArray<Record<string, unknown>>
  readonly tool_plan?: string
  readonly tool_calls?: ReadonlyArray<{ readonly id: string }>
  readonly tool_call_id?: string
}

const calls = [
  { id: "weather_1", type: "function", function: { name: "weather", arguments: "{\"city\":\"Oslo\"}" } },
  { id: "weather_2", type: "function", function: { name: "weather", arguments: "{}" } }
]

/** What the model says, turn by turn. */
const turns: ReadonlyArray<{ readonly message: Record<string, unknown>; readonly finish: string }> = [
  { message: { tool_plan: "I will look twice.", tool_calls: calls }, finish: "TOOL_CALL" },
  {
    message: {
      content: [{ type: "thinking", thinking: "One failed." }],
      tool_calls: [{
        id: "weather_3",
        type: "function",
        function: { name: "weather", arguments: "{\"city\":\"Rome\"}" }
      }]
    },
    finish: "TOOL_CALL"
  },
  {
    message: {
      content: [{ type: "thinking", thinking: "Done." }, { type: "text", text: "Oslo 3°, Rome 20°." }],
      citations: [{
        start: 0,
        end: 7,
        text: "Oslo 3°",
        sources: [{ type: "tool", id: "weather_1:0", tool_output: { degrees: "3" } }]
      }]
    },
    finish: "COMPLETE"
  },
  { message: { content: [{ type: "text", text: "You are welcome." }] }, finish: "COMPLETE" }
]

/** Why the service refuses a conversation. */
const objection = (messages: ReadonlyArray<Said>): string | undefined => {
  let turn = 0
  for (const [index, message] of messages.entries()) {
    if (message.role !== "assistant") continue
    const { content, tool_calls, tool_plan } = turns[turn++]!.message as unknown as Said
    if (message.tool_calls !== undefined && JSON.stringify(message.content ?? "").includes("\"text\"")) {
      return "text content is not allowed when tool_calls are provided. If you wish to pass a tool plan, either pass thinking "
        + `content (with thinking enabled) or use 'tool_plan': 'messages[${index}].content[0]'`
    }
    const same = JSON.stringify([content, tool_plan, tool_calls])
    const plain = typeof message.content === "string" ? [{ type: "text", text: message.content }] : message.content
    if (
      JSON.stringify([plain, message.tool_plan, message.tool_calls]) !== same
    ) return `messages[${index}] is not what was said`
    const results = messages.slice(index + 1, index + 1 + (tool_calls?.length ?? 0))
    for (const [position, call] of (tool_calls ?? []).entries()) {
      if (results[position]?.tool_call_id !== call.id) return `missing tool result for tool call ${call.id}`
    }
  }
  return undefined
}

const streamed = ({ finish, message }: (typeof turns)[number], usage: object): string => {
  const {
    citations = [],
    content = [],
    tool_calls = [],
    tool_plan
  } = message as { [name: string]: ReadonlyArray<Record<string, unknown>> } & { tool_plan?: string }
  const event = (type: string, message: object, index?: number) => ({
    type,
    ...(index !== undefined && { index }),
    delta: { message }
  })
  return sse([
    { ...event("message-start", { role: "assistant" }), id: "r1" },
    ...(content as ReadonlyArray<Record<string, string>>).flatMap(({ type, ...rest }, index) => {
      const [[field, text]] = Object.entries(rest) as [[string, string]]
      return [
        event("content-start", { content: { type, [field]: "" } }, index),
        ...text.split(/(?<= )/).map((piece) => event("content-delta", { content: { [field]: piece } }, index)),
        { type: "content-end", index }
      ]
    }),
    ...(tool_plan === undefined ? [] : [...tool_plan].map((tool_plan) => event("tool-plan-delta", { tool_plan }))),
    ...(tool_calls as unknown as typeof calls).flatMap((call, index) => [
      event(
        "tool-call-start",
        { tool_calls: { ...call, function: { name: call.function.name, arguments: "" } } },
        index
      ),
      event("tool-call-delta", { tool_calls: { function: { arguments: call.function.arguments } } }, index),
      { type: "tool-call-end", index }
    ]),
    ...citations.flatMap(
      (citations, index) => [event("citation-start", { citations }, index), { type: "citation-end", index }]
    ),
    { type: "message-end", delta: { finish_reason: finish, usage } }
  ])
}

const listen = (): Promise<{ readonly server: Server; readonly url: string }> =>
  new Promise((ready) => {
    const server = createServer((request, response) => {
      const pieces: Array<Buffer> = []
      request.on("data", (piece: Buffer) => pieces.push(piece))
      request.on("end", () => {
        const refuse = (status: number, message: string) => {
          response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ id: "e1", message }))
        }
        if (request.headers.authorization !== `Bearer ${key}`) return refuse(401, "invalid api token")
        if (request.url !== "/v2/chat") return refuse(404, "not found")
        const { messages, stream } = JSON.parse(Buffer.concat(pieces).toString("utf8")) as {
          messages: ReadonlyArray<Said>; stream?: boolean
        }
        const why = objection(messages)
        if (why !== undefined) return refuse(400, why)
        const turn = turns[messages.filter(({ role }) => role === "assistant").length]!
        const usage = {
          billed_units: { input_tokens: 1, output_tokens: 1 },
          tokens: { input_tokens: 10, output_tokens: 5 }
        }
        if (stream === true) {
          response.writeHead(200, { "content-type": "text/event-stream" })
          const bytes = Buffer.from(streamed(turn, usage))
          response.write(bytes.subarray(0, 101))
          return response.end(bytes.subarray(101))
        }
        const body = { id: "r1", message: { role: "assistant", ...turn.message }, finish_reason: turn.finish, usage }
        return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body))
      })
    })
    server.listen(
      0,
      "127.0.0.1",
      () => ready({ server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
    )
  })

const service = Effect.acquireRelease(
  Effect.promise(listen),
  ({ server }) => Effect.promise(() => new Promise<void>((done) => {
    server.closeAllConnections()
    server.close(() => done())
  }))
)

const layer = Layer.merge(Transport.layer, Credentials.memory({ cohere: Redacted.make(key) }))

const ask = (operation: "chat" | "stream", baseUrl: string, messages: ReadonlyArray<Message>) =>
  Pipeline.run(cohere.pipelines[operation], Request.make({
    provider: "cohere",
    operation,
    messages,
    options: { model: "command-a", tools: [{ name: "weather" }] },
    config: { baseUrl, apiKey: Redacted.make(key) }
  }))

/** What is stored in between must not lose anything. */
const stored = <A>(value: A): A => JSON.parse(JSON.stringify(value)) as A

describe.each(["chat", "stream"] as const)("a conversation (%s)", (operation) => {
  it.effect("goes on to its end, each answer given back as the next message", () =>
    Effect.gen(function*() {
      const { url } = yield* service
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
      expect(Result.reasoning(first)).toBe("I will look twice.")
      const [oslo, here] = Result.toolCalls(first)
      expect([oslo?.params, here?.params]).toEqual([{ city: "Oslo" }, {}])

      const second = yield* say(
        Message.toolResult(oslo!, { degrees: 3 }),
        Message.toolResult(here!, "no city given", true)
      )
      expect(Result.reasoning(second)).toBe("One failed.")
      const third = yield* say(Message.toolResult(Result.toolCalls(second)[0]!, { degrees: 20 }))
      expect(Result.text(third)).toBe("Oslo 3°, Rome 20°.")
      expect(third.content.filter(({ type }) => type === "source").length).toBe(1)
      expect(third.usage).toMatchObject({ inputTokens: { total: 10 }, outputTokens: { total: 5 } })
      expect(Result.text(yield* say(Message.user("Thanks!")))).toBe("You are welcome.")

      // The service means it: what is left out, or out of order, it refuses.
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
