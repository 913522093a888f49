/** Streams on their way through: no content forges an event, no cut changes anything, one end, one usage, as asked. */
import { describe, afterAll, beforeAll, expect, it } from "vitest"
import { type Client, clients } from "./clients.ts"
import { after, ask, type Stage, stage } from "./harness.ts"
import { type Asked, head, say } from "./upstream.ts"
import { scripts, usual } from "./wires.ts"

const services = ["openai", "anthropic", "google"] as const

let at: Stage

beforeAll(async () => {
  at = await stage()
})

afterAll(() => at.close())

const read = async (client: Client, model: string, more: object = {}) => {
  const answer = await ask(at.address, client.path(model, true), { body: { ...client.body(model, true), ...more } })
  expect(answer.status, answer.text).toBe(200)
  return { text: answer.text, events: client.events(answer.text) }
}

const chunk = (fields: object): string =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", ...fields })}\n\n`

describe("content that looks like framing", () => {
  const forged = [
    "line\n\ndata: [DONE]\n\n", "\r\ndata: {\"error\":{\"message\":\"no\"}}\r\n\r\n",
    "event: message_stop\ndata: {}\n\n",
    "\u2028data: x\u2029\u0085{\"done\":true}\n", "\r\r", "tail: \ud83d\ude00 \u0000 </script>"
  ]

  for (const client of clients) {
    it(`stays content for a client that speaks ${client.name}, whoever said it`, async () => {
      at.upstream.answers.set("forged", (asked) => {
        const { events, whole } = scripts[asked.wire](forged)
        say(asked, events, whole)
      })
      for (const service of services) {
        const model = `${service}/forged`
        const { events, text } = await read(client, model)
        expect(client.streamed(events)).toBe(forged.join(""))
        expect(client.ends(events, text)).toBe(2)
        expect(events.filter((event) => client.error(event) !== undefined)).toEqual([])
        const whole = await ask(at.address, client.path(model, false), { body: client.body(model, false) })
        expect(client.text(JSON.parse(whole.text))).toBe(forged.join(""))
      }
    })
  }
})

describe("an end and the usage", () => {
  for (const client of clients) {
    it(`are said once to a client that speaks ${client.name}`, async () => {
      for (const service of services) {
        const plain = await read(client, `${service}/well`)
        expect(client.ends(plain.events, plain.text), service).toBe(2)
        if (client.name !== "openai") {
          expect(client.usages(plain.events), service).toBe(1)
          continue
        }
        expect(client.usages(plain.events), `${service}, not asked for`).toBe(0)
        const told = await read(client, `${service}/well`, { stream_options: { include_usage: true } })
        expect(client.usages(told.events), `${service}, asked for`).toBe(1)
        expect(client.ends(told.events, told.text), service).toBe(2)
        const { usage } = told.events.findLast(({ usage }) => usage)!
        expect(usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 5 })
      }
    })
  }

  it("wherever a service puts it: beside the end, behind it, with every chunk, or with none", async () => {
    const text = chunk({ choices: [{ index: 0, delta: { role: "assistant", content: "Fine" }, finish_reason: null }] })
    const stop = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }
    const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }
    const done = "data: [DONE]\n\n"
    const places: { readonly [place: string]: string } = {
      beside: text + chunk({ ...stop, usage }) + done,
      behind: text + chunk(stop) + chunk({ choices: [], usage }) + done,
      twice: text + chunk({ ...stop, usage }) + chunk({ choices: [], usage }) + done,
      always: text.replace("\"choices\"", `"usage":${JSON.stringify(usage)},$&`) + chunk({ ...stop, usage }) + done
    }
    for (const [place, stream] of Object.entries(places)) {
      at.upstream.answers.set(place, (asked) => say(asked, [stream], ""))
      for (const client of clients.filter(({ name }) => name !== "responses" && name !== "openai")) {
        const { events, text } = await read(client, `openai/${place}`)
        expect([client.ends(events, text), client.usages(events)], `${client.name}, ${place}`).toEqual([2, 1])
      }
      const plain = await read(clients[0]!, `openai/${place}`)
      expect(plain.events.filter(({ choices }) => choices.length === 0), place).toEqual([])
      expect(clients[0]!.ends(plain.events, plain.text), place).toBe(2)
    }
  })
})

describe("a stream that is cut at every byte", () => {
  const pieces = ["Grüße, ", "日本 ", "😀\n"]
  /** Sends one byte at a time, as its own piece. */
  const bytewise = (asked: Asked, text: string): void => {
    head(asked)
    asked.request.socket.setNoDelay(true)
    const bytes = Buffer.from(text)
    let sent = 0
    const more = (): void => {
      if (sent === bytes.length) return void asked.response.end()
      asked.response.write(bytes.subarray(sent, ++sent))
      setImmediate(more)
    }
    more()
  }

  for (const client of clients) {
    it(`says the same to a client that speaks ${client.name}`, async () => {
      at.upstream.answers.set("cut", (asked) => bytewise(asked, scripts[asked.wire](pieces).events.join("")))
      at.upstream.answers.set("uncut", (asked) => say(asked, scripts[asked.wire](pieces).events, ""))
      for (const service of services) {
        const [cut, uncut] = await Promise.all([read(client, `${service}/cut`), read(client, `${service}/uncut`)])
        expect(client.streamed(cut.events)).toBe(pieces.join(""))
        expect([client.ends(cut.events, cut.text), client.usages(cut.events)]).toEqual([2, client.usages(uncut.events)])
        expect(client.streamed(uncut.events)).toBe(pieces.join(""))
      }
    })
  }

  it("and so do the arguments of a call", async () => {
    const args = JSON.stringify({ city: "Zürich 😀", quote: "\"\\\n" })
    const say = (delta: object, finish: string | null = null): string =>
      chunk({ choices: [{ index: 0, delta, finish_reason: finish }] })
    const call = (more: object): object => ({ tool_calls: [{ index: 0, ...more }] })
    const stream = [
      say(call({ id: "call_1", type: "function", function: { name: "look", arguments: "" } })),
      ...Array.from(args, (letter) => say(call({ function: { arguments: letter } }))),
      say({}, "tool_calls"),
      "data: [DONE]\n\n"
    ].join("")
    at.upstream.answers.set("call", (asked) => bytewise(asked, stream))
    const argumentsOf: { readonly [client: string]: (events: ReturnType<Client["events"]>) => unknown } = {
      openai: (events) =>
        JSON.parse(events.map(({ choices }) => choices[0]?.delta.tool_calls?.[0].function?.arguments ?? "").join("")),
      anthropic: (events) => JSON.parse(events.map(({ delta }) => delta?.partial_json ?? "").join("")),
      google: (events) =>
        events.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? [])
          .find((part) => part.functionCall)?.functionCall.args,
      ollama: (events) => events.find(({ message }) => message?.tool_calls)?.message.tool_calls[0].function.arguments
    }
    for (const client of clients.filter(({ name }) => name in argumentsOf)) {
      const { events } = await read(client, "openai/call")
      expect(argumentsOf[client.name]!(events), client.name).toEqual(JSON.parse(args))
    }
  })
})

it("a service that says everything in one piece is heard as one that takes its time", async () => {
  at.upstream.answers.set("slow", async (asked) => {
    head(asked)
    for (const event of asked.script.events) {
      asked.response.write(event)
      await after(3)
    }
    asked.response.end()
  })
  for (const client of clients) {
    for (const service of services) {
      const [fast, slow] = await Promise.all([read(client, `${service}/well`), read(client, `${service}/slow`)])
      expect(client.streamed(slow.events)).toBe(usual.join(""))
      expect(client.streamed(fast.events)).toBe(usual.join(""))
    }
  }
})
